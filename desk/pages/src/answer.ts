// What the server answers, asked again and again while a page is open.

import { useEffect, useState } from "preact/hooks";

import { tellProblem } from "./Toasts";

// Returns the newest answer (undefined before the first), and a way to ask at once. An answer to what is no longer asked
// is dropped, and one question at a time is under way; what goes wrong is told once, not every time.
export function useAnswer<Answer>(ask: () => Promise<Answer>, every: number, about: readonly unknown[]): [Answer | undefined, () => void] {
  const [answer, setAnswer] = useState<Answer>();
  const [asked, setAsked] = useState(0);
  useEffect(() => {
    let [gone, told] = [false, false];
    let timer: number | undefined;
    const take = (found: Answer) => void (gone || setAnswer(() => found));
    const complain = (problem: unknown) => {
      if (!gone && !told) tellProblem(problem);
      told = true;
    };
    const next = () => {
      if (!gone) timer = window.setTimeout(load, every);
    };
    const load = () => void ask().then(take, complain).finally(next);
    load();
    return () => {
      gone = true;
      window.clearTimeout(timer);
    };
  }, [...about, asked]);
  return [answer, () => setAsked((count) => count + 1)];
}
