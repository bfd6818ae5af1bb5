"""What callers hear of the built-in voice: level, edges, length, and that it is the right words."""

from pathlib import Path

import numpy as np
import pytest
from scipy.signal import correlate

from prompts.errors import VoiceFailed
from prompts.manifest import Manifest
from prompts.music import Tune, play
from prompts.plan import Plan, Utterance
from prompts.render import spoken
from tests.prompts.conftest import AGENTS, BRANDS, FESTIVALS, Hummer, Samples, heard


def spoken_files(sounds: Path) -> list[str]:
    return [file for file, entry in Manifest.read(sounds).entries.items() if entry.prompt not in ("beep", "music")]


def level(samples: Samples, rate: int) -> float:
    """Return the loudness of speech in dB below full scale, pauses left out."""
    frame = rate // 50
    power = (samples[: len(samples) // frame * frame].reshape(-1, frame) ** 2).mean(axis=1)
    return float(10 * np.log10(power[power > power.max() / 1000].mean()))


def likeness(one: Samples, other: Samples) -> float:
    """Return the highest normalised correlation of two sounds: 1 for the same sound."""
    return float(correlate(one, other, method="fft").max() / (np.linalg.norm(one) * np.linalg.norm(other)))


def test_every_sound_is_there_at_both_rates_with_matching_lengths(site_plan: Plan, spoken_site: Path) -> None:
    entries = Manifest.read(spoken_site).entries
    assert entries.keys() == {piece.file for piece in site_plan}
    for file, entry in entries.items():
        narrow, wide = heard(spoken_site, file), heard(spoken_site, file, ".sln16")
        assert (len(narrow), len(wide)) == (entry.samples, 2 * entry.samples), file
        assert entry.seconds == len(narrow) / 8000
    assert not [path for path in spoken_site.rglob("*") if path.name.endswith(".part")]


def test_all_prompts_are_equally_loud_and_none_is_distorted(spoken_site: Path) -> None:
    for file in spoken_files(spoken_site):
        for suffix, rate in ((".sln", 8_000), (".sln16", 16_000)):
            samples = heard(spoken_site, file, suffix)
            assert level(samples, rate) == pytest.approx(-22, abs=2), file
            assert np.abs(samples).max() < 0.95, file


def test_prompts_begin_and_end_at_once_and_without_a_click(spoken_site: Path) -> None:
    for file in spoken_files(spoken_site):
        samples = np.abs(heard(spoken_site, file))
        loud = np.flatnonzero(samples > 0.01)
        assert loud[0] < 0.1 * 8_000, file
        assert len(samples) - loud[-1] < 0.15 * 8_000, file
        assert samples[[0, -1]].max() < 0.005, file


def test_an_agents_greeting_is_over_in_time_for_every_brand_on_every_festival(spoken_site: Path) -> None:
    for key, names in BRANDS.items():
        for language in names:
            for work_number in AGENTS:
                seconds = len(heard(spoken_site, f"{language}/agents/{key}/{work_number}")) / 8_000
                assert 1.5 < seconds <= 3.5, (language, key, work_number)
                for festivals in FESTIVALS:
                    file = f"{language}/agents/{key}/{'-'.join(festivals)}/{work_number}"
                    assert seconds < len(heard(spoken_site, file)) / 8_000 <= 5.0, file


def test_a_composed_greeting_is_its_parts_one_after_the_other_without_a_click(spoken_site: Path) -> None:
    wish, agent = heard(spoken_site, "zh/festival_national_day"), heard(spoken_site, "zh/agents/public/1024")
    whole = heard(spoken_site, "zh/agents/public/national_day/1024")
    assert likeness(whole[: len(wish)], wish) > 0.98
    assert likeness(whole[-len(agent) :], agent) > 0.98
    assert likeness(whole[: len(wish)], heard(spoken_site, "zh/festival_dragon_boat")) < 0.7
    assert len(whole) == pytest.approx(len(wish) + len(agent) + 0.12 * 8_000, abs=200)
    joint = slice(len(wish) - 80, len(wish) + 1_100)
    assert np.abs(np.diff(whole[joint])).max() < 0.02


def test_a_prompt_is_like_itself_and_like_no_other(spoken_site: Path) -> None:
    menu = heard(spoken_site, "zh/main_menu")
    recorded = np.concatenate([np.zeros(3_000), 0.4 * menu, np.zeros(5_000)])
    assert likeness(recorded, menu) > 0.99
    for other in ("zh/repair_menu", "zh/brand/public/greeting", "en/main_menu", "music/hold"):
        assert likeness(recorded, heard(spoken_site, other)) < 0.4, other


def test_agents_are_told_apart_by_their_greetings(spoken_site: Path) -> None:
    one = heard(spoken_site, "zh/agents/public/1024")
    assert likeness(one, heard(spoken_site, "zh/agents/public/7777")) < 0.8
    assert likeness(one, heard(spoken_site, "zh/agents/internal/1024")) < 0.8


def test_only_what_would_last_too_long_is_spoken_faster() -> None:
    def length(at_most: float | None) -> float:
        piece = Utterance(file="a", prompt="a", language="zh", text="您好", at_most=at_most)
        return spoken(piece, Hummer(seconds=1.2)).seconds

    assert length(None) == pytest.approx(1.2, abs=0.02)
    assert length(1.3) == pytest.approx(1.2, abs=0.02)
    assert 0.9 < length(1.0) <= 1.0
    assert length(0.5) == pytest.approx(1.2 / 1.5, abs=0.03)  # no faster than can be understood


def test_a_voice_that_leaves_silence_has_failed() -> None:
    piece = Utterance(file="a", prompt="a", language="zh", text="您好")
    with pytest.raises(VoiceFailed, match="nothing is heard of it"):
        spoken(piece, Hummer(seconds=0))


def test_the_music_begins_and_ends_in_silence_and_stays_under_the_voice(spoken_site: Path) -> None:
    music = heard(spoken_site, "music/hold")
    assert 30 < len(music) / 8_000 < 90
    assert np.abs(music[[0, -1]]).max() < 0.001
    assert np.abs(music[-800:]).max() < 0.005
    assert -32 < level(music, 8_000) < -25
    seconds = music[: len(music) // 8_000 * 8_000].reshape(-1, 8_000)
    assert (np.abs(seconds[:-2]).max(axis=1) > 0.01).all(), "there is a hole in it"


def test_the_beep_is_one_clear_tone() -> None:
    beep = np.frombuffer(play(Tune.BEEP).raw, dtype="<i2") / 32768
    spectrum = np.abs(np.fft.rfft(beep * np.hanning(len(beep)))) ** 2
    pitches = np.fft.rfftfreq(len(beep), 1 / 16_000)
    assert spectrum[abs(pitches - 1000) < 30].sum() > 0.99 * spectrum.sum()
    assert 0.2 < len(beep) / 16_000 < 0.5
