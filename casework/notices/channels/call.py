"""A phone that rings: the notice is read out, and whoever presses 1 has taken it.

Nobody picks up, or nobody presses 1: then the notice's next way is tried, which is the next person on the list.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Final, Protocol

from casework.notices.channel import Accepted, AfterACrash, Letter, TryLater
from casework.notices.directory import Call
from casework.phone_numbers import at_home

PREFIX: Final = "duty-"
"""The ids of these calls begin so: duty-<notice>-<try>."""
TALK: Final = timedelta(minutes=2)
"""Reading it out three times and waiting for a key takes no longer."""
_CALL: Final = re.compile(r"duty-([0-9a-f]{32})-[0-9]{1,6}")


class Ringer(Protocol):
    """The way out, as `hotline/notices.py` binds it to Asterisk."""

    async def ring(self, call: str, number: str, *, ring_for: timedelta) -> None:
        """Have this number called; returns as soon as the order is taken. Raises ChannelDown."""


class PhoneCall:
    """Rings people."""

    after_a_crash = AfterACrash.SEND_AGAIN
    gives_receipts = False

    def __init__(self, site: Call, ringer: Ringer, *, region: str) -> None:
        self._site, self._ringer, self._region = site, ringer, region
        self._under_way: dict[str, asyncio.Future[Accepted]] = {}
        self.limit = (site.ring_for + TALK).total_seconds()

    async def send(self, letter: Letter) -> Accepted:
        """See Channel: sent is what was acknowledged."""
        call = f"{PREFIX}{letter.id}-{letter.attempt}"
        end: asyncio.Future[Accepted] = asyncio.get_running_loop().create_future()
        self._under_way[call] = end
        try:
            number = at_home(letter.address, self._region)
            await self._ringer.ring(call, number, ring_for=self._site.ring_for)
            async with asyncio.timeout(self.limit):
                return await end
        except TimeoutError:
            raise TryLater("the call came to no end") from None
        finally:
            del self._under_way[call]

    async def ask(self, letter: Letter) -> Accepted | None:  # noqa: ARG002 - who was rung cannot be asked
        """See Channel."""
        return None

    def acknowledged(self, call: str) -> None:
        """Key 1 was pressed in this call."""
        self._settle(call, lambda end: end.set_result(Accepted(call, delivered=True)))

    def over(self, call: str) -> None:
        """The line of this call is down."""
        nobody = TryLater("nobody picked up, or pressed 1")
        self._settle(call, lambda end: end.set_exception(nobody))

    def _settle(self, call: str, how: Callable[[asyncio.Future[Accepted]], None]) -> None:
        end = self._under_way.get(call)
        if end is not None and not end.done():
            how(end)


def notice_of(call: str) -> str | None:
    """Return the id of the notice a call is about; None when it is no call of ours."""
    found = _CALL.fullmatch(call)
    return found[1] if found else None
