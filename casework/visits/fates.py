"""What became of a call that nobody answered, told from how its line went down.

Asterisk's own word for it (OriginateResponse) is the same for all of them; the outbound channel's end has the truth:
the Q.850 cause, and the SIP answer that it was made from. Where both speak, SIP is the more exact.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final


class Fate(StrEnum):
    """Why nobody was reached."""

    BUSY = "busy"
    NO_ANSWER = "no-answer"
    REJECTED = "rejected"
    WRONG_NUMBER = "wrong-number"
    CONGESTION = "congestion"
    """The network or the carrier could not take the call; nobody's phone rang."""
    UNSEEN = "unseen"
    """Nobody saw what became of it: we or the link were down. Asterisk says that it was not answered."""


_BY_SIP: Final = {
    Fate.BUSY: {486, 600},
    Fate.NO_ANSWER: {408, 480, 487},
    Fate.REJECTED: {401, 403, 407, 603, 607},
    Fate.WRONG_NUMBER: {404, 410, 484, 485, 604},
}
_BY_CAUSE: Final = {
    Fate.BUSY: {17},
    # 16 and 0: we ended it ourselves while it rang.
    Fate.NO_ANSWER: {0, 16, 18, 19, 20, 127},
    Fate.REJECTED: {21},
    Fate.WRONG_NUMBER: {1, 2, 3, 22, 28},
}
SIP: Final = re.compile(r"\b([3-6]\d\d)\b")


def fate_of(cause: int, tech_cause: str) -> Fate:
    """Return the fate of a line that went down unanswered; what is in no table is the network's fault."""
    if (said := SIP.search(tech_cause)) is not None:
        return _found(_BY_SIP, int(said[1]))
    return _found(_BY_CAUSE, cause)


def _found(table: dict[Fate, set[int]], code: int) -> Fate:
    return next((fate for fate, codes in table.items() if code in codes), Fate.CONGESTION)
