// An agent's own page: the state, and the steps that change it.

import { useAnswer } from "./answer";
import { REASONS, STATE_WORD } from "./Agents";
import { get, post, type Me } from "./api";
import type { AgentState } from "./picture";
import { grouped } from "./Tickets";
import { length, useNow } from "./time";
import { tellProblem } from "./Toasts";
import { sayOr, useWords } from "./words";

interface Own {
  agent: string;
  name: string;
  state: AgentState;
  duty: "signed-out" | "ready" | "paused";
  reason: string | null;
  since: string | null;
  call: string | null;
}

interface Visit {
  script: string;
  ticket: string;
  calls: { answers: { step: string; value: string }[] }[];
}

export function Mine({ mine }: { mine: Me }) {
  const { say } = useWords();
  return mine.number === null ? <p class="empty tall">{say("noPhone")}</p> : <OwnState number={mine.number} />;
}

function OwnState({ number }: { number: string }) {
  const { say } = useWords();
  const now = useNow();
  const path = `/api/agents/${number}`;
  const [own, again] = useAnswer(() => get<Own>(path), 1500, [path]);
  if (own === undefined) return <p class="empty tall">{say("connecting")}</p>;
  const step = (name: string, body?: object) => () => void post(`${path}/${name}`, body).then(again, tellProblem);
  return (
    <section class={`card own is-${own.state}`}>
      <h1>
        <span class="num">{own.agent}</span> {own.name}
      </h1>
      <p class="own-state">
        <span class="agent-state">
          <i />
          {say(STATE_WORD[own.state])}
        </span>
        {own.reason && <span>{sayOr(say, own.reason)}</span>}
        {own.since && <span class="num">{length((now - Date.parse(own.since)) / 1000)}</span>}
      </p>
      {own.call?.startsWith("visit-") && <Visited call={own.call} />}
      <div class="own-steps">
        {own.duty === "signed-out" ? (
          <button type="button" class="main" onClick={step("sign-in")}>
            {say("signInAgent")}
          </button>
        ) : (
          <>
            {own.state === "wrap-up" && (
              <>
                <button type="button" class="main" onClick={step("end-wrap-up")}>
                  {say("enough")}
                </button>
                <button type="button" onClick={step("extend-wrap-up", { seconds: 60 })}>
                  {say("moreTime")} + 1:00
                </button>
              </>
            )}
            {own.duty === "paused" && (
              <button type="button" class="main" onClick={step("unpause")}>
                {say("unpause")}
              </button>
            )}
            {REASONS.map((reason) => (
              <button type="button" onClick={step("pause", { reason })} aria-pressed={own.reason === reason}>
                {say("pause")} · {say(reason)}
              </button>
            ))}
            <button type="button" onClick={step("sign-out")}>
              {say("forceOut")}
            </button>
          </>
        )}
      </div>
    </section>
  );
}

// Somebody whom we have called, and who wanted a person: what the call is about, and what was answered before.
function Visited({ call }: { call: string }) {
  const { say } = useWords();
  const [visit] = useAnswer(() => get<Visit>(`/api/calls/${encodeURIComponent(call)}/visit`), 5000, [call]);
  if (visit === undefined) return null;
  const answers = visit.calls.flatMap((talk) => talk.answers);
  return (
    <p class="own-visit">
      <b>{say("visits")}</b> {visit.script} {visit.ticket && <b class="num">{grouped(visit.ticket)}</b>}{" "}
      {answers.map((each) => `${each.step}: ${each.value}`).join(" · ")}
    </p>
  );
}
