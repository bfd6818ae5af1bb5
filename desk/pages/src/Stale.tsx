// Never an old number shown as live: what cannot be seen just now is said, with since when.

import { staleSince, type View } from "./live";
import { clock, length, useNow } from "./time";
import { useWords, type Word } from "./words";

const REASONS: Record<string, Word> = {
  server: "staleServer",
  board: "staleBoard",
  asterisk: "staleAsterisk",
  "event-log": "staleLog",
  figures: "staleFigures",
};

export function Stale({ view }: { view: View }) {
  const { say } = useWords();
  const now = useNow() + view.skew;
  const stale = staleSince(view);
  if (stale === null) return null;
  return (
    <div class="stale" role="alert" data-source={stale.source}>
      <strong>
        {say("staleSince")} {clock(stale.since)}
      </strong>
      <span>({length((now - stale.since) / 1000)})</span>
      <span>{say(REASONS[stale.source] ?? "staleOther")}</span>
    </div>
  );
}
