"""Return visits on the real Asterisk: the callees are lines of the pretend carrier's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from playwright.async_api import expect

from casework.phone_numbers import masked
from casework.visits.states import OVER
from hotline.client import ServerError
from prompts.catalogue import Catalogue
from prompts.pieces import piece_file, spoken_pieces
from routing.events import CallEnded, CallPlaced, PhoneNumber, RecordingKept, TalkStarted
from tests.asterisk import sound
from tests.asterisk.callees import (
    BUSY,
    CONGESTED,
    IGNORES,
    LEAVES,
    LISTENS,
    REFUSES,
    SILENT,
    UNKNOWN,
    Callee,
    called,
    somebody,
    visit,
)
from tests.asterisk.pages import PATIENCE, a_browser, signed_in
from tests.asterisk.sound import Sound
from tests.asterisk.world import World

pytestmark = pytest.mark.timeout(400)
SHANGHAI = ZoneInfo("Asia/Shanghai")
WANG = "wang-visited"


OPENINGS = {
    "return-visit": "visit_opening",
    "new-account": "account_opening",
    "payment-reminder": "reminder_opening",
}


@dataclass(frozen=True, kw_only=True)
class Way:
    """A way through a script: what the callee presses, how the visit ends, and what was heard on that way."""

    keys: str
    ends: str
    answers: Mapping[str, str] = field(default_factory=dict)
    heard: Sequence[str]
    """To their ends, whatever was pressed."""
    not_heard: Sequence[str] = ()
    manner: str = LISTENS
    script: str = "return-visit"
    facts: Mapping[str, str] = field(default_factory=dict)
    leaves_after: float | None = None
    """Seconds; else the callee stays until we hang up."""
    first: float = 1.5
    """Seconds until the first key."""

    @property
    def presses(self) -> str:
        """The keys as the carrier presses them, 1.5 s apart."""
        return "w" * int(2 * self.first - 3) + "".join(f"www{key}" for key in self.keys)


GOOD = {"convenient": "now", "solved": "yes", "manner": "good", "charged": "no"}
FEE = "visit_fee_reminder"
WAYS = {
    "all is well, the fee is due": Way(
        keys="11129", ends="finished", answers=GOOD | {"score": "9", "reminded": "said"}, facts={"paid": "no"},
        heard=["visit_suggestion", FEE, "visit_thanks"], not_heard=["visit_not_solved"],
    ),
    "all is well and paid, ten points in two digits": Way(
        keys="111210", ends="finished", answers=GOOD | {"score": "10"}, facts={"paid": "yes"},
        heard=["visit_suggestion", "visit_thanks"], not_heard=[FEE, "visit_not_solved"],
    ),
    "it is not solved": Way(
        keys="12315", ends="finished", facts={"paid": "no"},
        answers={"convenient": "now", "solved": "no", "manner": "poor", "charged": "yes", "score": "5"},
        heard=["visit_not_solved", "visit_thanks"], not_heard=[FEE],
    ),
    "half-way the callee hangs up": Way(
        keys="12", ends="partial", answers={"convenient": "now", "solved": "no"}, leaves_after=9, heard=[],
        not_heard=["visit_thanks"],
    ),
    "the callee wants no such call": Way(
        keys="3", ends="refused", answers={"convenient": "never"}, heard=["visit_refused"], not_heard=["visit_thanks"]
    ),
    "the callee wants a person": Way(
        keys="10", ends="handed-over", answers={"convenient": "now"}, leaves_after=30, heard=["to_person"]
    ),
    "nobody presses a key": Way(keys="", ends="silent", heard=["visit_convenient", "no_key", "visit_nobody"]),
    "a machine talks on and on": Way(manner=SILENT, keys="", ends="silent", heard=["visit_convenient", "visit_nobody"]),
    "a new connection that works": Way(
        script="new-account", keys="1118", ends="finished",
        answers={"convenient": "now", "works": "yes", "explained": "yes", "score": "8"},
        heard=["visit_suggestion", "visit_thanks"],
    ),
    "a new connection, at no time": Way(
        script="new-account", keys="3", ends="refused", answers={"convenient": "never"}, heard=["visit_refused"]
    ),
    "a reminder that is heard": Way(
        script="payment-reminder", first=18, keys="1", ends="finished", answers={"reminded": "said", "heard": "yes"},
        heard=[FEE, "visit_thanks"],
    ),
    "a reminder that leaves a question": Way(
        script="payment-reminder", first=18, keys="2", ends="handed-over", leaves_after=40,
        answers={"reminded": "said", "heard": "no"}, heard=[FEE, "to_person"], not_heard=["visit_thanks"],
    ),
}  # fmt: skip


async def hears_whole(world: World, callee: Callee, prompt: str, name: str) -> None:
    """Asterisk writes the last of a recording some moments after the line is down."""
    said = world.prompt(f"zh/{prompt}")
    await world.until(lambda: sound.heard_whole(said, callee.heard()), f"{name}: {prompt} is heard whole", within=20)


async def test_each_way_through_a_script_is_taken_by_key_and_heard(world: World) -> None:
    """All at the same time; the way to a time for another call is below, the survey's in `test_survey.py`."""

    async def go(way: Way) -> tuple[Callee, dict[str, Any]]:
        does = way.manner, way.presses, way.leaves_after
        callee = await visit(world, *does, script=way.script, facts=dict(way.facts))
        return callee, await callee.comes_to(*OVER, within=150)

    gone = await asyncio.gather(*map(go, WAYS.values()))
    await world.until(lambda: world.channels("telco") == [], "everybody has hung up", within=60)
    for (name, way), (callee, found) in zip(WAYS.items(), gone, strict=True):
        (call,) = found["calls"]
        assert found["state"] == way.ends, (name, found)
        assert {each["step"]: each["value"] for each in call["answers"]} == way.answers, name
        heard = callee.heard()
        opening = world.prompt(f"zh/brand/heating/{OPENINGS[way.script]}")
        assert sound.fraction_heard(opening[: sound.RATE], heard) > 0.8, name
        for prompt in way.heard:
            await hears_whole(world, callee, prompt, name)
        for prompt in way.not_heard:
            assert sound.fraction_heard(world.prompt(f"zh/{prompt}"), heard) < 0.3, (name, prompt)


