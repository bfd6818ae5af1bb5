"""Who may do what: seven roles, and one rule for every route.

Nothing is allowed that no rule allows. A rule names the roles that may do a thing to anybody, and those that may do it
only to what is their own: an agent pauses himself, a lead pauses anyone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """What somebody does in the centre, and so what they need to see."""

    AGENT = "agent"
    COMPLAINT_HANDLER = "complaint-handler"
    LEAD = "lead"
    INSPECTOR = "inspector"
    SUPERVISOR = "supervisor"
    ADMIN = "admin"
    PROGRAM = "program"
    """Another system, by its key (`keys.py`): no person, and only for tickets."""


@dataclass(frozen=True, slots=True)
class Who:
    """Somebody we know: a signed-in user, or the command line with its token.

    `number` is the number of the user's own phone, which is an agent's work number or a supervisor's number.
    """

    name: str
    role: Role
    number: str | None = None


COMMAND_LINE: Final = Who("command-line", Role.ADMIN)
"""Whoever holds the server's token: on the machine itself, or another program of the centre."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may use a route. `open` ones need no sign-in; of the others nobody may use one that names no role."""

    anybodys: frozenset[Role] = frozenset()
    own: frozenset[Role] = frozenset()
    open: bool = False

    def allows(self, role: Role, *, own: bool = False) -> bool:
        """Whether this role may, with what is its own or with somebody else's."""
        return role in self.anybodys or (own and role in self.own)


def only(*roles: Role, own: Iterable[Role] = ()) -> Rule:
    """Allow these roles, and those in `own` for what is theirs."""
    return Rule(anybodys=frozenset(roles), own=frozenset(own))


OPEN: Final = Rule(open=True)
SIGNED_IN: Final = only(*(role for role in Role if role is not Role.PROGRAM))
TALK_TO_CALLERS: Final = (Role.AGENT, Role.COMPLAINT_HANDLER)
LEADERS: Final = (Role.LEAD, Role.SUPERVISOR, Role.ADMIN)
WATCH: Final = only(*LEADERS, Role.INSPECTOR)
"""See the whole centre live."""
READ_CALLS: Final = only(*LEADERS, Role.INSPECTOR, Role.COMPLAINT_HANDLER, own=[Role.AGENT])
"""Read what became of calls, numbers masked."""
HEAR: Final = only(*LEADERS, Role.INSPECTOR, Role.COMPLAINT_HANDLER)
"""Play a recording; that is written down."""
REVEAL: Final = only(*LEADERS, Role.COMPLAINT_HANDLER, own=[Role.AGENT])
"""See a caller's number whole; that is written down. An inspector judges the talk and needs no number."""
ATTEND: Final = only(*LEADERS, Role.INSPECTOR)
"""Listen, whisper and barge."""
LEAD_SHIFT: Final = only(*LEADERS)
"""Move callers about."""
STEP: Final = only(*LEADERS, own=TALK_TO_CALLERS)
"""Sign an agent in and out, pause."""
MANAGE: Final = only(Role.ADMIN)
"""Users, and what shows everything at once."""
