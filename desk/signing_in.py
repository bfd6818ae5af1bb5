"""Sign in, sign out, and who I am; and the users, for admins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final

from aiohttp import web
from pydantic import Field, StringConstraints

from desk.access import MANAGE, OPEN, SIGNED_IN, Role
from desk.accounts import LASTS
from desk.errors import Refused
from desk.front import FRONT
from desk.routes import Given, Nothing, Shown, answer, delete, get, given, post, session, who
from desk.throttle import WINDOW, Throttle
from desk.users import Passwords, User, checked_name, checked_password, make_password
from desk.web import GATE

THROTTLE: Final = web.AppKey("throttle", Throttle)
PASSWORDS: Final = web.AppKey("passwords", Passwords)
FIRST_NAME: Final = "admin"

Name = Annotated[str, StringConstraints(max_length=64)]
Secret = Annotated[str, StringConstraints(max_length=256)]
Number = Annotated[str, StringConstraints(pattern=r"^[0-9]{2,8}$")]


class Credentials(Given):
    """Who wants in."""

    name: Name
    password: Secret


class Me(Shown):
    """Who I am. `csrf` goes into the header X-Hotline-Csrf of every change; the command line has none."""

    name: str
    role: Role
    number: str | None
    csrf: str | None


class NewPassword(Given):
    """A change of one's own password."""

    old: Secret
    new: Secret


class NewUser(Given):
    """A user to be made. `number` is the number of the user's phone: an agent's work number or a supervisor's."""

    name: Name
    role: Role
    number: Number | None = None


class Change(Given):
    """What is to be another: what is not named stays; a number of null is taken away."""

    role: Role | None = None
    number: Number | None = None


class Entry(Shown):
    """A user."""

    name: str
    role: Role
    number: str | None


class Entries(Shown):
    """All users, by name."""

    users: Sequence[Entry]


class Handed(Shown):
    """A password that was made, shown this once."""

    name: str
    password: str = Field(description="it cannot be had again, only made anew")


async def sign_in(request: web.Request) -> web.StreamResponse:
    """Sign in with name and password; the answer sets the session's cookie."""
    wanted, gate, front = given(request, Credentials), request.app[GATE], request.app[FRONT]
    if request.headers.get("Origin") is not None and not front.is_ours(request):
        raise Refused(403, "origin", "this does not come from the hotline's own pages; see HOTLINE_API__ORIGIN")
    throttle, address = request.app[THROTTLE], front.address(request)
    if not await throttle.may_try(wanted.name, address):
        raise Refused(429, "too-many-tries", "too many tries; wait a quarter of an hour", retry_after=WINDOW)
    found = await gate.accounts.find(wanted.name)
    if not await request.app[PASSWORDS].fits(wanted.password, found[1] if found else None) or found is None:
        raise Refused(401, "wrong-password", "the name or the password is wrong")
    await throttle.succeeded(wanted.name, address)
    token, begun = await gate.accounts.begin(found[0], instead_of=request.cookies.get(front.cookie))
    response = answer(Me(**_entry(begun.user), csrf=begun.csrf))
    response.set_cookie(
        front.cookie, token, max_age=int(LASTS.total_seconds()), httponly=True, samesite="Strict", secure=front.secure
    )
    return response


async def sign_out(request: web.Request) -> web.StreamResponse:
    """Sign out: the session is over, here and at once."""
    front = request.app[FRONT]
    if (mine := session(request)) is not None:
        await request.app[GATE].accounts.end(mine)
    response = answer(Nothing())
    response.del_cookie(front.cookie, httponly=True, samesite="Strict", secure=front.secure)
    return response


async def me(request: web.Request) -> web.StreamResponse:
    """Who I am."""
    mine, my = who(request), session(request)
    return answer(Me(name=mine.name, role=mine.role, number=mine.number, csrf=my.csrf if my else None))


