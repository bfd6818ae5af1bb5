// The whole centre at a glance: what waits, who serves, how the day goes.

import type { Me } from "./api";
import { Agents } from "./Agents";
import { Alarms } from "./Alarms";
import { Curve } from "./Curve";
import { Kpis } from "./Kpis";
import type { View } from "./live";
import { staleSince } from "./live";
import { Queues } from "./Queues";
import { useWords } from "./words";

export const LEADS = new Set(["lead", "supervisor", "admin"]);
export const REVEALS = new Set(["lead", "supervisor", "admin", "complaint-handler"]);

export function Board({ view, mine, wall }: { view: View; mine: Me; wall: boolean }) {
  const { say } = useWords();
  const { picture, skew } = view;
  if (picture === null) return <p class="empty tall">{say("connecting")}</p>;
  const old = staleSince(view) !== null;
  return (
    <div class={old ? "board old" : "board"}>
      <Alarms picture={picture} />
      <Kpis picture={picture} skew={skew} />
      <Queues picture={picture} skew={skew} mine={mine} wall={wall} />
      <Curve picture={picture} wall={wall} />
      <Agents picture={picture} skew={skew} mine={mine} wall={wall} />
    </div>
  );
}
