import type { Switches } from "./App";
import type { Me } from "./api";
import { staleSince, type View } from "./live";
import { clock, useNow } from "./time";
import { useWords, type Word } from "./words";

const USERS: [string, Word][] = [["users", "users"]];

export function Header(props: {
  mine: Me;
  wall: boolean;
  leave: () => void;
  switches: Switches;
  page: string;
  view: View;
  watches: boolean;
}) {
  const { mine, wall, leave, switches, page, view, watches } = props;
  const { say } = useWords();
  const pages: [string, Word][] = watches
    ? [["board", "board"], ["calls", "calls"], ["tickets", "tickets"], ["visits", "visits"], ["reports", "reports"], ...(mine.role === "admin" ? USERS : [])]
    : mine.role === "complaint-handler"
      ? [["mine", "mine"], ["calls", "calls"], ["tickets", "tickets"]]
      : [["mine", "mine"], ["tickets", "tickets"]];
  return (
    <header class="top">
      <a class="brand" href="#/">
        <Mark />
        <span>{say("title")}</span>
      </a>
      {!wall && (
        <nav aria-label={say("title")}>
          {pages.map(([name, word]) => (
            <a href={`#/${name}`} aria-current={page === name ? "page" : undefined}>
              {say(word)}
            </a>
          ))}
        </nav>
      )}
      <span class="grow" />
      {watches && <Freshness view={view} />}
      <Time skew={view.skew} />
      <span class="switches">
        {watches && page === "board" && (
          <button type="button" class="quiet" onClick={switches.wall} title={`${say("keys")}`}>
            {say(wall ? "leaveWallboard" : "wallboard")}
          </button>
        )}
        <button type="button" class="quiet" onClick={switches.theme} aria-label={say(switches.isDark ? "light" : "dark")}>
          {switches.isDark ? "☀" : "☾"}
        </button>
        <button type="button" class="quiet" onClick={switches.language} aria-label={say("languageLong")}>
          {say("language")}
        </button>
      </span>
      {!wall && (
        <span class="who">
          <a class="who-name" href="#/account" title={say("account")}>
            {mine.name}
          </a>
          <button type="button" class="quiet" onClick={leave}>
            {say("signOut")}
          </button>
        </span>
      )}
    </header>
  );
}

function Freshness({ view }: { view: View }) {
  const { say } = useWords();
  const stale = staleSince(view);
  const state = view.picture === null ? "waiting" : stale ? "stale" : "fresh";
  return (
    <span class={`fresh fresh-${state}`} role="status">
      <i />
      {state === "waiting" ? say("connecting") : stale ? `${say("staleSince")} ${clock(stale.since)}` : say("live")}
    </span>
  );
}

function Time({ skew }: { skew: number }) {
  return <time class="clock">{clock(useNow() + skew)}</time>;
}

export function Mark() {
  return (
    <svg viewBox="0 0 32 32" width="28" height="28" aria-hidden="true">
      <rect width="32" height="32" rx="9" class="mark-ground" />
      <path d="M9 19v-3a7 7 0 0 1 14 0v3" fill="none" stroke="#fff" stroke-width="2.4" stroke-linecap="round" />
      <rect x="7" y="17.5" width="4.6" height="7" rx="2.3" fill="#fff" />
      <rect x="20.4" y="17.5" width="4.6" height="7" rx="2.3" fill="#fff" />
    </svg>
  );
}