async def my_password(request: web.Request) -> web.StreamResponse:
    """Change one's own password; all one's sessions end."""
    wanted, mine, gate = given(request, NewPassword), who(request), request.app[GATE]
    found = await gate.accounts.find(mine.name)
    throttle, address = request.app[THROTTLE], request.app[FRONT].address(request)
    if not await throttle.may_try(mine.name, address):
        raise Refused(429, "too-many-tries", "too many tries; wait a quarter of an hour", retry_after=WINDOW)
    if found is None or not await request.app[PASSWORDS].fits(wanted.old, found[1]):
        raise Refused(403, "wrong-password", "the old password is wrong")
    await throttle.succeeded(mine.name, address)
    chosen = checked_password(wanted.new, mine.name)
    await gate.accounts.set_password(mine.name, await request.app[PASSWORDS].hash(chosen))
    return answer(Nothing())


async def users(request: web.Request) -> web.StreamResponse:
    """Everybody who may sign in."""
    found = await request.app[GATE].accounts.all()
    return answer(Entries(users=[Entry(**_entry(user)) for user in found]))


async def add_user(request: web.Request) -> web.StreamResponse:
    """Make a user; the password is made too and shown this once."""
    wanted = given(request, NewUser)
    return await _add(request, User(checked_name(wanted.name), wanted.role, wanted.number))


async def add_first_user(request: web.Request) -> web.StreamResponse:
    """Make the first admin, where nobody may sign in yet; the password is made too and shown this once."""
    return await _add(request, User(FIRST_NAME, Role.ADMIN), only_first=True)


async def _add(request: web.Request, user: User, *, only_first: bool = False) -> web.StreamResponse:
    password = make_password()
    hashed = await request.app[PASSWORDS].hash(password)
    await request.app[GATE].accounts.add(user, hashed, only_first=only_first)
    return answer(Handed(name=user.name, password=password), status=201)


async def change_user(request: web.Request) -> web.StreamResponse:
    """Give a user another role or phone; the user's sessions end."""
    wanted, name = given(request, Change), request.match_info["name"]
    found = await request.app[GATE].accounts.find(name)
    old = found[0] if found else User(name, Role.AGENT)
    number = wanted.number if "number" in wanted.model_fields_set else old.number
    changed = User(name, wanted.role or old.role, number)
    await request.app[GATE].accounts.change(changed)
    return answer(Entry(**_entry(changed)))


async def new_password(request: web.Request) -> web.StreamResponse:
    """Make a new password for a user who has lost it, shown this once; the user's sessions end."""
    name, password = request.match_info["name"], make_password()
    await request.app[GATE].accounts.set_password(name, await request.app[PASSWORDS].hash(password))
    return answer(Handed(name=name, password=password))


async def remove_user(request: web.Request) -> web.StreamResponse:
    """Let a user in no more; sessions end at once."""
    await request.app[GATE].accounts.remove(request.match_info["name"])
    return answer(Nothing())


def _entry(user: User) -> dict[str, str | Role | None]:
    return {"name": user.name, "role": user.role, "number": user.number}


ROUTES: Final = (
    post("/api/sign-in", sign_in, OPEN, body=Credentials, answer=Me, refusals=(401, 403, 429)),
    post("/api/sign-out", sign_out, SIGNED_IN),
    get("/api/me", me, SIGNED_IN, answer=Me),
    post("/api/me/password", my_password, SIGNED_IN, body=NewPassword, refusals=(429,)),
    get("/api/users", users, MANAGE, answer=Entries),
    post("/api/users", add_user, MANAGE, body=NewUser, answer=Handed, status=201, refusals=(409,)),
    post("/api/users/first", add_first_user, MANAGE, answer=Handed, status=201, refusals=(409,)),
    post("/api/users/{name}", change_user, MANAGE, body=Change, answer=Entry, refusals=(404, 409)),
    post("/api/users/{name}/password", new_password, MANAGE, answer=Handed, refusals=(404,)),
    delete("/api/users/{name}", remove_user, MANAGE, refusals=(404, 409)),
)
