"""The sheet for a speaker in the studio: what to say, and how the file is to be called."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from prompts.errors import NoSuchSound
from prompts.pieces import PIECE
from prompts.plan import AGENT_GREETING, Plan, Utterance
from prompts.studio import Studio

COLUMNS: Final = ("file", "prompt", "text", "at most", "recorded")


@dataclass(frozen=True, slots=True)
class Line:
    """One thing to speak. Seconds are 0 where there is no limit but patience."""

    file: str
    prompt: str
    text: str
    at_most: float
    recorded: bool

    @property
    def cells(self) -> Sequence[str]:
        """As it stands in a table."""
        return (
            delivered_name(self.file), self.prompt, self.text, f"{self.at_most:g} s" if self.at_most else "",
            "yes" if self.recorded else "",
        )  # fmt: skip


def delivered_name(file: str) -> str:
    """Name the file that a studio delivers for a sound: all in one folder, `zh.agents.heating.1024.wav`."""
    return f"{file.replace('/', '.')}.wav"


def sound_named(plan: Plan, name: str, *, language: str | None = None, agent: str | None = None) -> Utterance:
    """Return what is to be spoken under this name: as on the sheet (`zh.no_key`, `zh/no_key`), or a prompt's id.

    An id is enough where language and agent leave one sound only. Raises `NoSuchSound`.
    """
    spoken = [piece for piece in plan if isinstance(piece, Utterance)]
    plain = name.removesuffix(".wav").replace("/", ".").lower()
    found = [piece for piece in spoken if piece.file.replace("/", ".").lower() == plain] or [
        piece
        for piece in spoken
        if piece.prompt == name
        and language in (None, piece.language)
        and agent in (None, piece.parameters.get("work_number"))
    ]
    if len(found) != 1:
        raise NoSuchSound(name, [piece.file.replace("/", ".") for piece in found])
    return found[0]


def lines(plan: Plan, studio: Studio, language: str, *, everything: bool = False, missing: bool = False) -> list[Line]:
    """Return what is to be spoken in a language, as the texts have it.

    Digits, pieces and the agents' greetings only with `everything`; `missing` leaves out what was recorded already.
    """
    found = [
        Line(piece.file, piece.prompt, piece.text, piece.at_most or 0.0, studio.content(piece.file) is not None)
        for piece in plan
        if isinstance(piece, Utterance) and piece.language == language and (everything or _told_apart(piece))
    ]
    return [line for line in found if not (missing and line.recorded)]


def _told_apart(piece: Utterance) -> bool:
    return piece.prompt not in (PIECE, AGENT_GREETING) and not piece.prompt.startswith("digits/")


def as_text(script: Iterable[Line]) -> str:
    """For reading from the page: file, then words."""
    return "\n".join(f"{delivered_name(line.file)}{_limit(line)}\n    {line.text}\n" for line in script)


def as_csv(script: Iterable[Line]) -> str:
    """For a spreadsheet, which takes nothing in it for a formula."""
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(COLUMNS)
    table.writerows([_no_formula(cell) for cell in line.cells] for line in script)
    return "\ufeff" + out.getvalue()  # so that a spreadsheet reads Chinese


def as_markdown(script: Iterable[Line]) -> str:
    """A table."""
    rows = [COLUMNS, ["---"] * len(COLUMNS), *(line.cells for line in script)]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |\n" for row in rows)


FORMS: Final[Mapping[str, Callable[[Iterable[Line]], str]]] = {
    "text": as_text,
    "csv": as_csv,
    "markdown": as_markdown,
}


def _no_formula(cell: str) -> str:
    return f"'{cell}" if cell[:1] in tuple("=+-@\t\r") else cell


def _limit(line: Line) -> str:
    return f"   (at most {line.at_most:g} s)" if line.at_most else ""
