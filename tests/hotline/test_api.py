"""The HTTP interface, on a service that is built but not started: who may ask, what is shown, and how it says no."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer
from pydantic import SecretStr
from structlog.testing import capture_logs

from desk.accounts import Accounts, open_accounts
from hotline import api
from hotline.casework import casework_in_memory
from hotline.service import Service
from hotline.settings import Ami, Api, Folders, Settings
from hotline.site import load
from hotline.stack import ROOT
from routing.events import (
    AgentSignedIn,
    CallAnswered,
    CallEnded,
    CallQueued,
    CallRang,
    KeyPressed,
    Keys,
    PhoneNumber,
)
from routing.log import MemoryLog, NotWritten
from tests.words import words_in

TOKEN = "n7Qw2ZxT9kLmP4vR"
NOON = datetime(2026, 2, 3, 4, 0, tzinfo=UTC)
FIRST, SECOND = "pbx-1770091200.1", "pbx-1770091200.2"

Http = TestClient[Any, Any]


def settings(folder: Path) -> Settings:
    secret = SecretStr(TOKEN)
    return Settings(
        ami=Ami(watch_secret=secret, desk_secret=secret, dial_secret=secret),
        api=Api(token=secret),
        folders=Folders(sounds=folder / "sounds", recordings=folder / "recordings", messages=folder / "messages"),
    )


@pytest.fixture
def events() -> MemoryLog:
    """Two calls: one with a number and a key, one withheld."""
    log = MemoryLog()
    for event in (
        CallRang(at=NOON, call=FIRST, caller=PhoneNumber("13800135678"), dialled="4001234567"),
        CallAnswered(at=NOON, call=FIRST),
        KeyPressed(at=NOON, call=FIRST, key=Keys("2"), at_prompt="main_menu"),
        CallQueued(at=NOON, call=FIRST, queue="repair"),
        CallRang(at=NOON + timedelta(seconds=1), call=SECOND, caller=None, dialled="4001234567"),
        CallEnded(at=NOON + timedelta(seconds=2), call=SECOND, by="caller", why="Normal Clearing"),
    ):
        log.record(event)
    return log


@pytest_asyncio.fixture
async def service(tmp_path: Path, events: MemoryLog) -> AsyncIterator[Service]:
    """A real service that has no Asterisk: its links are down."""
    (tmp_path / "recordings" / "live").mkdir(parents=True)
    (tmp_path / "recordings" / f"{FIRST}.1.wav").write_bytes(b"RIFF talk")
    (tmp_path / "secret.wav").write_bytes(b"private")
    site = load(ROOT / "tests/asterisk/site.toml")
    async with casework_in_memory(site) as casework:
        yield Service(settings(tmp_path), site, events, words_in(tmp_path / "sounds"), casework)


@pytest_asyncio.fixture
async def accounts(tmp_path: Path) -> AsyncIterator[Accounts]:
    """Users of its own, none yet."""
    async with open_accounts(f"sqlite:///{tmp_path / 'users.db'}") as opened:
        yield opened


@pytest_asyncio.fixture
async def http(service: Service, accounts: Accounts) -> AsyncIterator[Http]:
    """Its interface, asked with the right token."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with TestClient(TestServer(api.application(service, accounts)), headers=headers) as client:
        yield client


async def refused(answer: ClientResponse, status: int, code: str) -> str:
    """Check that this is a refusal as ours are; return its sentence."""
    assert (answer.status, answer.content_type) == (status, "application/json"), await answer.text()
    body = await answer.json()
    assert body.keys() == {"code", "error"}
    assert body["code"] == code
    return str(body["error"])


# ── who may ask ──

