// One card for each queue: who waits and for how long, who serves, and today's figures.

import { useState } from "preact/hooks";

import type { Me } from "./api";
import { LEADS, REVEALS } from "./Board";
import { move, reveal } from "./does";
import { FigureRow } from "./Figures";
import { Menu } from "./Menu";
import type { Call, Picture, Queue } from "./picture";
import { length, useNow } from "./time";
import { tellProblem } from "./Toasts";
import { labelled, useWords } from "./words";

export const LATE = 30;
export const VERY_LATE = 90;
const SHOWN = 6;

export function Queues(props: { picture: Picture; skew: number; mine: Me; wall: boolean }) {
  const { say } = useWords();
  return (
    <section aria-label={say("queues")} class="queues">
      {Object.values(props.picture.queues).sort((one, other) => one.queue.localeCompare(other.queue)).map((queue) => (
        <Card key={queue.queue} queue={queue} {...props} />
      ))}
    </section>
  );
}

function Card({ queue, picture, skew, mine, wall }: { queue: Queue; picture: Picture; skew: number; mine: Me; wall: boolean }) {
  const { say, language } = useWords();
  const now = useNow() + skew;
  const waiting = queue.waiting.map((name) => picture.calls[name]).filter((call): call is Call => call !== undefined);
  const longest = Math.max(0, ...waiting.map((call) => waited(call, now)));
  const talking = queue.agents.filter((number) => picture.agents[number]?.state === "talking").length;
  const mood = longest >= VERY_LATE ? "bad" : longest >= LATE ? "late" : waiting.length > 0 ? "busy" : "calm";
  return (
    <article class={`card queue queue-${mood}`} data-queue={queue.queue}>
      <h2>
        {labelled(queue.label, language, queue.queue)}
        <small>{queue.queue}</small>
      </h2>
      <div class="queue-now">
        <strong class="queue-count" aria-label={say("waiting")}>
          {waiting.length}
        </strong>
        <dl>
          <div>
            <dt>{say("longest")}</dt>
            <dd class="num">{waiting.length > 0 ? length(longest) : "–"}</dd>
          </div>
          <div>
            <dt>{say("ready")}</dt>
            <dd class={queue.ready.length === 0 ? "num none" : "num"}>{queue.ready.length}</dd>
          </div>
          <div>
            <dt>{say("talking")}</dt>
            <dd class="num">{talking}</dd>
          </div>
        </dl>
      </div>
      <ol class="line">
        {waiting.slice(0, wall ? 4 : SHOWN).map((call) => (
          <Waiting key={call.call} call={call} now={now} mine={mine} picture={picture} wall={wall} />
        ))}
        {waiting.length > SHOWN && <li class="and-more">+ {waiting.length - SHOWN}</li>}
        {waiting.length === 0 && (
          <li class="empty">
            {queue.agents.length === 0 ? say("nobodyOnDuty") : queue.ready.length === 0 ? `${say("nobodyWaits")} · ${say("nobodyReady")}` : say("nobodyWaits")}
          </li>
        )}
      </ol>
      <FigureRow figures={picture.figures[queue.queue]} />
    </article>
  );
}

function Waiting({ call, now, mine, picture, wall }: { call: Call; now: number; mine: Me; picture: Picture; wall: boolean }) {
  const { say, language } = useWords();
  const seconds = waited(call, now);
  const mood = seconds >= VERY_LATE ? "bad" : seconds >= LATE ? "late" : "calm";
  const others = Object.values(picture.queues).filter((queue) => queue.queue !== call.queue);
  const choices = [
    ...others.map((queue) => ({
      text: `→ ${labelled(queue.label, language, queue.queue)}`,
      act: () => move(call.call, queue.queue, say),
    })),
    { text: say("takeOut"), act: () => move(call.call, "message", say), apart: true },
  ];
  return (
    <li class={`waiting waiting-${mood}`} data-call={call.call}>
      <span class="wait num">{length(seconds)}</span>
      <Wait seconds={seconds} />
      <CallerNumber call={call} may={REVEALS.has(mine.role) && !wall} />
      {call.priority > 0 && <span class="tag urgent">{say("urgent")}</span>}
      {call.offered.length > 0 && (
        <span class="tag ringing">
          {say("rings")} {call.offered.join(" ")}
        </span>
      )}
      {!wall && LEADS.has(mine.role) && (
        <Menu label={say("move")} choices={choices} class="at-end">
          ⋯
        </Menu>
      )}
    </li>
  );
}

/** A bar that fills over the time in which a caller should be answered, drawn in steps: no inline style is allowed. */
function Wait({ seconds }: { seconds: number }) {
  return <progress class="wait-bar" max={VERY_LATE} value={Math.min(seconds, VERY_LATE)} aria-hidden="true" />;
}

/** The masked number; whoever may see it whole asks for it, and that is written down. */
export function CallerNumber({ call, may }: { call: { call: string; caller: string | null }; may: boolean }) {
  const { say } = useWords();
  const [whole, setWhole] = useState<string | null>(null);
  if (call.caller === null) return <span class="caller dim">{say("withheld")}</span>;
  if (whole !== null || !may) return <span class="caller num">{whole ?? call.caller}</span>;
  const show = () => void reveal(call.call).then((number) => setWhole(number), tellProblem);
  return (
    <button type="button" class="caller num link" title={say("reveal")} onClick={show}>
      {call.caller}
    </button>
  );
}

export const waited = (call: Call, now: number): number =>
  Math.max(0, (now - Date.parse(call.joined ?? call.since)) / 1000);
