// The figures of any time: calls, tickets, visits. Each a table to read and a file to keep.

import { useState } from "preact/hooks";

import { useAnswer } from "./answer";
import { get } from "./api";
import { FORMULAS, type Formula } from "./Figures";
import { length } from "./time";
import { sayOr, useWords, type Word } from "./words";

interface Column {
  key: string;
  en: string;
  zh: string;
  kind: "text" | "count" | "number" | "share" | "seconds";
}

type Cell = string | number | null;

interface Table {
  columns: Column[];
  rows: Cell[][];
  /** What people call what stands in the first column, per language. */
  names: Record<string, Record<string, string>>;
}

/** A table of the server's: where it is, and by what its rows can be put together. */
interface Report {
  name: Word;
  path: string;
  by: readonly string[];
  formula?: boolean;
}

const REPORTS: Report[] = [
  { name: "calls", path: "/api/figures", by: ["queue", "agent", "hour", "day"], formula: true },
  { name: "tickets", path: "/api/tickets/figures", by: [] },
  { name: "visits", path: "/api/visits/figures", by: ["script", "crew", "area", "week"] },
];

const day = (date: Date): string =>
  `${date.getFullYear()}-${String(date.getMonth() + 1).padStart(2, "0")}-${String(date.getDate()).padStart(2, "0")}`;
/** The day that is so many days from this one, at midnight. */
const plus = (date: Date, days: number): Date => new Date(date.getFullYear(), date.getMonth(), date.getDate() + days);

/** The first and the last day of each period that has a name, seen from today. */
const PERIODS: Record<string, (today: Date) => [Date, Date]> = {
  oneDay: (today) => [today, today],
  lastDay: (today) => [plus(today, -1), plus(today, -1)],
  thisWeek: (today) => [plus(today, -((today.getDay() + 6) % 7)), today],
  lastWeek: (today) => {
    const monday = plus(today, -((today.getDay() + 6) % 7) - 7);
    return [monday, plus(monday, 6)];
  },
  thisMonth: (today) => [new Date(today.getFullYear(), today.getMonth(), 1), today],
  lastMonth: (today) => [new Date(today.getFullYear(), today.getMonth() - 1, 1), new Date(today.getFullYear(), today.getMonth(), 0)],
};

export function Reports() {
  const { say } = useWords();
  const [from, setFrom] = useState(day(new Date()));
  const [to, setTo] = useState(day(new Date()));
  const choose = (name: string) => {
    const [first, last] = PERIODS[name]!(plus(new Date(), 0));
    setFrom(day(first));
    setTo(day(last));
  };
  const chosen = (name: string) => {
    const [first, last] = PERIODS[name]!(plus(new Date(), 0));
    return day(first) === from && day(last) === to;
  };
  return (
    <>
      <section class="card period">
        <h2>{say("reports")}</h2>
        <div class="filters" role="group" aria-label={say("period")}>
          {Object.keys(PERIODS).map((name) => (
            <button type="button" data-period={name} aria-pressed={chosen(name)} onClick={() => choose(name)}>
              {say(name as Word)}
            </button>
          ))}
          <input type="date" aria-label={say("firstDay")} value={from} max={to} required onInput={(event) => event.currentTarget.value && setFrom(event.currentTarget.value)} />
          <span aria-hidden="true">–</span>
          <input type="date" aria-label={say("lastDayIncluded")} value={to} min={from} required onInput={(event) => event.currentTarget.value && setTo(event.currentTarget.value)} />
        </div>
      </section>
      {from <= to ? REPORTS.map((report) => <OneReport key={report.path} report={report} from={from} to={to} />) : <p class="empty">{say("endsBeforeItBegins")}</p>}
    </>
  );
}

function OneReport({ report, from, to }: { report: Report; from: string; to: string }) {
  const { say, language } = useWords();
  const [by, setBy] = useState(report.by[0] ?? "");
  const [formula, setFormula] = useState<Formula>("of-offered");
  const wanted = new URLSearchParams({
    since: new Date(`${from}T00:00`).toISOString(),
    until: plus(new Date(`${to}T00:00`), 1).toISOString(),
    ...(by ? { by } : {}),
    ...(report.formula ? { formula } : {}),
  });
  const [told] = useAnswer(() => get<Table>(`${report.path}?${wanted}`), 30_000, [`${wanted}`]);
  const file = (kind: string) => `${report.path}?${wanted}&file=${kind}&language=${language}`;
  return (
    <section class="card report" data-report={report.name}>
      <h2>
        {say(report.name)}
        {report.by.length > 0 && (
          <select aria-label={`${say(report.name)}: ${say("groupedBy")}`} value={by} onChange={(event) => setBy(event.currentTarget.value)}>
            {report.by.map((each) => (
              <option value={each}>{sayOr(say, `by-${each}`)}</option>
            ))}
          </select>
        )}
        {report.formula && (
          <select aria-label={say("serviceLevel")} value={formula} onChange={(event) => setFormula(event.currentTarget.value as Formula)}>
            {(Object.keys(FORMULAS) as Formula[]).map((each) => (
              <option value={each} title={FORMULAS[each][1][language === "zh" ? 0 : 1]}>
                {say("serviceLevel")} {FORMULAS[each][0][language === "zh" ? 0 : 1]}
              </option>
            ))}
          </select>
        )}
        <span class="grow" />
        <a href={file("csv")} download>
          CSV
        </a>
        <a href={file("xlsx")} download>
          Excel
        </a>
      </h2>
      {told === undefined ? (
        <p class="empty">{say("connecting")}</p>
      ) : told.rows.length === 0 ? (
        <p class="empty">{say("nothingCounted")}</p>
      ) : (
        <div class="wide" tabIndex={0} role="region" aria-label={say(report.name)}>
          <table>
            <thead>
              <tr>
                {told.columns.map((column) => (
                  <th scope="col" class={column.kind === "text" ? undefined : "num"}>
                    {column[language]}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {told.rows.map((row) => (
                <tr>
                  {row.map((cell, place) => (
                    <td class={told.columns[place]!.kind === "text" ? undefined : "num"}>{shown(place === 0 ? (told.names[`${cell}`]?.[language] ?? cell) : cell, told.columns[place]!)}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function shown(cell: Cell, column: Column): string {
  if (cell === null || cell === "") return "–";
  if (typeof cell === "string") return cell;
  if (column.kind === "share") return `${(100 * cell).toFixed(1)} %`;
  return column.kind === "seconds" ? length(cell) : String(cell);
}
