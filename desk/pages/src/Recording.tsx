// A recording as two waves, the agent above and the caller below. It is fetched, and that written down, when it is played.

import { useEffect, useRef, useState } from "preact/hooks";

import { bytes, get } from "./api";
import { length } from "./time";
import { tellProblem } from "./Toasts";
import { useWords } from "./words";

interface Peaks {
  seconds: number;
  agent: number[];
  caller: number[];
}

export function Recording({ call, file }: { call: string; file: string }) {
  const { say } = useWords();
  const [peaks, setPeaks] = useState<Peaks | null>(null);
  const [at, setAt] = useState(0);
  const [playing, setPlaying] = useState(false);
  const canvas = useRef<HTMLCanvasElement>(null);
  const player = useRef<HTMLAudioElement | null>(null);
  const path = `/api/calls/${encodeURIComponent(call)}/recordings/${encodeURIComponent(file)}`;

  useEffect(() => void get<Peaks>(`${path}/peaks`).then(setPeaks, tellProblem), [path]);
  useEffect(() => {
    if (peaks === null || canvas.current === null) return;
    const draw = () => canvas.current && paint(canvas.current, peaks, at / Math.max(peaks.seconds, 0.1));
    draw();
    const fit = new ResizeObserver(draw);
    fit.observe(canvas.current);
    return () => fit.disconnect();
  }, [peaks, at]);
  useEffect(() => () => player.current?.pause(), []);

  async function toggle(from?: number) {
    if (player.current === null) {
      const sound = new Audio(URL.createObjectURL(new Blob([await bytes(path)], { type: "audio/wav" })));
      sound.ontimeupdate = () => setAt(sound.currentTime);
      sound.onplay = () => setPlaying(true);
      sound.onpause = sound.onended = () => setPlaying(false);
      player.current = sound;
    }
    if (from !== undefined) player.current.currentTime = from;
    if (player.current.paused) await player.current.play();
    else if (from === undefined) player.current.pause();
  }

  const seek = (event: MouseEvent) => {
    const box = canvas.current!.getBoundingClientRect();
    toggle(((event.clientX - box.left) / box.width) * (peaks?.seconds ?? 0)).catch(tellProblem);
  };
  return (
    <div class="recording" data-file={file}>
      <button type="button" class="round" aria-label={say(playing ? "stopPlaying" : "play")} onClick={() => void toggle().catch(tellProblem)}>
        {playing ? "❚❚" : "▶"}
      </button>
      <div class="wave">
        <canvas ref={canvas} onClick={seek} aria-hidden="true" />
        <span class="wave-who">
          <b>{say("agentSide")}</b>
          <b>{say("callerSide")}</b>
        </span>
      </div>
      <span class="num dim">
        {length(at)} / {length(peaks?.seconds ?? 0)}
      </span>
    </div>
  );
}

function paint(canvas: HTMLCanvasElement, peaks: Peaks, played: number): void {
  const scale = devicePixelRatio;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  canvas.width = width * scale;
  canvas.height = height * scale;
  const brush = canvas.getContext("2d")!;
  brush.scale(scale, scale);
  const look = getComputedStyle(canvas);
  const colours = [look.getPropertyValue("--talking"), look.getPropertyValue("--ready")];
  const faint = look.getPropertyValue("--line-strong");
  [peaks.agent, peaks.caller].forEach((side, lane) => {
    const middle = height * (0.25 + lane / 2);
    const step = width / side.length;
    side.forEach((peak, nth) => {
      brush.fillStyle = nth / side.length <= played ? colours[lane]! : faint;
      const tall = Math.max(1.5, peak * height * 0.46);
      brush.fillRect(nth * step, middle - tall / 2, Math.max(1, step - 1), tall);
    });
  });
}
