"""Signing in: the password, the throttle, the session, and what a foreign page cannot make a browser do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from http.cookies import Morsel
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientResponse
from structlog.testing import capture_logs

from desk import signing_in
from desk.access import Role
from desk.throttle import LIMITS, WINDOW, MemoryCounts, Throttle
from desk.users import READABLE, make_password
from desk.web import CSRF_HEADER
from tests.desk.desks import OWN, PASSWORD, QUICK, TOKEN, Desk, a_desk

BY_TOKEN = {"Authorization": f"Bearer {TOKEN}"}


@pytest_asyncio.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """A desk where chen (an agent at 1024) and li (a supervisor) may sign in."""
    async with a_desk(tmp_path) as opened:
        assert opened.http.app is not None
        opened.http.app._state[signing_in.PASSWORDS] = QUICK
        await opened.add("chen", Role.AGENT, "1024")
        await opened.add("li", Role.SUPERVISOR)
        yield opened


async def signs_in(desk: Desk, name: str, password: str = PASSWORD, **headers: str) -> ClientResponse:
    return await desk.http.post("/api/sign-in", json={"name": name, "password": password}, headers=headers)


def cookie(answer: ClientResponse) -> Morsel[Any]:
    return answer.cookies["hotline"]


async def code(answer: ClientResponse) -> tuple[int, str]:
    return answer.status, (await answer.json())["code"]


async def test_the_right_password_opens_a_session_and_its_cookie_is_out_of_reach_of_scripts(desk: Desk) -> None:
    answer = await signs_in(desk, "li")
    told = await answer.json()
    assert (told["name"], told["role"], told["number"]) == ("li", "supervisor", None)
    morsel = cookie(answer)
    assert (morsel["httponly"], morsel["samesite"], morsel["path"]) == (True, "Strict", "/")
    me = await (await desk.http.get("/api/me")).json()
    assert me == told


@pytest.mark.parametrize(("name", "password"), [("li", "hemlock-42-quartz"), ("nobody", PASSWORD), ("li", "")])
async def test_a_wrong_name_and_a_wrong_password_are_refused_in_the_same_words(
    desk: Desk, name: str, password: str
) -> None:
    answer = await signs_in(desk, name, password)
    assert await answer.json() == {"code": "wrong-password", "error": "the name or the password is wrong"}
    assert (answer.status, answer.cookies.get("hotline")) == (401, None)


async def test_after_too_many_tries_the_right_password_is_no_use_either_for_a_while(desk: Desk) -> None:
    for _ in range(LIMITS["both"]):
        assert await code(await signs_in(desk, "li", "wrong-password")) == (401, "wrong-password")
    answer = await signs_in(desk, "li")
    assert await code(answer) == (429, "too-many-tries")
    assert answer.headers["Retry-After"] == str(WINDOW)
    assert (await signs_in(desk, "chen")).status == 200, "another name is not kept out"


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        ("", "203.0.113.9", "127.0.0.1"),  # anybody may write this: it is not read
        ("127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "198.51.100.1, 203.0.113.9", "203.0.113.9"),  # the first is what a liar said to our proxy
        ("127.0.0.1, 10.0.0.0/8", "203.0.113.9, 10.1.2.3", "203.0.113.9"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "nonsense", "127.0.0.1"),
        ("127.0.0.1", "2001:db8::7", "2001:db8::7"),
    ],
)
async def test_behind_our_own_proxy_each_address_is_counted_for_itself(
    tmp_path: Path, proxies: str, forwarded: str, address: str
) -> None:
    async with a_desk(tmp_path, proxies=proxies) as desk:
        assert desk.http.app is not None
        counted: list[str] = []

        class Noting(Throttle):
            async def may_try(self, name: str, address: str) -> bool:
                counted.append(address)
                return name == "nobody"

        desk.http.app._state[signing_in.THROTTLE] = Noting(MemoryCounts())
        await signs_in(desk, "li", **{"X-Forwarded-For": forwarded})
        assert counted == [address]


async def test_the_throttle_forgets_counts_an_address_over_many_names_and_is_not_worn_by_success() -> None:
    now = 0.0
    throttle = Throttle(MemoryCounts(lambda: now))
    for _ in range(LIMITS["address"] * 2):
        assert await throttle.may_try("li", "10.0.0.1")
        await throttle.succeeded("li", "10.0.0.1")
    tries = [await throttle.may_try(f"name-{nth}", "10.0.0.1") for nth in range(LIMITS["address"] + 1)]
    assert tries == [True] * LIMITS["address"] + [False]
    assert await throttle.may_try("li", "10.0.0.2")
    now = WINDOW + 1
    assert await throttle.may_try("li", "10.0.0.1")


async def test_signing_in_never_takes_over_the_session_a_browser_came_with(desk: Desk) -> None:
    planted = cookie(await signs_in(desk, "chen")).value
    mine = cookie(await signs_in(desk, "li", Cookie=f"hotline={planted}")).value
    assert mine != planted
    assert await desk.accounts.session(planted) is None, "whoever planted it holds nothing"
    unknown = cookie(await signs_in(desk, "li", Cookie="hotline=chosen-by-an-attacker")).value
    assert unknown != "chosen-by-an-attacker"
    assert await desk.accounts.session("chosen-by-an-attacker") is None


async def test_signing_out_ends_the_session_for_whoever_has_its_cookie(desk: Desk) -> None:
    headers = await desk.signed_in(Role.LEAD)
    assert (await desk.http.post("/api/sign-out", headers=headers)).status == 200
    assert await code(await desk.http.get("/api/me", headers=headers)) == (401, "sign-in")


async def test_a_session_ends_by_itself(desk: Desk) -> None:
    user = (await desk.accounts.all())[0]
    token, _ = await desk.accounts.begin(user)
    desk.accounts._now = lambda: datetime.now(UTC) + timedelta(hours=12, seconds=1)
    assert await desk.accounts.session(token) is None


@pytest.mark.parametrize("change", [{"role": "agent"}, {"number": "9001"}])
async def test_who_is_given_another_role_must_sign_in_anew(desk: Desk, change: dict[str, str]) -> None:
    headers = await desk.signed_in(Role.LEAD)
    assert (await desk.http.post("/api/users/lead-nobody", json=change, headers=BY_TOKEN)).status == 200
    assert await code(await desk.http.get("/api/me", headers=headers)) == (401, "sign-in")


async def test_a_number_stays_until_it_is_changed_or_taken_away(desk: Desk) -> None:
    await desk.signed_in(Role.LEAD)
    numbers = []
    for change in ({"number": "9001"}, {"role": "agent"}, {"number": None}):
        changed = await desk.http.post("/api/users/lead-nobody", json=change, headers=BY_TOKEN)
        numbers.append((await changed.json())["number"])
    assert numbers == ["9001", "9001", None]


async def test_who_is_removed_is_out_at_once(desk: Desk) -> None:
    headers = await desk.signed_in(Role.LEAD)
    assert (await desk.http.delete("/api/users/lead-nobody", headers=BY_TOKEN)).status == 200
    assert await code(await desk.http.get("/api/me", headers=headers)) == (401, "sign-in")


# What another page makes a browser do


FOREIGN = {
    "no origin": ({"Origin": ""}, "origin"),
    "a foreign origin": ({"Origin": "https://evil.example"}, "origin"),
    "another port of this machine": ({"Origin": "http://127.0.0.1:1"}, "origin"),
    "a sandboxed page": ({"Origin": "null"}, "origin"),
    "no csrf": ({CSRF_HEADER: ""}, "csrf"),
    "another's csrf": ({CSRF_HEADER: "x" * 32}, "csrf"),
}


@pytest.mark.parametrize("how", FOREIGN)
async def test_a_change_with_only_the_cookie_is_refused(desk: Desk, how: str) -> None:
    changed, why = FOREIGN[how]
    headers = await desk.signed_in(Role.LEAD) | changed
    answer = await desk.http.post(f"/api/calls/{OWN}/reveal", headers=headers)
    assert await code(answer) == (403, why)


async def test_a_foreign_page_cannot_sign_a_browser_in(desk: Desk) -> None:
    answer = await signs_in(desk, "li", Origin="https://evil.example")
    assert await code(answer) == (403, "origin")
    assert "hotline" not in answer.cookies


async def test_looking_needs_no_more_than_the_cookie(desk: Desk) -> None:
    headers = await desk.signed_in(Role.LEAD)
    assert (await desk.http.get("/api/agents", headers={"Cookie": headers["Cookie"]})).status == 200


@pytest.mark.parametrize("path", ["/api/me", "/healthz", "/nothing"])
async def test_every_answer_forbids_what_a_page_of_ours_never_does(desk: Desk, path: str) -> None:
    headers = (await desk.http.get(path)).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"


# Users


async def test_the_first_admin_is_made_once_and_the_password_is_shown_once(tmp_path: Path) -> None:
    async with a_desk(tmp_path) as desk:
        made = await desk.http.post("/api/users/first", headers=BY_TOKEN)
        told = await made.json()
        assert (made.status, told["name"]) == (201, "admin")
        assert await code(await desk.http.post("/api/users/first", headers=BY_TOKEN)) == (409, "user-exists")
        assert (await signs_in(desk, "admin", told["password"])).status == 200
        listed = await (await desk.http.get("/api/users", headers=BY_TOKEN)).text()
        assert told["password"] not in listed
        assert "argon2" not in listed


async def test_a_user_changes_the_password_and_must_know_the_old_one(desk: Desk) -> None:
    headers = {"Origin": desk.origin, CSRF_HEADER: (await (await signs_in(desk, "li")).json())["csrf"]}
    wrong = {"old": "something-else-1", "new": "a-new-Password-9"}
    assert await code(await desk.http.post("/api/me/password", json=wrong, headers=headers)) == (403, "wrong-password")
    weak = {"old": PASSWORD, "new": "aaaaaaaaaaaa"}
    assert await code(await desk.http.post("/api/me/password", json=weak, headers=headers)) == (422, "password-weak")
    right = {"old": PASSWORD, "new": "a-new-Password-9"}
    assert (await desk.http.post("/api/me/password", json=right, headers=headers)).status == 200
    assert (await signs_in(desk, "li", "a-new-Password-9")).status == 200


async def test_the_last_admin_stays(desk: Desk) -> None:
    await desk.add("wang", Role.ADMIN)
    for answer in (
        await desk.http.delete("/api/users/wang", headers=BY_TOKEN),
        await desk.http.post("/api/users/wang", json={"role": "lead"}, headers=BY_TOKEN),
    ):
        assert await code(answer) == (409, "last-admin")


@pytest.mark.parametrize("name", ["", "A", "1li", "li li", "li\n", "../li", "x" * 33, "李"])
async def test_a_name_that_is_none_is_refused(desk: Desk, name: str) -> None:
    answer = await desk.http.post("/api/users", json={"name": name, "role": "lead"}, headers=BY_TOKEN)
    assert await code(answer) == (422, "user-name")


async def test_no_password_is_ever_logged(desk: Desk) -> None:
    with capture_logs() as logged:
        await signs_in(desk, "li")
        await signs_in(desk, "li", "wrong-password")
    assert PASSWORD not in str(logged)
    assert "wrong-password" not in str(logged)


def test_a_password_that_is_made_can_be_read_out_and_is_never_made_twice() -> None:
    made = {make_password() for _ in range(200)}
    assert len(made) == 200
    assert all(set(password) <= {*READABLE, "-"} and len(password) == 19 for password in made)
