// Return visits as they go on: how many are in each state, who is next; a lead pauses, resumes, reorders, and listens.

import { useState } from "preact/hooks";

import { useAnswer } from "./answer";
import { get, post, type Me } from "./api";
import { Sound } from "./Sound";
import { clock } from "./time";
import { tellProblem } from "./Toasts";
import { sayOr, useWords } from "./words";

interface Progress {
  states: Record<string, number>;
  paused: string[];
}

interface Visit {
  id: number;
  script: string;
  number: string;
  state: string;
  due: string;
  priority: number;
  attempt: number;
  ticket: string;
  crew: string;
  area: string;
}

interface Talk {
  call: string;
  began: string;
  fate: string | null;
  outcome: string | null;
  answers: { step: string; value: string }[];
  recordings: string[];
}

const LEADS = new Set(["lead", "supervisor", "admin"]);
const ORDER = ["talking", "calling", "appointed", "due"];
const WAITS = new Set(["due", "appointed"]);

export function Visits({ mine }: { mine: Me }) {
  const { say } = useWords();
  const [state, setState] = useState("due");
  const [shown, setShown] = useState<number | null>(null);
  const leads = LEADS.has(mine.role);

  const load = () => Promise.all([get<Progress>("/api/visits/progress"), get<{ visits: Visit[] }>(`/api/visits?limit=200&state=${state}`)]);
  const [answers, again] = useAnswer(load, 2000, [state]);
  if (answers === undefined) return <p class="empty tall">{say("connecting")}</p>;
  const [progress, { visits }] = answers;
  const paused = progress.paused.length > 0;
  const act = (path: string, body: object = {}) => void post(path, body).then(again, tellProblem);
  const states = [...ORDER, ...Object.keys(progress.states).filter((name) => !ORDER.includes(name)).sort()];
  const sorted = [...visits].sort((one, other) => other.priority - one.priority || one.due.localeCompare(other.due) || one.id - other.id);
  return (
    <>
      <section class="card visits-head">
        <h2>
          {say("visits")} <small data-dialling={paused ? "paused" : "on"}>{say(paused ? "diallingPaused" : "dialling")}</small>
          {paused && <small class="dim">{progress.paused.map((name) => (name === "*" ? "" : name)).join(" ")}</small>}
        </h2>
        {leads && (
          <button type="button" class="main" onClick={() => act(`/api/visits/${paused ? "resume" : "pause"}`)}>
            {say(paused ? "resumeDialling" : "pauseDialling")}
          </button>
        )}
        <div class="filters" role="group" aria-label={say("visits")}>
          {states.map((name) => (
            <button type="button" data-state={name} aria-pressed={state === name} onClick={() => setState(name)}>
              {sayOr(say, `visit-${name}`)} <b class="num">{progress.states[name] ?? 0}</b>
            </button>
          ))}
        </div>
      </section>
      <section class="card rows">
        {sorted.length === 0 && <p class="empty">{say("noVisits")}</p>}
        <ul>
          {sorted.map((visit) => (
            <li key={visit.id} data-visit={visit.id}>
              <div class="row">
                <button type="button" class="quiet num" aria-expanded={shown === visit.id} onClick={() => setShown(shown === visit.id ? null : visit.id)}>
                  {visit.number}
                </button>
                <span>{visit.script}</span>
                <span class="num dim">{visit.ticket}</span>
                <span>{visit.crew || visit.area}</span>
                <time class="num">{clock(Date.parse(visit.due), false)}</time>
                {leads && WAITS.has(visit.state) && (
                  <>
                    <button type="button" onClick={() => act(`/api/visits/${visit.id}/first`)}>
                      {say("callFirst")}
                    </button>
                    <button type="button" onClick={() => act(`/api/visits/${visit.id}/cancel`)}>
                      {say("giveUp")}
                    </button>
                  </>
                )}
                {leads && !WAITS.has(visit.state) && !["calling", "talking"].includes(visit.state) && (
                  <button type="button" onClick={() => act(`/api/visits/${visit.id}/again`)}>
                    {say("callAgain")}
                  </button>
                )}
              </div>
              {shown === visit.id && <Talks visit={visit.id} />}
            </li>
          ))}
        </ul>
      </section>
    </>
  );
}

function Talks({ visit }: { visit: number }) {
  const { say } = useWords();
  const [told] = useAnswer(() => get<{ calls: Talk[] }>(`/api/visits/${visit}`), 2000, [visit]);
  if (told === undefined) return <p class="empty">{say("connecting")}</p>;
  if (told.calls.length === 0) return <p class="empty">{say("notCalled")}</p>;
  return (
    <ol class="talks">
      {told.calls.map((talk) => (
        <li key={talk.call}>
          <time class="num">{clock(Date.parse(talk.began))}</time> <b>{talk.outcome ?? talk.fate ?? "…"}</b>{" "}
          {talk.answers.filter((each) => !talk.recordings.includes(each.value)).map((each) => `${each.step}: ${each.value}`).join(" · ")}
          {talk.recordings.map((file) => (
            <Sound key={file} path={`/api/visits/${visit}/recordings/${encodeURIComponent(file)}`} />
          ))}
        </li>
      ))}
    </ol>
  );
}
