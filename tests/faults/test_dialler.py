"""Many people are called who do as they like; the link is cut, server and Asterisk are killed, a storm breaks out.

Who was called and who picked up how often is counted by the carrier, which knows nothing of our log. The numbers are
small unless HOTLINE_TEST_VISITS, HOTLINE_TEST_CUTS and HOTLINE_TEST_STORM say otherwise; with another HOTLINE_TEST_SEED
people do other things.
"""

from __future__ import annotations

import asyncio
import math
import os
import random
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import mean
from typing import Any, Final

import pytest

from casework.visits.fates import Fate
from casework.visits.states import LIVE, OVER, Outcome, State
from hotline.client import ServerError
from routing.events import CallAnswered, CallPlaced, CallQueued, CallRang, Event, TalkStarted
from tests.asterisk.callees import (
    ANSWERS_ALL,
    BUSY,
    CONGESTED,
    IGNORES,
    LEAVES,
    NOT_SOLVED,
    REFUSES,
    SILENT,
    UNKNOWN,
    Callee,
    called,
    picked_up,
    visit,
)
from tests.asterisk.world import World
from tests.faults.helpers import A_WHILE, a_storm, all_well

VISITS = int(os.environ.get("HOTLINE_TEST_VISITS", "30"))
CUTS = int(os.environ.get("HOTLINE_TEST_CUTS", "12"))
STORM = float(os.environ.get("HOTLINE_TEST_STORM", "12"))
"""Seconds that a storm of callers lasts."""
SEED = int(os.environ.get("HOTLINE_TEST_SEED", "6"))

NO_CONTACT: Final = frozenset({State.NO_CONTACT})
TALKED: Final = frozenset(State(outcome) for outcome in Outcome)
"""Where a talk can leave a visit: over, or with another call agreed on."""
ENDS: Final = OVER | {State.APPOINTED}
COMES_TO: Final = {
    BUSY: NO_CONTACT,
    IGNORES: NO_CONTACT,
    REFUSES: NO_CONTACT,
    CONGESTED: NO_CONTACT,
    UNKNOWN: frozenset({State.WRONG_NUMBER}),
    LEAVES: frozenset({State.HUNG_UP}),
    ANSWERS_ALL: TALKED,
    NOT_SOLVED: TALKED,
    SILENT: TALKED,
}
"""Where each manner's visit ends when nothing is cut; whoever talks may hang up at any moment."""
NOT_REACHED: Final = BUSY + IGNORES + REFUSES + UNKNOWN + CONGESTED
PICKS_UP: Final = LEAVES + ANSWERS_ALL + NOT_SOLVED + SILENT
LONGEST_TALK: Final = 25.0


async def anybody(world: World, dice: random.Random) -> Callee:
    """Have somebody visited who does anything: is not reached, or answers and hangs up at any moment."""
    if dice.random() < 0.4:
        return await visit(world, dice.choice(NOT_REACHED))
    manner = dice.choice(PICKS_UP)
    if manner == LEAVES:
        return await visit(world, manner)
    presses = keys(dice) if dice.random() < 0.5 else ""
    return await visit(world, manner, presses=presses, leaves_after=dice.uniform(0.05, LONGEST_TALK))


def keys(dice: random.Random) -> str:
    """Any keys in any rhythm, mostly such as mean something; a `w` is half a second."""
    pressed = ("w" * dice.randint(1, 6) + dice.choice("1112223301290*#5") for _ in range(dice.randint(1, 12)))
    return "".join(pressed)


async def are_over(world: World, callees: Collection[Callee], *, within: float) -> list[dict[str, Any]]:
    """Wait until nobody is to be called and nobody is on a line; return the callees' visits, in order."""
    async with asyncio.timeout(within):
        while await left(world):
            await asyncio.sleep(0.5)
    return [await callee.shown() for callee in callees]


async def left(world: World) -> int:
    """How many are due, called or talked with."""
    states = (await world.server.get("/api/visits/progress"))["states"]
    return sum(states.get(state.value, 0) for state in LIVE | {State.DUE})


def ended_once(found: dict[str, Any]) -> None:
    """Check that a visit came to exactly one end, after calls that each had exactly one fate or one outcome."""
    passed = [step["state"] for step in found["steps"]]
    assert [state for state in passed if state in ENDS] == [found["state"]] == passed[-1:], found
    *before, last = found["calls"]
    assert all(call["fate"] is not None and call["outcome"] is None for call in before), found
    assert (last["fate"] is None) is (last["outcome"] is not None), found
    assert found["state"] in ({last["outcome"]} if last["outcome"] else {"no-contact", "wrong-number"}), found


