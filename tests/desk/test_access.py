"""Who may do what: every route, tried by every role, with what is its own and with what is not."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from desk.access import Role, Rule
from desk.routes import Nothing, Route, answer
from hotline import api
from tests.desk.desks import OTHERS, OWN, TOKEN, Desk, a_desk

PLACES = {
    "number": {True: "1024", False: "1025"},
    "call": {True: OWN, False: OTHERS},
}


async def probe(_: web.Request) -> web.StreamResponse:
    """Reached: whoever asked is allowed to."""
    return answer(Nothing(), status=299)


def probed(routes: Sequence[Route]) -> list[Route]:
    """The same routes and rules, with nothing behind them."""
    return [replace(route, handler=probe, query=None, body=None) for route in routes]


def address(route: Route, *, own: bool) -> str:
    """An address of this route, about something of agent 1024's or of somebody else's."""
    return re.sub(r"\{(\w+)[^}]*\}", lambda name: PLACES.get(name[1], {}).get(own, "some"), route.path)


async def outcome(desk: Desk, route: Route, who: dict[str, str], *, own: bool) -> str:
    """What came of asking."""
    response = await desk.http.request(route.method, address(route, own=own), headers=who, allow_redirects=False)
    return {299: "done", 401: "who?", 403: "no"}.get(response.status, str(response.status))


def expected(rule: Rule, role: Role | None, *, own: bool, of_an_object: bool) -> str:
    """What the rule says, read as a person would."""
    if rule.open:
        return "done"
    if role is None:
        return "who?"
    if role in rule.anybodys:
        return "done"
    return "done" if role in rule.own and own and of_an_object else "no"


async def test_every_route_asked_by_every_role_about_its_own_and_anothers(tmp_path: Path) -> None:
    async with a_desk(tmp_path, routes=probed(api.ROUTES)) as desk:
        people = {role: await desk.signed_in(role, "1024") for role in Role}
        wrong, tried = [], 0
        for route in api.ROUTES:
            of_an_object = any(f"{{{name}" in route.path for name in PLACES)
            for role, who in [(None, {}), *people.items()]:
                for own in (True, False):
                    said = await outcome(desk, route, dict(who), own=own)
                    wanted = expected(route.rule, role, own=own, of_an_object=of_an_object)
                    tried += 1
                    if said != wanted:
                        wrong.append(f"{route.method} {address(route, own=own)} {role}: {said}, not {wanted}")
        assert wrong == []
        assert tried == len(api.ROUTES) * (1 + len(Role)) * 2


async def test_the_command_line_may_use_every_route(tmp_path: Path) -> None:
    async with a_desk(tmp_path, routes=probed(api.ROUTES)) as desk:
        token = {"Authorization": f"Bearer {TOKEN}"}
        said = {f"{route.method} {route.path}": await outcome(desk, route, token, own=False) for route in api.ROUTES}
        assert set(said.values()) == {"done"}, said


async def test_every_address_there_is_was_declared_with_a_rule(tmp_path: Path) -> None:
    async with a_desk(tmp_path) as desk:
        app = desk.http.app
        assert app is not None
        known = {(route.method, route.path) for route in api.ROUTES}
        really = {(each.method, each.resource.canonical) for each in app.router.routes() if each.resource is not None}
        assert really == known


@pytest.mark.parametrize("path", ["/secret", "/api/secret"])
async def test_what_has_no_rule_is_refused_even_to_an_admin(tmp_path: Path, path: str) -> None:
    forgotten = Route(method="GET", path=path, handler=probe, rule=Rule())
    async with a_desk(tmp_path, routes=[forgotten]) as desk:
        for who in ({}, await desk.signed_in(Role.ADMIN), {"Authorization": f"Bearer {TOKEN}"}):
            assert (await desk.http.get(path, headers=who)).status in (401, 403)


SPOT_CHECKS = (
    # What would be worst to get wrong, said once more by hand.
    ("GET", "/api/users", "admin"),
    ("POST", "/api/users", "admin"),
    ("POST", "/api/users/{name}/password", "admin"),
    ("GET", "/api/events", "admin"),
    ("POST", "/api/calls/{call}/reveal", "admin agent* complaint-handler lead supervisor"),
    ("GET", "/api/calls/{call}/recordings/{file}", "admin complaint-handler inspector lead supervisor"),
    ("POST", "/api/agents/{number}/pause", "admin agent* complaint-handler* lead supervisor"),
    ("GET", "/api/board", "admin inspector lead supervisor"),
)


@pytest.mark.parametrize(("method", "path", "who"), SPOT_CHECKS)
def test_the_rules_of_what_matters_most_are_these(method: str, path: str, who: str) -> None:
    (rule,) = [route.rule for route in api.ROUTES if (route.method, route.path) == (method, path)]
    assert sorted([*rule.anybodys, *(f"{role}*" for role in rule.own)]) == sorted(who.split())
