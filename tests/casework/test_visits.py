"""The visits office and the dialler, on every database: who is called, when, and what becomes of it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import AsyncGenerator
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from casework.errors import LineUnknown
from casework.visits import book
from casework.visits.answers import Agreed, Answer, Chosen, Scored, YesNo
from casework.visits.dialler import LOOK_EVERY, TICK, Dialler
from casework.visits.fates import Fate
from casework.visits.figures import figures
from casework.visits.office import Office, ScriptUnknown
from casework.visits.pace import Traffic
from casework.visits.rules import Rules, Window
from casework.visits.script import SHIPPED, read_all
from casework.visits.states import OVER, Outcome, State, VisitCannot
from casework.visits.visit import NewVisit, Talked, Visit
from casework.visits.windows import Hours
from ivr.scripts import sayable
from prompts.catalogue import Catalogue
from storage.database import Database
from tests.casework.databases import EVERYWHERE, a_database
from tests.casework.pretend_trunk import FRIDAY, Clock, PretendTrunk

SHANGHAI = ZoneInfo("Asia/Shanghai")
SCRIPTS = read_all([SHIPPED], prompts=sayable(Catalogue.read()))
ALWAYS = [Window(open=time(0), close=time(23, 59, 59))]
FREE = Traffic(ours=0, incoming=0, waiting=0, ready=9)


class House:
    """An office, a dialler and a pretend trunk, with a clock to turn."""

    def __init__(self, database: Database, **rules: Any) -> None:
        self.database, self.clock, self.trunk = database, Clock(), PretendTrunk()
        self.rules = Rules(**{"windows": ALWAYS, "a_second": 100, "most_calls": 100, "trunk_lines": 200} | rules)
        self.traffic: Traffic | None = FREE
        self.start()

    def start(self) -> None:
        """Start our server: all that is not in the database or in Asterisk is forgotten."""
        hours = Hours(self.rules.windows, SHANGHAI)
        self.office = Office(self.database, SCRIPTS, self.rules, hours, now=self.clock.now)
        self.dialler = Dialler(self.office, self.trunk, lambda: self.traffic, clock=self.clock.monotonic)

    async def add(self, number: str = "13800138000", **about: Any) -> int:
        """Take a visit in."""
        return (await self.office.add(NewVisit(number=number, **about)))[0]

    async def round(self, after: timedelta = timedelta(seconds=1)) -> float:
        """Let time pass and the dialler look around once; return the seconds until it does so again."""
        self.clock.turn(after)
        return await self.dialler._round()

    async def visit(self, visit: int) -> Visit:
        return await self.office.read(lambda transaction: book.get(transaction, visit))

    async def calls(self, visit: int) -> list[Talked]:
        return list(await self.office.read(lambda transaction: book.calls_of(transaction, visit)))

    async def down(self, call: str, *, answered: bool = False, cause: int = 16, tech_cause: str = "") -> None:
        """A line goes down, and we see it."""
        self.trunk.lines.discard(call)
        await self.dialler._line_down(call, answered, cause, tech_cause)

    async def pick_up(self, call: str) -> None:
        """Somebody picks up: Asterisk notes it, and the talk begins."""
        self.trunk.answered.add(call)
        assert await self.office.begin(call) is not None

    async def talk(self, call: str, *answers: Answer, outcome: Outcome | None = Outcome.FINISHED) -> None:
        """Somebody picks up, answers, and the talk ends."""
        await self.pick_up(call)
        for answer in answers:
            await self.office.keep(call, answer)
        await self.office.end(call, outcome)
        await self.down(call, answered=True)

    async def due_now(self) -> list[str]:
        """What follows from calls and is not done yet."""
        from sqlalchemy import select

        from casework.visits.tables import CONSEQUENCES

        return list(
            await self.office.read(
                lambda transaction: (
                    transaction.execute(select(CONSEQUENCES.c.do).order_by(CONSEQUENCES.c.id)).scalars().all()
                )
            )
        )


@pytest.fixture(params=EVERYWHERE)
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[Database]:
    async with a_database(request.param, tmp_path) as opened:
        yield opened


@pytest.fixture
async def house(database: Database) -> House:
    return House(database)


def solved(yes: bool) -> Answer:
    return YesNo(step="solved", at=FRIDAY, yes=yes)


async def test_a_visit_that_is_due_is_called_and_talked_with(house: House) -> None:
    visit = await house.add(ticket="271828188", crew="north", facts={"paid": "no"})
    await house.round()
    assert [each.call for each in house.trunk.rung] == [f"visit-{visit}-1"]
    await house.talk(f"visit-{visit}-1", solved(True), Scored(step="score", at=FRIDAY, points=9))
    assert (await house.visit(visit)).state is State.FINISHED
    (call,) = await house.calls(visit)
    assert [answer.value for answer in call.answers] == ["yes", "9"]
    assert (call.outcome, call.fate) == (Outcome.FINISHED, None)
    assert await house.due_now() == ["close"]


async def test_the_dialler_looks_often_only_while_somebody_is_due(house: House) -> None:
    assert await house.round() == LOOK_EVERY
    await house.add(due=house.clock.now() + timedelta(seconds=3))
    assert await house.round() == pytest.approx(2)
    house.traffic = None
    assert await house.round(after=timedelta(seconds=3)) == TICK
    assert house.trunk.rung == []


async def test_the_same_key_is_taken_once(house: House) -> None:
    first, new = await house.office.add(NewVisit(number="13800138000", key="ticket:1"))
    assert new
    assert await house.office.add(NewVisit(number="13800138000", key="ticket:1")) == (first, False)


async def test_a_visit_with_an_unknown_script_is_refused(house: House) -> None:
    with pytest.raises(ScriptUnknown, match="return-visit"):
        await house.add(script="no-such")


async def test_a_visit_in_the_name_of_an_unknown_line_is_refused(database: Database) -> None:
    house = House(database)
    office = Office(database, SCRIPTS, house.rules, house.office.hours, lines=["heating"])
    asked = NewVisit(number="13800138000", line="gas")
    for refused in (office.add(asked), office.add_all([asked])):
        with pytest.raises(LineUnknown, match="there are heating"):
            await refused


async def test_half_a_talk_keeps_its_half_and_has_its_consequences(house: House) -> None:
    visit = await house.add()
    await house.round()
    call = f"visit-{visit}-1"
    await house.talk(call, solved(False), outcome=None)
    assert (await house.visit(visit)).state is State.PARTIAL
    assert await house.due_now() == ["reopen"]


async def test_who_hangs_up_before_the_first_answer_is_not_called_again(house: House) -> None:
    visit = await house.add()
    await house.round()
    await house.talk(f"visit-{visit}-1", outcome=None)
    await house.round(timedelta(days=3))
    assert (await house.visit(visit)).state is State.HUNG_UP
    assert len(house.trunk.rung) == 1


async def test_after_a_crash_in_a_talk_the_answers_are_there_and_the_talk_goes_on(house: House) -> None:
    visit = await house.add()
    await house.round()
    call = f"visit-{visit}-1"
    await house.pick_up(call)
    await house.office.keep(call, solved(True))
    house.start()
    case = await house.office.begin(call)
    assert case is not None
    assert [answer.value for answer in case.answers] == ["yes"]


# Fates

FATES = [
    (17, "486", Fate.BUSY),
    (19, "480", Fate.NO_ANSWER),
    (21, "403", Fate.REJECTED),
    (21, "603", Fate.REJECTED),
    (34, "503", Fate.CONGESTION),
    (17, "", Fate.BUSY),
    (19, "", Fate.NO_ANSWER),
    (16, "", Fate.NO_ANSWER),
    (21, "", Fate.REJECTED),
    (34, "", Fate.CONGESTION),
    (99, "", Fate.CONGESTION),
]


@pytest.mark.parametrize(("cause", "tech_cause", "fate"), FATES)
async def test_each_fate_is_told_apart_and_tried_again(cause: int, tech_cause: str, fate: Fate, tmp_path: Path) -> None:
    async with a_database("memory", tmp_path) as database:
        house = House(database)
        visit = await house.add()
        await house.round()
        await house.down(f"visit-{visit}-1", cause=cause, tech_cause=tech_cause)
        found = await house.visit(visit)
        assert (found.state, found.due - house.clock.now()) == (State.DUE, house.rules.after(fate).pause)
        assert (await house.calls(visit))[0].fate is fate


@pytest.mark.parametrize(("cause", "tech_cause"), [(1, "404"), (28, "484"), (1, ""), (22, "410")])
async def test_a_wrong_number_is_not_tried_again(cause: int, tech_cause: str, tmp_path: Path) -> None:
    async with a_database("memory", tmp_path) as database:
        house = House(database)
        visit = await house.add()
        await house.round()
        await house.down(f"visit-{visit}-1", cause=cause, tech_cause=tech_cause)
        assert (await house.visit(visit)).state is State.WRONG_NUMBER


async def until_over(house: House, visit: int, cause: int) -> int:
    """Call again and again, always with this fate; return how often."""
    for tries in range(1, 50):
        await house.round(timedelta(days=1))
        await house.down((await house.visit(visit)).call, cause=cause)
        if (await house.visit(visit)).state in OVER:
            return tries
    raise AssertionError("never given up")


@pytest.mark.parametrize(("cause", "tries"), [(17, 5), (19, 3), (21, 2), (34, 20)])
async def test_each_fate_has_its_own_patience(cause: int, tries: int, tmp_path: Path) -> None:
    async with a_database("memory", tmp_path) as database:
        house = House(database)
        visit = await house.add()
        assert await until_over(house, visit, cause) == tries
        assert (await house.visit(visit)).state is State.NO_CONTACT


async def test_a_lead_may_have_somebody_called_again(house: House) -> None:
    visit = await house.add()
    await until_over(house, visit, 21)
    await house.office.step(visit, "again", who="1024", why="he asked for it")
    assert await until_over(house, visit, 21) == 2


# Whom not to call, and when


async def test_a_number_on_the_do_not_call_list_is_not_called(house: House) -> None:
    visit = await house.add("13800138001")
    await house.office.block("13800138001", why="asked for it")
    await house.round()
    assert (await house.visit(visit)).state is State.DO_NOT_CALL
    assert house.trunk.rung == []


SPELLINGS = ("13800138001", "+8613800138001", "008613800138001", "+86 138-0013-8001")


@pytest.mark.parametrize("blocked", SPELLINGS)
async def test_the_do_not_call_list_knows_a_number_however_it_is_written(house: House, blocked: str) -> None:
    await house.office.block(blocked, why="asked for it")
    visits = [await house.add(number) for number in SPELLINGS[:3]]
    other = await house.add("13800138002")
    for _ in visits:
        await house.round()
    assert {(await house.visit(visit)).state for visit in visits} == {State.DO_NOT_CALL}
    assert [visit.id for visit in house.trunk.rung] == [other]
    await house.office.unblock(SPELLINGS[1])
    again = await house.add(SPELLINGS[0])
    await house.round()
    assert house.trunk.rung[-1].id == again


async def test_one_customer_written_in_two_ways_is_not_called_twice_at_once(house: House) -> None:
    await house.add("+8613800138001")
    await house.add("13800138001")
    await house.round()
    await house.round()
    assert [visit.number for visit in house.trunk.rung] == ["13800138001"]


async def test_nobody_is_called_outside_the_windows_of_his_own_zone(database: Database) -> None:
    house = House(database, windows=[Window(open=time(9), close=time(12))])
    in_urumqi = await house.add("13800138001", zone="Asia/Urumqi")
    in_shanghai = await house.add("13800138002")
    await house.round()
    assert [visit.id for visit in house.trunk.rung] == [in_shanghai]
    assert (await house.visit(in_urumqi)).due.astimezone(ZoneInfo("Asia/Urumqi")).hour == 9


async def test_a_visit_that_could_not_be_called_in_the_window_waits_for_the_next(database: Database) -> None:
    house = House(database, windows=[Window(open=time(9), close=time(12))])
    house.traffic = None
    visit = await house.add()
    await house.round(timedelta(hours=4))
    house.traffic = FREE
    await house.round()
    assert house.trunk.rung == []
    assert (await house.visit(visit)).due.astimezone(SHANGHAI).hour == 9


async def test_a_paused_script_is_not_dialled_until_it_is_resumed(house: House) -> None:
    await house.add("13800138001")
    await house.add("13800138002", script="payment-reminder")
    await house.office.pause("return-visit", who="1024")
    await house.round()
    assert [visit.script for visit in house.trunk.rung] == ["payment-reminder"]
    await house.office.pause("*", who="1024")
    await house.office.resume("*")
    await house.round()
    assert len(house.trunk.rung) == 2


async def test_a_lead_can_put_a_visit_first(database: Database) -> None:
    house = House(database, most_calls=1)
    first, second = await house.add("13800138001"), await house.add("13800138002")
    await house.office.step(second, "first", who="1024")
    await house.round()
    assert [visit.id for visit in house.trunk.rung] == [second]
    assert first != second


async def test_what_is_over_cannot_be_cancelled(house: House) -> None:
    visit = await house.add()
    await house.office.step(visit, "cancel", who="1024")
    with pytest.raises(VisitCannot):
        await house.office.step(visit, "cancel", who="1024")


async def test_an_agreed_time_is_kept_and_comes_first(database: Database) -> None:
    house = House(database, most_calls=1)
    visit = await house.add()
    await house.round()
    at = house.clock.now() + timedelta(hours=3)
    later = Chosen(step="convenient", at=FRIDAY, option="later")
    await house.talk(f"visit-{visit}-1", later, Agreed(step="later", at=FRIDAY, time=at), outcome=Outcome.APPOINTED)
    await house.add("13800138002", due=at - timedelta(minutes=1))
    await house.round(timedelta(hours=2))
    assert len(house.trunk.rung) == 1
    await house.round(at - house.clock.now())
    assert house.trunk.rung[-1].call == f"visit-{visit}-2"


# One customer, one call


async def test_a_customer_with_two_visits_is_called_for_one_at_a_time(house: House) -> None:
    await house.add("13800138001", key="a")
    await house.add("13800138001", key="b")
    await house.round()
    await house.round()
    assert len(house.trunk.rung) == 1
    await house.talk(house.trunk.rung[0].call)
    await house.round()
    assert len(house.trunk.rung) == 2


async def one_of_two_visits_is_with_a_person(house: House) -> str:
    """A customer with two visits is called for one, and led to a person; return the call."""
    await house.add("13800138001", key="a")
    await house.add("13800138001", key="b")
    await house.round()
    call = house.trunk.rung[0].call
    await house.pick_up(call)
    await house.office.end(call, Outcome.HANDED_OVER)
    return call


async def test_who_talks_with_a_person_after_a_visit_is_not_called_meanwhile(house: House) -> None:
    call = await one_of_two_visits_is_with_a_person(house)
    await house.round(timedelta(minutes=20))
    assert len(house.trunk.rung) == 1
    await house.down(call, answered=True)
    await house.round()
    assert len(house.trunk.rung) == 2


async def test_a_crash_between_the_promise_of_a_person_and_the_queue_changes_nothing(house: House) -> None:
    call = await one_of_two_visits_is_with_a_person(house)
    again = await house.office.begin(call)
    assert again is not None
    assert again.to_person
    await house.office.end(call, Outcome.HANDED_OVER)
    await house.round(timedelta(minutes=20))
    assert len(house.trunk.rung) == 1, "the customer still talks with that person"


async def test_two_diallers_never_take_the_same_visit(house: House) -> None:
    for number in range(20):
        await house.add(f"1380013{number:04}")
    other = Office(house.database, SCRIPTS, house.rules, house.office.hours, now=house.clock.now)
    taken = [*await house.office.take(15), *await other.take(15)]
    assert len({visit.id for visit in taken}) == len(taken) == 20


async def test_a_call_whose_order_was_cut_is_not_repeated_while_it_may_ring(house: House) -> None:
    visit = await house.add()
    house.trunk.breaks = lambda _: True
    await house.round()
    house.start()
    for _ in range(10):
        await house.round(timedelta(seconds=4))
    assert len(house.trunk.rung) == 1
    assert (await house.visit(visit)).state is State.CALLING


@pytest.mark.parametrize(("answered", "state"), [(True, State.HUNG_UP), (False, State.DUE)])
async def test_what_ended_unseen_is_settled_by_what_asterisk_noted(house: House, answered: bool, state: State) -> None:
    visit = await house.add()
    await house.round()
    house.start()
    house.trunk.lines.clear()
    house.trunk.answered |= {f"visit-{visit}-1"} if answered else set()
    await house.round(timedelta(minutes=2))
    assert (await house.visit(visit)).state is state


async def test_a_talk_whose_note_asterisk_lost_in_a_crash_is_over_and_not_repeated(house: House) -> None:
    visit = await house.add()
    await house.round()
    await house.pick_up(f"visit-{visit}-1")
    house.trunk.lines.clear()
    house.trunk.answered.clear()
    await house.round(timedelta(minutes=2))
    assert (await house.visit(visit)).state is State.HUNG_UP


async def test_a_refused_order_is_tried_again_later(house: House) -> None:
    visit = await house.add()
    house.trunk.refuses = True
    await house.round()
    assert (await house.calls(visit))[0].fate is Fate.CONGESTION


async def test_of_five_hundred_visits_with_any_fate_and_crashes_each_ends_in_one_state(tmp_path: Path) -> None:
    """A day with fates, hang-ups, cut links and crashes, in seconds."""
    async with a_database("memory", tmp_path) as database:
        house, dice = House(database), random.Random(7)
        house.trunk.breaks = lambda _: dice.random() < 0.05
        visits = [await house.add(f"1390000{number:04}") for number in range(500)]
        await house.office.block("13900000003", why="asked for it")
        answered: Counter[int] = Counter()
        for _ in range(400):
            await house.round(timedelta(minutes=20))
            if dice.random() < 0.1:
                house.start()
            for call in sorted(house.trunk.lines):
                await somebody(house, call, dice, answered)
            if not await house.office.next_due() and not await house.office.live():
                break
        states = Counter([(await house.visit(visit)).state for visit in visits])
        assert sum(states.values()) == 500
        assert set(states) <= OVER, states
        assert {State.FINISHED, State.PARTIAL, State.HUNG_UP, State.NO_CONTACT, State.WRONG_NUMBER} <= set(states)
        assert max(answered.values()) == 1, "one answered call per visit"
        assert len({visit.call for visit in house.trunk.rung}) == len(house.trunk.rung)


async def somebody(house: House, call: str, dice: random.Random, answered: Counter[int]) -> None:
    """Whoever is called does something, which we do not always see."""
    cause, seen = dice.choice([16, 16, 16, 17, 19, 21, 1, 34]), dice.random() < 0.9
    if cause == 16:
        answered[int(call.split("-")[1])] += 1
        house.trunk.answered.add(call)
        if dice.random() < 0.9 and await house.office.begin(call) is not None:
            for answer in (solved(dice.random() < 0.5), Scored(step="score", at=FRIDAY, points=5))[: dice.randrange(3)]:
                await house.office.keep(call, answer)
            if dice.random() < 0.6:
                await house.office.end(call, Outcome.FINISHED)
    house.trunk.lines.discard(call)
    if seen:
        await house.down(call, answered=cause == 16, cause=cause)


# The figures


async def test_a_visit_after_a_ticket_is_late_when_two_working_days_are_over(database: Database) -> None:
    office_days = Window(days=["mon", "tue", "wed", "thu", "fri"], open=time(9), close=time(20))
    house = House(database, windows=[office_days])
    await house.add("13800138001", ticket="271828188")
    await house.add("13800138002")  # nobody's ticket: whenever there is time
    in_time = await house.add("13800138003", ticket="271828187")
    await house.office.step(in_time, "cancel", who="1024")

    async def late() -> int:
        since, until = FRIDAY - timedelta(days=1), FRIDAY + timedelta(days=1)
        found = await house.office.read(
            lambda transaction: figures(
                transaction, SCRIPTS, by="script", since=since, until=until, zone=SHANGHAI, is_late=house.office.is_late
            )
        )
        return found["return-visit"].late

    house.clock.at = datetime(2025, 11, 25, 23, 59, tzinfo=SHANGHAI)
    assert await late() == 0
    house.clock.turn(timedelta(minutes=2))
    assert await late() == 1


async def test_a_survey_after_a_call_is_counted_by_script_and_week_and_for_no_crew(house: House) -> None:
    for call, option in (("pbx-1.1", "very"), ("pbx-1.2", "no"), ("pbx-1.3", "")):
        assert await house.office.begin_survey(call) is not None
        if option:
            await house.office.keep(call, Chosen(step="satisfied", at=FRIDAY, option=option))
        await house.office.end(call, Outcome.FINISHED if option else None)

    async def counted(by: Any) -> Any:
        since, until = house.clock.now() - timedelta(days=1), house.clock.now() + timedelta(days=1)
        return await house.office.read(
            lambda transaction: figures(transaction, SCRIPTS, by=by, since=since, until=until, zone=SHANGHAI)
        )

    row = (await counted("script"))["survey"].as_row()
    named = ("ordered", "visited", "visited_share", "finished", "valid", "satisfied", "satisfied_share")
    assert {name: row[name] for name in named} == {
        "ordered": 3, "visited": 2, "visited_share": 0.6667,
        "finished": 2, "valid": 2, "satisfied": 1, "satisfied_share": 0.5,
    }  # fmt: skip
    assert [row.valid for row in (await counted("week")).values()] == [2]
    assert await counted("crew") == {}
