"""A request that is sent twice is carried out once: the key it came with is written down with what it did."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from casework import book
from casework.codes import code_of, number_of
from casework.errors import KeyReused
from casework.tables import REQUESTS, lookup
from casework.ticket import Ticket, replayed


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came: who asked, under which key, and for what."""

    asker: str
    key: str
    fingerprint: str

    @classmethod
    def of(cls, asker: str, key: str, wanted: Any) -> Request:
        """Return a request for what can be written as JSON."""
        said = json.dumps(wanted, sort_keys=True, ensure_ascii=True)
        return cls(asker, key, hashlib.sha256(said.encode()).hexdigest())


def once(
    transaction: Connection, request: Request | None, do: Callable[[], Ticket], *, at: datetime
) -> tuple[Ticket, bool]:
    """Do it, or return the ticket as it was left when it was done before; True when it was done now.

    Two who ask at the same moment: the second's transaction fails, and finds the first's outcome when tried again.
    Raises KeyReused when the key was used for something else.
    """
    if request is None:
        return do(), True
    asker, key = lookup(request.asker), lookup(request.key)
    known = transaction.execute(select(REQUESTS).where(REQUESTS.c.asker == asker, REQUESTS.c.key == key)).one_or_none()
    if known is not None:
        if known.fingerprint != request.fingerprint:
            raise KeyReused
        events = book.events_of(transaction, code_of(known.ticket))
        return replayed(list(events)[: known.version]), False
    ticket = do()
    transaction.execute(
        insert(REQUESTS).values(
            asker=asker,
            key=key,
            fingerprint=request.fingerprint,
            ticket=number_of(ticket.code),
            version=ticket.version,
            at=at,
        )
    )
    return ticket, True
