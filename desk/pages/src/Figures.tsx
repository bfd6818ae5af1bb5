// Today's figures of a queue, each with its formula on hover or focus.

import type { Picture, Thing } from "./picture";
import { useWords } from "./words";

export interface Day {
  offered: number;
  answered: number;
  abandoned: number;
  flowed_out: number;
  service_level: number | null;
  connect_rate: number | null;
  speed_of_answer: number | null;
}

const number = (thing: Thing | undefined, name: string): number | null => {
  const value = thing?.[name];
  return typeof value === "number" ? value : null;
};

export function day(thing: Thing | undefined): Day | null {
  const offered = number(thing, "offered");
  if (offered === null) return null;
  return {
    offered,
    answered: number(thing, "answered") ?? 0,
    abandoned: number(thing, "abandoned") ?? 0,
    flowed_out: number(thing, "flowed_out") ?? 0,
    service_level: number(thing, "service_level"),
    connect_rate: number(thing, "connect_rate"),
    speed_of_answer: number(thing, "speed_of_answer"),
  };
}

/** The name of all queues together among the figures. */
const CENTRE = "*";

export const centre = (picture: Picture): Day | null => day(picture.figures[CENTRE]);

export interface Hours {
  /** For each hour from 0 to 23: callers so far, null for hours to come. */
  today: (number | null)[];
  usual: (number | null)[];
}

/** Callers by the hour of this day; null until the first has come. */
export function hoursOf(picture: Picture): Hours | null {
  const callers = picture.figures[CENTRE]?.calls_by_hour as number[] | undefined;
  const usual = picture.figures[CENTRE]?.usual_by_hour as (number | null)[] | undefined;
  const now = callers?.findLastIndex((count) => count > 0) ?? -1;
  if (callers === undefined || now < 0) return null;
  return { today: callers.map((count, hour) => (hour <= now ? count : null)), usual: usual ?? [] };
}

/** The four service levels in use; the same day gives very different numbers, so each is shown with its name. */
export const FORMULAS = {
  "of-offered": [
    ["按呼入", "of offered"],
    ["规定时间内接听 ÷（呼入 − 仍在排队）", "answered in time ÷ (offered − still waiting)"],
  ],
  "of-answered": [
    ["按接听", "of answered"],
    ["规定时间内接听 ÷ 接听", "answered in time ÷ answered"],
  ],
  "abandons-count": [
    ["放弃计入", "abandons count"],
    ["（规定时间内接听 + 规定时间内挂机）÷（呼入 − 仍在排队）", "(answered in time + hung up in time) ÷ (offered − still waiting)"],
  ],
  "abandons-out": [
    ["放弃除外", "abandons out"],
    ["规定时间内接听 ÷（呼入 − 仍在排队 − 规定时间内挂机）", "answered in time ÷ (offered − still waiting − hung up in time)"],
  ],
} as const;
export type Formula = keyof typeof FORMULAS;

export function serviceLevel(picture: Picture, formula: Formula): number | null {
  const levels = picture.figures[CENTRE]?.service_levels as Partial<Record<Formula, number | null>> | undefined;
  return levels?.[formula] ?? null;
}

export const percent = (share: number | null | undefined): string =>
  share === null || share === undefined ? "–" : `${Math.round(share * 100)}%`;

export const seconds = (value: number | null | undefined): string =>
  value === null || value === undefined ? "–" : `${value < 10 ? value.toFixed(1) : Math.round(value)} s`;

export function FigureRow({ figures }: { figures: Thing | undefined }) {
  const { say, language } = useWords();
  const today = day(figures);
  if (today === null) return <p class="figures empty">{say("noFigures")}</p>;
  const zh = language === "zh";
  const shown: [string, string, string][] = [
    [say("offered"), String(today.offered), zh ? "呼入 = 接听 + 放弃 + 溢出 + 仍在排队" : "offered = answered + abandoned + flowed out + still waiting"],
    [say("answered"), String(today.answered), zh ? "坐席接听的来电" : "an agent picked up"],
    [say("abandoned"), String(today.abandoned), zh ? "通话前用户挂机" : "the caller hung up before a talk"],
    [say("serviceLevel"), percent(today.service_level), zh ? "规定时间内接听 ÷（呼入 − 仍在排队）" : "answered in time ÷ (offered − still waiting)"],
    [say("speed"), seconds(today.speed_of_answer), zh ? "已接听用户的等待总时长 ÷ 接听数" : "all waits of the answered ÷ answered"],
  ];
  return (
    <dl class="figures">
      {shown.map(([label, value, formula]) => (
        <div tabIndex={0}>
          <dt>{label}</dt>
          <dd class="num">{value}</dd>
          <span class="formula" role="tooltip">
            {formula}
          </span>
        </div>
      ))}
    </dl>
  );
}
