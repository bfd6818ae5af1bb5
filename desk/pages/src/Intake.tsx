// Taking a ticket in while the caller speaks: each fact is read back, and what is known of the caller stands beside it.

import { useEffect, useState } from "preact/hooks";

import { useAnswer } from "./answer";
import { get, post, type Me } from "./api";
import { clock } from "./time";
import { tell, tellProblem } from "./Toasts";
import { grouped, type Ticket } from "./Tickets";
import { sayOr, useWords, type Word } from "./words";

const KINDS = ["repair", "memo", "complaint", "survey", "emergency"] as const;
type Kind = (typeof KINDS)[number];
const LEADS = new Set(["lead", "supervisor", "admin"]);

const FACTS = ["problem", "address", "name", "phone"] as const;
type Fact = (typeof FACTS)[number];
const LABELS: Record<Fact, Word> = { problem: "problem", address: "address", name: "callerName", phone: "phone" };
/** Without these it stays a draft (`casework/steps.py`: NEEDED). */
const NEEDED: Record<Kind, readonly Fact[]> = {
  repair: FACTS,
  memo: ["problem", "phone"],
  complaint: ["problem", "phone"],
  survey: ["address", "name", "phone"],
  emergency: ["problem", "address"],
};

interface Known {
  open: Ticket[];
  repeated: number;
  calls: number;
}

/** The call that the agent has, or had a moment ago. */
interface AtHand {
  call: string | null;
  caller: string | null;
  line: string;
}

interface Line {
  key: string;
  name: string;
}

interface Place {
  slot: { begin: string; end: string };
  room: number;
}

