"""What callers and callees left is heard at the desk, with the name of whoever plays it; and nothing else is."""

from __future__ import annotations

import wave
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from casework.intake import Intake
from casework.ticket import Kind
from casework.visits.answers import Recorded
from casework.visits.states import Outcome
from casework.visits.visit import NewVisit
from desk.access import Role
from routing.events import RecordingPlayed
from tests.desk.desks import Desk, a_desk

CALL = "pbx-1770091200.7"
SOUND = "visit-1-1.suggestion.wav"


def a_sound(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(file), "wb") as written:
        written.setparams((1, 2, 8000, 0, "NONE", ""))
        written.writeframes(b"\1\2" * 800)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncGenerator[Desk]:
    async with a_desk(tmp_path) as opened:
        a_sound(tmp_path / "messages" / f"{CALL}.wav")
        a_sound(tmp_path / "messages" / "visits" / SOUND)
        a_sound(tmp_path / "recordings" / "visit-1-1.0.wav")
        a_sound(tmp_path / "recordings" / "visit-2-1.0.wav")
        yield opened


async def a_draft(desk: Desk, recording: str) -> str:
    intake = Intake(kind=Kind.MEMO, source="message", call=CALL, recording=recording, draft=True)
    return (await desk.service.casework.tickets.open(intake, who="hotline"))[0].code


async def a_talk(desk: Desk) -> None:
    """Visit 1 was talked with, and the callee suggested something."""
    office = desk.service.casework.office
    await office.add(NewVisit(number="13800138000"))
    (visit,) = await office.take(1)
    await office.begin(visit.call)
    said = Recorded(step="suggestion", at=datetime.now(UTC), file=SOUND, length=timedelta(seconds=2))
    await office.keep(visit.call, said)
    await office.end(visit.call, Outcome.FINISHED)


async def played(desk: Desk) -> list[tuple[str, str, str]]:
    written = [event for _, event in await desk.service.events.after(0, limit=500)]
    return [(each.call, each.file, each.by) for each in written if isinstance(each, RecordingPlayed)]


async def test_the_message_of_a_draft_is_played_by_an_agent_and_that_is_written_down(desk: Desk) -> None:
    code = await a_draft(desk, f"{CALL}.wav")
    agent = await desk.signed_in(Role.AGENT, "1024")
    answer = await desk.http.get(f"/api/tickets/{code}/recording", headers=agent)
    assert (answer.status, answer.content_type) == (200, "audio/wav")
    assert (await answer.read())[:4] == b"RIFF"
    assert await played(desk) == [(CALL, f"{CALL}.wav", "agent-1024")]


@pytest.mark.parametrize("recording", ["", "gone.wav", "../recordings/visit-1-1.0.wav", "/etc/passwd", "..%2fx.wav"])
async def test_a_ticket_without_a_recording_of_ours_gives_none(desk: Desk, recording: str) -> None:
    code = await a_draft(desk, recording)
    agent = await desk.signed_in(Role.AGENT, "1024")
    answer = await desk.http.get(f"/api/tickets/{code}/recording", headers=agent)
    assert (answer.status, (await answer.json())["code"]) == (404, "no-recording")
    assert await played(desk) == []


async def test_a_visits_talk_and_what_was_said_in_it_are_listed_and_played(desk: Desk) -> None:
    await a_talk(desk)
    lead = await desk.signed_in(Role.LEAD)
    (talk,) = (await (await desk.http.get("/api/visits/1", headers=lead)).json())["calls"]
    assert talk["recordings"] == ["visit-1-1.0.wav", SOUND]
    for file in talk["recordings"]:
        assert (await desk.http.get(f"/api/visits/1/recordings/{file}", headers=lead)).status == 200
    assert [file for _, file, _ in await played(desk)] == talk["recordings"]


@pytest.mark.parametrize("file", ["visit-2-1.0.wav", f"{CALL}.wav", "visit-1-1.9.wav", "..%2fvisit-1-1.0.wav"])
async def test_only_the_recordings_of_this_visit_can_be_asked_for(desk: Desk, file: str) -> None:
    await a_talk(desk)
    lead = await desk.signed_in(Role.LEAD)
    assert (await desk.http.get(f"/api/visits/1/recordings/{file}", headers=lead)).status == 404
    assert await played(desk) == []
