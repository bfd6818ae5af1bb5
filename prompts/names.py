"""The one rule for names that become part of a file's name."""

import re
from typing import Final

from prompts.errors import BadName

NAME: Final = re.compile(r"[a-z0-9_-]{1,64}")


def is_name(name: object) -> bool:
    """Say whether this may be part of a file's name: 1 to 64 of a-z 0-9 _ -, so no dot and no slash."""
    return isinstance(name, str) and NAME.fullmatch(name) is not None


def checked(what: str, name: str) -> str:
    """Return the name; raise `BadName`, which calls it by `what` it is, if it may not name a file."""
    if not is_name(name):
        raise BadName(what, name)
    return name
