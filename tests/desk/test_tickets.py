"""Tickets over HTTP: who may do what to them, what is shown, and how a conflict is told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from casework.codes import read_code
from desk.access import Role
from routing.events import CallEnded, CallPlaced, CallRang, PhoneNumber, TalkStarted
from tests.desk.desks import OTHERS, TOKEN, Desk, a_desk

BY_TOKEN = {"Authorization": f"Bearer {TOKEN}"}
LEAK = {"kind": "repair", "problem": "厨房水管漏水", "address": "幸福路12号", "name": "王芳", "phone": "139-1234-5678"}


@pytest_asyncio.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with a_desk(tmp_path) as opened:
        yield opened


async def say(
    desk: Desk, path: str, body: object = None, *, who: dict[str, str] | None = None, **headers: str
) -> tuple[int, Any]:
    """Post, or look when there is nothing to post; the status and what was answered."""
    method = "GET" if body is None else "POST"
    asked = (who or BY_TOKEN) | {name.replace("_", "-"): value for name, value in headers.items()}
    response = await desk.http.request(method, f"/api/tickets{path}", json=body, headers=asked)
    return response.status, await response.json()


async def opened(desk: Desk, **facts: Any) -> dict[str, Any]:
    status, said = await say(desk, "", LEAK | facts)
    assert status == 201, said
    found: dict[str, Any] = said["ticket"]
    return found


async def test_a_ticket_is_opened_moved_on_and_told_with_name_and_number_masked(desk: Desk) -> None:
    ticket = await opened(desk, by="1024")
    assert read_code(ticket["code"])
    assert (ticket["name"], ticket["phone"], ticket["address"]) == ("王**", "139****5678", "幸福路12号")
    status, said = await say(
        desk, f"/{ticket['code']}/steps", {"move": "dispatch", "to": "crew-3", "expected_version": 1}
    )
    assert (status, said["ticket"]["state"], said["ticket"]["version"]) == (200, "dispatched", 2)
    assert "acknowledge" in said["allowed"]
    _, told = await say(desk, f"/{ticket['code']}")
    assert [(each["step"], each["who"]) for each in told["events"]] == [("open", "1024"), ("dispatch", "command-line")]
    assert "王芳" not in str(told)
    assert "13912345678" not in str(told)
    _, whole = await say(desk, f"/{ticket['code']}?reveal=yes")
    assert (whole["ticket"]["name"], whole["events"][0]["changes"]["phone"]) == ("王芳", "13912345678")


async def test_a_conflict_is_refused_with_both_versions(desk: Desk) -> None:
    code = (await opened(desk))["code"]
    await say(desk, f"/{code}/steps", {"move": "dispatch", "to": "crew-1", "expected_version": 1})
    status, said = await say(desk, f"/{code}/steps", {"move": "dispatch", "to": "crew-2", "expected_version": 1})
    assert (status, said["code"], said["expected"], said["found"]) == (409, "ticket-changed", 1, 2)
    assert (said["ticket"]["handler"], said["ticket"]["phone"]) == ("crew-1", "139****5678")


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/123456789/steps", {"move": "note", "why": "x"}, 404, "ticket-unknown"),
        ("/nonsense", None, 404, "ticket-unknown"),
        ("", {"kind": "repair", "problem": "x"}, 422, "step-incomplete"),
        ("", LEAK | {"source": "call"}, 422, "not-confirmed"),
        ("", LEAK | {"kind": "party"}, 422, "bad-request"),
        ("", LEAK | {"phone": "call me"}, 422, "bad-request"),
        ("", LEAK | {"emergency": "123456789"}, 404, "ticket-unknown"),
        ("/{code}/steps", {"move": "start"}, 409, "ticket-cannot"),
        ("/{code}/steps", {"move": "reveal"}, 422, "bad-request"),
        ("/{code}/steps", {"move": "overdue"}, 422, "bad-request"),
        ("/search", {"text": "x", "wish": 1}, 422, "bad-request"),
        ("/search", {"limit": 501}, 422, "bad-request"),
    ],
)
async def test_what_cannot_be_done_is_refused_with_a_code(
    desk: Desk, path: str, body: Any, status: int, code: str
) -> None:
    ticket = await opened(desk)
    answered, said = await say(desk, path.replace("{code}", ticket["code"]), body)
    assert (answered, said["code"]) == (status, code)


async def test_a_request_with_a_key_is_carried_out_once(desk: Desk) -> None:
    outcomes = [await say(desk, "", LEAK, Idempotency_Key="k-1") for _ in range(2)]
    assert [status for status, _ in outcomes] == [201, 200]
    assert outcomes[0][1]["ticket"] == outcomes[1][1]["ticket"]
    status, said = await say(desk, "", LEAK | {"problem": "no heat"}, Idempotency_Key="k-1")
    assert (status, said["code"]) == (409, "key-reused")
    assert len((await say(desk, "/search", {}))[1]["tickets"]) == 1


async def test_a_complaint_from_another_line_is_taken_once(desk: Desk) -> None:
    complaint = {"kind": "complaint", "problem": "no heat for a week", "phone": "13912345678", "source": "12345"}
    outcomes = [await say(desk, "", complaint | {"external_id": "WO-77"}) for _ in range(2)]
    assert len({said["ticket"]["code"] for _, said in outcomes}) == 1
    status, said = await say(desk, "", complaint | {"external_id": "WO-77", "problem": "else"})
    assert (status, said["code"], said["ticket"]["code"]) == (
        409,
        "external-id-taken",
        outcomes[0][1]["ticket"]["code"],
    )


async def test_whoever_talks_to_callers_works_on_tickets_under_the_own_name_only(desk: Desk) -> None:
    agent, inspector = await desk.signed_in(Role.AGENT, "1024"), await desk.signed_in(Role.INSPECTOR)
    status, said = await say(desk, "", LEAK, who=agent)
    assert status == 201
    code = said["ticket"]["code"]
    assert (await say(desk, f"/{code}", who=agent))[1]["events"][0]["who"] == "1024"
    assert (await say(desk, "", LEAK | {"by": "1025"}, who=agent))[0] == 403
    assert (await say(desk, f"/{code}", who=inspector))[0] == 200
    assert (await say(desk, f"/{code}/steps", {"move": "note", "why": "x"}, who=inspector))[0] == 403
    assert (await say(desk, f"/{code}?reveal=yes", who=agent))[0] == 403


async def test_who_sees_a_number_whole_is_written_on_the_ticket(desk: Desk) -> None:
    code = (await opened(desk))["code"]
    agent = await desk.signed_in(Role.AGENT, "1024")
    _, said = await say(desk, f"/{code}/reveal", {}, who=agent)
    assert (said["ticket"]["phone"], said["ticket"]["name"]) == ("13912345678", "王芳")
    last = (await say(desk, f"/{code}"))[1]["events"][-1]
    assert (last["step"], last["who"]) == ("reveal", "1024")


async def test_a_lead_opens_an_emergency_and_an_agent_raises_one(desk: Desk) -> None:
    agent, lead = await desk.signed_in(Role.AGENT, "1024"), await desk.signed_in(Role.LEAD, "9001")
    assert (await say(desk, "", LEAK | {"kind": "emergency"}, who=agent))[0] == 403
    assert (await say(desk, "", LEAK | {"kind": "emergency"}, who=lead))[0] == 201
    repair = await opened(desk)
    status, said = await say(desk, f"/{repair['code']}/raise", {"why": "gas smell"}, who=agent)
    assert (status, said["ticket"]["kind"]) == (201, "emergency")
    finish = {"move": "finish", "outcome": "shut off"}
    assert (await say(desk, f"/{said['ticket']['code']}/steps", finish, who=agent))[0] == 403
    status, said = await say(desk, f"/{said['ticket']['code']}/steps", finish, who=lead)
    assert (status, said["ticket"]["state"]) == (200, "visit-due")


async def test_what_is_known_of_a_caller_and_slots(desk: Desk) -> None:
    await opened(desk, phone="13800135678")
    _, known = await say(desk, "/caller", {"number": "138 0013 5678"})
    assert (len(known["open"]), known["repeated"], known["calls"]) == (1, 1, 2)
    assert (await say(desk, "/slots"))[0] == 200


# The call at hand


def calls(desk: Desk, call: str, *, dialled: str = "4001234568", caller: str | None = "13800135678") -> None:
    """Somebody calls and talks with agent 1024."""
    now, record = datetime.now(UTC), desk.service.events.record
    record(CallRang(at=now, call=call, caller=None if caller is None else PhoneNumber(caller), dialled=dialled))
    record(TalkStarted(at=now, call=call, agent="1024"))


async def test_what_an_agent_takes_down_from_a_caller_is_about_the_call_the_agent_has(desk: Desk) -> None:
    agent, other = await desk.signed_in(Role.AGENT, "1024"), await desk.signed_in(Role.AGENT, "1025")
    heard = LEAK | {"source": "call", "confirmed": ["problem", "address", "name", "phone"]}
    assert (await say(desk, "/at-hand", who=agent))[1]["call"] is None
    calls(desk, "pbx-1770091200.7")
    _, said = await say(desk, "/at-hand", who=agent)
    assert (said["call"], said["caller"], said["line"]) == ("pbx-1770091200.7", "138****5678", "english")
    assert said["known"] is None, "only who asks for it has it looked up"
    assert (await say(desk, "/at-hand?history=yes", who=agent))[1]["known"]["calls"] == 3
    _, said = await say(desk, "", heard, who=agent)
    ticket = await desk.service.casework.tickets.get(said["ticket"]["code"])
    assert (ticket.call, ticket.caller, ticket.line) == ("pbx-1770091200.7", "13800135678", "english")
    assert (await say(desk, "", heard, who=other))[1]["ticket"]["call"] == ""
    assert (await say(desk, "", LEAK, who=agent))[1]["ticket"]["call"] == ""


async def test_what_is_taken_down_in_a_call_of_ours_is_about_the_callee_and_the_line_we_called_for(desk: Desk) -> None:
    agent, now, record = await desk.signed_in(Role.AGENT, "1024"), datetime.now(UTC), desk.service.events.record
    ours, callee = "visit-7-1", PhoneNumber("13800135678")
    record(CallPlaced(at=now, call=ours, caller=callee, script="return-visit", shown="4001234568"))
    record(TalkStarted(at=now, call=ours, agent="1024"))
    heard = LEAK | {"source": "call", "confirmed": ["problem", "address", "name", "phone"]}
    _, said = await say(desk, "", heard, who=agent)
    ticket = await desk.service.casework.tickets.get(said["ticket"]["code"])
    assert (ticket.call, ticket.caller, ticket.line) == (ours, callee.digits, "english")


@pytest.mark.parametrize(("minutes", "call"), [(9, "pbx-1770091200.7"), (11, None)])
async def test_a_call_is_at_hand_until_its_ticket_is_due(desk: Desk, minutes: int, call: str | None) -> None:
    agent = await desk.signed_in(Role.AGENT, "1024")
    calls(desk, "pbx-1770091200.7", caller=None)
    over = datetime.now(UTC) - timedelta(minutes=minutes)
    desk.service.events.record(CallEnded(at=over, call="pbx-1770091200.7", by="caller", why="Normal Clearing"))
    _, said = await say(desk, "/at-hand", who=agent)
    assert (said["call"], said["caller"], said["known"]) == (call, None, None)


async def test_a_ticket_of_a_call_says_by_which_line_it_came_and_no_line_is_made_up(desk: Desk) -> None:
    assert (await opened(desk, call=OTHERS))["line"] == "heating"
    assert (await opened(desk, call="pbx-1770091200.99"))["line"] == ""
    ticket = await opened(desk, call=OTHERS, line="english")
    assert ticket["line"] == "english"
    correction = {"move": "correct", "facts": {"line": "none"}}
    for path, body in (("", LEAK | {"line": "none"}), (f"/{ticket['code']}/steps", correction)):
        status, said = await say(desk, path, body)
        assert (status, said["code"]) == (422, "line-unknown")
        assert "heating, english" in said["error"]
    told = await (await desk.http.get("/api/lines", headers=BY_TOKEN)).json()
    assert [each["key"] for each in told["lines"]] == [line.key for line in desk.service.site.numbers]


# Other systems


async def test_another_system_has_a_key_of_its_own_for_tickets_and_nothing_else(desk: Desk) -> None:
    made = await desk.http.post("/api/keys", json={"name": "boss"}, headers=BY_TOKEN)
    boss = {"Authorization": f"Bearer {(await made.json())['key']}"}
    status, said = await say(desk, "", LEAK | {"external_id": "WO-1"}, who=boss, Idempotency_Key="k-1")
    assert (status, said["ticket"]["source"], said["ticket"]["phone"]) == (201, "boss", "13912345678")
    code = said["ticket"]["code"]
    assert (await say(desk, f"/{code}", who=boss))[1]["events"][0]["who"] == "boss"
    for path in ("/api/calls", "/api/users", "/api/keys", "/api/board", "/api/me"):
        assert (await desk.http.get(path, headers=boss)).status == 403, path
    assert (await say(desk, "", LEAK | {"by": "1024"}, who=boss))[0] == 403
    assert (await desk.http.post("/api/keys", json={"name": "boss"}, headers=BY_TOKEN)).status == 409
    assert boss["Authorization"][10:] not in await (await desk.http.get("/api/keys", headers=BY_TOKEN)).text()
    assert (await desk.http.delete("/api/keys/boss", headers=BY_TOKEN)).status == 200
    assert (await say(desk, f"/{code}", who=boss))[0] == 401
    assert (await desk.http.delete("/api/keys/boss", headers=BY_TOKEN)).status == 404
