// Everybody who answers: what each does, since when, and what a leader can do about it.

import { useState } from "preact/hooks";

import type { Me } from "./api";
import { LEADS } from "./Board";
import { attend, step, type How } from "./does";
import { Menu, type Choice } from "./Menu";
import type { Agent, AgentState, Picture } from "./picture";
import { length, useNow } from "./time";
import { tellProblem } from "./Toasts";
import { labelled, sayOr, useWords, type Say, type Word } from "./words";

const ORDER: AgentState[] = ["ringing", "talking", "wrap-up", "ready", "paused", "no-phone", "signed-out"];
export const STATE_WORD: Record<AgentState, Word> = {
  ringing: "ringing",
  talking: "state-talking",
  "wrap-up": "wrap-up",
  ready: "state-ready",
  paused: "paused",
  "no-phone": "no-phone",
  "signed-out": "signed-out",
};
export const REASONS = ["rest", "meal", "training", "meeting", "other"] as const;

export function Agents(props: { picture: Picture; skew: number; mine: Me; wall: boolean }) {
  const { say } = useWords();
  const [only, setOnly] = useState<AgentState | null>(null);
  const all = Object.values(props.picture.agents);
  const count = (state: AgentState) => all.filter((agent) => agent.state === state).length;
  const shown = all
    .filter((agent) => (only === null ? !props.wall || agent.state !== "signed-out" : agent.state === only))
    .sort((one, other) => ORDER.indexOf(one.state) - ORDER.indexOf(other.state) || one.agent.localeCompare(other.agent));
  return (
    <section class="card agents" aria-label={say("agents")}>
      <h2>
        {say("agents")}
        <span class="states">
          {ORDER.filter((state) => count(state) > 0 || state === only).map((state) => (
            <button
              type="button"
              class={`state-filter is-${state}`}
              aria-pressed={only === state}
              onClick={() => setOnly(only === state ? null : state)}
            >
              <i />
              {say(STATE_WORD[state])} <b class="num">{count(state)}</b>
            </button>
          ))}
        </span>
      </h2>
      <ul class="agent-grid">
        {shown.map((agent) => (
          <Tile key={agent.agent} agent={agent} {...props} />
        ))}
        {shown.length === 0 && <li class="empty">{say("nobodyOnDuty")}</li>}
      </ul>
    </section>
  );
}

function Tile({ agent, picture, skew, mine, wall }: { agent: Agent; picture: Picture; skew: number; mine: Me; wall: boolean }) {
  const { say, language } = useWords();
  const now = useNow() + skew;
  const call = agent.call === null ? undefined : picture.calls[agent.call];
  const queue = call?.queue ? picture.queues[call.queue] : undefined;
  const since = agent.since === null ? null : (now - Date.parse(agent.since)) / 1000;
  const note =
    agent.state === "paused" || (agent.state === "signed-out" && agent.reason)
      ? sayOr(say, agent.reason ?? "")
      : call?.state === "hold"
        ? say("hold")
        : agent.duty === "paused" && agent.state !== "no-phone"
          ? say("thenPause")
          : queue
            ? labelled(queue.label, language, queue.queue)
            : "";
  return (
    <li class={`agent is-${agent.state}`} data-agent={agent.agent} data-state={agent.state}>
      <span class="agent-number num">{agent.agent}</span>
      <span class="agent-name">{agent.name}</span>
      <span class="agent-state">
        <i />
        {say(STATE_WORD[agent.state])}
      </span>
      <span class="agent-time num">{since === null || agent.state === "signed-out" ? "" : length(since)}</span>
      <span class="agent-note">
        {agent.call !== null && !wall ? <a href={`#/calls/${encodeURIComponent(agent.call)}`}>{note || "…"}</a> : note}
      </span>
      {!wall && (
        <Menu label={`${agent.agent} ${agent.name}`} choices={choices(agent, mine, say)} class="at-end">
          ⋯
        </Menu>
      )}
    </li>
  );
}

/** What can be done with an agent now. */
function choices(agent: Agent, mine: Me, say: Say): Choice[] {
  const leads = LEADS.has(mine.role);
  const inTalk = agent.state === "talking" && agent.call !== null;
  const join = (how: How) => () => (mine.number === null ? tellProblem(say("noPhone")) : attend(agent.call!, how, say));
  const found: Choice[] = [];
  if (inTalk) {
    found.push({ text: say("listen"), act: join("listen"), note: say("attendHow") });
    found.push({ text: say("whisper"), act: join("whisper") });
    found.push({ text: say("barge"), act: join("barge") });
  }
  if (leads && agent.state === "wrap-up") {
    found.push({ text: say("enough"), act: () => step(agent.agent, "end-wrap-up", say) });
    found.push({ text: say("moreTime"), act: () => step(agent.agent, "extend-wrap-up", say, { seconds: 60 }), note: "+ 1:00" });
  }
  if (leads && agent.duty !== "signed-out") {
    REASONS.forEach((reason, nth) =>
      found.push({
        text: `${say("pause")} · ${say(reason)}`,
        act: () => step(agent.agent, "pause", say, { reason }),
        apart: nth === 0 && found.length > 0,
      }),
    );
    if (agent.duty === "paused") found.push({ text: say("unpause"), act: () => step(agent.agent, "unpause", say) });
    found.push({ text: say("forceOut"), act: () => step(agent.agent, "sign-out", say), apart: true });
  }
  if (leads && agent.duty === "signed-out")
    found.push({ text: say("signInAgent"), act: () => step(agent.agent, "sign-in", say) });
  return found;
}
