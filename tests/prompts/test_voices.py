"""Voices that are plug-ins: a program, an address, another package; and what is heard when they fail."""

from __future__ import annotations

import base64
import io
import json
import sys
import threading
import wave
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from prompts.audio import Audio
from prompts.errors import VoiceFailed, VoiceMissing
from prompts.espeak import Espeak
from prompts.voice_command import CommandVoice
from prompts.voice_http import LARGEST, HttpVoice
from prompts.voices import Spared, voice_named
from tests.prompts.conftest import Hummer


def wav(*, rate: int = 24_000, channels: int = 1, width: int = 2, seconds: float = 0.2) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setparams((channels, width, rate, 0, "NONE", ""))
        file.writeframes(b"\x10\x20" * round(rate * channels * width * seconds / 2))
    return out.getvalue()


def test_a_program_gets_the_text_on_its_input_and_writes_a_file(tmp_path: Path) -> None:
    script = "import sys, shutil; open(sys.argv[2], 'w').write(sys.stdin.read()); shutil.copy(sys.argv[3], sys.argv[1])"
    (tmp_path / "spoken.wav").write_bytes(wav(channels=2))
    command = [sys.executable, "-c", script, "{wav}", str(tmp_path / "text"), str(tmp_path / "spoken.wav")]
    CommandVoice({"zh": command}).speak("您好; $(reboot) {wav}", "zh", tmp_path / "a.wav")
    assert (tmp_path / "text").read_text("utf-8") == "您好; $(reboot) {wav}"
    assert Audio.read(tmp_path / "a.wav").rate == 24_000


def test_a_program_may_write_to_its_output_and_is_told_the_pace(tmp_path: Path) -> None:
    script = "import sys; assert sys.argv[1:] == ['1.250', '0.800']; sys.stdout.buffer.write(open(0, 'rb').read() and "
    (tmp_path / "spoken.wav").write_bytes(wav())
    script += f"open({str(tmp_path / 'spoken.wav')!r}, 'rb').read())"
    voice = CommandVoice({"en": [sys.executable, "-c", script, "{pace}", "{length}"]})
    voice.speak("Hello", "en", tmp_path / "a.wav", pace=1.25)
    assert Audio.read(tmp_path / "a.wav").seconds == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("import sys; sys.exit('no such model')", "no such model"),
        ("print('hello')", "is no wav sound"),
        ("import time; time.sleep(60)", "timed out"),
    ],
)
def test_a_program_that_fails_says_why(tmp_path: Path, script: str, why: str) -> None:
    voice = CommandVoice({"en": [sys.executable, "-c", script]}, patience=2)
    with pytest.raises(VoiceFailed, match=why):
        voice.speak("Hello", "en", tmp_path / "a.wav")


def test_a_program_that_is_not_there_or_a_language_without_one_is_missing() -> None:
    with pytest.raises(VoiceMissing, match="cannot be run"):
        CommandVoice({"en": ["no-such-program"]}).identity("en")
    with pytest.raises(VoiceMissing, match="'zh'"):
        CommandVoice({"en": ["true"]}).identity("zh")


@dataclass
class Engine:
    """A speech engine on this machine: what it was asked, and how it answers."""

    status: int = 200
    answer: Callable[[], bytes] = wav
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str | None, str]] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/speak"


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = Engine()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            engine.asked.append((self.path, self.headers["X-Key"], body.decode()))
            self.send_response(engine.status)
            for name, value in engine.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(engine.answer())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    engine.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield engine
    server.shutdown()
    server.server_close()
    thread.join()


def http(engine: Engine, **options: str) -> HttpVoice:
    body = '{"text": "{text}", "voice": "{voice}", "rate": {pace}}'
    return HttpVoice(engine.url, body, voices={"zh": "xiaomei"}, headers={"X-Key": "geheim"}, patience=5, **options)


def test_an_engine_is_asked_by_the_template_with_the_text_escaped(engine: Engine, tmp_path: Path) -> None:
    http(engine).speak('他说："您好"\n{voice}', "zh", tmp_path / "a.wav", pace=1.1)
    ((path, key, body),) = engine.asked
    assert (path, key) == ("/speak", "geheim")
    assert json.loads(body) == {"text": '他说："您好"\n{voice}', "voice": "xiaomei", "rate": 1.1}
    assert Audio.read(tmp_path / "a.wav").rate == 24_000