async def called_once(world: World, callees: list[Callee], found: list[dict[str, Any]]) -> int:
    """Check that nobody picked up twice, and that we and the carrier agree on who did; return how many did."""
    counted = await asyncio.to_thread(picked_up, world)
    for callee, each in zip(callees, found, strict=True):
        answered = [call["call"] for call in each["calls"] if call["outcome"] is not None]
        assert len(answered) == counted.get(callee.number, 0) <= 1, (callee.number, counted.get(callee.number), each)
    return sum(counted.get(callee.number, 0) for callee in callees)


def told(found: list[dict[str, Any]]) -> str:
    """How many came to each end, and what became of their calls."""
    states = Counter(each["state"] for each in found)
    fates = Counter(call["fate"] or "answered" for each in found for call in each["calls"])
    return f"{len(found)} visits: {dict(states.most_common())}; calls: {dict(fates.most_common())}"


def tell(words: str) -> None:
    """What a long run came to, for whoever lets it run (`pytest -s`)."""
    print(words)  # noqa: T201


@pytest.mark.timeout(240 + 8 * VISITS)
async def test_visits_with_any_fate_and_hang_up_end_in_exactly_one_state(world: World) -> None:
    dice = random.Random(SEED)
    callees = [await anybody(world, dice) for _ in range(VISITS)]
    found = await are_over(world, callees, within=200 + 7 * VISITS)
    answered = await called_once(world, callees, found)
    for callee, each in zip(callees, found, strict=True):
        ended_once(each)
        assert each["state"] in COMES_TO[callee.number[3]], each
    known = {call["fate"] for each in found for call in each["calls"]} - {None}
    assert known <= {str(fate) for fate in Fate} - {Fate.UNSEEN}, "nothing was cut, so every end was seen"
    tell(f"{told(found)}; the carrier saw {answered} pick up, nobody twice")


CUT, KILL_US, KILL_ASTERISK = "link cut", "server killed", "Asterisk killed"


def strikes(dice: random.Random) -> list[str]:
    """What is done to the dialling, in any order: of twenty strikes one kills Asterisk and three kill our server."""
    asterisk, server = math.ceil(CUTS / 20), math.ceil(3 * CUTS / 20)
    planned = [KILL_ASTERISK] * asterisk + [KILL_US] * server
    planned += [CUT] * (CUTS - len(planned))
    dice.shuffle(planned)
    return planned


async def strike(world: World, what: str) -> None:
    """Cut the dialler's links, or kill a process; return when server and Asterisk are there again."""
    if what == CUT:
        await asyncio.to_thread(cut_dialling, world)
        return
    service = "hotline" if what == KILL_US else "asterisk"
    await asyncio.to_thread(world.container, "kill", service, "-s", "KILL")
    await asyncio.to_thread(world.container, "start", service)
    async with asyncio.timeout(A_WHILE):
        while not await answers(world):
            await asyncio.sleep(0.2)


def cut_dialling(world: World) -> None:
    """Have Asterisk close the links of the dialler."""
    for line in world.cli("manager show connected").splitlines():
        words = line.split()
        if words[:1] in (["dial"], ["watch"]):
            world.cli(f"manager kick session {words[4]}")


async def answers(world: World) -> bool:
    """Whether server and Asterisk are there."""
    try:
        await world.server.get("/api/health")
        await asyncio.to_thread(world.cli, "core waitfullybooted")
    except (ServerError, AssertionError):
        return False
    return True


async def is_dialling(world: World) -> None:
    """Wait until somebody is being called."""
    async with asyncio.timeout(A_WHILE):
        while not (await world.server.get("/api/visits/progress"))["states"].get("calling"):
            await asyncio.sleep(0.05)


@pytest.mark.timeout(400 + 20 * CUTS)
async def test_links_are_cut_and_processes_killed_while_people_are_called_and_nobody_is_called_twice(
    world: World,
) -> None:
    dice, callees = random.Random(SEED), list[Callee]()
    planned = strikes(dice)
    for what in planned:
        while await left(world) < 20:
            callees.append(await anybody(world, dice))
        await is_dialling(world)
        await asyncio.sleep(dice.uniform(0, 0.5))  # any moment of a call
        await strike(world, what)
    await all_well(world)
    found = await are_over(world, callees, within=300)
    answered = await called_once(world, callees, found)
    for each in found:
        ended_once(each)
    tell(f"{dict(Counter(planned))}; {told(found)}; the carrier saw {answered} pick up, nobody twice")


CALLERS: Final = 32
"""In a storm: with these alone more lines are taken than calls of ours may take (the tests' site: 28 of 40)."""
LISTED: Final = 150
"""Visits that are due when it breaks out."""
STOPS_WITHIN: Final = 5.0


