"""Prompts recorded by phone: who is to speak what, what came of each take, and the recordings that were kept.

    ringing ─ picked up ─> recording ─ 1 ─> kept ─ sounds made ─> heard
       └─ nobody picked up ─> missed  └─ hung up ─> not-kept └──> not-heard: kept, but cannot be used; the log says why

A take goes the way of a delivered recording (`prompts/delivery.py`): judged, brought to one form, refused in the same
words. A kept one lies in a folder of the server's own, and wins over the voice as one from a studio does.
"""

from __future__ import annotations

import asyncio
import secrets
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import Any, Final, Literal, Protocol

import structlog

from hotline.settings import Folders
from hotline.site import Site
from ivr.rooms import Take, Wanted
from prompts import files
from prompts.audio import Audio
from prompts.delivery import take
from prompts.errors import BadSound, MissingPrompt, PromptsError
from prompts.library import HEARD_AT, Sound
from prompts.plan import AGENT_GREETING, Plan, Utterance
from prompts.script import delivered_name, sound_named
from prompts.speech import Speech
from prompts.studio import LONGEST
from routing.ami import AmiError
from routing.floor import Dials

TAKES: Final = "takes"
"""Below the messages' folder what was just spoken, below the sounds what is heard back of it."""
CALLS: Final = "take-"
"""The ids of the calls by which we ring somebody to record begin so."""
RING_FOR: Final = timedelta(seconds=25)
TO_COME: Final = 5.0
"""Seconds from a picked-up phone to our door, at most."""
REMEMBERED: Final = 100
State = Literal["ringing", "missed", "recording", "not-kept", "kept", "heard", "not-heard"]

log = structlog.get_logger()


class NoSuchPhone(PromptsError):
    """Whoever is to record has no phone that could ring."""

    code = "no-such-phone"

    def __init__(self, number: str | None, known: Sequence[str]) -> None:
        found = f"no phone has the number {number!r:.20}" if number else "it is not said whose phone is to ring"
        super().__init__(f"{found}; there are {', '.join(known)}")


class NotRung(PromptsError):
    """Asterisk could not be asked to ring."""

    code = "not-rung"

    def __init__(self, problem: AmiError) -> None:
        super().__init__(f"the phone could not be rung: {problem}")


class NothingRecorded(PromptsError):
    """There is no such recording call, or no recording by phone of such a sound."""

    code = "nothing-recorded"

    def __init__(self, what: str) -> None:
        super().__init__(f"nothing was recorded by phone as {what!r:.80}; see: hotline prompts recorded")


class Words(Protocol):
    """The house's words (`hotline/almanac.py`)."""

    @property
    def plan(self) -> Plan:
        """Every sound there is to be."""

    async def take_up_words(self) -> Any:
        """Make the sounds of what has changed; raises PromptsError."""


@dataclass(slots=True)
class Session:
    """One call in which somebody records one sound. `said` is what the takes came to, in words, the last one last."""

    call: str
    piece: Utterance
    by: str
    until: float
    state: State = "ringing"
    said: list[str] = field(default_factory=list)