PATHS: Sequence[tuple[str, str]] = (
    ("GET", "/api/health"),
    ("GET", "/api/calls"),
    ("POST", "/api/calls/find"),
    ("GET", f"/api/calls/{FIRST}"),
    ("GET", f"/api/calls/{FIRST}/recordings/{FIRST}.1.wav"),
    ("GET", "/api/events"),
    ("GET", "/api/events/newest"),
    ("GET", "/api/prompts"),
    ("GET", "/api/board"),
    ("GET", "/api/agents"),
    ("POST", "/api/agents/1024/sign-in"),
    ("GET", "/api/no-such-thing"),
    ("GET", "/%61pi/agents"),
)
WRONG: dict[str, dict[str, str]] = {
    "another": {"Authorization": "Bearer n7Qw2ZxT9kLmP4vX"},
    "its beginning": {"Authorization": f"Bearer {TOKEN[:-1]}"},
    "more than it": {"Authorization": f"Bearer {TOKEN}x"},
    "without its scheme": {"Authorization": TOKEN},
    "not a text": {"Authorization": "Bearer \udcff\udcfe"},
}


@pytest.mark.parametrize("token", WRONG)
@pytest.mark.parametrize(("method", "path"), PATHS)
async def test_nothing_is_told_without_the_token(http: Http, method: str, path: str, token: str) -> None:
    answer = await http.request(method, path, headers=WRONG[token])
    said = await refused(answer, 401, "token")
    assert TOKEN not in said


@pytest.mark.parametrize(("method", "path"), PATHS)
async def test_nothing_is_told_to_one_who_shows_nothing(http: Http, method: str, path: str) -> None:
    await refused(await http.request(method, path, headers={"Authorization": ""}), 401, "sign-in")


async def test_whether_we_are_alive_and_ready_is_told_to_everybody_but_no_more(http: Http) -> None:
    alive = await http.get("/healthz", headers={"Authorization": ""})
    ready = await http.get("/readyz", headers={"Authorization": ""})
    assert (alive.status, await alive.json()) == (200, {"ok": True})
    assert (ready.status, await ready.json()) == (503, {"ok": False, "wrong": ["ami-desk", "ami-dial", "ami-watch"]})


# ── what is shown ──


async def told_of_first(http: Http, path: str, **query: str) -> tuple[str, str]:
    """The number and the key of the first call, as they are shown."""
    body = await (await http.get(path, params=query)).json()
    events = body.get("events") or next(call["events"] for call in body["calls"] if call["call"] == FIRST)
    return events[0]["caller"], events[2]["key"]


@pytest.mark.parametrize("path", ["/api/calls", f"/api/calls/{FIRST}"])
async def test_callers_numbers_and_keys_are_masked_unless_asked_for(http: Http, path: str) -> None:
    assert await told_of_first(http, path) == ("138****5678", "•")
    assert await told_of_first(http, path, reveal="yes") == ("13800135678", "2")


async def test_calls_come_newest_first_and_no_more_than_asked_for(http: Http) -> None:
    both = (await (await http.get("/api/calls")).json())["calls"]
    assert [call["call"] for call in both] == [SECOND, FIRST]
    one = (await (await http.get("/api/calls", params={"limit": "1"})).json())["calls"]
    assert [call["call"] for call in one] == [SECOND]


async def test_one_callers_calls_are_found_by_the_number(http: Http) -> None:
    found = await (await http.post("/api/calls/find", json={"caller": "13800135678"})).json()
    assert [call["call"] for call in found["calls"]] == [FIRST]
    nobody = await (await http.post("/api/calls/find", json={"caller": "13800135679"})).json()
    assert nobody == {"calls": []}


async def test_a_call_is_found_by_its_id_or_a_beginning_that_fits_only_it(http: Http) -> None:
    whole = await (await http.get(f"/api/calls/{FIRST}")).json()
    assert [event["event"] for event in whole["events"]] == ["call-rang", "call-answered", "key-pressed", "call-queued"]
    await refused(await http.get("/api/calls/pbx-17"), 409, "which-call")
    await refused(await http.get("/api/calls/pbx-18"), 404, "which-call")


async def test_the_agents_are_told_as_they_are(http: Http, service: Service) -> None:
    service.events.record(AgentSignedIn(at=NOON, agent="1025"))
    agents = (await (await http.get("/api/agents")).json())["agents"]
    assert {each["agent"]: each["state"] for each in agents} == {
        "1024": "signed-out", "1025": "ready", "1026": "signed-out"
    }  # fmt: skip
    li = agents[1]
    assert (li["name"], li["queues"], li["since"]) == ("Li", {"repair": 1, "complaint": 0}, "2026-02-03T04:00:00.000Z")