@dataclass(frozen=True)
class Fared:
    """How those fared who called in a storm, in seconds."""

    answered: Sequence[float]
    """From each ring to our answer."""
    queued: Sequence[float]
    """From each ring to the queue, through greeting and menu."""
    reached: int
    """Callers who reached an agent while it lasted."""

    @classmethod
    def of(cls, some: Sequence[Event]) -> Fared:
        """Read it from the log of a storm."""
        rang = {event.call: event.at for event in some if isinstance(event, CallRang)}
        return cls(
            answered=_since(rang, some, CallAnswered),
            queued=_since(rang, some, CallQueued),
            reached=len(_since(rang, some, TalkStarted)),
        )

    def __str__(self) -> str:
        return (
            f"{len(self.answered)} answered after {mean(self.answered):.2f} s (at most {max(self.answered):.2f}),"
            f" {len(self.queued)} in the queue after {mean(self.queued):.2f} s (at most {max(self.queued):.2f}),"
            f" {self.reached} reached an agent"
        )


def _since(rang: Mapping[str, datetime], some: Sequence[Event], kind: type[Event]) -> Sequence[float]:
    """Seconds from each ring to the first event of this kind."""
    first: dict[str, datetime] = {}
    for event in some:
        if isinstance(event, kind) and event.call in rang:
            first.setdefault(event.call or "", event.at)
    return [(at - rang[call]).total_seconds() for call, at in first.items()]


async def storm(world: World, numbers: str) -> Fared:
    """Many call at once and ask for a person; for each who has reached one, another calls. At the end all hang up."""
    began, lines, clock = len(world.events), dict[str, str](), asyncio.get_running_loop().time
    until = clock() + STORM
    async with a_storm(world, "consult") as call:

        def another() -> None:
            number = f"{numbers}{len(lines):04}"
            lines[number] = f"storm-{number}"
            call(lines[number], number)

        for _ in range(CALLERS):
            another()
        served = set[str]()
        while clock() < until:
            for number in reached(world.events[began:]) - served:
                served.add(number)
                await world.telco.ask("Hangup", Channel=lines[number])
                another()
            await asyncio.sleep(0.2)
        fared = Fared.of(world.events[began:])
    for channel in lines.values():
        await world.telco.ask("Hangup", Channel=channel)
    return fared


def reached(some: Sequence[Event]) -> set[str]:
    """The numbers of those who talk with an agent or have done so."""
    rang = {event.call: event.caller.digits for event in some if isinstance(event, CallRang) and event.caller}
    return {rang[event.call] for event in some if isinstance(event, TalkStarted) and event.call in rang}


async def lines_are_down(world: World) -> None:
    """Wait until nobody is on a line."""
    async with asyncio.timeout(A_WHILE):
        while (await world.server.get("/api/health"))["live_calls"]:
            await asyncio.sleep(0.2)


@pytest.mark.timeout(400)
async def test_a_storm_of_callers_holds_the_dialler_back_until_it_is_over_and_no_caller_notices(world: World) -> None:
    await world.sign_in("1024", "1025", "1026")
    alone = await storm(world, "1391111")
    await lines_are_down(world)

    await world.server.post("/api/visits/pause", {"script": "*"})
    callees = [await visit(world, LEAVES) for _ in range(LISTED)]
    await world.server.post("/api/visits/resume", {"script": "*"})

    def were_called() -> int:
        counted = called(world)
        return sum(counted.get(callee.number, 0) for callee in callees)

    await world.until(lambda: were_called() >= LISTED // 10, "dialling is under way")
    began = datetime.now(UTC)
    storming = asyncio.create_task(storm(world, "1392222"))
    await asyncio.sleep(STOPS_WITHIN)
    by_then = await asyncio.to_thread(were_called)
    await asyncio.sleep(STORM - STOPS_WITHIN - 2)
    by_now, until = await asyncio.to_thread(were_called), datetime.now(UTC)
    meanwhile = await storming
    tell(
        f"a storm alone: {alone}\nwith visits due: {meanwhile}; {by_then} of {LISTED} called {STOPS_WITHIN:g} s into it"
    )

    assert by_then == by_now < LISTED, "the carrier sees no new call of ours, though there is work"
    stopped = began + timedelta(seconds=STOPS_WITHIN)
    late = [event for event in world.events if isinstance(event, CallPlaced) and stopped < event.at < until]
    assert late == []
    assert len(meanwhile.answered) >= CALLERS
    assert len(meanwhile.queued) >= CALLERS
    assert mean(meanwhile.answered) <= mean(alone.answered) + 0.5
    assert mean(meanwhile.queued) <= mean(alone.queued) + 1
    assert meanwhile.reached >= alone.reached - 2

    found = await are_over(world, callees, within=150)
    assert Counter(each["state"] for each in found) == {"hung-up": LISTED}
    assert await asyncio.to_thread(were_called) == LISTED, "dialling went on, and called each of them once"
