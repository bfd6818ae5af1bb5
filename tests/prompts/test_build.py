"""Building: only what is needed, all of it, whatever happens meanwhile."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest

from prompts.build import build
from prompts.catalogue import Catalogue
from prompts.errors import BuildBusy, BuildFailed, VoiceMissing
from prompts.espeak import Espeak
from prompts.library import Library
from prompts.plan import Composed, Plan, Utterance, plan
from prompts.studio import Studio
from tests.prompts.conftest import Hummer, heard, small_plan
from tests.prompts.test_studio import record, tone


def stamps(sounds: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in sounds.rglob("*.*")}


def test_a_second_build_of_the_real_site_makes_nothing(site_plan: Plan, spoken_site: Path) -> None:
    before = stamps(spoken_site)
    built = build(site_plan, spoken_site, Espeak())
    assert (built.made, built.removed, built.kept) == ((), (), len(site_plan))
    assert not built.too_long
    assert {path: stamp for path, stamp in stamps(spoken_site).items() if not path.endswith(".building")} == {
        path: stamp for path, stamp in before.items() if not path.endswith(".building")
    }


def test_one_changed_text_makes_one_sound(tmp_path: Path) -> None:
    build(small_plan(hello="您好", bye="再见"), tmp_path, Hummer())
    before = heard(tmp_path, "zh/hello")
    built = build(small_plan(hello="你好", bye="再见"), tmp_path, Hummer())
    assert built.made == ("zh/hello",)
    assert len(before) != len(heard(tmp_path, "zh/hello")) or (before != heard(tmp_path, "zh/hello")).any()
    assert Library(tmp_path).sound("hello", "zh").text == "你好"


def test_another_voice_speaks_everything_again_but_plays_no_music_again(tmp_path: Path) -> None:
    build(small_plan(), tmp_path, Hummer())
    assert set(build(small_plan(), tmp_path, Hummer("hummer 2")).made) == {"zh/hello", "zh/bye", "zh/digits/0"}


def test_another_limit_of_length_makes_the_sound_again(tmp_path: Path) -> None:
    (piece, *others) = (piece for piece in small_plan() if isinstance(piece, Utterance))
    build((piece, *others), tmp_path, Hummer())
    assert build((replace(piece, at_most=0.2), *others), tmp_path, Hummer()).made == (piece.file,)


def test_what_many_sounds_share_is_spoken_once(tmp_path: Path) -> None:
    @dataclass
    class Counting(Hummer):
        texts: list[str] = field(default_factory=list)

        def speak(self, text: str, language: str, to: Path, *, pace: float = 1.0) -> None:
            self.texts.append(text)
            super().speak(text, language, to, pace=pace)

    voice, agents = Counting(), [str(number) for number in range(1000, 1020)]
    catalogue = Catalogue(
        {"zh": {"agent_greeting": "{work_number}", "festival_a": "甲", "festival_b": "乙"}}, {"zh": {}}
    )
    festivals = [("a",), ("b",), ("a", "b")]
    pieces = plan(catalogue, brands={"public": {"zh": "北"}}, agents=agents, festivals=festivals)
    built = build(pieces, tmp_path, voice)
    assert len(built.made) == 2 + 20 * 4 + 2  # wishes; each agent plain and on three occasions; beep and music
    assert len(voice.texts) == len(set(voice.texts)) == 2 + 20


@pytest.mark.parametrize("damage", ["remove .sln", "remove .sln16", "cut short"])
def test_a_damaged_sound_is_made_again(tmp_path: Path, damage: str) -> None:
    build(small_plan(), tmp_path, Hummer())
    whole = heard(tmp_path, "zh/hello")
    path = tmp_path / ("zh/hello.sln16" if damage == "remove .sln16" else "zh/hello.sln")
    if damage == "cut short":
        os.truncate(path, 100)
    else:
        path.unlink()
    assert build(small_plan(), tmp_path, Hummer()).made == ("zh/hello",)
    assert (heard(tmp_path, "zh/hello") == whole).all()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"files": {"zh/hello": {}}}', '{"files": []}'])
def test_a_damaged_manifest_makes_all_again(tmp_path: Path, content: str) -> None:
    build(small_plan(), tmp_path, Hummer())
    (tmp_path / "manifest.json").write_text(content)
    assert build(small_plan(), tmp_path, Hummer()).kept == 0
    assert Library(tmp_path).sound("hello", "zh").text == "您好"


def test_the_greetings_of_an_agent_who_has_left_are_removed(tmp_path: Path) -> None:
    catalogue = Catalogue({"zh": {"agent_greeting": "{brand}，{work_number}号"}}, {"zh": {}})
    brands = {"public": {"zh": "北方热力"}}
    build(plan(catalogue, brands=brands, agents=["1024", "1025"]), tmp_path, Hummer())
    built = build(plan(catalogue, brands=brands, agents=["1024"]), tmp_path, Hummer())
    assert built.removed == ("zh/agents/public/1025",)
    assert [path.name for path in sorted(tmp_path.glob("zh/agents/public/*"))] == ["1024.sln", "1024.sln16"]


def test_progress_counts_up_to_the_last_sound(tmp_path: Path) -> None:
    steps: list[tuple[int, int, str]] = []
    built = build(small_plan(), tmp_path, Hummer(), progress=lambda *step: steps.append(step))
    total = len(small_plan())
    assert [step[:2] for step in steps] == [(done, total) for done in range(1, total + 1)]
    assert {file for _, _, file in steps} == set(built.made)


def test_sounds_are_made_several_at_a_time(tmp_path: Path) -> None:
    met = Barrier(2, timeout=30)

    class Sociable(Hummer):
        def speak(self, text: str, language: str, to: Path, *, pace: float = 1.0) -> None:
            met.wait()
            super().speak(text, language, to, pace=pace)

    texts = {f"text{number}": f"第{number}" for number in range(4)}
    pieces = [piece for piece in small_plan(**texts) if piece.file.startswith("zh/text")]
    assert len(build(tuple(pieces), tmp_path, Sociable()).made) == 4


def test_a_greeting_too_long_even_when_spoken_fast_is_reported_each_time(tmp_path: Path) -> None:
    pieces = (Utterance(file="zh/a", prompt="a", language="zh", text="长", at_most=1.0),)
    for _ in range(2):
        (seconds,) = build(pieces, tmp_path, Hummer(seconds=3)).too_long.values()
        assert seconds == pytest.approx(3 / 1.5, abs=0.05)


def test_what_a_voice_cannot_speak_is_reported_in_full_and_all_else_is_made(tmp_path: Path) -> None:
    texts = {"hello": "您好", "bye": "再见", "thanks": "谢谢"}
    with pytest.raises(BuildFailed) as failed:
        build(small_plan(**texts), tmp_path, Hummer(cannot={"您好", "再见"}))
    assert failed.value.failures.keys() == {"zh/hello", "zh/bye"}
    assert "zh/bye: hummer 1 could not speak '再见': it will not" in str(failed.value)
    assert Library(tmp_path).sound("thanks", "zh").text == "谢谢"
    assert set(build(small_plan(**texts), tmp_path, Hummer()).made) == {"zh/hello", "zh/bye"}


def test_when_a_new_wording_cannot_be_spoken_the_old_one_is_still_heard(tmp_path: Path) -> None:
    build(small_plan(hello="您好"), tmp_path, Hummer())
    with pytest.raises(BuildFailed):
        build(small_plan(hello="你好"), tmp_path, Hummer(cannot={"你好"}))
    assert Library(tmp_path).sound("hello", "zh").text == "您好"
    assert build(small_plan(hello="你好"), tmp_path, Hummer()).made == ("zh/hello",)


def test_a_missing_voice_stops_the_build_before_anything_is_touched(tmp_path: Path) -> None:
    build(small_plan(), tmp_path, Hummer())
    before = stamps(tmp_path)
    with pytest.raises(VoiceMissing):
        build(small_plan(hello="你好"), tmp_path, Espeak("no-such-espeak"))
    assert stamps(tmp_path) == before


def test_an_error_that_is_not_the_voices_ends_the_build_and_keeps_what_is_made(tmp_path: Path) -> None:
    def stop(done: int, _total: int, _file: str) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(small_plan(), tmp_path, Hummer(), progress=stop)
    assert build(small_plan(), tmp_path, Hummer()).kept >= 2


KILLED_BUILD = """
import sys
from pathlib import Path
from prompts.build import build
from tests.prompts.conftest import Hummer, small_plan
texts = {f"text{number}": sys.argv[2] + str(number) for number in range(40)}
build(small_plan(**texts), Path(sys.argv[1]), Hummer(), progress=lambda *step: print(*step, flush=True))
"""


def test_a_build_killed_half_way_is_completed_by_the_next(tmp_path: Path) -> None:
    texts = {f"text{number}": f"一{number}" for number in range(40)}
    build(small_plan(**texts), tmp_path, Hummer())
    expected = {name: heard(tmp_path, f"zh/{name}") for name in texts}

    # Another wording is killed half way; then the first is built again and must be heard everywhere.
    with subprocess.Popen(
        [sys.executable, "-c", KILLED_BUILD, str(tmp_path), "二"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        for line in process.stdout:
            if line.startswith("10 "):
                process.send_signal(signal.SIGKILL)
                break
    build(small_plan(**texts), tmp_path, Hummer())
    library = Library(tmp_path)
    for name in texts:
        assert library.sound(name, "zh").text == texts[name]
        assert (heard(tmp_path, f"zh/{name}") == expected[name]).all()


def test_two_builds_at_once_wait_for_each_other(tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(lambda _: build(small_plan(), tmp_path, Hummer()), range(2))
    assert sorted((len(one.made), len(other.made))) == [0, len(small_plan())]


def test_a_build_that_waits_too_long_for_another_says_so(tmp_path: Path) -> None:
    def second(*_: object) -> None:
        with pytest.raises(BuildBusy, match="another build has kept"):
            build(small_plan(), tmp_path, Hummer(), within=0)

    build(small_plan(hello="您好"), tmp_path, Hummer(), progress=second)


def test_a_recording_is_heard_in_the_voices_place_until_it_is_taken_away(tmp_path: Path) -> None:
    sounds, recordings = tmp_path / "sounds", tmp_path / "recordings"
    build(small_plan(), sounds, Hummer())
    record(recordings, "zh/hello", tone(seconds=0.7))
    assert build(small_plan(), sounds, Hummer(), studio=Studio(recordings)).made == ("zh/hello",)
    assert len(heard(sounds, "zh/hello")) / 8000 == pytest.approx(0.7, abs=0.05)
    assert build(small_plan(), sounds, Hummer(), studio=Studio(recordings)).made == ()
    record(recordings, "zh/hello", tone(seconds=0.5))
    assert build(small_plan(), sounds, Hummer(), studio=Studio(recordings)).made == ("zh/hello",)
    assert build(small_plan(), sounds, Hummer()).made == ("zh/hello",)
    assert len(heard(sounds, "zh/hello")) / 8000 == pytest.approx(0.3, abs=0.05)


def test_what_the_spare_voice_spoke_is_reported_and_tried_again_next_time(tmp_path: Path) -> None:
    spare = Hummer("spare 1", seconds=0.6)
    built = build(small_plan(), tmp_path, Hummer(cannot={"您好"}), spare=spare)
    assert built.fell_back == {"zh/hello": "hummer 1 could not speak '您好': it will not"}
    assert len(heard(tmp_path, "zh/hello")) / 8000 == pytest.approx(0.6, abs=0.05)
    assert Library(tmp_path).sound("hello", "zh").text == "您好"
    again = build(small_plan(), tmp_path, Hummer(), spare=spare)
    assert (again.made, again.fell_back) == (("zh/hello",), {})
    assert len(heard(tmp_path, "zh/hello")) / 8000 == pytest.approx(0.3, abs=0.05)


def test_a_voice_that_is_missing_is_replaced_for_a_whole_language(tmp_path: Path) -> None:
    build(small_plan(), tmp_path, Espeak("no-such-espeak"), spare=Hummer())
    assert build(small_plan(), tmp_path, Espeak("no-such-espeak"), spare=Hummer()).made == ()


def test_an_agents_own_recording_is_heard_on_festivals_and_the_wish_is_spoken_faster_for_it(tmp_path: Path) -> None:
    wish = Utterance(file="zh/festival_new_year", prompt="festival_new_year", language="zh", text="元旦快乐")
    greeting = Utterance(file="zh/agents/a/1", prompt="agent_greeting", language="zh", text="一号", at_most=3.5)
    festive = Composed(
        file="zh/agents/a/new_year/1", prompt="agent_greeting", language="zh",
        parameters={"festival": "new_year"}, parts=[wish, greeting], at_most=5.0,
    )  # fmt: skip
    recordings, sounds = tmp_path / "recordings", tmp_path / "sounds"
    record(recordings, "zh/agents/a/1", tone(3.2))
    build((wish, greeting, festive), sounds, Hummer(seconds=1.9), studio=Studio(recordings))
    own, both = heard(sounds, greeting.file), heard(sounds, festive.file)
    assert len(own) / 8_000 == pytest.approx(3.2, abs=0.05)
    assert np.array_equal(both[-len(own) :], own), "as he has recorded it, at its own pace"
    assert 4.5 < len(both) / 8_000 <= 5.0
    assert len(heard(sounds, wish.file)) / 8_000 == pytest.approx(1.9, abs=0.05), "alone it is not hurried"
    record(recordings, "zh/agents/a/1", tone(2.0))
    assert {*build((wish, greeting, festive), sounds, Hummer(seconds=1.9), studio=Studio(recordings)).made} == {
        greeting.file,
        festive.file,
    }
    record(recordings, "zh/agents/a/1", tone(3.4))
    long_wish = replace(wish, text="元旦快乐，祝您和您的家人新年幸福安康")
    festive = replace(festive, parts=[long_wish, greeting])
    built = build((long_wish, greeting, festive), sounds, Hummer(seconds=2.9), studio=Studio(recordings))
    assert built.too_long == {}
    assert len(heard(sounds, greeting.file)) / 8_000 == pytest.approx(3.4, abs=0.05)
    assert 3.5 < len(heard(sounds, festive.file)) / 8_000 <= 5.0, "there is no room: the voice says both"