FATES = [
    (BUSY, "busy", "no-contact", 2),
    (IGNORES, "no-answer", "no-contact", 2),
    (REFUSES, "rejected", "no-contact", 2),
    (UNKNOWN, "wrong-number", "wrong-number", 1),
    (CONGESTED, "congestion", "no-contact", 2),
]


async def test_each_fate_is_told_apart(world: World) -> None:
    async def come(manner: str) -> dict[str, Any]:
        return await (await visit(world, manner)).comes_to(*OVER)

    came = await asyncio.gather(*(come(manner) for manner, _, _, _ in FATES))
    for (_, fate, state, calls), found in zip(FATES, came, strict=True):
        assert (found["state"], [call["fate"] for call in found["calls"]]) == (state, [fate] * calls), found


async def test_who_picks_up_and_hangs_up_has_said_nothing_and_is_left_alone(world: World) -> None:
    found = await (await visit(world, LEAVES)).comes_to(*OVER)
    assert (found["state"], [call["answers"] for call in found["calls"]]) == ("hung-up", [[]])


async def test_a_callee_who_wants_a_person_talks_with_an_agent_of_that_queue_who_sees_the_case(world: World) -> None:
    await world.sign_in("1026")
    callee = await visit(world, queue="complaint", ticket="271828188")
    channel = await callee.picked_up()
    await callee.press("10")
    await callee.comes_to("handed-over")
    call = f"visit-{callee.id}-1"
    talk = await world.sees(TalkStarted, lambda event: event.call == call, "the talk", within=60)
    assert talk.agent == "1026"
    with suppress(ServerError):  # a run before this one may have left it
        await world.server.ask("DELETE", f"/api/users/{WANG}")
    made = await world.server.post("/api/users", {"name": WANG, "role": "agent", "number": "1026"})
    async with a_browser() as browser, signed_in(world, browser, WANG, str(made["password"])) as page:
        await expect(page.locator(".own-visit")).to_contain_text("271 828 188", timeout=PATIENCE)
        await expect(page.locator(".own-visit")).to_contain_text("convenient: now")
        await page.get_by_role("link", name="Tickets").click()
        at_hand = page.locator(".at-hand")
        await expect(at_hand).to_contain_text(masked(callee.number), timeout=PATIENCE)
        await expect(at_hand).to_contain_text("public hotline", timeout=PATIENCE)
    await world.telco.do("Hangup", Channel=channel)
    await world.sees(CallEnded, lambda event: event.call == call, "the end")
    kept = await world.sees(RecordingKept, lambda event: event.call == call, "the recording", within=60)
    assert kept.file.startswith(call)