async def test_health_names_what_is_wrong(http: Http) -> None:
    health = await (await http.get("/api/health")).json()
    assert health["wrong"] == dict.fromkeys(("ami-watch", "ami-desk", "ami-dial"), "not started")
    assert (health["site"], health["live_calls"]) == ("test", 0)


# ── events as they happen ──


async def lines(answer: ClientResponse, count: int) -> list[dict[str, Any]]:
    """The next so many events of a stream."""
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(10):
        while len(found) < count:
            line = await answer.content.readline()
            assert line, "the stream has ended"
            if line.strip():
                found.append(json.loads(line))
    return found


async def test_events_are_told_from_a_number_on_and_then_as_they_are_written(http: Http, events: MemoryLog) -> None:
    async with http.get("/api/events", params={"after": "4"}) as answer:
        assert answer.content_type == "application/x-ndjson"
        assert [event["seq"] for event in await lines(answer, 2)] == [5, 6]
        events.record(CallAnswered(at=NOON, call=SECOND))
        assert [(event["seq"], event["event"]) for event in await lines(answer, 1)] == [(7, "call-answered")]


async def test_without_a_number_only_what_comes_is_told_and_of_one_call_if_wished(
    http: Http, events: MemoryLog
) -> None:
    async with http.get("/api/events", params={"call": FIRST}) as answer:
        events.record(CallAnswered(at=NOON, call=SECOND))
        events.record(CallRang(at=NOON, call=FIRST, caller=PhoneNumber("13800135678"), dialled="4001234567"))
        (event,) = await lines(answer, 1)
        assert (event["seq"], event["caller"]) == (8, "138****5678")


async def test_a_reader_who_hangs_up_is_forgotten_without_a_word(
    http: Http, events: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "KEEP_ALIVE", 0.05)
    with capture_logs() as logged:
        answer = await http.get("/api/events", params={"after": "0"})
        await lines(answer, 6)
        assert len(events._audience._listeners) == 1
        answer.close()
        async with asyncio.timeout(10):
            while events._audience._listeners:
                await asyncio.sleep(0.02)
    assert logged == []


