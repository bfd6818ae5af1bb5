"""The people who sign in at the desk, and their passwords (argon2id).

`accounts.py` keeps both, of a password only the hash.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from dataclasses import dataclass
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from desk.access import Role, Who

NAME: Final = re.compile(r"[a-z][a-z0-9._-]{1,31}")
SHORTEST: Final = 10
LONGEST: Final = 128
READABLE: Final = "abcdefghjkmnpqrstuvwxyz23456789"
"""No letter that is taken for another when it is read out."""
AT_ONCE: Final = 2
"""Passwords checked at one time: each takes 64 MB and a core for some 50 ms, which no stranger may multiply."""


class UserError(Exception):
    """A user cannot be made or changed as asked; `status` is for HTTP."""

    code = "user"
    status = 422


class BadName(UserError):
    """Not a name to sign in with."""

    code = "user-name"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name!r:.40} is no user name; 2 to 32 of a-z 0-9 . _ -, a letter first")


class WeakPassword(UserError):
    """A password that is too easy; what was given is not shown."""

    code = "password-weak"

    def __init__(self) -> None:
        super().__init__(f"the password needs {SHORTEST} to {LONGEST} characters of more than four kinds, and no name")


class UserExists(UserError):
    """The name is taken."""

    code = "user-exists"
    status = 409

    def __init__(self, name: str) -> None:
        super().__init__(f"there is a user {name!r} already; see: hotline user list")


class UserUnknown(UserError):
    """Nobody has this name."""

    code = "user-unknown"
    status = 404

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no user {name!r:.40}; see: hotline user list")


class LastAdmin(UserError):
    """Without an admin nobody could make one."""

    code = "last-admin"
    status = 409

    def __init__(self, name: str) -> None:
        super().__init__(f"{name!r} is the last admin; make another first: hotline user add NAME --role admin")


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may sign in. `number` is the number of the user's own phone, where there is one."""

    name: str
    role: Role
    number: str | None = None

    def who(self) -> Who:
        """The user as rules know one."""
        return Who(self.name, self.role, self.number)


class Passwords:
    """Makes and checks hashes, a few at a time, beside the event loop."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._few = asyncio.Semaphore(AT_ONCE)
        self._nobodys = self._hasher.hash(secrets.token_hex())

    async def hash(self, password: str) -> str:
        """Return what may be kept of a password."""
        async with self._few:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def fits(self, password: str, password_hash: str | None) -> bool:
        """Whether this is the password. For a user who is not there (None) it takes as long to say no."""
        async with self._few:
            right = await asyncio.to_thread(self._verify, password_hash or self._nobodys, password)
        return right and password_hash is not None

    def _verify(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (Argon2Error, InvalidHashError):
            return False


def checked_name(name: str) -> str:
    """Return a name that can be used; raises BadName."""
    if not NAME.fullmatch(name):
        raise BadName(name)
    return name


def checked_password(password: str, name: str) -> str:
    """Return a password that can be used; raises WeakPassword."""
    long_enough = SHORTEST <= len(password) <= LONGEST
    if not long_enough or len(set(password)) < 5 or name in password.lower():
        raise WeakPassword
    return password


def make_password() -> str:
    """Return a new password that can be read out: four groups of four, 79 bits."""
    return "-".join("".join(secrets.choice(READABLE) for _ in range(4)) for _ in range(4))
