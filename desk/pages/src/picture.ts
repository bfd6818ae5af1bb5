// The live picture as the server sends it (routing/picture.py, docs/board.md), and how a change is applied.

export type CallState =
  | "ringing" | "menu" | "queue" | "greeting" | "talk" | "hold" | "transfer" | "message" | "ending";

export interface Call {
  call: string;
  caller: string | null;
  dialled: string | null;
  state: CallState;
  since: string;
  rang: string | null;
  queue: string | null;
  joined: string | null;
  priority: number;
  agent: string | null;
  offered: string[];
}

export interface Queue {
  queue: string;
  label: Record<string, string>;
  waiting: string[];
  agents: string[];
  ready: string[];
}

export type AgentState = "signed-out" | "ready" | "no-phone" | "ringing" | "talking" | "wrap-up" | "paused";

export interface Agent {
  agent: string;
  name: string;
  state: AgentState;
  since: string | null;
  reason: string | null;
  until: string | null;
  duty: "signed-out" | "ready" | "paused";
  phone: "there" | "gone" | "unknown";
  call: string | null;
  queues: Record<string, number>;
}

export interface Source {
  source: string;
  stale_since: string | null;
  why: string;
}

export type Thing = Record<string, unknown>;

export interface Picture {
  board: string;
  seq: number;
  at: string;
  calls: Record<string, Call>;
  queues: Record<string, Queue>;
  agents: Record<string, Agent>;
  sources: Record<string, Source>;
  alarms: Record<string, Thing>;
  figures: Record<string, Thing>;
}

type Section = "calls" | "queues" | "agents" | "sources" | "alarms" | "figures";

export interface Change {
  board: string;
  seq: number;
  at: string;
  set?: Partial<Record<Section, Record<string, unknown>>>;
  gone?: Partial<Record<Section, string[]>>;
}

export const isPicture = (item: Picture | Change): item is Picture => "calls" in item;

const isBeat = (change: Change) => change.set === undefined && change.gone === undefined;

/** The next picture; null if a change before this one was missed. Sections without a change stay the same objects. */
export function after(picture: Picture, change: Change): Picture | null {
  if (change.board !== picture.board) return null;
  if (isBeat(change)) return change.seq === picture.seq ? { ...picture, at: change.at } : null;
  if (change.seq !== picture.seq + 1) return null;
  const next: Picture = { ...picture, seq: change.seq, at: change.at };
  for (const [section, things] of Object.entries(change.set ?? {}) as [Section, Record<string, never>][]) {
    next[section] = { ...next[section], ...things } as never;
  }
  for (const [section, names] of Object.entries(change.gone ?? {}) as [Section, string[]][]) {
    const left: Record<string, unknown> = { ...next[section] };
    for (const name of names) delete left[name];
    next[section] = left as never;
  }
  return next;
}
