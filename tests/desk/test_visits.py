"""Return visits over HTTP: ordered, looked at, stepped on, counted; numbers are masked, refusals have codes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from desk.access import Role
from routing.events import TalkStarted
from tests.desk.desks import NOON, OWN, TOKEN, Desk, a_desk

WITH_TOKEN = {"Authorization": f"Bearer {TOKEN}"}


async def ask(desk: Desk, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    response = await desk.http.request(method, path, json=body, headers=WITH_TOKEN)
    return response.status, await response.json()


async def test_a_visit_is_ordered_once_and_shown_with_a_masked_number(tmp_path: Path) -> None:
    async with a_desk(tmp_path) as desk:
        order = {"number": "13800138000", "key": "crm:7", "crew": "north", "facts": {"paid": "no"}}
        assert await ask(desk, "POST", "/api/visits", order) == (201, {"id": 1, "new": True})
        assert await ask(desk, "POST", "/api/visits", order) == (200, {"id": 1, "new": False})
        _, listed = await ask(desk, "GET", "/api/visits?state=due")
        assert [(visit["id"], visit["number"]) for visit in listed["visits"]] == [(1, "138****8000")]
        _, whole = await ask(desk, "GET", "/api/visits/1")
        assert (whole["facts"], whole["calls"]) == ({"paid": "no"}, [])
        assert [step["step"] for step in whole["steps"]] == ["add"]


async def test_what_cannot_be_done_is_refused_with_a_code(tmp_path: Path) -> None:
    async with a_desk(tmp_path) as desk:
        await ask(desk, "POST", "/api/visits", {"number": "13800138000"})
        await ask(desk, "POST", "/api/visits/1/cancel", {"why": "moved away"})
        refusals = [
            await ask(desk, "GET", "/api/visits/99"),
            await ask(desk, "GET", "/api/visits/none"),
            await ask(desk, "POST", "/api/visits", {"number": "13800138000", "script": "no-such"}),
            await ask(desk, "POST", "/api/visits/1/cancel", {}),
            await ask(desk, "POST", "/api/visits", {"number": "sip:evil@host"}),
            await ask(desk, "POST", "/api/visits", {"number": "13800138000", "zone": "../etc"}),
        ]
        assert [(status, said["code"]) for status, said in refusals] == [
            (404, "visit-unknown"),
            (404, "visit-unknown"),
            (404, "script-unknown"),
            (409, "visit-cannot"),
            (422, "bad-request"),
            (422, "bad-request"),
        ]


async def test_the_agent_to_whom_a_callee_was_handed_over_sees_the_visit_and_no_other_agent_does(
    tmp_path: Path,
) -> None:
    async with a_desk(tmp_path) as desk:
        await ask(desk, "POST", "/api/visits", {"number": "13800138000", "ticket": "271828188"})
        desk.events.record(TalkStarted(at=NOON, call="visit-1-1", agent="1024"))
        about = "/api/calls/visit-1-1/visit"
        seen = await desk.http.get(about, headers=await desk.signed_in(Role.AGENT, "1024"))
        assert (seen.status, (await seen.json())["ticket"]) == (200, "271828188")
        assert (await desk.http.get(about, headers=await desk.signed_in(Role.AGENT, "1025"))).status == 403
        assert (await ask(desk, "GET", f"/api/calls/{OWN}/visit"))[1]["code"] == "no-visit"


async def test_pauses_and_states_are_the_progress(tmp_path: Path) -> None:
    async with a_desk(tmp_path) as desk:
        several = {"visits": [{"number": "13800138001"}, {"number": "13800138002"}]}
        assert await ask(desk, "POST", "/api/visits/several", several) == (200, {"new": 2})
        _, found = await ask(desk, "POST", "/api/visits/pause", {"script": "return-visit"})
        assert found == {"states": {"due": 2}, "paused": ["return-visit"]}
        assert (await ask(desk, "POST", "/api/visits/resume", {}))[1]["paused"] == []
