// A few large numbers for the whole centre; each says on hover or focus how it is had.

import type { ComponentChildren } from "preact";

import { useState } from "preact/hooks";

import { centre, FORMULAS, percent, seconds as secondsOf, serviceLevel, type Formula } from "./Figures";
import type { Picture } from "./picture";
import { LATE, VERY_LATE, waited } from "./Queues";
import { length, useNow } from "./time";
import { useWords } from "./words";

export function Kpis({ picture, skew }: { picture: Picture; skew: number }) {
  const { say, language } = useWords();
  const now = useNow() + skew;
  const calls = Object.values(picture.calls);
  const waiting = calls.filter((call) => call.state === "queue");
  const longest = Math.max(0, ...waiting.map((call) => waited(call, now)));
  const agents = Object.values(picture.agents);
  const duty = agents.filter((agent) => agent.state !== "signed-out").length;
  const ready = agents.filter((agent) => agent.state === "ready").length;
  const talking = agents.filter((agent) => agent.state === "talking").length;
  const day = centre(picture);
  const zh = language === "zh";
  const names = Object.keys(FORMULAS) as Formula[];
  const [formula, setFormula] = useState<Formula>("of-offered");
  return (
    <section class="kpis">
      <Kpi
        label={say("waiting")}
        value={String(waiting.length)}
        mood={longest >= VERY_LATE ? "bad" : longest >= LATE ? "late" : "calm"}
        note={waiting.length > 0 ? `${say("longest")} ${length(longest)}` : say("nobodyWaits")}
        formula={zh ? "此刻在各队列中等待坐席的用户数" : "Callers who wait for an agent now, in all queues"}
      />
      <Kpi
        label={say("talking")}
        value={String(talking)}
        note={`${calls.length} ${say("liveCalls")}`}
        formula={zh ? "此刻正在与用户通话的坐席数" : "Agents who talk with a caller now"}
      />
      <Kpi
        label={say("ready")}
        value={String(ready)}
        mood={duty > 0 && ready === 0 && waiting.length > 0 ? "late" : "calm"}
        note={`${duty} ${say("onDuty")}`}
        formula={zh ? "已签入、示闲、话机在线且不在通话中的坐席数" : "Agents signed in, not paused, phone reachable, not in a call"}
      />
      <Kpi
        label={say("answeredToday")}
        value={day ? String(day.answered) : "–"}
        note={day ? `/ ${day.offered} ${say("offered")}` : say("noFigures")}
        formula={
          zh
            ? "呼入 = 接听 + 放弃 + 溢出 + 仍在排队"
            : "offered = answered + abandoned + flowed out + still waiting"
        }
      />
      <Kpi
        label={say("serviceLevel")}
        value={percent(serviceLevel(picture, formula))}
        note={`${FORMULAS[formula][0][zh ? 0 : 1]} ▾`}
        formula={FORMULAS[formula][1][zh ? 0 : 1]}
        press={() => setFormula(names[(names.indexOf(formula) + 1) % names.length]!)}
      />
      <Kpi
        label={say("connectRate")}
        value={percent(day?.connect_rate)}
        note={`${say("speed")} ${secondsOf(day?.speed_of_answer)}`}
        formula={
          zh
            ? "听到工号的用户 ÷（呼入 − 仍在排队）"
            : "callers who heard the work number ÷ (offered − still waiting)"
        }
      />
    </section>
  );
}

function Kpi(props: { label: string; value: ComponentChildren; note: string; formula: string; mood?: string; press?: () => void }) {
  return (
    <div
      class={`card kpi kpi-${props.mood ?? "calm"}`}
      tabIndex={0}
      role={props.press ? "button" : undefined}
      aria-label={`${props.label} ${String(props.value)} ${props.note}`}
      onClick={props.press}
      onKeyDown={(event) => event.key === "Enter" && props.press?.()}
    >
      <span class="kpi-label">{props.label}</span>
      <strong class="num">{props.value}</strong>
      <span class="kpi-note">{props.note}</span>
      <span class="formula" role="tooltip">
        {props.formula}
      </span>
    </div>
  );
}
