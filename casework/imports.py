"""Importing many tickets: rows come in batches, each written in one transaction with how far the import has come.

So an import that was cut off goes on where it stopped, and no row is ever taken twice. A row that cannot be taken is
kept with its line and the reason, and the others go on. Nobody is told of imported tickets: what follows from opening
one (notices, visits) does not follow from importing it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, ConfigDict, Field, ValidationError
from sqlalchemy import Connection, insert, select, update

from casework import book
from casework.errors import CaseworkError, check_line
from casework.moves import Fields, check_complete, on_opening
from casework.register import Register
from casework.tables import IMPORT_ERRORS, IMPORTS, TICKETS, lookup
from casework.ticket import Facts, Kind, Long, Name, Short, State
from storage.database import Database

COLUMNS: Final[Mapping[str, str]] = {
    "类型": "kind", "问题": "problem", "地址": "address", "片区": "area", "姓名": "name", "电话": "phone",
    "来电": "caller", "线路": "line", "紧急": "urgent", "责任方": "responsible", "编号": "external_id",
    "时间": "opened", "状态": "state", "结果": "outcome",
}  # fmt: skip
"""A column may have its Chinese name; small and capital letters are alike."""
KINDS: Final[Mapping[str, Kind]] = {
    "备忘录": Kind.MEMO, "咨询": Kind.MEMO, "报修": Kind.REPAIR, "抢修": Kind.EMERGENCY, "投诉": Kind.COMPLAINT,
    "勘察": Kind.SURVEY,
}  # fmt: skip
YES: Final = frozenset({"yes", "true", "1", "是", "紧急"})
LONGEST_REASON: Final = 500


class ImportUnknown(CaseworkError):
    """There is no such import."""

    code = "import-unknown"

    def __init__(self, key: str) -> None:
        super().__init__(f"no import {key!r:.80} was begun")


class ImportedRow(Facts):
    """One row, checked. A cell that is empty is not there."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Annotated[Kind, BeforeValidator(lambda given: KINDS.get(given, str(given).lower()))]
    external_id: Short = ""
    urgent: Annotated[bool, BeforeValidator(lambda given: str(given).lower() in YES)] = False
    opened: datetime | None = Field(None, description="in the site's own zone, if it names none")
    state: Literal["opened", "closed"] = "opened"
    outcome: Long = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an import has come: the last line looked at, and what became of the rows."""

    line: int
    opened: int
    known: int
    """Rows that another import, or a system of this source, has brought before."""
    refused: int


class Imports:
    """All imports; each is known by a key, such as a hash of its file."""

    def __init__(
        self, database: Database, register: Register, *, zone: ZoneInfo, lines: Collection[str] | None = None
    ) -> None:
        """`lines` are those of the site; None: a row may name any."""
        self._database, self._register, self._zone, self._lines = database, register, zone, lines

    async def begin(self, key: str, *, source: Name) -> Progress:
        """Begin an import, or take up one that was begun."""

        def work(transaction: Connection) -> Progress:
            if (known := _progress(transaction, key)) is not None:
                return known
            transaction.execute(
                insert(IMPORTS).values(key=lookup(key), source=source, line=0, opened=0, known=0, refused=0)
            )
            return Progress(0, 0, 0, 0)

        return await self._database.write(work)

    async def take(self, key: str, rows: Sequence[tuple[int, Mapping[str, str]]], *, who: str) -> Progress:
        """Take the next rows, each with its line; those of lines that were taken before are passed over.

        Raises ImportUnknown.
        """
        return await self._database.write(lambda transaction: self._take(transaction, key, rows, who))

    async def errors(self, key: str, *, after: int = 0, limit: int = 500) -> Sequence[tuple[int, str]]:
        """Return the lines that were refused and why, in order."""
        chosen = (
            select(IMPORT_ERRORS.c.line, IMPORT_ERRORS.c.reason)
            .where(IMPORT_ERRORS.c.key == lookup(key), IMPORT_ERRORS.c.line > after)
            .order_by(IMPORT_ERRORS.c.line)
            .limit(limit)
        )
        return await self._database.read(
            lambda connection: [(row.line, row.reason) for row in connection.execute(chosen)]
        )

    def _take(
        self, transaction: Connection, key: str, rows: Sequence[tuple[int, Mapping[str, str]]], who: str
    ) -> Progress:
        before = _progress(transaction, key)
        if before is None:
            raise ImportUnknown(key)
        source = transaction.execute(select(IMPORTS.c.source).where(IMPORTS.c.key == lookup(key))).scalar_one()
        new = [row for row in rows if row[0] > before.line]
        if not new:
            return before
        good, bad = self._checked(new)
        fresh, known = _not_yet_here(transaction, source, good)
        self._write(transaction, source, fresh, who)
        if bad:
            transaction.execute(
                insert(IMPORT_ERRORS), [{"key": lookup(key), "line": line, "reason": why} for line, why in bad]
            )
        after = Progress(
            max(line for line, _ in new), before.opened + len(fresh), before.known + known, before.refused + len(bad)
        )
        values = {"line": after.line, "opened": after.opened, "known": after.known, "refused": after.refused}
        transaction.execute(update(IMPORTS).where(IMPORTS.c.key == lookup(key)).values(values))
        return after

    def _checked(
        self, rows: Sequence[tuple[int, Mapping[str, str]]]
    ) -> tuple[list[ImportedRow], list[tuple[int, str]]]:
        good, bad = [], []
        for line, cells in rows:
            try:
                row = ImportedRow.model_validate(dict(_named(cells)))
                check_complete(row.kind, row, on_the_phone=False)
                check_line(row.line, self._lines)
                good.append(row)
            except (ValidationError, CaseworkError) as problem:
                bad.append((line, _reason(problem)))
        return good, bad

    def _write(self, transaction: Connection, source: str, rows: Sequence[ImportedRow], who: str) -> None:
        if not rows:
            return
        numbers = book.take_numbers(transaction, len(rows))
        changes = [
            self._register.opened(number, self._fields(source, row), who=who, why="imported")
            for number, row in zip(numbers, rows, strict=True)
        ]
        tickets = [(number, change.after) for number, change in zip(numbers, changes, strict=True)]
        book.add(transaction, tickets, [change.event for change in changes])

    def _fields(self, source: str, row: ImportedRow) -> Fields:
        now = self._register.now()
        at = now if row.opened is None else row.opened
        at = (at.replace(tzinfo=self._zone) if at.tzinfo is None else at).astimezone(UTC)
        facts = {name: getattr(row, name) for name in row.model_fields_set & Facts.model_fields.keys()}
        fields = facts | {"kind": row.kind, "source": source, "created": now, "state": State(row.state)}
        if row.external_id:
            fields["external_id"] = row.external_id
        if row.outcome:
            fields["outcome"] = row.outcome
        if row.state == "closed":
            fields["done"] = at
        return fields | on_opening(row.kind, at=at, limits=self._register.limits)


def _named(cells: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, value in cells.items():
        plain = name.strip().lower()
        if value.strip():
            yield COLUMNS.get(plain, plain), value


def _not_yet_here(transaction: Connection, source: str, rows: Sequence[ImportedRow]) -> tuple[list[ImportedRow], int]:
    """Return the rows whose id is not known yet, and how many are; of one id twice the first is taken."""
    ids = {lookup(row.external_id) for row in rows if row.external_id}
    chosen = select(TICKETS.c.external_id).where(TICKETS.c.source == lookup(source), TICKETS.c.external_id.in_(ids))
    seen = {found for (found,) in transaction.execute(chosen)} if ids else set()
    fresh: list[ImportedRow] = []
    for row in rows:
        if not row.external_id or lookup(row.external_id) not in seen:
            fresh.append(row)
            seen.add(lookup(row.external_id))
    return fresh, len(rows) - len(fresh)


def _progress(transaction: Connection, key: str) -> Progress | None:
    row = transaction.execute(select(IMPORTS).where(IMPORTS.c.key == lookup(key))).one_or_none()
    return None if row is None else Progress(row.line, row.opened, row.known, row.refused)


def _reason(problem: ValidationError | CaseworkError) -> str:
    """What is wrong with a row, without the values: those are private."""
    if isinstance(problem, CaseworkError):
        return str(problem)
    errors = problem.errors(include_url=False, include_input=False)
    said = "; ".join(f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in errors)
    return "".join(each if each.isprintable() else "\ufffd" for each in said[:LONGEST_REASON])
