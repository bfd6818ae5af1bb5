"""Recording by phone without a phone: what is rung, judged, kept and heard, on real sounds."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hotline.booth import Booth, NoSuchPhone, NothingRecorded, NotRung
from hotline.settings import Folders
from hotline.site import load
from hotline.stack import ROOT
from prompts.build import build
from prompts.catalogue import Catalogue
from prompts.errors import NoSuchSound, PromptsError
from prompts.plan import Plan, plan
from prompts.studio import Studio
from routing.ami import LinkDown
from tests.prompts.conftest import Hummer
from tests.prompts.test_studio import record, tone
from tests.words import words_in

GREETING = "zh/agents/heating/1024"


class House:
    """A plan, and its sounds made with what was recorded by phone."""

    def __init__(self, folders: Folders) -> None:
        self.folders = folders
        self.plan: Plan = plan(
            Catalogue.read(),
            brands={"heating": {"zh": "阳光供热", "en": "Sunshine Heating"}, "english": {"en": "Eastwind Cable"}},
            agents=["1024"],
            festivals=[["new_year"]],
        )
        self.made: tuple[str, ...] = ()
        self.problem: PromptsError | None = None

    async def take_up_words(self) -> None:
        if self.problem is not None:
            raise self.problem
        wanted = tuple(piece for piece in self.plan if "1024" in piece.file)
        self.made = build(wanted, self.folders.sounds, Hummer(), studio=Studio(self.folders.spoken)).made


class Dial:
    """What Asterisk was asked to ring."""

    def __init__(self) -> None:
        self.rung: list[tuple[str, str, str]] = []
        self.problem: Exception | None = None

    async def originate(
        self,
        channel: str,
        *,
        channel_id: str,
        ring_for: timedelta = timedelta(0),  # noqa: ARG002
        variables: Mapping[str, str] | None = None,  # noqa: ARG002
        within: float = 5.0,  # noqa: ARG002
        **fields: str,
    ) -> Mapping[str, str]:
        if self.problem is not None:
            raise self.problem
        self.rung.append((channel, channel_id, fields["Context"]))
        return {}


class Place:
    """A booth with all it needs; `now` is its clock."""

    def __init__(self, folder: Path) -> None:
        self.folders = Folders(
            sounds=folder / "sounds", messages=folder / "messages", spoken=folder / "data" / "spoken"
        )
        for each in (self.folders.sounds, self.folders.messages, folder / "data"):
            each.mkdir()
        self.house, self.dial, self.now = House(self.folders), Dial(), 0.0
        site = load(ROOT / "tests/asterisk/site.toml")
        words = words_in(self.folders.sounds)
        self.booth = Booth(site, self.folders, self.house, words, self.dial, clock=lambda: self.now)
        self.booth.start()

    async def rings(self, sound: str = "agent_greeting", **more: Any) -> str:
        wanted = {"language": "zh", "agent": "1024", "phone": None} | more
        return (await self.booth.ring(sound, by="lead", **wanted)).call

    def speaks(self, call: str, samples: Any) -> None:
        """What Asterisk has recorded."""
        record(self.folders.messages / "takes", call, samples).rename(self.folders.messages / "takes" / f"{call}.wav16")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


async def test_a_kept_take_is_heard_in_the_voices_place_also_on_festivals(place: Place) -> None:
    await place.house.take_up_words()
    call = await place.rings()
    assert place.dial.rung == [("PJSIP/chen-desk", call, "booth")]
    assert place.booth.session(call).state == "ringing"
    wanted = place.booth.wanted(call)
    assert wanted is not None
    assert wanted.at_most == timedelta(seconds=3.5)
    place.speaks(call, tone(2.0))
    take = await place.booth.judge(call)
    assert take.sound is not None
    assert 1.9 < take.sound.seconds < 2.1
    assert (place.folders.sounds / "takes" / f"{call}.sln").stat().st_size == round(take.sound.seconds * 16_000)
    await place.booth.keep(call)
    place.booth.over(call)
    await place.booth.settled()

    assert place.booth.session(call).state == "heard"
    assert {GREETING, "zh/agents/heating/new_year/1024"} == {*place.house.made}, "the festival's greeting has it too"
    heard = (place.folders.sounds / f"{GREETING}.sln").read_bytes()
    festive = (place.folders.sounds / "zh/agents/heating/new_year/1024.sln").read_bytes()
    assert festive.endswith(heard)
    assert place.booth.recorded() == ["zh.agents.heating.1024"]
    assert [*place.folders.messages.rglob("*.wav*")] == []
    assert [*(place.folders.sounds / "takes").iterdir()] == []


@pytest.mark.parametrize(
    ("samples", "fault", "words"),
    [
        (tone(4.0), "long", "is too long, 4.0 s, expected at most 3.5 s"),
        (tone(level=0.002), "quiet", "is too quiet"),
        (tone(level=1.4), "clipped", "is clipped"),
        (tone(0.05), "short", "lasts 0.05 s"),
    ],
)
async def test_a_take_that_an_import_would_refuse_is_refused_in_the_same_words(
    place: Place, samples: Any, fault: str, words: str
) -> None:
    call = await place.rings()
    place.booth.wanted(call)
    place.speaks(call, samples)
    take = await place.booth.judge(call)
    assert (take.sound, take.faults) == (None, [fault])
    place.booth.over(call)
    session = place.booth.session(call)
    assert session.state == "not-kept"
    assert session.said[-1].startswith(f"refused: {words}")
    assert place.booth.recorded() == []


async def test_a_call_that_recorded_nothing_is_no_take(place: Place) -> None:
    call = await place.rings()
    place.booth.wanted(call)
    assert (await place.booth.judge(call)).faults == ["unreadable"]


async def test_a_dropped_recording_is_the_voices_again(place: Place) -> None:
    await place.house.take_up_words()
    spoken_by_voice = (place.folders.sounds / f"{GREETING}.sln").read_bytes()
    call = await place.rings()
    place.booth.wanted(call)
    place.speaks(call, tone(2.0))
    await place.booth.judge(call)
    await place.booth.keep(call)
    await place.booth.settled()
    assert (place.folders.sounds / f"{GREETING}.sln").read_bytes() != spoken_by_voice
    await place.booth.drop("zh.agents.heating.1024")
    assert (place.folders.sounds / f"{GREETING}.sln").read_bytes() == spoken_by_voice
    with pytest.raises(NothingRecorded):
        await place.booth.drop("zh.agents.heating.1024")


async def test_what_cannot_be_made_heard_is_said(place: Place) -> None:
    call = await place.rings()
    place.booth.wanted(call)
    place.speaks(call, tone(2.0))
    await place.booth.judge(call)
    place.house.problem = PromptsError("the disk is full")
    await place.booth.keep(call)
    await place.booth.settled()
    assert (place.booth.session(call).state, place.booth.session(call).said[-1]) == ("not-heard", "the disk is full")


async def test_a_phone_that_nobody_picks_up_records_nothing(place: Place) -> None:
    call = await place.rings()
    place.now = 31.0
    assert place.booth.session(call).state == "missed"
    assert place.booth.wanted(call) is None


async def test_an_agents_greetings_stand_in_the_order_of_lines_and_languages(place: Place) -> None:
    for which, file in ((1, GREETING), (2, "en/agents/heating/1024"), (3, "en/agents/english/1024")):
        assert place.booth.own_greeting(f"pbx-{which}", "1024", which) is not None
        assert place.booth.session(f"pbx-{which}").piece.file == file
        assert place.booth.session(f"pbx-{which}").by == "1024"
    assert place.booth.own_greeting("pbx-4", "1024", 4) is None
    assert place.booth.own_greeting("pbx-5", "1025", 1) is None


async def test_whose_phone_rings_and_what_for_must_be_known(place: Place) -> None:
    await place.rings("zh.no_key", agent=None, phone="9001")
    await place.rings("zh/no_key", agent=None, phone="1026")
    assert [channel for channel, _, _ in place.dial.rung] == ["PJSIP/zhao-desk", "PJSIP/wang-desk"]
    with pytest.raises(NoSuchPhone, match="it is not said whose phone"):
        await place.rings("zh.no_key", agent=None)
    with pytest.raises(NoSuchPhone, match="no phone has the number '7777'"):
        await place.rings("zh.no_key", phone="7777")
    with pytest.raises(NoSuchSound, match="no sound is called 'hello'"):
        await place.rings("hello")
    with pytest.raises(NoSuchSound, match=r"can be en\.no_key, es\.no_key, zh\.no_key"):
        await place.rings("no_key", language=None, agent=None, phone="9001")
    place.dial.problem = LinkDown("it is gone")
    with pytest.raises(NotRung):
        await place.rings()


def test_of_a_delivered_and_a_phoned_recording_the_newer_is_heard(tmp_path: Path) -> None:
    delivered = record(tmp_path / "delivered", "zh/no_key", tone(0.5))
    phoned = record(tmp_path / "phoned", "zh/no_key", tone(1.0))
    for newer, older, seconds in ((phoned, delivered, 1.0), (delivered, phoned, 0.5)):
        os.utime(older, (1_000_000, 1_000_000))
        os.utime(newer, (2_000_000, 2_000_000))
        take = Studio(tmp_path / "delivered", tmp_path / "phoned").take("zh/no_key")
        assert take is not None
        assert round(take.seconds, 1) == seconds
