"""The built-in voice: no foreign sounds, and a clear word when it cannot speak."""

import subprocess
import wave
from itertools import product
from pathlib import Path

import pytest

from prompts.errors import VoiceFailed, VoiceMissing
from prompts.espeak import MANNERS, Espeak
from prompts.plan import Plan, Utterance


def phonemes(text: str, language: str) -> str:
    """Return what espeak-ng would speak for this text; (en) marks a change into English."""
    manner = MANNERS[language]
    command = ["espeak-ng", "-v", manner.voice, "-q", "--ipa", "-b", "1", "--stdin"]
    return subprocess.run(command, input=manner.spelled(text), capture_output=True, text=True, check=True).stdout


def script(folder: Path, body: str) -> str:
    """Write a program that stands in for espeak-ng."""
    program = folder / "voice.sh"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)
    return str(program)


def test_no_text_is_spoken_with_the_sounds_of_another_language(site_plan: Plan) -> None:
    for language in ("zh", "en", "es"):
        texts = [piece.text for piece in site_plan if isinstance(piece, Utterance) and piece.language == language]
        assert len(texts) > 50
        spoken = phonemes("。".join(texts) if language == "zh" else ". ".join(texts), language)
        assert "(" not in spoken


def test_every_common_character_is_spoken_as_chinese() -> None:
    rows = (bytes(pair) for pair in product(range(0xB0, 0xD8), range(0xA1, 0xFF)))
    common = [row.decode("gb2312", "ignore") for row in rows]  # the 3,755 of GB 2312, level 1, by their sounds
    assert "雄" in common
    assert "穷" in common
    assert "(" not in phonemes("，".join(filter(None, common)), "zh")


def test_syllables_that_version_1_52_takes_for_english_are_spelled_otherwise() -> None:
    assert MANNERS["zh"].spelled("雄安，贫穷，炯，香") == "xong2 an1 , pin2 qong2 , jong3 , xiang1"


def test_the_file_is_sound_and_a_higher_pace_makes_it_shorter(tmp_path: Path) -> None:
    lengths = []
    for pace in (1.0, 1.3):
        Espeak().speak("正在为您转接，请稍候。", "zh", tmp_path / "a.wav", pace=pace)
        with wave.open(str(tmp_path / "a.wav")) as file:
            assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
            lengths.append(file.getnframes() / file.getframerate())
    assert 1.15 < lengths[0] / lengths[1] < 1.45


@pytest.mark.parametrize(
    ("text", "language", "reason"),
    [
        ("北方ABC热力", "zh", "'ABC' cannot be read as Chinese; write it in Chinese characters"),
        ("Bienvenido a 北方热力", "es", "'北方热力' cannot be read as Spanish; write it in Latin letters"),
        ("Welcome to 北方热力", "en", "'北方热力' cannot be read as English; write it in Latin letters"),
    ],
)
def test_a_text_in_the_wrong_script_is_refused(tmp_path: Path, text: str, language: str, reason: str) -> None:
    with pytest.raises(VoiceFailed, match=reason) as failed:
        Espeak().speak(text, language, tmp_path / "a.wav")
    assert failed.value.text == text
    assert not (tmp_path / "a.wav").exists()


def test_words_of_another_language_are_noticed_in_what_was_spoken(tmp_path: Path) -> None:
    body = 'while [ "$1" != -w ]; do shift; done; echo > "$2"; echo "nˈiɜn (en)hmfˈaɪ5v(cmn)"'
    with pytest.raises(VoiceFailed, match=r"would be spoken as \(en\)"):
        Espeak(script(tmp_path, body)).speak("您好", "zh", tmp_path / "a.wav")


def test_instructions_in_an_english_text_are_not_followed() -> None:
    assert phonemes("a [[hel'oU]] <break/> b", "en") == phonemes("a  hel'oU   break/  b", "en")


def test_a_voice_that_fails_says_why_in_its_own_words(tmp_path: Path) -> None:
    program = script(tmp_path, 'echo "Error: The specified espeak-ng voice does not exist." >&2; exit 1')
    with pytest.raises(
        VoiceFailed, match="could not speak '您好': Error: The specified espeak-ng voice does not exist"
    ):
        Espeak(program).speak("您好", "zh", tmp_path / "a.wav")


def test_a_voice_that_hangs_is_ended(tmp_path: Path) -> None:
    with pytest.raises(VoiceFailed, match="timed out"):
        Espeak(script(tmp_path, "exec sleep 60"), patience=0.2).speak("您好", "zh", tmp_path / "a.wav")


def test_a_voice_that_is_not_installed_says_how_to_install_it() -> None:
    with pytest.raises(VoiceMissing, match="apt-get install espeak-ng"):
        Espeak("no-such-espeak").identity("zh")


def test_a_language_the_voice_does_not_know_is_said_to_be_unknown() -> None:
    with pytest.raises(VoiceMissing, match="has not been taught 'fr'"):
        Espeak().identity("fr")
