// Short words about what was just done, or why it could not be.

import { useEffect, useState } from "preact/hooks";

import { Refused } from "./api";
import { useWords } from "./words";

interface Toast {
  id: number;
  text: string;
  bad: boolean;
}

let add: (text: string, bad: boolean) => void = () => undefined;
let last = 0;
export const tell = (text: string): void => add(text, false);
export const tellProblem = (problem: unknown): void =>
  add(problem instanceof Refused ? problem.message || "…" : String(problem), true);

export function Toasts() {
  const { say } = useWords();
  const [toasts, set] = useState<Toast[]>([]);
  useEffect(() => {
    add = (text, bad) => {
      const toast = { id: ++last, text, bad };
      set((all) => [...all.slice(-2), toast]);
      window.setTimeout(() => set((all) => all.filter((each) => each !== toast)), bad ? 8_000 : 4_000);
    };
  }, []);
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.map((toast) => (
        <div key={toast.id} class={toast.bad ? "toast bad" : "toast"}>
          {toast.text === "…" ? say("noAnswer") : toast.text}
        </div>
      ))}
    </div>
  );
}
