"""A provider is down for two hours while notices pour in: all are sent within a minute of its return."""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path

from casework.notices import outbox
from casework.notices.channel import ChannelDown
from casework.notices.notice import State, Urgency, Way
from casework.notices.pace import Caps
from casework.notices.sender import Lane, Sender
from casework.notices.texts import Texts
from tests.casework.databases import a_database
from tests.casework.notices.pretend import NOON, Provider, TurnedClock, a_notice, post

NOTICES = 600


async def test_a_provider_down_for_two_hours_loses_nothing_and_emergencies_go_first(tmp_path: Path) -> None:
    fate = random.Random(7)
    clock, provider = TurnedClock(), Provider()
    provider.down = ChannelDown("connection refused")
    async with a_database("memory", tmp_path) as database:
        caps = Caps(total=100_000)
        sender = Sender(database, {"sms": Lane(provider, at_once=4)}, Texts.read(), caps=caps, clock=clock)
        written = 0
        while written < NOTICES:
            some = [
                a_notice(
                    f"n{written + number}",
                    urgency=fate.choice(list(Urgency)),
                    ways=(Way("sms", f"+8613{written + number:09}"),),
                )
                for number in range(30)
            ]
            await post(database, *some, now=clock.now())
            written += len(some)
            for _ in range(12):
                await sender.work_off("sms")
                clock.turn(seconds=30)
        assert clock.now() - NOON >= timedelta(hours=2)
        assert provider.tries < 300, "a provider that is down is not hammered"
        provider.down = None
        returned = clock.now()
        while len(provider.taken) < NOTICES:
            clock.turn(seconds=1)
            await sender.work_off("sms")
            assert clock.now() - returned <= timedelta(seconds=60)
        counts = await database.read(outbox.counts)
    assert counts[State.SENT] == NOTICES
    assert max(provider.times.values()) == 1
    # The first notice that got through was the one that tried whether the provider is back: also an emergency.
    urgencies = [letter.urgency for letter in provider.taken]
    assert urgencies == sorted(urgencies)
