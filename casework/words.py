"""What a ticket can be found by: the words of its texts, written so that both databases can index them.

Chinese has no blanks between words, so each pair of neighbouring characters counts as one: 'pipe burst' is found by any
two characters of it. The same cutting is done to what somebody searches for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from casework.ticket import Ticket

MOST: Final = 400
"""So many different words of one ticket are kept; the rest of a very long text is not found by."""
_RUN: Final = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]+|[^\W_\u3400-\u9fff\uf900-\ufaff]+")


def words_of(ticket: Ticket) -> str:
    """Return everything this ticket is found by, apart by blanks, each word once."""
    texts = (
        ticket.problem,
        ticket.address,
        ticket.area,
        ticket.name,
        ticket.responsible,
        ticket.handler,
        ticket.outcome,
    )
    return " ".join(list(dict.fromkeys(_cut(texts)))[:MOST])


def wanted(text: str) -> list[str]:
    """Return the words somebody searches for; a ticket must have all of them."""
    return list(dict.fromkeys(_cut([text])))[:20]


def _cut(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        for run in _RUN.findall(text.lower()):
            if not _is_chinese(run):
                yield run[:40]
            elif len(run) == 1:
                yield run
            else:
                yield from (run[place : place + 2] for place in range(len(run) - 1))


def _is_chinese(run: str) -> bool:
    return run[0] >= "\u3400" and ("\u3400" <= run[0] <= "\u9fff" or "\uf900" <= run[0] <= "\ufaff")
