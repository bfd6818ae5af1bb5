"""The figures of visits: who was reached, who answered, who was satisfied; per crew, area, week or script.

ordered     visits that came to an end, or still wait
visited     somebody picked up and said something, also if it was only that he has no time now; `visited_share` of all
            that were ordered, which is one for each ticket that was finished
finished    all was asked
valid       the answers that the script wants for the figures are there
satisfied   of the valid ones, those that fit the script's condition
            (a survey at the end of a caller's own call is counted by script and by week, as ordered when it began)
late        ordered by a ticket, and not over (or a time agreed) within the site's working days
refused     did not want to be asked; counted apart from those who were not reached
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from casework.visits.book import utc
from casework.visits.conditions import hold
from casework.visits.script import Score, Script
from casework.visits.states import NOT_REACHED, OVER, WAITING, Outcome, State
from casework.visits.tables import ANSWERS, CALLS, VISITS

By = Literal["crew", "area", "week", "script"]
VISITED = frozenset({Outcome.FINISHED, Outcome.PARTIAL, Outcome.HANDED_OVER, Outcome.REFUSED, Outcome.APPOINTED})


@dataclass(slots=True)
class Figures:
    """One row: what became of the visits of a crew, an area, a week or a script."""

    ordered: int = 0
    waiting: int = 0
    visited: int = 0
    finished: int = 0
    valid: int = 0
    satisfied: int = 0
    refused: int = 0
    not_reached: int = 0
    late: int = 0
    calls: int = 0
    scores: list[int] = field(default_factory=list)

    def as_row(self) -> dict[str, int | float | None]:
        """The row as people read it; a share of nothing is nothing."""
        mean = round(sum(self.scores) / len(self.scores), 2) if self.scores else None
        shares = {
            "visited_share": _share(self.visited, self.ordered),
            "satisfied_share": _share(self.satisfied, self.valid),
        }
        names = (
            "ordered",
            "waiting",
            "visited",
            "finished",
            "valid",
            "satisfied",
            "refused",
            "not_reached",
            "late",
            "calls",
        )
        return {name: getattr(self, name) for name in names} | shares | {"score": mean}


def _share(some: int, of: int) -> float | None:
    return round(some / of, 4) if of else None


def figures(
    transaction: Connection,
    scripts: Mapping[str, Script],
    *,
    by: By,
    since: datetime,
    until: datetime,
    zone: ZoneInfo,
    is_late: Callable[[datetime, datetime | None], bool] = lambda *_: False,
) -> Mapping[str, Figures]:
    """Return the figures of the visits that were ordered in this time, by the name of their group.

    `is_late` judges a visit after a ticket by when it was ordered and when it was over (`Office.is_late`).
    """
    found: defaultdict[str, Figures] = defaultdict(Figures)
    chosen = VISITS.c.created >= since, VISITS.c.created < until
    groups: dict[int, str] = {}
    for row in transaction.execute(select(VISITS).where(*chosen)):
        groups[row.id] = _group(row, by, zone)
        line, state = found[groups[row.id]], State(row.state)
        _count_visit(line, state)
        if row.ticket and state is not State.APPOINTED:
            line.late += is_late(utc(row.created), utc(row.changed) if state in OVER else None)
    talks = select(CALLS.c.call, CALLS.c.visit, CALLS.c.script, CALLS.c.outcome).join(
        VISITS, VISITS.c.id == CALLS.c.visit
    )
    answers = _answers(transaction, chosen)
    visited: set[int] = set()
    for talk in transaction.execute(talks.where(*chosen)):
        line = found[groups[talk.visit]]
        line.calls += 1
        if talk.outcome is not None and Outcome(talk.outcome) in VISITED and talk.visit not in visited:
            visited.add(talk.visit)
            line.visited += 1
        if talk.script in scripts:
            _count_talk(line, scripts[talk.script], answers.get(talk.call, {}))
    if by in ("script", "week"):
        _count_surveys(transaction, scripts, found, by=by, since=since, until=until, zone=zone)
    return dict(sorted(found.items()))


def _count_surveys(
    transaction: Connection,
    scripts: Mapping[str, Script],
    found: defaultdict[str, Figures],
    *,
    by: By,
    since: datetime,
    until: datetime,
    zone: ZoneInfo,
) -> None:
    """Count what callers said at the end of their own calls: no visit was ordered for these, and no crew is meant."""
    ours = CALLS.c.visit.is_(None), CALLS.c.began >= since, CALLS.c.began < until
    said: defaultdict[str, dict[str, str]] = defaultdict(dict)
    rows = select(ANSWERS.c.call, ANSWERS.c.step, ANSWERS.c.value).join(CALLS, CALLS.c.call == ANSWERS.c.call)
    for row in transaction.execute(rows.where(*ours)):
        said[row.call][row.step] = row.value
    talks = select(CALLS.c.call, CALLS.c.script, CALLS.c.outcome, CALLS.c.began.label("created"))
    for talk in transaction.execute(talks.where(*ours)):
        line = found[_group(talk, by, zone)]
        line.ordered += 1
        line.calls += 1
        line.visited += bool(said.get(talk.call))
        line.finished += talk.outcome == Outcome.FINISHED.value
        if talk.script in scripts:
            _count_talk(line, scripts[talk.script], said.get(talk.call, {}))


def _count_visit(line: Figures, state: State) -> None:
    line.ordered += 1
    line.waiting += state in WAITING
    line.finished += state is State.FINISHED
    line.refused += state is State.REFUSED
    line.not_reached += state in NOT_REACHED


def _count_talk(line: Figures, script: Script, answers: Mapping[str, str]) -> None:
    if not answers or not all(name in answers for name in script.valid):
        return
    line.valid += 1
    line.satisfied += bool(script.satisfied) and hold(script.satisfied, answers)
    line.scores += [int(answers[step.id]) for step in script.steps if isinstance(step, Score) and step.id in answers]


def _answers(transaction: Connection, chosen: Sequence[Any]) -> Mapping[str, Mapping[str, str]]:
    """The answers of these visits' calls, by call and question."""
    found: defaultdict[str, dict[str, str]] = defaultdict(dict)
    rows = (
        select(ANSWERS.c.call, ANSWERS.c.step, ANSWERS.c.value)
        .join(CALLS, CALLS.c.call == ANSWERS.c.call)
        .join(VISITS, VISITS.c.id == CALLS.c.visit)
    )
    for row in transaction.execute(rows.where(*chosen)):
        found[row.call][row.step] = row.value
    return found


def _group(row: Any, by: By, zone: ZoneInfo) -> str:
    if by == "week":
        year, week, _ = utc(row.created).astimezone(zone).isocalendar()
        return f"{year}-W{week:02}"
    return str(getattr(row, by) or "")
