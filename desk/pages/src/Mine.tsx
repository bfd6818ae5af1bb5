// An agent's own page: the state, and the steps that change it.

import { useEffect, useState } from "preact/hooks";

import { REASONS, STATE_WORD } from "./Agents";
import { get, post, type Me } from "./api";
import type { AgentState } from "./picture";
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
}

export function Mine({ mine }: { mine: Me }) {
  const { say } = useWords();
  const [own, setOwn] = useState<Own | null>(null);
  const now = useNow();
  const path = `/api/agents/${mine.number}`;
  useEffect(() => {
    if (mine.number === null) return;
    const load = () => get<Own>(path).then(setOwn);
    load().catch(tellProblem);
    const timer = window.setInterval(() => void load().catch(() => undefined), 1500);
    return () => window.clearInterval(timer);
  }, [path]);
  if (mine.number === null) return <p class="empty tall">{say("noPhone")}</p>;
  if (own === null) return <p class="empty tall">{say("connecting")}</p>;
  const step = (name: string, body?: object) => () => void post<Own>(`${path}/${name}`, body).then(setOwn, tellProblem);
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
