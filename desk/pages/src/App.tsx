// Who is there, in which language, and which page: #/board, #/calls, #/calls/ID, #/mine, #/tickets, #/visits,
// #/reports, #/users, #/account.

import { useCallback, useEffect, useMemo, useState } from "preact/hooks";

import { Account } from "./Account";
import { me, post, whenSignedOut, type Me } from "./api";
import { Board } from "./Board";
import { CallPage } from "./Call";
import { Calls } from "./Calls";
import { Header } from "./Header";
import { Live, type View } from "./live";
import { Mine } from "./Mine";
import { Reports } from "./Reports";
import { SignIn } from "./SignIn";
import { Stale } from "./Stale";
import { Tickets } from "./Tickets";
import { Toasts } from "./Toasts";
import { Users } from "./Users";
import { Visits } from "./Visits";
import { inLanguage, Tongue, type Language } from "./words";

export const WATCHES = new Set(["lead", "inspector", "supervisor", "admin"]);

export function App() {
  const [language, setLanguage] = useKept<Language>("language", navigator.language.startsWith("zh") ? "zh" : "en");
  const [theme, setTheme] = useKept<"dark" | "light">(
    "theme",
    matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark",
  );
  const [wall, setWall] = useKept<"on" | "off">("wallboard", "off");
  const [mine, setMine] = useState<Me | null | undefined>(undefined);
  const say = useMemo(() => inLanguage(language), [language]);
  useEffect(() => {
    whenSignedOut(() => setMine(null));
    void me().then(setMine, () => setMine(null));
  }, []);

  useEffect(() => {
    document.documentElement.lang = language;
    document.documentElement.dataset.theme = theme;
    document.documentElement.dataset.wall = wall;
    document.title = say("title");
  }, [language, theme, wall, say]);

  const otherLanguage = () => setLanguage(language === "zh" ? "en" : "zh");
  const otherTheme = () => setTheme(theme === "dark" ? "light" : "dark");
  const otherWall = () => setWall(wall === "on" ? "off" : "on");
  useKeys({ l: otherLanguage, t: otherTheme, w: otherWall });

  const leave = useCallback(() => {
    void post("/api/sign-out").catch(() => undefined);
    setMine(null);
  }, []);

  const switches = { language: otherLanguage, theme: otherTheme, wall: otherWall, isDark: theme === "dark" };
  return (
    <Tongue.Provider value={{ language, say }}>
      {mine === undefined ? null : mine === null ? (
        <SignIn signedIn={setMine} switches={switches} />
      ) : (
        <House mine={mine} wall={wall === "on"} leave={leave} gone={() => setMine(null)} switches={switches} />
      )}
      <Toasts />
    </Tongue.Provider>
  );
}

export interface Switches {
  language: () => void;
  theme: () => void;
  wall: () => void;
  isDark: boolean;
}

function House(props: { mine: Me; wall: boolean; leave: () => void; gone: () => void; switches: Switches }) {
  const { mine, wall, gone } = props;
  const watches = WATCHES.has(mine.role);
  const view = useLive(watches, gone);
  const page = usePage(watches ? "board" : "mine");
  useKeys({ 1: () => (location.hash = "#/board"), 2: () => (location.hash = "#/calls"), 3: () => (location.hash = "#/mine") });
  return (
    <>
      <Header {...props} page={page[0]!} view={view} watches={watches} />
      {watches && <Stale view={view} />}
      <main class={`page page-${page[0]}`}>
        {page[0] === "calls" && page[1] ? (
          <CallPage call={page[1]} mine={mine} view={view} />
        ) : page[0] === "calls" ? (
          <Calls mine={mine} />
        ) : page[0] === "tickets" ? (
          <Tickets mine={mine} />
        ) : page[0] === "visits" && watches ? (
          <Visits mine={mine} />
        ) : page[0] === "reports" && watches ? (
          <Reports />
        ) : page[0] === "users" && mine.role === "admin" ? (
          <Users />
        ) : page[0] === "account" ? (
          <Account mine={mine} leave={gone} />
        ) : page[0] === "mine" ? (
          <Mine mine={mine} />
        ) : (
          <Board view={view} mine={mine} wall={wall} />
        )}
      </main>
    </>
  );
}

function useLive(watches: boolean, gone: () => void): View {
  const [view, setView] = useState<View>({ picture: null, lostSince: null, skew: 0 });
  useEffect(() => {
    if (!watches) return;
    const live = new Live(setView, gone);
    return () => live.stop();
  }, [watches]);
  return view;
}

function usePage(first: string): string[] {
  const read = () => {
    const parts = location.hash.replace(/^#\/?/, "").split("/").filter(Boolean).map(decodeURIComponent);
    return parts.length > 0 ? parts : [first];
  };
  const [page, setPage] = useState(read);
  useEffect(() => {
    const turned = () => setPage(read());
    addEventListener("hashchange", turned);
    return () => removeEventListener("hashchange", turned);
  }, []);
  return page;
}

/** What this browser remembers of how its user likes the pages. */
function useKept<Value extends string>(name: string, first: Value): [Value, (value: Value) => void] {
  const [value, set] = useState<Value>(() => (localStorage.getItem(`hotline-${name}`) as Value | null) ?? first);
  const keep = (changed: Value) => {
    localStorage.setItem(`hotline-${name}`, changed);
    set(changed);
  };
  return [value, keep];
}

/** Single keys, unless something is being typed. */
function useKeys(keys: Record<string, () => void>): void {
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      const typing = (event.target as HTMLElement).closest("input, textarea, select, [role=menu]");
      if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
      keys[event.key.toLowerCase()]?.();
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  });
}