async def test_a_stream_that_breaks_off_ends_and_says_why_in_the_log(
    http: Http, events: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(seq: int, *, limit: int = 1000) -> Sequence[Any]:
        raise RuntimeError("the database is gone")

    monkeypatch.setattr(events, "after", broken)
    with capture_logs() as logged:
        answer = await http.get("/api/events", params={"after": "0"})
        assert (answer.status, await answer.read()) == (200, b"")
    assert [entry["event"] for entry in logged] == ["a stream of events broke off"]


# ── recordings ──


async def test_a_recording_is_given_by_its_name(http: Http) -> None:
    answer = await http.get(f"/api/calls/{FIRST}/recordings/{FIRST}.1.wav")
    assert (answer.status, await answer.read()) == (200, b"RIFF talk")


@pytest.mark.parametrize(
    ("call", "file"),
    [
        (FIRST, f"{FIRST}.2.wav"),
        (SECOND, f"{FIRST}.1.wav"),
        (FIRST, "..%2Fsecret.wav"),
        ("..", "secret.wav"),
        ("..%2F..%2Fetc", "passwd"),
        (FIRST, f"{FIRST}.%2e%2e%2Fsecret.wav"),
        (FIRST, f"{FIRST}.1.wav%00.txt"),
        (FIRST, "live"),
        (FIRST, f"{FIRST}.1.wav%0a"),
        ("%ff", "%ff.wav"),
    ],
)
async def test_no_other_file_can_be_had(http: Http, call: str, file: str) -> None:
    from yarl import URL

    answer = await http.get(URL(f"/api/calls/{call}/recordings/{file}", encoded=True))
    assert answer.status == 404
    assert (await answer.json())["code"] in ("no-recording", "http")


# ── saying no ──

BAD: Sequence[tuple[str, str, Any, int]] = (
    ("GET", "/api/calls?limit=x", None, 422),
    ("GET", "/api/calls?limit=5&limit=6", None, 422),
    ("GET", "/api/calls?reveal=1", None, 422),
    ("GET", "/api/agents?all=yes", None, 422),
    ("GET", "/api/calls?limit=-1", None, 422),
    ("GET", "/api/calls?limit=501", None, 422),
    ("GET", "/api/calls?limit=99999999999999999999999", None, 422),
    ("GET", "/api/calls?limit=٣", None, 422),
    ("GET", "/api/events?after=x", None, 422),
    ("GET", "/api/events?after=-1", None, 422),
    ("GET", "/api/calls/%00", None, 404),
    ("GET", "/api/calls/%ff%fe", None, 404),
    ("GET", "/api/calls/%25", None, 404),
    ("GET", "/api/calls/_bx-1770091200.1", None, 404),
    ("GET", "/api/calls/" + "x" * 5000, None, 404),
    ("POST", "/api/calls/find", b"", 422),
    ("POST", "/api/calls/find", b"{", 422),
    ("POST", "/api/calls/find", b"\xff\xfe", 422),
    ("POST", "/api/calls/find", b"[]", 422),
    ("POST", "/api/calls/find", b'{"caller": "1 OR 1=1"}', 422),
    ("POST", "/api/calls/find", b'{"caller": "138", "limit": 0}', 422),
    ("POST", "/api/calls/find", b'{"caller": "138", "more": 1}', 422),
    ("POST", "/api/calls/find", b"x" * 70_000, 413),
    ("POST", "/api/calls", b"", 405),
    ("DELETE", "/api/agents", None, 405),
    ("GET", "/api/agents/1024/sign-in", None, 405),
    ("POST", "/api/agents/1024/dance", b"", 404),
    ("POST", "/api/agents/9999/sign-in", b"", 404),
    ("POST", "/api/agents/%00/sign-in", b"", 404),
    ("POST", "/api/agents/1024/pause", b"", 422),
    ("POST", "/api/agents/1024/pause", b'{"reason": ""}', 422),
    ("POST", "/api/agents/1024/pause", b'{"reason": "a\\r\\nAction: Hangup"}', 422),
    ("POST", "/api/agents/1024/pause", b'{"reason": "meal\\n"}', 422),
    ("POST", "/api/agents/1024/sign-out", b"", 409),
    ("GET", "/nothing", None, 404),
)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"), BAD, ids=[f"{m} {p:.40} {b!r:.30}" for m, p, b, _ in BAD]
)
async def test_a_bad_request_is_answered_with_a_code_and_a_sentence(
    http: Http, method: str, path: str, body: bytes | None, status: int
) -> None:
    with capture_logs() as logged:
        answer = await http.request(method, path, data=body)
    assert (answer.status, answer.content_type) == (status, "application/json"), await answer.text()
    assert (await answer.json()).keys() == {"code", "error"}
    assert logged == [], "a client's mistake is no event of ours"


async def test_an_agent_who_asks_while_asterisk_is_away_is_told_so(http: Http) -> None:
    said = await refused(await http.post("/api/agents/1024/sign-in"), 503, "agent-not-done")
    assert said.startswith("the agent could not sign in: no link to Asterisk's manager")


async def test_a_log_that_cannot_be_written_is_said_so(
    http: Http, events: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*, within: float = 10.0, hurry: bool = True) -> int:
        raise NotWritten(3, "disk full")

    monkeypatch.setattr(events, "flushed", full)
    for path in ("/api/events/newest", "/api/events"):
        assert "3 events wait to be written: disk full" in await refused(await http.get(path), 503, "not-written")


async def test_a_mistake_of_ours_is_told_without_its_inside(
    http: Http, events: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(**_: Any) -> Sequence[Any]:
        raise RuntimeError("postgresql://hotline:Tr0ub4dor@db/hotline")

    monkeypatch.setattr(events, "calls", broken)
    with capture_logs() as logged:
        said = await refused(await http.get("/api/calls"), 500, "internal")
    assert "Tr0ub4dor" not in said
    assert [(entry["event"], entry["path"]) for entry in logged] == [("a request failed", "/api/calls")]
