// Calls per hour of this day against the usual, drawn by uPlot.

import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";

import { hoursOf } from "./Figures";
import type { Picture } from "./picture";
import { useWords } from "./words";

export function Curve({ picture, wall }: { picture: Picture; wall: boolean }) {
  const { say, language } = useWords();
  const place = useRef<HTMLDivElement>(null);
  const hours = hoursOf(picture);
  const told = JSON.stringify(hours);

  useEffect(() => {
    if (hours === null || place.current === null) return;
    const box = place.current;
    const look = getComputedStyle(document.documentElement);
    const colour = (name: string) => look.getPropertyValue(name).trim();
    const line = { stroke: colour("--faint"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } };
    const every = hours.today.map((_, hour) => hour);
    const plot = new uPlot(
      {
        width: box.clientWidth,
        height: wall ? 260 : 200,
        legend: { show: false },
        cursor: { y: false },
        scales: { x: { time: false, range: [0, 23] }, y: { range: (_, __, most) => [0, Math.max(5, most * 1.15)] } },
        axes: [
          { ...line, values: (_, hours) => hours.map((hour) => (Number.isInteger(hour) ? `${hour}:00` : "")), space: 70 },
          { ...line, size: 36, values: (_, counts) => counts.map((count) => (Number.isInteger(count) ? String(count) : "")) },
        ],
        series: [
          {},
          { label: say("usual"), stroke: colour("--faint"), width: 1.5, dash: [5, 5], points: { show: false } },
          {
            label: say("thisDay"),
            stroke: colour("--accent"),
            width: 2.5,
            fill: colour("--accent-wash"),
            points: { show: true, size: 5, fill: colour("--accent") },
          },
        ],
      },
      [every, every.map((hour) => hours.usual[hour] ?? null), hours.today] as uPlot.AlignedData,
      box,
    );
    const fit = new ResizeObserver(() => plot.setSize({ width: box.clientWidth, height: plot.height }));
    fit.observe(box);
    return () => {
      fit.disconnect();
      plot.destroy();
    };
  }, [told, wall, language, document.documentElement.dataset.theme]);

  return (
    <section class="card curve" aria-label={say("perHour")}>
      <h2>
        {say("perHour")}
        <span class="legend">
          <span class="legend-today">{say("thisDay")}</span>
          <span class="legend-usual">{say("usual")}</span>
        </span>
      </h2>
      {hours === null ? <p class="empty">{say("noCurve")}</p> : <div class="plot" ref={place} />}
    </section>
  );
}
