"""The secrets of a stack: generated on the first run, kept in one file that only its owner can read, never default.

A secret that is missing (a new agent, a new account) is added; one that is there is never changed.
"""

import json
import os
import secrets as random
import string
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from pydantic import BaseModel, Field, ValidationError

LENGTH: Final = 28  # letters and digits: 166 bits
ALPHABET: Final = string.ascii_letters + string.digits
SERVICES: Final = (
    "ami-watch", "ami-desk", "ami-dial", "redis", "api", "links", "poisoned",
    "telco-manager", "agents-manager", "visitor", "test-postgres",
)  # fmt: skip


class SecretsRefused(ValueError):
    """The file of secrets cannot be used; the text holds nothing of it."""

    code = "secrets-refused"

    def __init__(self, file: Path) -> None:
        super().__init__(
            f"{file} is not a file of secrets; put back a copy of it. (Without it all passwords are made anew: those of"
            " the phones and carriers must then be set everywhere again.)"
        )


class Secrets(BaseModel):
    """Passwords by what they open."""

    services: dict[str, str] = Field(default_factory=dict)
    phones: dict[str, str] = Field(default_factory=dict)
    carriers: dict[str, str] = Field(default_factory=dict)


def make() -> str:
    """Return a new secret of letters and digits, safe to write in any configuration file."""
    return "".join(random.choice(ALPHABET) for _ in range(LENGTH))


def read(file: Path) -> Secrets:
    """Return the secrets in this file; raises SecretsRefused, and OSError when it is not there or not ours to read."""
    try:
        return Secrets.model_validate_json(file.read_bytes())
    except ValidationError:
        raise SecretsRefused(file) from None  # the error itself would show what it found


def ensure(file: Path, phones: Iterable[str]) -> Secrets:
    """Read the secrets, add what is missing, and keep the file 0600; raises SecretsRefused and changes nothing."""
    known = read(file) if file.exists() else Secrets()
    for service in SERVICES:
        known.services.setdefault(service, make())
    for phone in phones:
        known.phones.setdefault(phone, make())
    write_private(file, json.dumps(known.model_dump(), indent=2) + "\n")
    return known


def write_private(file: Path, text: str, *, mode: int = 0o600, owner: int | None = None) -> None:
    """Replace a file as a whole: a reader sees the old or the new one, never a part, and no one else reads it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f".{file.name}.part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(descriptor)
    if owner is not None and os.getuid() == 0:
        os.chown(part, owner, owner)
    part.replace(file)
