// Tickets: what is open, the drafts that calls left with their messages, and taking a new one in.

import { useState } from "preact/hooks";

import { useAnswer } from "./answer";
import { post, type Me } from "./api";
import { Intake } from "./Intake";
import { Sound } from "./Sound";
import { clock } from "./time";
import { sayOr, useWords, type Word } from "./words";

export interface Ticket {
  code: string;
  kind: string;
  state: string;
  problem: string;
  address: string;
  area: string;
  line: string;
  name: string;
  phone: string;
  caller: string;
  recording: string;
  urgent: boolean;
  created: string;
  due: string | null;
  overdue: boolean;
}

const WRITES = new Set(["agent", "complaint-handler", "lead", "supervisor", "admin"]);
const FILTERS: [Word, object][] = [
  ["openTickets", { is_open: true }],
  ["drafts", { states: ["draft"] }],
  ["emergency", { kinds: ["emergency"], is_open: true }],
  ["allTickets", {}],
];

/** 271828188 → 271 828 188, as it is said. */
export const grouped = (code: string): string => code.replace(/(\d{3})(?=\d)/g, "$1 ");

export function Tickets({ mine }: { mine: Me }) {
  const { say } = useWords();
  const [filter, setFilter] = useState<Word>("openTickets");
  const [words, setWords] = useState("");
  const [asked, setAsked] = useState("");
  const [draft, setDraft] = useState<Ticket | null>(null);

  const wanted = FILTERS.find(([name]) => name === filter)![1];
  const load = () => post<{ tickets: Ticket[] }>("/api/tickets/search", { ...wanted, text: asked, limit: 50 });
  const [found, again] = useAnswer(load, 4000, [filter, asked]);

  const search = (event: Event) => {
    event.preventDefault();
    setAsked(words.trim());
  };
  return (
    <div class="two">
      <section class="card rows">
        <h2>{say("tickets")}</h2>
        <form class="find" onSubmit={search}>
          <input aria-label={say("search")} placeholder={say("search")} value={words} maxLength={200} onInput={(event) => setWords(event.currentTarget.value)} />
          <button type="submit">{say("find")}</button>
        </form>
        <div class="filters" role="group" aria-label={say("tickets")}>
          {FILTERS.map(([name]) => (
            <button type="button" data-filter={name} aria-pressed={filter === name} onClick={() => setFilter(name)}>
              {say(name)}
            </button>
          ))}
        </div>
        {found?.tickets.length === 0 && <p class="empty">{say("noTickets")}</p>}
        <ul>
          {found?.tickets.map((ticket) => (
            <li key={ticket.code} data-ticket={ticket.code}>
              <div class="row">
                <b class="num">{grouped(ticket.code)}</b>
                <span>{sayOr(say, ticket.kind)}</span>
                <span class="tag">{sayOr(say, `ticket-${ticket.state}`)}</span>
                {ticket.urgent && <span class="tag live">{say("urgentTicket")}</span>}
                <span class="wide">{ticket.problem || ticket.caller}</span>
                <time class="num">{clock(Date.parse(ticket.created), false)}</time>
                {ticket.overdue && <span class="tag live">{say("late")}</span>}
                {ticket.recording && <Sound path={`/api/tickets/${ticket.code}/recording`} />}
                {ticket.state === "draft" && WRITES.has(mine.role) && (
                  <button type="button" onClick={() => setDraft(ticket)}>
                    {say("completeDraft")}
                  </button>
                )}
              </div>
            </li>
          ))}
        </ul>
      </section>
      {WRITES.has(mine.role) && (
        <Intake
          key={draft?.code ?? "new"}
          mine={mine}
          draft={draft}
          done={() => {
            setDraft(null);
            again();
          }}
        />
      )}
    </div>
  );
}
