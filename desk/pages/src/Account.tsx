// One's own account: who I am here, and a new password of one's own choice.

import { useState } from "preact/hooks";

import { post, Refused, type Me } from "./api";
import { tell } from "./Toasts";
import { ROLE_WORD } from "./Users";
import { useWords } from "./words";

export function Account({ mine, leave }: { mine: Me; leave: () => void }) {
  const { say } = useWords();
  const [problem, setProblem] = useState("");

  async function change(event: SubmitEvent) {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    if (form.get("new") !== form.get("repeated")) return setProblem(say("notTheSame"));
    try {
      await post("/api/me/password", { old: form.get("old"), new: form.get("new") });
      tell(say("passwordChanged"));
      leave(); // the server has ended all sessions of this user
    } catch (wrong) {
      const code = wrong instanceof Refused ? wrong.code : "";
      const known = { "wrong-password": "oldIsWrong", "too-many-tries": "tooManyTries", "password-weak": "passwordRule" } as const;
      setProblem(code in known ? say(known[code as keyof typeof known]) : (wrong as Error).message || say("noAnswer"));
    }
  }

  return (
    <section class="card intake account">
      <h2>
        {mine.name} <small>{say(ROLE_WORD[mine.role])}</small> {mine.number !== null && <small class="num">{mine.number}</small>}
      </h2>
      <form onSubmit={(event) => void change(event)}>
        <input type="hidden" autocomplete="username" value={mine.name} />
        <label>
          <span>{say("oldPassword")}</span>
          <input name="old" type="password" autocomplete="current-password" required />
        </label>
        <label>
          <span>{say("newPassword")}</span>
          <input name="new" type="password" autocomplete="new-password" minLength={10} maxLength={128} required />
          <small>{say("passwordRule")}</small>
        </label>
        <label>
          <span>{say("newAgain")}</span>
          <input name="repeated" type="password" autocomplete="new-password" required />
        </label>
        {problem && (
          <p class="problem" role="alert">
            {problem}
          </p>
        )}
        <button type="submit" class="main">
          {say("changePassword")}
        </button>
      </form>
    </section>
  );
}