async def test_after_a_repair_the_callee_is_called_in_the_name_of_the_line_that_took_it(world: World) -> None:
    number = somebody()
    about = {"kind": "repair", "problem": "no picture", "address": "x", "name": "y", "phone": number, "line": "english"}
    ticket = (await world.server.post("/api/tickets", about))["ticket"]["code"]
    for step in ({"move": "dispatch", "to": "crew-3"}, {"move": "finish"}):
        await world.server.post(f"/api/tickets/{ticket}/steps", step)
    placed = await world.sees(CallPlaced, lambda event: event.caller == PhoneNumber(number), "the visit is dialled")
    assert placed.shown == "4001234568", "a number of that line"
    visit_id = int(placed.call.split("-")[1])
    callee = Callee(world, number, visit_id)
    await callee.picked_up()
    await world.until(
        lambda: sound.heard_whole(world.prompt("en/brand/english/visit_opening"), callee.heard()),
        "Eastwind Cable calls, and not the first line's brand",
    )


@pytest.fixture
def turned(world: World) -> Iterator[Callable[[datetime], None]]:
    """Turns the dialler's clock (HOTLINE_VISITS_CLOCK, only the tests' server has it); afterwards it is right again."""
    file = world.stack.folder / "site" / "visits-clock"

    def to(moment: datetime) -> None:
        file.write_text(f"{(moment - datetime.now(UTC)).total_seconds():.1f}", encoding="utf-8")
        file.chmod(0o644)

    yield to
    to(datetime.now(UTC))


def said_back(world: World, at: datetime) -> Sound:
    """How a time for another call is said to the callee, joined from its pieces."""
    now = datetime.now(at.tzinfo)
    pieces = spoken_pieces(Catalogue.read(), "visit_confirm_time", "zh", "", {"at": at}, now)
    return np.concatenate([world.prompt(piece_file(piece, "zh")) for piece in pieces])


async def test_who_has_no_time_now_hears_his_own_time_said_back_and_is_called_then_and_not_before(
    world: World, turned: Callable[[datetime], None]
) -> None:
    tomorrow = datetime.now(SHANGHAI).date() + timedelta(days=1)
    ten, eleven = (datetime.combine(tomorrow, time(hour), SHANGHAI) for hour in (10, 11))
    callee = await visit(world)
    await callee.press("231000")
    answer, other = said_back(world, ten), said_back(world, eleven)
    await world.until(lambda: sound.heard_whole(answer, callee.heard()), "the time is said back")
    assert sound.closest({"ten": answer, "eleven": other}, callee.heard()) == "ten"
    await callee.press("1")
    found = await callee.comes_to("appointed")
    assert datetime.fromisoformat(found["due"]) == ten
    assert [each["value"] for each in found["calls"][0]["answers"] if each["step"] == "later"] == [found["due"]]

    turned(ten - timedelta(minutes=1))
    somebody_else = await visit(world, LEAVES)
    await somebody_else.comes_to("hung-up")  # so the dialler has looked at the clock, and what was agreed comes first
    assert (called(world)[callee.number], (await callee.shown())["state"]) == (1, "appointed")

    turned(ten)
    found = await callee.comes_to("talking")
    assert (called(world)[callee.number], len(found["calls"])) == (2, 2)
    assert timedelta(0) <= datetime.fromisoformat(found["calls"][1]["began"]) - ten < timedelta(minutes=1)
    await callee.press("3")
    await callee.comes_to("refused")


async def test_a_time_that_is_chosen_is_taken_too(world: World) -> None:
    callee = await visit(world)
    await callee.press("21")
    await asyncio.sleep(2)
    await callee.press("1")
    found = await callee.comes_to("appointed")
    (agreed,) = [each["value"] for each in found["calls"][0]["answers"] if each["step"] == "later"]
    ahead = datetime.fromisoformat(found["due"]) - datetime.fromisoformat(found["created"])
    assert timedelta(minutes=55) < ahead < timedelta(minutes=65)
    assert datetime.fromisoformat(agreed) == datetime.fromisoformat(found["due"])
