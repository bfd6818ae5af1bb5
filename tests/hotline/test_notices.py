"""From an emergency to the crew's phone and back, over a real modem's daemon."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from sqlalchemy import Connection

from casework import book
from casework.intake import Intake
from casework.notices.directory import Notices
from casework.steps import Step
from casework.ticket import Kind, Ticket
from casework.visits import book as visit_book
from hotline.casework import Casework, open_casework
from hotline.notices import PostRoom
from hotline.settings import Ami, Api, Settings
from hotline.site import load
from hotline.stack import ROOT
from routing.ami import AmiAddress, Link
from tests.casework.notices.sms_peers import Modem, a_modem, until

CREW = "+8613800138000"
SECRET = SecretStr("n7Qw2ZxT9kLmP4vR")


def tables(modem: Modem) -> dict[str, Any]:
    return {
        "brand": "Sunshine",
        "language": "en",
        "callers": ["sms"],
        "channels": [{"name": "sms", "kind": "gammu", "database": modem.database}],
        "people": [{"key": "crew", "name": "Crew", "ways": [{"channel": "sms", "address": CREW}]}],
    }


def no_asterisk(
    account: str, *, on_event: Callable[[Mapping[str, str]], None], on_up: Callable[[], Awaitable[None]]
) -> Link:
    return Link(AmiAddress("127.0.0.1", 1, account, SECRET), on_event=on_event, on_up=on_up)


async def emergency(casework: Casework) -> Ticket:
    """Open an emergency and dispatch it to the crew, in one transaction."""
    intake = Intake(kind=Kind.EMERGENCY, problem="burst pipe", address="1 Peace Road", source="desk")

    def work(transaction: Connection) -> Ticket:
        ticket = casework.register.open(transaction, intake, who="1024")
        return casework.register.step(transaction, ticket.code, Step(move="dispatch", to="crew"), who="1024")

    return await casework.database.write(work)


@asynccontextmanager
async def a_post_room(folder: Path, modem: Modem) -> AsyncGenerator[tuple[Casework, PostRoom]]:
    """Tickets and the post room over this modem, as the server binds them."""
    site = load(ROOT / "tests/asterisk/site.toml")
    site = site.model_copy(update={"notices": Notices.model_validate(tables(modem))})
    settings = Settings(ami=Ami(watch_secret=SECRET, desk_secret=SECRET, dial_secret=SECRET), api=Api(token=SECRET))
    async with open_casework(f"sqlite:///{folder / 'casework.db'}", site) as casework:
        room = PostRoom(settings, site, casework, no_asterisk, lambda _, do: do())
        await room.start()
        yield casework, room
        await room.stop()


async def test_of_twenty_emergencies_the_sms_is_at_the_modem_within_five_seconds_p95(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    (tmp_path / "modem").mkdir()
    async with a_modem(tmp_path / "modem") as modem, a_post_room(tmp_path, modem) as (casework, _):
        took: list[float] = []
        for _ in range(20):
            began = time.monotonic()
            ticket = await emergency(casework)
            await until(
                lambda code=ticket.code: True if any(code in text for _, text in modem.sent()) else None,  # type: ignore[misc]
                "the SMS is at the modem",
            )
            took.append(time.monotonic() - began)
        p95 = sorted(took)[18]
        record_property("p95", p95)
        record_property("median", statistics.median(took))
        print(f"opened -> SMS at the modem: median {statistics.median(took):.2f} s, p95 {p95:.2f} s")  # noqa: T201
        assert p95 <= 5.0, sorted(took)
        assert len(modem.sent()) == 20, "each once"


async def test_an_emergency_is_at_the_modem_and_done_by_sms_finishes_it(tmp_path: Path) -> None:
    (tmp_path / "modem").mkdir()
    async with a_modem(tmp_path / "modem") as modem:
        async with a_post_room(tmp_path, modem) as (casework, room):
            ticket = await emergency(casework)
            [(number, text)] = await until(lambda: modem.sent() or None, "the SMS is at the modem")
            assert (number, ticket.code in text, "burst pipe" in text) == (CREW, True, True)
            facts = {"problem": "no heat", "address": "x", "name": "y", "phone": "13600136001", "source": "desk"}
            repair = Intake(kind=Kind.REPAIR, emergency=ticket.code, **facts)
            concerned, _ = await casework.tickets.open(repair, who="1024")

            modem.receive(CREW, f"done {ticket.code}")
            async with asyncio.timeout(60):
                while (await casework.database.read(lambda seen: book.get(seen, ticket.code))).is_open:
                    await asyncio.sleep(0.1)
            confirmed = await until(lambda: found if len(found := modem.sent()) > 1 else None, "the crew is told")
            assert confirmed[1] == (CREW, f"Ticket {ticket.code}: noted (done).")
            visits = await casework.database.read(visit_book.listed)
            assert {(visit.ticket, visit.number) for visit in visits} == {(concerned.code, "13600136001")}
            told = [notice for notice in await room.post.listed() if notice.occasion == "emergency_over"]
            assert [(notice.ticket, notice.to) for notice in told] == [(concerned.code, "caller")]
        assert room.alarms() == {}
