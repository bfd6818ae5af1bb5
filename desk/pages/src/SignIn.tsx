import { useState } from "preact/hooks";

import type { Switches } from "./App";
import { Refused, signIn, type Me } from "./api";
import { Mark } from "./Header";
import { useWords } from "./words";

export function SignIn({ signedIn, switches }: { signedIn: (mine: Me) => void; switches: Switches }) {
  const { say } = useWords();
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);

  async function submit(event: SubmitEvent) {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    setBusy(true);
    try {
      signedIn(await signIn(String(form.get("name")).trim(), String(form.get("password"))));
    } catch (wrong) {
      const code = wrong instanceof Refused ? wrong.code : "";
      const known = { "wrong-password": "wrongPassword", "too-many-tries": "tooManyTries", "no-answer": "noAnswer" } as const;
      setProblem(code in known ? say(known[code as keyof typeof known]) : (wrong as Error).message);
      setBusy(false);
    }
  }

  return (
    <main class="sign-in">
      <form onSubmit={(event) => void submit(event)}>
        <div class="sign-in-brand">
          <Mark />
          <h1>{say("title")}</h1>
        </div>
        <label>
          {say("name")}
          <input name="name" autocomplete="username" autocapitalize="none" spellcheck={false} required autofocus />
        </label>
        <label>
          {say("password")}
          <input name="password" type="password" autocomplete="current-password" required />
        </label>
        {problem && (
          <p class="problem" role="alert">
            {problem}
          </p>
        )}
        <button type="submit" class="main" disabled={busy}>
          {say("signIn")}
        </button>
        <p class="hint">{say("lostPassword")}</p>
        <p class="sign-in-switches">
          <button type="button" class="quiet" onClick={switches.language}>
            {say("languageLong")}
          </button>
          <button type="button" class="quiet" onClick={switches.theme}>
            {say(switches.isDark ? "light" : "dark")}
          </button>
        </p>
      </form>
    </main>
  );
}
