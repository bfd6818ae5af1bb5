// One call: its story as it goes on, and its recordings.

import { useAnswer } from "./answer";
import { get, Refused, type Me } from "./api";
import { Recording } from "./Recording";
import type { View } from "./live";
import { sayOr, useWords } from "./words";

interface Line {
  at: string;
  offset: number;
  who: string;
  what: string;
  by: "caller" | "hotline" | "queue" | "agent" | "desk";
}

interface Story {
  call: string;
  summary: string;
  lines: Line[];
  recordings: string[];
}

export function CallPage({ call, mine, view }: { call: string; mine: Me; view: View }) {
  const { say, language } = useWords();
  const up = view.picture?.calls[call];
  const load = () =>
    get<Story>(`/api/calls/${encodeURIComponent(call)}/story?lang=${language}`).catch((problem: unknown) => {
      if (problem instanceof Refused && problem.status === 404) return null;
      throw problem;
    });
  const [story] = useAnswer(load, 2000, [call, language]);
  if (story === undefined) return <p class="empty tall">{say("connecting")}</p>;
  if (story === null) return <p class="empty tall">{say("callGone")}</p>;
  return (
    <>
      <section class="card call-head">
        <a href="#/calls" class="back">
          ← {say("backToBoard")}
        </a>
        <h1>{story.summary}</h1>
        <p class="dim num">
          {story.call}
          {up && <span class="tag live">{sayOr(say, up.state)}</span>}
        </p>
      </section>
      {mine.role !== "agent" && (
        <section class="card">
          <h2>
            {say("recording")} <small>{say("playIsLogged")}</small>
          </h2>
          {story.recordings.length === 0 && <p class="empty">{say("noRecording")}</p>}
          {story.recordings.map((file) => (
            <Recording key={file} call={story.call} file={file} />
          ))}
        </section>
      )}
      <section class="card">
        <h2>{say("callStory")}</h2>
        <ol class="story">
          {story.lines.map((line) => (
            <li class={`told told-${line.by}`}>
              <time class="num">{offset(line.offset)}</time>
              <span class="told-who">{line.who}</span>
              <span class="told-what">{line.what}</span>
            </li>
          ))}
        </ol>
      </section>
    </>
  );
}

const offset = (seconds: number): string => {
  const tenths = Math.max(0, Math.round(seconds * 10));
  return `${String(Math.floor(tenths / 600)).padStart(2, "0")}:${String(Math.floor(tenths / 10) % 60).padStart(2, "0")}.${tenths % 10}`;
};
