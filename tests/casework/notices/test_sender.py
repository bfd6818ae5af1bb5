"""The sender: what it does about each thing that can go wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path

import pytest

from casework.notices import afterwards, outbox
from casework.notices.channel import Accepted, AfterACrash, ChannelDown, Letter, Refused, SendProblem, TryLater, Unsure
from casework.notices.notice import State, Way
from casework.notices.pace import Caps
from casework.notices.sender import LEASE, Lane, Sender
from casework.notices.texts import Texts
from storage.database import Database
from tests.casework.databases import a_database
from tests.casework.notices.pretend import EMERGENCY, Provider, TurnedClock, a_notice, look, post

TWO_WAYS = (Way("sms", "+8613800138000"), Way("mail", "crew@example.org"))
TEXTS = Texts.read()


class Post:
    """A sender with two providers, one of each kind, at a clock that stands still."""

    def __init__(self, database: Database) -> None:
        self.database, self.clock = database, TurnedClock()
        self.sms, self.mail = Provider(gives_receipts=True), Provider()
        self.sender = self.another()

    def another(self) -> Sender:
        return Sender(
            self.database,
            {"sms": Lane(self.sms), "mail": Lane(self.mail)},
            TEXTS,
            clock=self.clock,
            pause=lambda failures: timedelta(seconds=2**failures),
        )

    async def work(self, **turned: float) -> None:
        self.clock.turn(**turned)
        await self.sender.keep_house()
        for channel in ("sms", "mail"):
            await self.sender.work_off(channel)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncGenerator[Post]:
    async with a_database("memory", tmp_path) as database:
        yield Post(database)


async def test_a_notice_is_sent_once(house: Post) -> None:
    [notice] = await post(house.database, a_notice())
    await house.work()
    await house.work(hours=1)
    found = await look(house.database, notice)
    assert [letter.text for letter in house.sms.taken] == ["Sunshine: this is a test, please ignore it."]
    assert (found.state, found.provider_id, found.maybe_double) == (State.SENT, "sms-1", False)


async def test_a_letter_that_is_not_taken_now_is_tried_again_with_growing_pauses(house: Post) -> None:
    house.sms.answers = [TryLater("throttled"), TryLater("throttled")]
    [notice] = await post(house.database, a_notice())
    await house.work()
    assert (await look(house.database, notice)).problem == "throttled"
    await house.work(seconds=1)
    assert house.sms.tries == 1
    await house.work(seconds=1)
    await house.work(seconds=3)
    assert house.sms.tries == 2
    await house.work(seconds=1)
    assert (await look(house.database, notice)).state is State.SENT


async def test_three_failures_and_the_next_way_is_tried(house: Post) -> None:
    house.sms.answers = [TryLater("throttled")] * 3
    [notice] = await post(house.database, a_notice(ways=TWO_WAYS))
    for _ in range(4):
        await house.work(seconds=10)
    assert [letter.address for letter in house.mail.taken] == ["crew@example.org"]
    assert (await look(house.database, notice)).state is State.SENT


async def test_a_way_that_refuses_is_struck_off_and_without_another_a_person_must_look(house: Post) -> None:
    house.sms.answers = [Refused("no such number")] * 2
    [both, alone] = await post(house.database, a_notice("both", ways=TWO_WAYS), a_notice("alone"))
    await house.work()
    assert (await look(house.database, both)).state is State.SENT
    found = await look(house.database, alone)
    assert (found.state, found.problem) == (State.NOT_SENT, "no such number")
    assert house.sender.counters.given_up == 1


async def test_a_channel_that_is_down_is_tried_by_one_and_the_others_keep_their_place(house: Post) -> None:
    house.sms.down = ChannelDown("connection refused")
    await post(house.database, *(a_notice(f"n{number}") for number in range(20)))
    await house.work()
    assert house.sms.tries == 1
    assert house.sender.down == {"sms": "connection refused"}
    await house.work(seconds=30)
    assert house.sms.tries == 2
    house.sms.down = None
    await house.work(seconds=30)
    assert len(house.sms.taken) == 20
    assert house.sender.down == {}


async def test_an_emergency_goes_by_its_second_way_as_soon_as_the_first_is_down(house: Post) -> None:
    house.sms.down = ChannelDown("connection refused")
    await post(house.database, a_notice(ways=TWO_WAYS, urgency=EMERGENCY))
    await house.work()
    assert len(house.mail.taken) == 1


async def test_after_60_seconds_an_emergency_without_a_receipt_goes_by_its_second_way_too(house: Post) -> None:
    [notice] = await post(house.database, a_notice(ways=TWO_WAYS, urgency=EMERGENCY))
    await house.work()
    await house.work(seconds=59)
    assert not house.mail.taken
    await house.work(seconds=1)
    assert len(house.mail.taken) == 1
    await house.work(seconds=600)
    assert (len(house.sms.taken), len(house.mail.taken)) == (1, 1)
    assert not (await look(house.database, notice)).maybe_double


async def test_an_emergency_that_is_on_the_phone_is_not_told_twice(house: Post) -> None:
    [notice] = await post(house.database, a_notice(ways=TWO_WAYS, urgency=EMERGENCY))
    await house.work()
    await house.database.write(
        lambda transaction: afterwards.delivered(transaction, "sms", "sms-1", now=house.clock.now())
    )
    await house.work(seconds=61)
    assert not house.mail.taken
    assert (await look(house.database, notice)).state is State.DELIVERED


@pytest.mark.parametrize("ways", [1, 2])
async def test_a_notice_nobody_can_account_for_is_sent_again_and_marked(house: Post, ways: int) -> None:
    house.sms.answers = [Unsure("the line broke")]
    [notice] = await post(house.database, a_notice(ways=TWO_WAYS[:ways]))
    await house.work()
    assert not (await look(house.database, notice)).maybe_double
    await house.work(seconds=10)
    assert (await look(house.database, notice)).maybe_double
    assert house.sms.taken[0].again
    assert house.sender.counters.maybe_doubled == 1


async def test_a_provider_that_can_be_asked_is_asked_and_nothing_is_doubled(house: Post) -> None:
    house.sms.after_a_crash = AfterACrash.ASK
    house.sms.answers = [Unsure("the line broke"), Unsure("the line broke")]
    [known, unknown] = await post(house.database, a_notice("known"), a_notice("unknown"))
    house.sms.knows = {known: Accepted("sms-77")}
    await house.work()
    await house.work(seconds=10)
    assert sorted(house.sms.asked) == sorted([known, unknown])
    assert [letter.id for letter in house.sms.taken] == [unknown]
    assert (await look(house.database, known)).provider_id == "sms-77"
    assert not (await look(house.database, unknown)).maybe_double


@pytest.mark.parametrize("problem", [TryLater("it does not say"), ChannelDown("refused"), Unsure("the line broke")])
async def test_a_provider_that_cannot_be_asked_just_now_is_asked_again_before_anything_is_sent(
    house: Post, problem: SendProblem
) -> None:
    house.sms.after_a_crash = AfterACrash.ASK
    house.sms.answers = [Unsure("the line broke")]
    [notice] = await post(house.database, a_notice())
    await house.work()
    house.sms.cannot_say = problem
    await house.work(seconds=10)
    house.sms.cannot_say, house.sms.knows = None, {notice: Accepted("sms-77")}
    await house.work(seconds=60)
    assert house.sms.taken == []
    assert (await look(house.database, notice)).provider_id == "sms-77"


async def test_a_provider_that_honours_our_key_gets_the_same_key_again(house: Post) -> None:
    house.sms.after_a_crash = AfterACrash.SAME_KEY
    house.sms.answers = [Unsure("the line broke")]
    [notice] = await post(house.database, a_notice())
    await house.work()
    await house.work(seconds=10)
    assert house.sms.times == {notice: 1}
    assert not (await look(house.database, notice)).maybe_double


async def test_a_channel_that_hangs_is_given_up_in_time_and_the_notice_is_in_doubt(house: Post) -> None:
    class Hanging(Provider):
        async def send(self, letter: Letter) -> Accepted:
            await asyncio.sleep(3600)
            return await super().send(letter)

    house.sms = Hanging(limit=-4.9)
    house.sender = house.another()
    [notice] = await post(house.database, a_notice())
    await house.work()
    assert (await look(house.database, notice)).state is State.WAITING


async def test_a_long_send_keeps_its_lease(house: Post) -> None:
    begun, end = asyncio.Event(), asyncio.Event()

    class Slow(Provider):
        async def send(self, letter: Letter) -> Accepted:
            begun.set()
            await end.wait()
            return await super().send(letter)

    house.sms = Slow(limit=60)
    lane = {"sms": Lane(house.sms)}
    slow = Sender(house.database, lane, TEXTS, lease=timedelta(milliseconds=90), clock=house.clock)
    [notice] = await post(house.database, a_notice())
    working = asyncio.create_task(slow.work_off("sms"))
    await begun.wait()
    leased = (await house.database.read(lambda connection: outbox.next_due(connection, "sms"))) or house.clock.now()
    house.clock.turn(milliseconds=50)
    async with asyncio.timeout(10):
        while await house.database.read(lambda connection: outbox.next_due(connection, "sms")) == leased:
            await asyncio.sleep(0.01)
    end.set()
    await working
    assert (await look(house.database, notice)).state is State.SENT


async def test_a_running_sender_sends_what_is_written_while_it_runs_and_stops(house: Post) -> None:
    house.sender.start()
    [notice] = await post(house.database, a_notice())
    house.sender.news()
    async with asyncio.timeout(10):
        while (await look(house.database, notice)).state is not State.SENT:
            await asyncio.sleep(0.01)
    await house.sender.stop()


async def test_what_a_dead_sender_left_is_sent_by_the_next(house: Post) -> None:
    [notice] = await post(house.database, a_notice())
    now = house.clock.now()
    await house.database.write(
        lambda transaction: outbox.claim(transaction, "sms", "dead", now=now, lease=LEASE, caps=Caps())
    )
    await house.work(seconds=LEASE.total_seconds())
    found = await look(house.database, notice)
    assert (found.state, found.maybe_double) == (State.SENT, True)
