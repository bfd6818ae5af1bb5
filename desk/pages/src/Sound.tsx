// A button that plays a sound which somebody left; the server writes down who played it.

import { useEffect, useRef, useState } from "preact/hooks";

import { bytes } from "./api";
import { tellProblem } from "./Toasts";
import { useWords } from "./words";

export function Sound({ path, name }: { path: string; name?: string }) {
  const { say } = useWords();
  const [playing, setPlaying] = useState(false);
  const player = useRef<HTMLAudioElement | null>(null);
  useEffect(() => () => player.current?.pause(), []);

  async function toggle() {
    if (player.current === null) {
      const sound = new Audio(URL.createObjectURL(new Blob([await bytes(path)], { type: "audio/wav" })));
      sound.onplay = () => setPlaying(true);
      sound.onpause = sound.onended = () => setPlaying(false);
      player.current = sound;
    }
    if (player.current.paused) await player.current.play();
    else player.current.pause();
  }

  return (
    <button type="button" class="sound" data-sound={path} title={say("playIsLogged")} onClick={() => void toggle().catch(tellProblem)}>
      {playing ? "❚❚" : "▶"} {name ?? say(playing ? "stopPlaying" : "play")}
    </button>
  );
}
