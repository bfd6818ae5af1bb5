// Follows the live picture. Whoever listens is told of each new picture, and when the line to the server is lost or back.

import { after, isPicture, type Change, type Picture } from "./picture";

export const SILENT_AFTER = 6_000;
const SIGNED_OUT = 4401;
const AGAIN_AFTER = [250, 500, 1_000, 2_000, 4_000];

export interface View {
  picture: Picture | null;
  /** Since when nothing is heard of the server (its own clock, ms); null while it is. */
  lostSince: number | null;
  /** What to add to this machine's clock to have the server's (ms). */
  skew: number;
}

export class Live {
  view: View = { picture: null, lostSince: null, skew: 0 };
  private socket: WebSocket | null = null;
  private heard = Date.now();
  private tries = 0;
  private over = false;
  private timer: number | undefined;
  private readonly watching: number;

  constructor(
    private readonly told: (view: View) => void,
    private readonly signedOut: () => void,
  ) {
    this.connect();
    this.watching = window.setInterval(() => this.watch(), 500);
  }

  stop(): void {
    this.over = true;
    window.clearInterval(this.watching);
    window.clearTimeout(this.timer);
    this.socket?.close();
  }

  private connect(): void {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = (this.socket = new WebSocket(`${scheme}//${location.host}/api/live`));
    socket.onmessage = (message) => socket === this.socket && this.take(JSON.parse(message.data as string));
    socket.onclose = (close) => socket === this.socket && this.lost(close.code);
  }

  private take(item: Picture | Change): void {
    this.heard = Date.now();
    this.tries = 0;
    const picture = isPicture(item) ? item : this.view.picture && after(this.view.picture, item);
    if (picture === null) {
      this.socket?.close(); // a change was missed: a new line begins with the whole picture
      return;
    }
    this.tell({ picture, lostSince: null, skew: Date.parse(item.at) - this.heard });
  }

  private lost(code: number): void {
    this.socket = null;
    if (this.over) return;
    if (code === SIGNED_OUT) {
      this.signedOut();
      return;
    }
    this.notSeen();
    const wait = AGAIN_AFTER[Math.min(this.tries++, AGAIN_AFTER.length - 1)]!;
    this.timer = window.setTimeout(() => void this.again(), wait * (0.75 + Math.random() / 2));
  }

  /** A refused line does not say why: whether we are still signed in, the server is asked. */
  private async again(): Promise<void> {
    if (this.tries > 1) {
      const status = await fetch("/api/me", { cache: "no-store" }).then((a) => a.status, () => 0);
      if (this.over) return;
      if (status === 401) return this.signedOut();
    }
    this.connect();
  }

  private watch(): void {
    if (Date.now() - this.heard <= SILENT_AFTER) return;
    this.notSeen();
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.close();
  }

  private notSeen(): void {
    if (this.view.lostSince === null) this.tell({ ...this.view, lostSince: this.heard + this.view.skew });
  }

  private tell(view: View): void {
    this.view = view;
    this.told(view);
  }
}

/** Since when the picture cannot be believed (ms), and which source says so; null when all is fresh. */
export function staleSince(view: View): { since: number; source: string } | null {
  if (view.lostSince !== null) return { since: view.lostSince, source: "server" };
  const stale = Object.values(view.picture?.sources ?? {})
    .filter((source) => source.stale_since !== null)
    .map((source) => ({ since: Date.parse(source.stale_since!), source: source.source }))
    .sort((one, other) => one.since - other.since);
  return stale[0] ?? null;
}
