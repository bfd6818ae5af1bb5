"""The book of visits: reading and writing them in a transaction. What may happen to a visit is `states.py`'s table."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, Select, case, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from casework.phone_numbers import at_home, spellings
from casework.visits.answers import KINDS, Agreed, Answer, Chosen, Recorded, Said, Scored, YesNo
from casework.visits.fates import Fate
from casework.visits.states import LIVE, WAITING, Outcome, State, after
from casework.visits.tables import ANSWERS, CALLS, DO_NOT_CALL, PAUSES, STEPS, VISITS
from casework.visits.visit import CALL, NewVisit, Talked, Visit, VisitUnknown

MACHINE: Final = "hotline"
ALL: Final = "*"
"""A pause of every script."""
_ABOUT: Final = ("queue", "line", "language", "zone", "facts")
_LIVE: Final = VISITS.alias("live")
LONGEST: Final = timedelta(hours=12)
"""No call lasts longer."""


def add(transaction: Connection, new: NewVisit, *, due: datetime, at: datetime, who: str) -> tuple[int, bool]:
    """Write a visit down; return its id, and whether it is new: the same key is never taken twice."""
    if new.key and (known := transaction.execute(select(VISITS.c.id).where(VISITS.c.key == new.key)).scalar()):
        return int(known), False
    about = {name: getattr(new, name) for name in _ABOUT if getattr(new, name)}
    row = {
        "key": new.key or None,
        "script": new.script,
        "number": new.number,
        "state": State.DUE.value,
        "due": due,
        "priority": 0,
        "attempt": 0,
        "tries": 0,
        "ticket": new.ticket or None,
        "crew": new.crew or None,
        "area": new.area or None,
        "about": json.dumps(about),
        "created": at,
        "changed": at,
    }
    visit = int(transaction.execute(insert(VISITS).values(row).returning(VISITS.c.id)).scalar_one())
    _step(transaction, visit, "add", State.DUE, at=at, who=who)
    return visit, True


def get(transaction: Connection, visit: int) -> Visit:
    """Return a visit as it stands; raises VisitUnknown."""
    return _one(transaction, select(VISITS).where(VISITS.c.id == visit), visit)


def get_locked(transaction: Connection, visit: int) -> Visit:
    """Return a visit; nobody else changes it until this transaction ends. Raises VisitUnknown."""
    return _one(transaction, select(VISITS).where(VISITS.c.id == visit).with_for_update(), visit)


def _one(transaction: Connection, chosen: Select[Any], visit: int) -> Visit:
    row = transaction.execute(chosen).one_or_none()
    if row is None:
        raise VisitUnknown(visit)
    return _visit(row)


def of_call(transaction: Connection, call: str) -> Visit | None:
    """Return the visit whose newest call this is, while that call lives; None for any other."""
    visit = of_newest_call(transaction, call)
    return visit if visit is not None and visit.state in LIVE else None


def of_newest_call(transaction: Connection, call: str) -> Visit | None:
    """Return the visit whose newest call this is or was; None for any other."""
    parts = CALL.fullmatch(call)
    if parts is None:
        return None
    try:
        visit = get_locked(transaction, int(parts["visit"]))
    except VisitUnknown:
        return None
    return visit if visit.call == call else None


def move(
    transaction: Connection, visit: Visit, step: str, *, at: datetime, who: str = MACHINE, why: str = "", **also: Any
) -> State:
    """Take a step of the table and write it down; raises VisitCannot."""
    state = after(visit.state, step)
    changed = {"state": state.value, "changed": at, **also}
    transaction.execute(update(VISITS).where(VISITS.c.id == visit.id).values(changed))
    _step(transaction, visit.id, step, state, at=at, who=who, why=why)
    return state


def reorder(transaction: Connection, visit: Visit, *, at: datetime, who: str) -> None:
    """Put this visit before all others that are due."""
    first = select(func.coalesce(func.max(VISITS.c.priority), 0) + 1).where(VISITS.c.state.in_(sorted(WAITING)))
    transaction.execute(
        update(VISITS).where(VISITS.c.id == visit.id).values(priority=first.scalar_subquery(), changed=at)
    )
    _step(transaction, visit.id, "first", visit.state, at=at, who=who)


# Dialling


def candidates(transaction: Connection, *, at: datetime, limit: int) -> Sequence[Visit]:
    """Return visits that are due, in the order in which they are called; one per customer, none who is on a line now.

    What was agreed with the callee comes first, then what a lead has put first, then what has waited longest.
    """
    same = select(_LIVE.c.id).where(_LIVE.c.number == VISITS.c.number)
    live = same.where(_LIVE.c.state.in_(sorted(LIVE))).exists()
    with_a_person = same.join(CALLS, CALLS.c.visit == _LIVE.c.id).where(*_handed_over(at - LONGEST)).exists()
    paused = select(PAUSES.c.script)
    chosen = (
        select(VISITS)
        .where(VISITS.c.state.in_(sorted(WAITING)), VISITS.c.due <= at, ~live, ~with_a_person)
        .where(VISITS.c.script.not_in(paused), ~paused.where(PAUSES.c.script == ALL).exists())
        .order_by(case((VISITS.c.state == State.APPOINTED.value, 0), else_=1))
        .order_by(VISITS.c.priority.desc(), VISITS.c.due, VISITS.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=VISITS)
    )
    each: dict[str, Visit] = {}
    for row in transaction.execute(chosen):
        each.setdefault(row.number, _visit(row))
    return list(each.values())


def take(transaction: Connection, visit: Visit, *, at: datetime, lease: timedelta) -> Visit | None:
    """Lease a visit for one call and write that call down, before Asterisk is asked for it.

    None if another dialler has just called the same customer.
    """
    try:
        with transaction.begin_nested():
            attempt = visit.attempt + 1
            move(transaction, visit, "dial", at=at, attempt=attempt, lease=at + lease)
    except IntegrityError:
        return None
    leased = get(transaction, visit.id)
    row = {"call": leased.call, "visit": visit.id, "script": visit.script, "began": at}
    transaction.execute(insert(CALLS).values(row))
    return leased


def put_off(transaction: Connection, visit: Visit, *, due: datetime) -> None:
    """Not now: the visit stays due, for later."""
    transaction.execute(update(VISITS).where(VISITS.c.id == visit.id).values(due=due))


def live(transaction: Connection) -> Sequence[tuple[Visit, datetime]]:
    """Return the visits that are being called or talked with, each with the end of its lease."""
    rows = transaction.execute(select(VISITS).where(VISITS.c.state.in_(sorted(LIVE)))).all()
    return [(_visit(row), utc(row.lease)) for row in rows]


def renew(transaction: Connection, visits: Iterable[int], *, until: datetime) -> None:
    """These are seen on a line: they are ours for longer."""
    transaction.execute(update(VISITS).where(VISITS.c.id.in_(list(visits))).values(lease=until))


def handed_over(transaction: Connection, *, since: datetime) -> Sequence[str]:
    """Return the calls that went on with a person and are not known to be over."""
    return transaction.execute(select(CALLS.c.call).where(*_handed_over(since))).scalars().all()


def _handed_over(since: datetime) -> tuple[ColumnElement[bool], ...]:
    went_on = CALLS.c.outcome == Outcome.HANDED_OVER.value
    return went_on, CALLS.c.ended.is_(None), CALLS.c.began >= since


def next_due(transaction: Connection) -> datetime | None:
    """Return when the next visit is due; None when none waits."""
    found = transaction.execute(select(func.min(VISITS.c.due)).where(VISITS.c.state.in_(sorted(WAITING)))).scalar()
    return None if found is None else utc(found)


def tries_with(transaction: Connection, visit: Visit, fate: Fate) -> int:
    """Return how many of its calls had this fate since it became due last."""
    became_due = select(func.max(STEPS.c.at)).where(
        STEPS.c.visit == visit.id, STEPS.c.step.in_(["add", "again", f"end {Outcome.APPOINTED.value}"])
    )
    since = transaction.execute(became_due).scalar_one()
    found = select(func.count()).where(CALLS.c.visit == visit.id, CALLS.c.fate == fate.value, CALLS.c.began > since)
    return int(transaction.execute(found).scalar_one())


# What is said in a call


def begin_survey(transaction: Connection, call: str, script: str, *, at: datetime) -> None:
    """Somebody who called us is asked how it was; beginning again changes nothing."""
    if transaction.execute(select(CALLS.c.call).where(CALLS.c.call == call)).scalar() is None:
        transaction.execute(insert(CALLS).values(call=call, script=script, began=at, answered=at))


def close_call(transaction: Connection, call: str, **fields: Any) -> None:
    """Write down how a call ended."""
    transaction.execute(update(CALLS).where(CALLS.c.call == call).values(fields))


def keep(transaction: Connection, call: str, answer: Answer) -> None:
    """Keep an answer; the first one to a question stays."""
    known = transaction.execute(select(ANSWERS.c.step).where(ANSWERS.c.call == call)).scalars().all()
    if answer.step in known:
        return
    row = {"call": call, "place": len(known), "at": answer.at, **_answer_row(answer)}
    transaction.execute(insert(ANSWERS).values(row))


def answers(transaction: Connection, call: str) -> Sequence[Answer]:
    """Return what was answered in a call, in order."""
    rows = transaction.execute(select(ANSWERS).where(ANSWERS.c.call == call).order_by(ANSWERS.c.place)).all()
    return [_answer(row) for row in rows]


def script_of(transaction: Connection, call: str) -> str | None:
    """Return the name of the script that a call follows; None for a call we do not know."""
    return transaction.execute(select(CALLS.c.script).where(CALLS.c.call == call)).scalar()


def outcome_of(transaction: Connection, call: str) -> str | None:
    """Return how a talk ended; None while it goes on."""
    return transaction.execute(select(CALLS.c.outcome).where(CALLS.c.call == call)).scalar()


def calls_of(transaction: Connection, visit: int) -> Sequence[Talked]:
    """Return every call of a visit, oldest first, with its answers."""
    rows = transaction.execute(select(CALLS).where(CALLS.c.visit == visit).order_by(CALLS.c.began, CALLS.c.call)).all()
    return [talked(transaction, row) for row in rows]


def talked(transaction: Connection, row: Row[Any]) -> Talked:
    """Return a row of `visit_calls` with its answers."""
    return Talked(
        call=row.call,
        visit=row.visit,
        script=row.script,
        began=utc(row.began),
        answered=utc(row.answered) if row.answered else None,
        ended=utc(row.ended) if row.ended else None,
        fate=Fate(row.fate) if row.fate else None,
        cause=row.cause,
        tech_cause=row.tech_cause or "",
        hint=row.hint or "",
        outcome=Outcome(row.outcome) if row.outcome else None,
        answers=answers(transaction, row.call),
    )


# Lists


def listed(
    transaction: Connection, *, states: Iterable[State] = (), script: str = "", limit: int = 100, after_id: int = 0
) -> Sequence[Visit]:
    """Return visits in the order of their ids; in any state unless some are named."""
    chosen: Select[Any] = select(VISITS).where(VISITS.c.id > after_id)
    if wanted := [state.value for state in states]:
        chosen = chosen.where(VISITS.c.state.in_(wanted))
    if script:
        chosen = chosen.where(VISITS.c.script == script)
    return [_visit(row) for row in transaction.execute(chosen.order_by(VISITS.c.id).limit(limit))]


def counts(transaction: Connection) -> Mapping[str, int]:
    """Return how many visits are in each state."""
    rows = transaction.execute(select(VISITS.c.state, func.count().label("visits")).group_by(VISITS.c.state)).all()
    return {row.state: row.visits for row in rows}


def steps_of(transaction: Connection, visit: int) -> Sequence[Mapping[str, str]]:
    """Return what happened to a visit, oldest first."""
    rows = transaction.execute(select(STEPS).where(STEPS.c.visit == visit).order_by(STEPS.c.id)).all()
    return [
        {"at": utc(row.at).isoformat(), "step": row.step, "state": row.state, "who": row.who, "why": row.why}
        for row in rows
    ]


# Whom not to call, and what not to dial


def block(transaction: Connection, number: str, *, region: str, at: datetime, why: str) -> None:
    """Never call a number, however it is written."""
    unblock(transaction, number, region=region)
    transaction.execute(insert(DO_NOT_CALL).values(number=at_home(number, region), since=at, why=why))


def unblock(transaction: Connection, number: str, *, region: str) -> None:
    """Allow a number to be called again."""
    transaction.execute(DO_NOT_CALL.delete().where(DO_NOT_CALL.c.number.in_(spellings(number, region))))


def is_blocked(transaction: Connection, number: str, *, region: str) -> bool:
    """Whether this number is not to be called, however it was written when that was asked for."""
    found = select(DO_NOT_CALL.c.number).where(DO_NOT_CALL.c.number.in_(spellings(number, region))).limit(1)
    return transaction.execute(found).scalar() is not None


def pause(transaction: Connection, script: str, *, at: datetime, who: str) -> None:
    """Dial nobody for this script (`*`: for any) until it is resumed; who is on a line stays there."""
    transaction.execute(PAUSES.delete().where(PAUSES.c.script == script))
    transaction.execute(insert(PAUSES).values(script=script, since=at, who=who))


def resume(transaction: Connection, script: str) -> None:
    """End a pause; with `*`, every pause."""
    chosen = PAUSES.delete()
    transaction.execute(chosen if script == ALL else chosen.where(PAUSES.c.script == script))


def paused(transaction: Connection) -> Sequence[str]:
    """Return which scripts are paused."""
    return transaction.execute(select(PAUSES.c.script).order_by(PAUSES.c.script)).scalars().all()


# Rows


def _step(
    transaction: Connection, visit: int, step: str, state: State, *, at: datetime, who: str, why: str = ""
) -> None:
    row = {"visit": visit, "at": at, "step": step, "state": state.value, "who": who[:200], "why": json.dumps(why)}
    transaction.execute(insert(STEPS).values(row))


def _visit(row: Row[Any]) -> Visit:
    about = json.loads(row.about)
    return Visit(
        id=row.id,
        script=row.script,
        number=row.number,
        state=State(row.state),
        due=utc(row.due),
        priority=row.priority,
        attempt=row.attempt,
        tries=row.tries,
        key=row.key or "",
        ticket=row.ticket or "",
        crew=row.crew or "",
        area=row.area or "",
        created=utc(row.created),
        changed=utc(row.changed),
        **about,
    )


def _answer_row(answer: Answer) -> dict[str, Any]:
    kind = next(name for name, cls in KINDS.items() if isinstance(answer, cls))
    length = round(answer.length.total_seconds() * 1000) if isinstance(answer, Recorded) else None
    return {"step": answer.step, "kind": kind, "value": answer.value, "length_ms": length}


def _answer(row: Row[Any]) -> Answer:
    step, at = row.step, utc(row.at)
    match row.kind:
        case "yes-no":
            return YesNo(step=step, at=at, yes=row.value == "yes")
        case "scored":
            return Scored(step=step, at=at, points=int(row.value))
        case "recorded":
            return Recorded(step=step, at=at, file=row.value, length=timedelta(milliseconds=row.length_ms or 0))
        case "agreed":
            return Agreed(step=step, at=at, time=datetime.fromisoformat(row.value))
        case "said":
            return Said(step=step, at=at)
    return Chosen(step=step, at=at, option=row.value)


def utc(moment: datetime) -> datetime:
    """A moment as it was written: SQLite keeps no zone, all of ours are UTC."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
