"""A voice behind an address: a cloud engine, or one of your own that answers over HTTP.

The request is a template, so that engines differ by settings only. `{text}`, `{language}`, `{voice}` and `{pace}` are
put in, escaped for the kind of body that is sent; a key goes into a header and is never shown. The answer is a wav
file, or JSON that has one in base64.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Any, Final
from urllib.error import HTTPError
from urllib.parse import quote, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener
from xml.sax.saxutils import escape

from prompts.audio import Audio
from prompts.errors import BadSound, VoiceFailed, VoiceMissing

LARGEST: Final = 20 * 1024 * 1024
"""Bytes of an answer; more is not read."""
ESCAPES: Final[Mapping[str, Callable[[str], str]]] = {
    "application/json": lambda value: json.dumps(value, ensure_ascii=False)[1:-1],
    "application/ssml+xml": lambda value: escape(value, {'"': "&quot;", "'": "&apos;"}),
    "application/x-www-form-urlencoded": lambda value: quote(value, safe=""),
    "text/plain": lambda value: value,
}


class HttpVoice:
    """Speaks by one POST for each text. A redirect is not followed: it would take the key elsewhere."""

    def __init__(
        self,
        url: str,
        body: str,
        *,
        voices: Mapping[str, str],
        headers: Mapping[str, str] | None = None,
        content_type: str = "application/json",
        answer: str = "",
        patience: float = 30.0,
    ) -> None:
        """`voices` has the engine's voice for each language; `answer` names the field of a JSON answer (`a.b`)."""
        if urlsplit(url).scheme not in ("http", "https"):
            raise ValueError("the address must begin with https:// or http://")
        if content_type not in ESCAPES:
            raise ValueError(f"{content_type!r} cannot be sent; expected one of {', '.join(ESCAPES)}")
        if "{text}" not in body:
            raise ValueError("the body has no {text} where the words go in")
        self._url, self._body, self._voices, self._answer = url, body, voices, answer
        self._headers = {**(headers or {}), "Content-Type": f"{content_type}; charset=utf-8"}
        self._escape, self._patience = ESCAPES[content_type], patience
        self._open = build_opener(_NoRedirect).open

    def identity(self, language: str) -> str:
        """The engine's host and voice, and the form of the request; not the key."""
        form = hashlib.sha256(f"{self._url} {self._body}".encode()).hexdigest()[:8]
        return f"{urlsplit(self._url).hostname}, {self._voice(language)}, {form}"

    def speak(self, text: str, language: str, to: Path, *, pace: float = 1.0) -> None:
        """See Voice."""
        values = {"text": text, "language": language, "voice": self._voice(language), "pace": f"{pace:.3f}"}
        body = self._body
        for name in ("language", "voice", "pace", "text"):  # the text last: it may have braces in it
            body = body.replace(f"{{{name}}}", self._escape(values[name]))
        request = Request(self._url, body.encode(), dict(self._headers), method="POST")  # noqa: S310 - checked above
        try:
            with self._open(request, timeout=self._patience) as response:
                content = response.read(LARGEST + 1)
            if len(content) > LARGEST:
                raise ValueError(f"it answered with more than {LARGEST} bytes")
            to.write_bytes(_field(content, self._answer) if self._answer else content)
            Audio.of(to).write(to)
        except HTTPError as refused:
            refused.close()
            raise VoiceFailed(self._host, text, f"it answered {refused.code} {refused.reason}") from refused
        except (OSError, HTTPException, ValueError, BadSound) as wrong:
            raise VoiceFailed(self._host, text, str(wrong) or type(wrong).__name__) from wrong

    @property
    def _host(self) -> str:
        return urlsplit(self._url).hostname or self._url

    def _voice(self, language: str) -> str:
        if language not in self._voices:
            raise VoiceMissing(f"no voice of {self._host} is set for the language {language!r}")
        return self._voices[language]


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def _field(content: bytes, name: str) -> bytes:
    """The sound in a JSON answer; raises ValueError if there is none."""
    found: Any = json.loads(content)
    for step in name.split("."):
        found = found.get(step) if isinstance(found, dict) else None
    if not isinstance(found, str):
        raise ValueError(f"its answer has no text at {name!r}")
    try:
        return base64.b64decode(found, validate=True)
    except binascii.Error as wrong:
        raise ValueError(f"its answer has no base64 at {name!r}") from wrong