def test_ssml_is_escaped_as_xml(engine: Engine, tmp_path: Path) -> None:
    body = "<speak><voice name='{voice}'>{text}</voice></speak>"
    voice = HttpVoice(engine.url, body, voices={"zh": "a"}, content_type="application/ssml+xml")
    voice.speak("1 < 2 & '3'", "zh", tmp_path / "a.wav")
    assert engine.asked[0][2] == "<speak><voice name='a'>1 &lt; 2 &amp; &apos;3&apos;</voice></speak>"


def test_a_sound_in_json_is_found_by_the_name_of_its_field(engine: Engine, tmp_path: Path) -> None:
    engine.answer = lambda: json.dumps({"result": {"audio": base64.b64encode(wav()).decode()}}).encode()
    http(engine, answer="result.audio").speak("您好", "zh", tmp_path / "a.wav")
    assert Audio.read(tmp_path / "a.wav").seconds == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("status", "content", "why"),
    [
        (401, b"no key", "it answered 401"),
        (302, b"", "it answered 302"),
        (200, b"<html>", "is no wav sound"),
        (200, b"RIFF" + bytes(LARGEST - 3), "more than 20971520 bytes"),
    ],
)
def test_an_engine_that_refuses_or_talks_nonsense_has_failed_and_the_key_is_not_told(
    engine: Engine, tmp_path: Path, status: int, content: bytes, why: str
) -> None:
    engine.status, engine.answer, engine.headers = status, lambda: content, {"Location": engine.url}
    with pytest.raises(VoiceFailed, match=why) as failed:
        http(engine).speak("您好", "zh", tmp_path / "a.wav")
    assert len(engine.asked) == 1
    assert "geheim" not in str(failed.value) + http(engine).identity("zh")


def test_an_engine_that_is_out_of_reach_has_failed(tmp_path: Path) -> None:
    voice = HttpVoice("http://127.0.0.1:1/", '"{text}"', voices={"zh": "a"})
    with pytest.raises(VoiceFailed, match="refused"):
        voice.speak("您好", "zh", tmp_path / "a.wav")


@pytest.mark.parametrize(
    ("url", "body", "kind", "why"),
    [
        ("file:///etc/passwd", "{text}", "text/plain", "https://"),
        ("http://x/", "", "text/plain", "no {text}"),
        ("http://x/", "{text}", "image/png", "cannot be sent"),
    ],
)
def test_an_engine_that_could_never_be_asked_is_refused_at_once(url: str, body: str, kind: str, why: str) -> None:
    with pytest.raises(VoiceMissing, match=why):
        voice_named("http", {"url": url, "body": body, "voices": {}, "content_type": kind})


def test_an_unknown_voice_is_refused_with_those_there_are() -> None:
    with pytest.raises(VoiceMissing, match="there is no voice 'siren', only espeak, command, http"):
        voice_named("siren", {})
    assert isinstance(voice_named("espeak", {}), Espeak)


def test_what_a_voice_cannot_speak_the_spare_one_does_and_it_is_reported(tmp_path: Path) -> None:
    voice = Spared(Hummer(cannot={"您好"}), Espeak())
    with capture_logs() as logs:
        voice.speak("您好", "zh", tmp_path / "a.wav")
        voice.speak("再见", "zh", tmp_path / "b.wav")
    assert Audio.read(tmp_path / "a.wav").loudness > -40
    assert voice.failures == {("zh", "您好"): "hummer 1 could not speak '您好': it will not"}
    assert [line["event"] for line in logs] == ["a voice failed, espeak-ng speaks instead"]


def test_a_voice_that_fails_again_and_again_is_left_alone(tmp_path: Path) -> None:
    asked: list[str] = []

    class Broken(Hummer):
        def speak(self, text: str, *_: object, **__: object) -> None:
            asked.append(text)
            raise VoiceFailed("broken", text, "down")

    voice = Spared(Broken(), Hummer())
    for number in range(9):
        voice.speak(str(number), "zh", tmp_path / "a.wav")
    assert len(asked) == 5
    assert len(voice.failures) == 9


def test_where_a_voice_cannot_speak_a_language_at_all_the_spare_one_is_named() -> None:
    assert Spared(CommandVoice({"en": ["true"]}), Hummer()).identity("zh") == "hummer 1 zh"