export function Intake({ mine, draft, done }: { mine: Me; draft: Ticket | null; done: () => void }) {
  const { say } = useWords();
  const [kind, setKind] = useState<Kind>((draft?.kind as Kind | undefined) ?? "repair");
  const [facts, setFacts] = useState<Record<Fact, string>>({ problem: draft?.problem ?? "", address: draft?.address ?? "", name: "", phone: "" });
  const [area, setArea] = useState(draft?.area ?? "");
  const [confirmed, setConfirmed] = useState<Fact[]>([]);
  const [onThePhone, setOnThePhone] = useState(draft === null);
  const [urgent, setUrgent] = useState(draft?.urgent ?? false);
  const [slot, setSlot] = useState("");
  const [emergency, setEmergency] = useState("");
  const [places, setPlaces] = useState<Place[]>([]);
  const [emergencies, setEmergencies] = useState<Ticket[]>([]);
  const [areas, setAreas] = useState<{ key: string; name: string }[]>([]);
  const [lines, setLines] = useState<Line[]>([]);
  const [line, setLine] = useState(draft?.line ?? "");
  const [known, setKnown] = useState<Known | null>(null);
  const [busy, setBusy] = useState(false);

  useEffect(() => {
    get<{ slots: Place[] }>("/api/tickets/slots").then((told) => setPlaces(told.slots), tellProblem);
    get<{ lines: Line[] }>("/api/lines").then((told) => setLines(told.lines), tellProblem);
    get<{ areas: { key: string; name: string }[] }>("/api/areas").then((told) => setAreas(told.areas), tellProblem);
    const wanted = { kinds: ["emergency"], is_open: true };
    post<{ tickets: Ticket[] }>("/api/tickets/search", wanted).then((told) => setEmergencies(told.tickets), tellProblem);
  }, []);
  const [atHand] = useAnswer(() => (mine.number === null ? Promise.resolve(null) : get<AtHand>("/api/tickets/at-hand")), 2000, [mine.number]);
  const [history, setHistory] = useState<Known | null>(null);
  const call = atHand?.call ?? null;
  useEffect(() => {
    setHistory(null);
    if (call !== null) get<{ known: Known | null }>("/api/tickets/at-hand?history=yes").then((told) => setHistory(told.known), tellProblem);
  }, [call]);
  const theirCall = onThePhone && draft === null && atHand?.call ? atHand : null;
  const needed = NEEDED[kind];
  const lookUp = () => {
    if (/^\+?[0-9 -]{5,20}$/.test(facts.phone)) post<Known>("/api/tickets/caller", { number: facts.phone }).then(setKnown, tellProblem);
  };
  const write = (fact: Fact, text: string) => {
    setFacts({ ...facts, [fact]: text });
    setConfirmed(confirmed.filter((each) => each !== fact)); // what changes must be read back again
  };
  const unheard = onThePhone && draft === null ? needed.filter((fact) => !confirmed.includes(fact)) : [];

  async function open(): Promise<string> {
    const said = Object.fromEntries(Object.entries({ ...facts, area, line }).filter(([, text]) => text.trim() !== ""));
    if (draft !== null) {
      const steps = `/api/tickets/${draft.code}/steps`;
      const changed = Object.fromEntries(Object.entries(said).filter(([name, text]) => text !== draft[name as keyof Ticket]));
      if (Object.keys(changed).length > 0) await post(steps, { move: "correct", facts: { ...changed, confirmed } });
      await post(steps, { move: "open" });
      return draft.code;
    }
    const body = { kind, ...said, urgent, confirmed, source: onThePhone ? "call" : "desk", ...(emergency ? { emergency } : {}) };
    const { ticket } = await post<{ ticket: Ticket }>("/api/tickets", body);
    const place = places.find((each) => each.slot.begin === slot);
    if (place) await post(`/api/tickets/${ticket.code}/steps`, { move: "appoint", slot: place.slot });
    return ticket.code;
  }

  const submit = (event: Event) => {
    event.preventDefault();
    setBusy(true);
    open()
      .then((code) => {
        tell(`${say("opened")}: ${grouped(code)}`);
        setFacts({ problem: "", address: "", name: "", phone: "" });
        setConfirmed([]);
        setArea("");
        setLine("");
        setSlot("");
        setEmergency("");
        setKnown(null);
        done();
      })
      .catch(tellProblem)
      .finally(() => setBusy(false));
  };
  return (
    <section class="card intake">
      <h2>{draft === null ? say("newTicket") : `${say("completeDraft")} ${grouped(draft.code)}`}</h2>
      <form onSubmit={submit}>
        {draft === null && (
          <>
            <label>
              <span>{say("kind")}</span>
              <select aria-label={say("kind")} value={kind} onChange={(event) => setKind(event.currentTarget.value as Kind)}>
                {KINDS.filter((each) => each !== "emergency" || LEADS.has(mine.role)).map((each) => (
                  <option value={each}>{say(each)}</option>
                ))}
              </select>
            </label>
            <label class="check">
              <input type="checkbox" checked={onThePhone} onChange={(event) => setOnThePhone(event.currentTarget.checked)} /> {say("onThePhone")}
            </label>
          </>
        )}
        {theirCall !== null && (
          <aside class="known at-hand">
            <p>
              {say("yourCaller")} <b class="num">{theirCall.caller ?? say("withheld")}</b> {lines.find((each) => each.key === theirCall.line)?.name}
            </p>
            {history !== null && <History known={history} />}
          </aside>
        )}
        {FACTS.map((fact) => (
          <div class="fact" data-fact={fact}>
            <label>
              <span>
                {say(LABELS[fact])}
                {needed.includes(fact) && " *"}
              </span>
              <input
                aria-label={say(LABELS[fact])}
                required={needed.includes(fact) && draft === null}
                maxLength={fact === "problem" ? 4000 : 200}
                value={facts[fact]}
                onInput={(event) => write(fact, event.currentTarget.value)}
                onBlur={fact === "phone" ? lookUp : undefined}
              />
            </label>
            <label class="check">
              <input
                type="checkbox"
                aria-label={`${say("readBack")}: ${say(LABELS[fact])}`}
                checked={confirmed.includes(fact)}
                disabled={facts[fact].trim() === ""}
                onChange={(event) =>
                  setConfirmed(event.currentTarget.checked ? [...confirmed, fact] : confirmed.filter((each) => each !== fact))
                }
              />{" "}
              {say("readBack")}
            </label>
          </div>
        ))}
        <label>
          <span>{say("area")}</span>
          <input aria-label={say("area")} list="areas" maxLength={200} value={area} onInput={(event) => setArea(event.currentTarget.value)} />
          <datalist id="areas">
            {areas.map((each) => (
              <option value={each.name} />
            ))}
          </datalist>
          {kind === "emergency" && !areas.some((each) => [each.name, each.key].includes(area.trim())) && <small>{say("notAnnounced")}</small>}
        </label>
        {known !== null && (
          <aside class="known">
            <History known={known} />
          </aside>
        )}
        {theirCall === null && lines.length > 1 && (
          <label>
            <span>{say("line")}</span>
            <select aria-label={say("line")} value={line || lines[0]!.key} onChange={(event) => setLine(event.currentTarget.value)}>
              {lines.map((each) => (
                <option value={each.key}>{each.name}</option>
              ))}
            </select>
          </label>
        )}
        {draft === null && kind === "repair" && places.length > 0 && (
          <label>
            <span>{say("slot")}</span>
            <select aria-label={say("slot")} value={slot} onChange={(event) => setSlot(event.currentTarget.value)}>
              <option value="">{say("noSlot")}</option>
              {places.map((place) => (
                <option value={place.slot.begin}>
                  {place.slot.begin.slice(0, 10)} {clock(Date.parse(place.slot.begin), false)}–{clock(Date.parse(place.slot.end), false)} ({place.room})
                </option>
              ))}
            </select>
          </label>
        )}
        {draft === null && kind !== "emergency" && emergencies.length > 0 && (
          <label>
            <span>{say("attachTo")}</span>
            <select aria-label={say("attachTo")} value={emergency} onChange={(event) => setEmergency(event.currentTarget.value)}>
              <option value="">{say("noEmergency")}</option>
              {emergencies.map((each) => (
                <option value={each.code}>
                  {grouped(each.code)} {each.area} {each.problem}
                </option>
              ))}
            </select>
          </label>
        )}
        <label class="check">
          <input type="checkbox" checked={urgent} onChange={(event) => setUrgent(event.currentTarget.checked)} /> {say("urgentTicket")}
        </label>
        <button type="submit" class="main" disabled={busy || unheard.length > 0} title={unheard.length > 0 ? say("notReadBack") : undefined}>
          {say("open")}
        </button>
      </form>
    </section>
  );
}

function History({ known }: { known: Known }) {
  const { say } = useWords();
  return (
    <>
      <p>
        {say("callsBefore")} <b class="num">{known.calls}</b> · {say("ticketsLastWeek")} <b class="num">{known.repeated}</b> · {say("openNow")}{" "}
        <b class="num">{known.open.length}</b>
      </p>
      {known.open.map((ticket) => (
        <p>
          <b class="num">{grouped(ticket.code)}</b> {sayOr(say, `ticket-${ticket.state}`)} {ticket.problem}
        </p>
      ))}
    </>
  );
}
