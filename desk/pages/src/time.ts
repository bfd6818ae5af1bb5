// Lengths of time, counted on the server's clock, and a clock that ticks once a second for whoever shows one.

import { useEffect, useState } from "preact/hooks";

let now = Date.now();
const shown = new Set<() => void>();
window.setInterval(() => {
  now = Date.now();
  for (const tick of shown) tick();
}, 1000);

/** This machine's clock (ms), anew each second. */
export function useNow(): number {
  const [, tick] = useState(0);
  useEffect(() => {
    const listener = () => tick((count) => count + 1);
    shown.add(listener);
    return () => void shown.delete(listener);
  }, []);
  return Math.max(now, Date.now() - 1000);
}

/** 7 → 0:07, 754 → 12:34, 3754 → 1:02:34. */
export function length(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (value: number) => String(value).padStart(2, "0");
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

export const clock = (at: number | Date, seconds = true): string =>
  new Intl.DateTimeFormat("en-GB", {
    hour: "2-digit",
    minute: "2-digit",
    ...(seconds ? { second: "2-digit" } : {}),
  }).format(at);
