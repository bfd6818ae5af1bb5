// Recent calls, newest first; each leads to its page.

import { useAnswer } from "./answer";
import { get, type Me } from "./api";
import { REVEALS } from "./Board";
import { CallerNumber } from "./Queues";
import { clock, length } from "./time";
import { useWords } from "./words";

interface Summary {
  call: string;
  began: string;
  caller: string | null;
  dialled: string | null;
  queue: string | null;
  agent: string | null;
  talked: number | null;
  outcome: string;
  recorded: boolean;
}

export function Calls({ mine }: { mine: Me }) {
  const { say, language } = useWords();
  const [told] = useAnswer(() => get<{ calls: Summary[] }>(`/api/calls/recent?lang=${language}`), 5000, [language]);
  if (told === undefined) return <p class="empty tall">{say("connecting")}</p>;
  return (
    <section class="card calls">
      <h2>{say("recent")}</h2>
      {told.calls.length === 0 && <p class="empty">{say("noCalls")}</p>}
      <ul>
        {told.calls.map((call) => (
          <li key={call.call}>
            <time class="num">{clock(Date.parse(call.began))}</time>
            <CallerNumber call={call} may={REVEALS.has(mine.role)} />
            <span class="calls-queue">{call.queue ?? "–"}</span>
            <span class="num">{call.agent ?? "–"}</span>
            <span class="num">{call.talked === null ? "–" : length(call.talked)}</span>
            <a href={`#/calls/${encodeURIComponent(call.call)}`} class="calls-outcome">
              {call.outcome}
            </a>
            <span class="calls-mark" title={call.recorded ? say("recording") : undefined}>
              {call.recorded ? "●" : ""}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
