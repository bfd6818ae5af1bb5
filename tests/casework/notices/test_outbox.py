"""The outbox, alike in memory, on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from datetime import datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection

from casework.notices import afterwards, lookup, outbox
from casework.notices.notice import NewNotice, NoticeCannot, NoticeUnknown, State, Urgency, Way
from casework.notices.outbox import Claimed
from casework.notices.pace import Caps, QuietHours
from storage.database import Database
from tests.casework.databases import EVERYWHERE, a_database
from tests.casework.notices.pretend import EMERGENCY, NOON, a_notice, look, post

LEASE = timedelta(seconds=30)
TWO_WAYS = (Way("sms", "+8613800138000"), Way("mail", "crew@example.org"))


@pytest.fixture(params=EVERYWHERE)
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[Database]:
    async with a_database(request.param, tmp_path) as opened:
        yield opened


async def claim(
    database: Database, *, now: datetime = NOON, channel: str = "sms", owner: str = "me", caps: Caps = Caps()
) -> Claimed | None:
    return await database.write(
        lambda transaction: outbox.claim(transaction, channel, owner, now=now, lease=LEASE, caps=caps)
    )


async def accept(database: Database, claimed: Claimed, provider_id: str | None = None, *, now: datetime = NOON) -> bool:
    return await database.write(
        lambda transaction: outbox.accepted(transaction, claimed, now=now, provider_id=provider_id)
    )


async def test_a_notice_is_written_with_what_it_tells_of_or_not_at_all(database: Database) -> None:
    def ticket_fails(transaction: Connection) -> None:
        outbox.write(transaction, a_notice(), now=NOON)
        raise RuntimeError("the ticket was refused")

    with pytest.raises(RuntimeError):
        await database.write(ticket_fails)
    assert await claim(database) is None


async def test_a_notice_written_twice_is_one_notice(database: Database) -> None:
    first, second = await post(database, a_notice(), a_notice(values={"brand": "another"}))
    assert first == second
    assert (await look(database, first)).values == {"brand": "Sunshine"}
    claimed = await claim(database)
    assert claimed is not None
    assert await claim(database) is None


async def test_emergencies_go_first_then_who_has_waited_longest(database: Database) -> None:
    await post(database, a_notice("later"), now=NOON - timedelta(minutes=1))
    await post(database, a_notice("longest"), now=NOON - timedelta(hours=1))
    await post(database, a_notice("can-wait", urgency=Urgency.CAN_WAIT), now=NOON - timedelta(hours=2))
    await post(database, a_notice("emergency", urgency=EMERGENCY))
    order = [claimed.notice.key for _ in range(4) if (claimed := await claim(database)) is not None]
    assert order == ["emergency", "longest", "later", "can-wait"]


async def test_two_senders_never_hold_the_same_notice(database: Database) -> None:
    await post(database, *(a_notice(f"n{number}") for number in range(40)))
    caps = Caps(number=100)
    claims = await asyncio.gather(*(claim(database, owner=f"sender-{number % 4}", caps=caps) for number in range(40)))
    assert len({claimed.notice.id for claimed in claims if claimed is not None}) == 40


async def test_what_a_killed_sender_held_is_taken_up_when_its_lease_ends_and_is_in_doubt(database: Database) -> None:
    await post(database, a_notice())
    first = await claim(database)
    assert first is not None
    assert not first.was_in_doubt
    assert await claim(database, now=NOON + LEASE - timedelta(seconds=1), owner="another") is None
    second = await claim(database, now=NOON + LEASE, owner="another")
    assert second is not None
    assert second.was_in_doubt
    assert second.notice.attempts == 2


async def test_a_lease_that_is_kept_is_not_taken_and_one_that_was_taken_cannot_be_kept(database: Database) -> None:
    await post(database, a_notice())
    mine = await claim(database)
    assert mine is not None
    until = NOON + 2 * LEASE
    assert await database.write(lambda transaction: outbox.keep(transaction, mine, until=until))
    assert await claim(database, now=NOON + LEASE, owner="another") is None
    theirs = await claim(database, now=until, owner="another")
    assert theirs is not None
    assert not await database.write(lambda transaction: outbox.keep(transaction, mine, until=until + LEASE))


async def test_a_sender_that_was_too_slow_changes_nothing_but_marks_the_possible_double(database: Database) -> None:
    [notice] = await post(database, a_notice())
    slow = await claim(database)
    quick = await claim(database, now=NOON + LEASE, owner="another")
    assert slow is not None
    assert quick is not None
    assert not await accept(database, slow, "sms-1")
    assert (await look(database, notice)).state is State.SENDING
    assert (await look(database, notice)).maybe_double
    assert await accept(database, quick, "sms-2")
    assert (await look(database, notice)).provider_id == "sms-2"


async def test_every_try_is_written_down_with_what_became_of_it(database: Database) -> None:
    [notice] = await post(database, a_notice())
    first = await claim(database)
    assert first is not None
    await database.write(
        lambda transaction: outbox.put_back(
            transaction, first, now=NOON, due=NOON, problem="throttled", outcome="try-later", failures=1
        )
    )
    second = await claim(database)
    assert second is not None
    await accept(database, second, "sms-1")
    tries = await database.read(lambda connection: lookup.attempts(connection, notice))
    assert [(each["number"], each["outcome"]) for each in tries] == [(1, "try-later"), (2, "accepted")]
    assert tries[0]["problem"] == "throttled"
    assert tries[1]["began"] == NOON


async def test_a_cap_per_number_holds_back_until_there_is_room_and_lets_others_go(database: Database) -> None:
    caps = Caps(number=2, ticket=100, total=100)
    other = (Way("sms", "+8613900139000"),)
    same = [a_notice(f"same-{number}") for number in range(3)]
    await post(database, *same, a_notice("other", ways=other))
    keys = [claimed.notice.key for _ in range(3) if (claimed := await claim(database, caps=caps)) is not None]
    assert keys == ["same-0", "same-1", "other"]
    held = await database.read(lambda connection: lookup.listed(connection, state=State.WAITING))
    assert [(each.key, each.problem, each.due) for each in held] == [
        ("same-2", "held back by a cap", NOON + timedelta(hours=1))
    ]
    later = await claim(database, now=NOON + timedelta(hours=1), caps=caps)
    assert later is not None


@pytest.mark.parametrize("caps", [Caps(number=100, ticket=2, total=100), Caps(number=100, ticket=100, total=2)])
async def test_caps_per_ticket_and_in_all_slow_a_storm_but_not_its_emergencies(database: Database, caps: Caps) -> None:
    storm = [a_notice(f"n{number}", ticket="T1") for number in range(5)]
    await post(database, *storm)
    claimed = [each.notice.key for _ in range(5) if (each := await claim(database, caps=caps)) is not None]
    assert len(claimed) == 2
    await post(database, a_notice("fire", ticket="T1", urgency=EMERGENCY))
    emergency = await claim(database, caps=caps)
    assert emergency is not None
    assert emergency.notice.key == "fire"
    counts = await database.read(lookup.counts)
    assert counts[State.WAITING] == 3
    assert counts[State.NOT_SENT] == 0


async def test_what_can_wait_is_not_sent_in_the_night_and_an_emergency_is(database: Database) -> None:
    night = QuietHours(time(21), time(8), ZoneInfo("Asia/Shanghai"))
    midnight = NOON + timedelta(hours=12)
    wait = a_notice("wait", urgency=Urgency.CAN_WAIT)
    await post(database, wait, a_notice("now", urgency=EMERGENCY), now=midnight, quiet=night)
    first = await claim(database, now=midnight)
    assert first is not None
    assert first.notice.key == "now"
    assert await claim(database, now=midnight) is None
    morning = await claim(database, now=midnight + timedelta(hours=8))
    assert morning is not None


async def test_past_its_deadline_a_notice_is_given_up_and_can_be_retried_by_hand(database: Database) -> None:
    [notice] = await post(database, a_notice(keep_trying=timedelta(hours=1)))
    late = NOON + timedelta(hours=1)
    assert await claim(database, now=late) is None
    assert (await look(database, notice)).state is State.NOT_SENT
    await database.write(
        lambda transaction: afterwards.retry(transaction, notice, now=late, keep_trying=timedelta(hours=1))
    )
    assert await claim(database, now=late) is not None
    with pytest.raises(NoticeCannot):
        await database.write(
            lambda transaction: afterwards.retry(transaction, notice, now=late, keep_trying=timedelta(hours=1))
        )
    with pytest.raises(NoticeUnknown):
        await look(database, "nothing")


async def test_a_receipt_says_that_the_phone_has_it_also_when_it_comes_before_the_answer(database: Database) -> None:
    [late, early] = await post(database, a_notice("late"), a_notice("early"))
    first, second = await claim(database), await claim(database)
    assert first is not None
    assert second is not None
    await accept(database, first, "sms-1")
    assert await database.write(lambda transaction: afterwards.delivered(transaction, "sms", "sms-1", now=NOON))
    assert not await database.write(lambda transaction: afterwards.delivered(transaction, "sms", "sms-2", now=NOON))
    await accept(database, second, "sms-2")
    assert {(await look(database, each)).state for each in (late, early)} == {State.DELIVERED}


async def test_what_a_phone_did_not_get_goes_by_the_next_way_and_then_to_a_person(database: Database) -> None:
    [notice] = await post(database, a_notice(ways=TWO_WAYS))
    by_sms = await claim(database)
    assert by_sms is not None
    await accept(database, by_sms, "sms-1")
    await database.write(lambda transaction: afterwards.undelivered(transaction, "sms", "sms-1", now=NOON))
    assert (await look(database, notice)).current.channel == "mail"
    by_mail = await claim(database, channel="mail")
    assert by_mail is not None
    await accept(database, by_mail, "mail-1")
    await database.write(lambda transaction: afterwards.undelivered(transaction, "mail", "mail-1", now=NOON))
    assert (await look(database, notice)).state is State.NOT_SENT


async def test_a_receipt_that_nobody_knows_changes_nothing(database: Database) -> None:
    [notice] = await post(database, a_notice())
    assert not await database.write(lambda transaction: afterwards.undelivered(transaction, "sms", "forged", now=NOON))
    assert (await look(database, notice)).state is State.WAITING


async def test_what_is_not_needed_any_more_is_called_off(database: Database) -> None:
    def ring(key: str, ticket: str) -> NewNotice:
        return a_notice(key, ticket=ticket, occasion="duty_call", not_before=NOON + timedelta(minutes=5))

    [mine, _] = await post(database, ring("a", "T1"), ring("b", "T2"))
    assert await database.write(lambda transaction: outbox.call_off(transaction, "T1", "duty_call")) == 1
    assert (await look(database, mine)).state is State.CALLED_OFF
    claimed = await claim(database, now=NOON + timedelta(minutes=5))
    assert claimed is not None
    assert claimed.notice.ticket == "T2"


async def stuck(database: Database, at: datetime) -> datetime | None:
    return await database.read(lambda connection: lookup.oldest_stuck(connection, before=at))


async def test_what_does_not_leave_is_stuck_until_it_is_sent_or_somebody_has_seen_to_it(database: Database) -> None:
    later = NOON + timedelta(minutes=5)
    quiet = QuietHours(time(11), time(20), ZoneInfo("Asia/Shanghai"))
    await post(database, a_notice("quiet", urgency=Urgency.CAN_WAIT), quiet=quiet)
    assert await stuck(database, later) is None
    [notice] = await post(database, a_notice(keep_trying=timedelta(hours=1)))
    assert await stuck(database, NOON - timedelta(seconds=1)) is None, "it has just become due"
    assert await stuck(database, later) == NOON
    claimed = await claim(database)
    assert claimed is not None
    await database.write(
        lambda transaction: outbox.give_up(transaction, claimed, now=NOON, problem="refused", outcome="refused")
    )
    assert await stuck(database, NOON - timedelta(days=1)) == NOON, "given up: at once"
    seen_to = await database.write(lambda transaction: afterwards.dismiss(transaction, notice, who="zhao"))
    assert (seen_to.state, seen_to.problem) == (State.CALLED_OFF, "dismissed by zhao: refused")
    assert await stuck(database, later) is None
    with pytest.raises(NoticeCannot):
        await database.write(lambda transaction: afterwards.dismiss(transaction, notice, who="zhao"))


async def test_a_notice_that_is_tried_again_and_again_is_stuck(database: Database) -> None:
    await post(database, a_notice())
    claimed, later = await claim(database), NOON + timedelta(minutes=6)
    assert claimed is not None
    await database.write(
        lambda transaction: outbox.put_back(
            transaction,
            claimed,
            now=NOON,
            due=later + timedelta(seconds=30),
            problem="down",
            outcome="down",
            failures=1,
        )
    )
    assert await stuck(database, later - timedelta(minutes=5)) == NOON
