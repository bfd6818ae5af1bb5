"""Prompts with values: joined in the call from pieces that were made ahead."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from prompts.build import build
from prompts.catalogue import Catalogue
from prompts.errors import CannotSay, MissingPrompt
from prompts.library import Library
from prompts.plan import plan
from prompts.speech import Speech
from prompts.spoken import Value
from tests.prompts.conftest import Hummer, heard

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
BRANDS = {"public": {"zh": "北方热力"}}
CATALOGUE = Catalogue(
    {
        "zh": {
            "status": "{brand}：工单{code:code}，{state:prompt}，{until:moment}前完成。",
            "area": "地点：{place:words}。",
            "open": "正在处理",
            "hello": "您好",
        }
    },
    {"zh": {}},
)


class Watched(Hummer):
    """A voice that counts what it is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def speak(self, text: str, language: str, to: Path, *, pace: float = 1.0) -> None:
        self.asked.append(text)
        super().speak(text, language, to, pace=pace)


@pytest.fixture
def voice() -> Watched:
    return Watched()


@pytest.fixture
def speech(tmp_path: Path, voice: Watched) -> Speech:
    build(plan(CATALOGUE, brands=BRANDS), tmp_path, voice)
    voice.asked.clear()
    return Speech(
        Library(tmp_path), CATALOGUE, voice, tmp_path, brands=BRANDS, zone=ZoneInfo("Asia/Shanghai"), keep=2, within=20
    )


async def test_values_are_joined_without_asking_a_voice(speech: Speech, voice: Watched, tmp_path: Path) -> None:
    values: dict[str, Value] = {"code": "R-10", "state": "open", "until": NOW.replace(hour=14, minute=30)}
    sound = await speech.saying("status", "zh", values, brand="public", at=NOW)
    assert sound.text == "北方热力，工单阿尔，一零，正在处理，今天下午两点半前完成。"
    assert not voice.asked
    joined = heard(tmp_path, sound.path.removeprefix("/srv/sounds/"))
    assert len(joined) == len(heard(tmp_path, sound.path.removeprefix("/srv/sounds/"), ".sln16")) / 2
    assert len(joined) / 8000 == pytest.approx(sound.seconds)
    for text in ("阿尔", "一", "零", "下午", "两点", "半", "正在处理"):
        piece = heard(tmp_path, Library(tmp_path).file_saying(text, "zh") or "")
        assert any((joined[at : at + len(piece)] == piece).all() for at in range(len(joined) - len(piece) + 1))


async def test_joined_pieces_do_not_click(speech: Speech, tmp_path: Path) -> None:
    values: dict[str, Value] = {"code": "R-1024", "state": "open", "until": NOW}
    sound = await speech.saying("status", "zh", values, brand="public", at=NOW)
    joined = heard(tmp_path, sound.path.removeprefix("/srv/sounds/"))
    hummed = heard(tmp_path, Library(tmp_path).file_saying("正在处理", "zh") or "")
    assert np.abs(np.diff(joined)).max() <= 1.6 * max(np.abs(np.diff(hummed)).max(), 0.2)


async def test_a_text_nobody_knew_is_spoken_now_and_kept(speech: Speech, voice: Watched) -> None:
    first = await speech.saying("area", "zh", {"place": "阳光小区"}, brand="public", at=NOW)
    again = await speech.saying("area", "zh", {"place": "阳光小区"}, brand="public", at=NOW)
    assert first == again
    assert voice.asked == ["阳光小区"]


async def test_a_voice_that_takes_too_long_is_not_waited_for(tmp_path: Path) -> None:
    build(plan(CATALOGUE, brands=BRANDS), tmp_path, Hummer())

    class Slow(Hummer):
        def speak(self, text: str, language: str, to: Path, *, pace: float = 1.0) -> None:
            time.sleep(0.5)
            super().speak(text, language, to, pace=pace)

    slow = Speech(
        Library(tmp_path), CATALOGUE, Slow(), tmp_path, brands=BRANDS, zone=ZoneInfo("Asia/Shanghai"), within=0.05
    )
    with pytest.raises(MissingPrompt, match="longer than"):
        await slow.saying("area", "zh", {"place": "阳光小区"}, brand="public", at=NOW)


async def test_only_the_latest_sounds_stay_and_none_outlives_the_server(
    speech: Speech, voice: Watched, tmp_path: Path
) -> None:
    for place in ("一", "二", "三"):
        await speech.saying("area", "zh", {"place": place}, brand="public", at=NOW)
    assert len(list((tmp_path / "joined").glob("*.sln"))) == 2
    Speech(Library(tmp_path), CATALOGUE, voice, tmp_path, brands=BRANDS, zone=ZoneInfo("Asia/Shanghai"))
    assert not list((tmp_path / "joined").iterdir())


async def test_neither_file_name_nor_version_tells_the_value(speech: Speech, tmp_path: Path) -> None:
    one = await speech.saying("area", "zh", {"place": "一"}, brand="public", at=NOW)
    other = await speech.saying("area", "zh", {"place": "二"}, brand="public", at=NOW)
    assert one.version == other.version
    assert speech.texts[one.version] == "地点：{place:words}。"
    build(plan(CATALOGUE, brands=BRANDS), tmp_path, Hummer())
    zone = ZoneInfo("Asia/Shanghai")
    second_run = Speech(Library(tmp_path), CATALOGUE, Hummer(), tmp_path, brands=BRANDS, zone=zone)
    same = await second_run.saying("area", "zh", {"place": "一"}, brand="public", at=NOW)
    assert same.path != one.path


@pytest.mark.parametrize(
    "values", [{}, {"code": "R-1", "until": NOW}, {"code": "R-1", "state": "status", "until": NOW}, {"code": "工单"}]
)
async def test_a_missing_or_wrong_value_is_refused(speech: Speech, values: dict[str, Value]) -> None:
    with pytest.raises(CannotSay):
        await speech.saying("status", "zh", values, brand="public", at=NOW)


async def test_a_prompt_that_is_not_there_is_missing(speech: Speech) -> None:
    with pytest.raises(MissingPrompt):
        await speech.saying("nothing", "zh", {"a": 1}, brand="public", at=NOW)
    with pytest.raises(MissingPrompt):
        await speech.saying("area", "fr", {"place": "x"}, brand="public", at=NOW)
