"""`hotline prompts`: an operator changes what callers hear; and a hotline that cannot speak does not start."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hotline.stack import ROOT
from tests.prompts.test_studio import record, tone


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A site of the operator's own, with a folder for words beside it."""
    file = tmp_path / "site.toml"
    shutil.copy(ROOT / "site" / "demo.toml", file)
    return file


def hotline(*words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "COLUMNS": "200", "PYTHONPATH": str(ROOT), **settings}
    return subprocess.run(
        [sys.executable, "-m", "hotline", *words], capture_output=True, text=True, env=environment, cwd="/", timeout=120
    )


def own_text(site: Path, language: str, line: str) -> Path:
    file = site.parent / "words" / "texts" / f"{language}.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"[prompts]\n{line}\n", "utf-8")
    return file


def recording(site: Path, file: str, level: float = 0.3) -> Path:
    return record(site.parent / "words" / "recordings", file, tone(level=level))


def test_a_good_site_is_told_so(site: Path) -> None:
    own_text(site, "zh", 'goodbye = "感谢来电，再会。"')
    recording(site, "zh/no_key")
    recording(site, "zh/no_kez")
    checked = hotline("prompts", "check", "--site", str(site))
    assert checked.returncode == 0, checked.stderr
    assert "1 recorded" in checked.stdout
    assert "zh/no_kez.wav: is never heard" in checked.stdout


@pytest.mark.parametrize(
    ("language", "line", "said"),
    [
        ("zh", 'moving = "搬家请按4。"', "'moving': has no text, but zh.toml has one"),
        ("en", 'goodbye = "Bye, {wait:momnt}"', "found {wait:momnt}, expected one of the kinds"),
        ("en", 'goodbye = "Bye, {', "is not a readable TOML file"),
    ],
)
def test_a_broken_text_is_refused_by_the_check_and_at_the_start(
    site: Path, language: str, line: str, said: str
) -> None:
    own_text(site, language, line)
    for refused in (hotline("prompts", "check", "--site", str(site)), serve(site)):
        assert refused.returncode == 1
        assert said in refused.stderr
        assert "Traceback" not in refused.stderr


@pytest.mark.parametrize(
    ("damage", "said"),
    [("quiet", "is too quiet, -57 dB, expected -45 dB or more; record it again"), ("cut", "save it")],
)
def test_a_recording_nobody_could_follow_is_refused_by_the_check_and_at_the_start(
    site: Path, damage: str, said: str
) -> None:
    path = recording(site, "zh/no_key", level=0.002)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:30])
    for refused in (hotline("prompts", "check", "--site", str(site)), serve(site)):
        assert refused.returncode == 1
        (line,) = (line for line in refused.stderr.splitlines() if "no_key.wav" in line)
        assert line.strip().startswith(str(path))
        assert said in line


def serve(site: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Start the server; it must end by itself."""
    secret = "x1" * 16
    return hotline(
        "serve",
        HOTLINE_SITE=str(site),
        HOTLINE_DATABASE=f"sqlite:///{site.parent}/hotline.db",
        HOTLINE_FOLDERS__SOUNDS=str(site.parent / "sounds"),
        HOTLINE_FOLDERS__RECORDINGS=str(site.parent / "talks"),
        HOTLINE_FOLDERS__MESSAGES=str(site.parent / "messages"),
        **dict.fromkeys(
            ("HOTLINE_AMI__WATCH_SECRET", "HOTLINE_AMI__DESK_SECRET", "HOTLINE_AMI__DIAL_SECRET", "HOTLINE_API__TOKEN"),
            secret,
        ),
        **more,
    )


def test_a_voice_that_does_not_exist_keeps_the_server_from_starting(site: Path) -> None:
    refused = serve(site, HOTLINE_VOICE__ENGINE="siren")
    assert refused.returncode == 1
    assert "there is no voice 'siren', only espeak, command, http" in refused.stderr


def test_the_sheet_and_what_comes_back_fit_together(site: Path, tmp_path: Path) -> None:
    sheet = hotline("prompts", "script", "--lang", "es", "--site", str(site))
    assert "es.no_key.wav\n    No hemos recibido ninguna opción.\n" in sheet.stdout
    record(tmp_path / "studio", "es.no_key", tone())
    taken = hotline("prompts", "import", str(tmp_path / "studio"), "--site", str(site))
    assert taken.returncode == 0, taken.stderr
    assert "✓ es.no_key.wav: resampled from 44,100 to 16,000 Hz" in taken.stdout
    assert "es.no_key.wav" not in hotline("prompts", "script", "--lang", "es", "--missing", "--site", str(site)).stdout


def test_a_build_makes_only_what_has_changed_and_a_recording_wins(site: Path, tmp_path: Path) -> None:
    first = hotline("prompts", "build", "--to", str(tmp_path / "sounds"), "--site", str(site))
    assert first.returncode == 0, first.stderr
    recording(site, "en/no_key")
    own_text(site, "zh", 'goodbye = "感谢来电，再会。"')
    second = hotline("prompts", "build", "--to", str(tmp_path / "sounds"), "--site", str(site))
    assert "2 made," in second.stdout
    heard = (tmp_path / "sounds" / "en" / "no_key.sln").stat().st_size / 16_000
    assert heard == pytest.approx(0.8, abs=0.1)