class Booth:
    """See ivr.rooms.Booth."""

    def __init__(
        self,
        site: Site,
        folders: Folders,
        words: Words,
        speech: Speech,
        dials: Dials,
        *,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._site, self._words, self._speech, self._dials, self._clock = site, words, speech, dials, clock
        self._spoken, self._takes, self._sounds = folders.spoken, folders.messages / TAKES, folders.sounds
        self._phones = {place.number: place.phone for place in site.phones}
        self._sessions: dict[str, Session] = {}
        self._under_way: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Make room; nothing is left there of an earlier run."""
        try:
            for folder in (self._takes, self._sounds / TAKES):
                folder.mkdir(exist_ok=True)
                for left in [*folder.glob("*.wav*"), *folder.glob("*.sln*")]:
                    left.unlink(missing_ok=True)
        except OSError as problem:
            log.error("prompts cannot be recorded by phone", problem=str(problem))

    # ── whoever orders a recording ──

    async def ring(self, sound: str, *, language: str | None, agent: str | None, phone: str | None, by: str) -> Session:
        """Ring this number's phone, else the agent's, to have a sound spoken; returns when Asterisk has the order.

        Raises NoSuchSound, NoSuchPhone, NotRung.
        """
        piece = sound_named(self._words.plan, sound, language=language, agent=agent)
        number = phone or agent or piece.parameters.get("work_number")
        account = self._phones.get(number or "")
        if account is None:
            raise NoSuchPhone(number, sorted(self._phones))
        session = self._begin(f"{CALLS}{secrets.token_hex(8)}", piece, by)
        try:
            await self._dials.originate(
                f"PJSIP/{account}",
                channel_id=session.call,
                ring_for=RING_FOR,
                Context="booth",
                Exten="talk",
                Priority="1",
                CallerID=self._site.numbers[0].dialled[0],
            )
        except AmiError as problem:
            del self._sessions[session.call]
            raise NotRung(problem) from problem
        return session

    def session(self, call: str) -> Session:
        """How it stands; raises NothingRecorded for a call that records nothing, or did long ago."""
        session = self._sessions.get(call)
        if session is None:
            raise NothingRecorded(call)
        return replace(session, state="missed") if self._is_late(session) else session

    def recorded(self) -> list[str]:
        """The names of all sounds that were recorded by phone."""
        found = self._spoken.rglob("*.wav") if self._spoken.is_dir() else ()
        return sorted(path.relative_to(self._spoken).with_suffix("").as_posix().replace("/", ".") for path in found)

    async def drop(self, name: str) -> None:
        """Forget what was recorded by phone for a sound: the studio's recording or the voice is heard again.

        Raises NothingRecorded, PromptsError.
        """
        plain = name.replace("/", ".")
        if plain not in self.recorded():
            raise NothingRecorded(name)
        for path in await asyncio.to_thread(lambda: [*self._spoken.rglob("*.wav")]):
            if delivered_name(path.relative_to(self._spoken).with_suffix("").as_posix()) == f"{plain}.wav":
                path.unlink()
        await self._words.take_up_words()

    # ── whoever records (see ivr.rooms.Booth) ──

    def wanted(self, call: str) -> Wanted | None:
        """See ivr.rooms.Booth."""
        session = self._sessions.get(call)
        if session is None or self._is_late(session):
            return None
        session.state = "recording"
        return self._to_speak(session.piece)

    def own_greeting(self, call: str, agent: str, which: int) -> Wanted | None:
        """See ivr.rooms.Booth. They stand in the order of the site's lines, each in its languages' order."""
        mine = {
            (piece.parameters["brand"], piece.language): piece
            for piece in self._words.plan
            if isinstance(piece, Utterance)
            and piece.prompt == AGENT_GREETING
            and piece.parameters.get("work_number") == agent
        }
        spoken = [(line.key, str(language)) for line in self._site.numbers for language in line.languages]
        greetings = [mine[each] for each in spoken if each in mine]
        if not 1 <= which <= len(greetings):
            return None
        self._begin(call, greetings[which - 1], by=agent).state = "recording"
        return self._to_speak(greetings[which - 1])

    async def judge(self, call: str) -> Take:
        """See ivr.rooms.Booth."""
        session = self._sessions[call]
        return await asyncio.to_thread(self._judge, session)

    def _judge(self, session: Session) -> Take:
        source = self._takes / f"{session.call}.wav16"
        try:
            taken = take(source, session.piece, self._kept_for(session))
        except BadSound as bad:
            session.said.append(f"refused: {bad}")
            return Take(None, ["unreadable"])
        finally:
            source.unlink(missing_ok=True)  # should the next recording fail, this one is not judged again
        if taken.refused:
            session.said.append(f"refused: {taken.refused}")
            return Take(None, [fault.kind for fault in taken.faults])
        session.said.append(", ".join(taken.did))
        done = Audio.read(self._kept_for(session) / f"{taken.file}.wav")
        samples = files.write(done, self._sounds, f"{TAKES}/{session.call}")
        heard_at = f"{HEARD_AT}/{TAKES}/{session.call}"
        return Take(Sound(heard_at, samples / files.NARROW, session.piece.text, ""))

    async def keep(self, call: str) -> None:
        """See ivr.rooms.Booth."""
        session = self._sessions[call]
        await asyncio.to_thread(self._move, session)
        session.state = "kept"
        log.info("a prompt was recorded by phone", sound=session.piece.file, by=session.by)
        task = asyncio.get_running_loop().create_task(self._make_heard(session))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    def _move(self, session: Session) -> None:
        kept, target = self._kept_for(session) / _wav(session.piece), self._spoken / _wav(session.piece)
        target.parent.mkdir(parents=True, exist_ok=True)
        kept.replace(target)

    async def _make_heard(self, session: Session) -> None:
        """Have the sound made, and the greetings of festivals that it is part of."""
        try:
            await self._words.take_up_words()
        except (PromptsError, OSError) as problem:
            session.state = "not-heard"
            session.said.append(str(problem))
            log.error("a recording is not in use", sound=session.piece.file, problem=str(problem))
        else:
            session.state = "heard"

    def over(self, call: str) -> None:
        """See ivr.rooms.Booth."""
        session = self._sessions[call]
        if session.state == "recording":
            session.state = "not-kept"
        files.remove(self._sounds, f"{TAKES}/{call}")
        (self._takes / f"{call}.wav16").unlink(missing_ok=True)
        shutil.rmtree(self._kept_for(session), ignore_errors=True)

    async def settled(self) -> None:
        """Wait until what was kept is heard."""
        while self._under_way:
            await asyncio.wait(self._under_way)

    def _begin(self, call: str, piece: Utterance, by: str) -> Session:
        while len(self._sessions) >= REMEMBERED:
            del self._sessions[next(iter(self._sessions))]
        until = self._clock() + RING_FOR.total_seconds() + TO_COME
        self._sessions[call] = session = Session(call, piece, by, until)
        return session

    def _is_late(self, session: Session) -> bool:
        return session.state == "ringing" and self._clock() > session.until

    def _kept_for(self, session: Session) -> Path:
        """Where a take lies, brought to its form, until it is kept: on the same disk, so that moving is one step."""
        return self._spoken.with_name(f"{self._spoken.name}-takes") / session.call

    def _to_speak(self, piece: Utterance) -> Wanted:
        at_most = timedelta(seconds=piece.at_most or LONGEST)
        parameters: Mapping[str, str] = piece.parameters
        try:
            return Wanted(self._speech.sound(piece.prompt, piece.language, **parameters), at_most)
        except MissingPrompt:
            return Wanted(None, at_most)


def _wav(piece: Utterance) -> str:
    return f"{piece.file}.wav"
