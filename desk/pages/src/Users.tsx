// Who may sign in, as what, with which phone: added, changed and let go by an admin. A password is shown once, here.

import { useState } from "preact/hooks";

import { useAnswer } from "./answer";
import { get, post, remove, type Role } from "./api";
import { tell, tellProblem } from "./Toasts";
import { useWords, type Word } from "./words";

interface User {
  name: string;
  role: Role;
  number: string | null;
}

interface Handed {
  name: string;
  password: string;
}

export const ROLE_WORD: Record<Role, Word> = {
  agent: "role-agent",
  "complaint-handler": "role-complaint-handler",
  lead: "role-lead",
  inspector: "role-inspector",
  supervisor: "role-supervisor",
  admin: "role-admin",
};
const ROLES = Object.keys(ROLE_WORD) as Role[];

export function Users() {
  const { say } = useWords();
  const [told, again] = useAnswer(() => get<{ users: User[] }>("/api/users"), 5000, []);
  const [handed, setHanded] = useState<Handed | null>(null);
  const hand = (made: Handed) => {
    setHanded(made);
    again();
  };
  if (told === undefined) return <p class="empty tall">{say("connecting")}</p>;
  return (
    <div class="two">
      <section class="card rows users">
        <h2>
          {say("users")} <small>{say("changeEndsSessions")}</small>
        </h2>
        <ul>
          {told.users.map((user) => (
            <OneUser key={`${user.name} ${user.role} ${user.number}`} user={user} hand={hand} changed={again} />
          ))}
        </ul>
      </section>
      <div class="beside">
        {handed !== null && <Password {...handed} seen={() => setHanded(null)} />}
        <NewUser hand={hand} />
      </div>
    </div>
  );
}

function OneUser({ user, hand, changed }: { user: User; hand: (made: Handed) => void; changed: () => void }) {
  const { say } = useWords();
  const [role, setRole] = useState(user.role);
  const [number, setNumber] = useState(user.number ?? "");
  const [sure, setSure] = useState(false);
  const path = `/api/users/${encodeURIComponent(user.name)}`;
  const save = (event: Event) => {
    event.preventDefault();
    post(path, { role, number: number.trim() || null }).then(() => (tell(`${say("saved")}: ${user.name}`), changed()), tellProblem);
  };
  const letGo = () => {
    if (!sure) return setSure(true);
    remove(path).then(() => (tell(`${say("removed")}: ${user.name}`), changed()), tellProblem);
  };
  return (
    <li data-user={user.name}>
      <form class="row" onSubmit={save}>
        <b class="wide">{user.name}</b>
        <RoleChoice role={role} set={setRole} />
        <input
          class="num short"
          aria-label={say("workNumber")}
          placeholder={say("workNumber")}
          pattern="[0-9]{2,8}"
          title={say("numberRule")}
          inputMode="numeric"
          maxLength={8}
          value={number}
          onInput={(event) => setNumber(event.currentTarget.value)}
        />
        <button type="submit" disabled={role === user.role && number.trim() === (user.number ?? "")}>
          {say("save")}
        </button>
        <button type="button" onClick={() => void post<Handed>(`${path}/password`).then(hand, tellProblem)}>
          {say("newPassword")}
        </button>
        <button type="button" class={sure ? "danger" : undefined} onClick={letGo} onBlur={() => setSure(false)}>
          {say(sure ? "reallyRemove" : "remove")}
        </button>
      </form>
    </li>
  );
}

function NewUser({ hand }: { hand: (made: Handed) => void }) {
  const { say } = useWords();
  const [name, setName] = useState("");
  const [role, setRole] = useState<Role>("agent");
  const [number, setNumber] = useState("");
  const add = (event: Event) => {
    event.preventDefault();
    const user = { name: name.trim(), role, ...(number.trim() ? { number: number.trim() } : {}) };
    post<Handed>("/api/users", user).then((made) => {
      setName("");
      setNumber("");
      hand(made);
    }, tellProblem);
  };
  return (
    <section class="card intake">
      <h2>{say("newUser")}</h2>
      <form onSubmit={add}>
        <label>
          <span>{say("name")}</span>
          <input
            required
            autocapitalize="none"
            spellcheck={false}
            maxLength={32}
            pattern="[a-z][a-z0-9._\-]{1,31}"
            title={say("nameRule")}
            value={name}
            onInput={(event) => setName(event.currentTarget.value)}
          />
          <small>{say("nameRule")}</small>
        </label>
        <label>
          <span>{say("role")}</span>
          <RoleChoice role={role} set={setRole} />
        </label>
        <label>
          <span>{say("workNumber")}</span>
          <input class="num" pattern="[0-9]{2,8}" inputMode="numeric" maxLength={8} value={number} onInput={(event) => setNumber(event.currentTarget.value)} />
          <small>{say("numberRule")}</small>
        </label>
        <button type="submit" class="main">
          {say("add")}
        </button>
      </form>
    </section>
  );
}

function RoleChoice({ role, set }: { role: Role; set: (role: Role) => void }) {
  const { say } = useWords();
  return (
    <select aria-label={say("role")} value={role} onChange={(event) => set(event.currentTarget.value as Role)}>
      {ROLES.map((each) => (
        <option value={each}>{say(ROLE_WORD[each])}</option>
      ))}
    </select>
  );
}

function Password({ name, password, seen }: Handed & { seen: () => void }) {
  const { say } = useWords();
  return (
    <section class="card handed" role="status">
      <h2>
        {say("passwordOf")} {name}
      </h2>
      <output class="num">{password}</output>
      <p class="dim">{say("shownOnce")}</p>
      <button type="button" onClick={seen}>
        {say("handedOver")}
      </button>
    </section>
  );
}
