"""The settings of our server, typed and checked before the first call.

Set through the environment (HOTLINE_AMI__HOST=...) or through a file of such lines named by HOTLINE_ENV_FILE; the
environment wins. `hotline settings` lists all of them. What differs from one service line to the next is not here but
in the site file (`hotline/site.py`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Final, get_origin

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX: Final = "HOTLINE_"
KNOWN_BAD: Final = frozenset({"", "secret", "password", "changeme", "admin", "asterisk", "hotline", "123456", "amp111"})
SHORTEST_SECRET: Final = 16


class SettingsRefused(ValueError):
    """The settings cannot be used; each line of the text names one of them, what was found and what to do."""

    code = "settings-refused"


class Group(BaseModel):
    """Settings that belong together; a name we do not know is a mistake, not a wish."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _not_guessable(secret: SecretStr) -> SecretStr:
    value = secret.get_secret_value()
    if value.lower() in KNOWN_BAD or len(value) < SHORTEST_SECRET:
        raise ValueError(
            f"is too easy to guess: use {SHORTEST_SECRET} or more random characters (make demo generates them)"
        )
    return secret


class Ami(Group):
    """How we reach Asterisk's manager interface."""

    host: str = Field("127.0.0.1", description="Asterisk's address; a name costs seconds when DNS is down")
    port: int = Field(5038, ge=1, le=65535)
    watch_secret: SecretStr = Field(description="the account that sees events")
    desk_secret: SecretStr = Field(description="the account that signs agents in and pauses them")
    dial_secret: SecretStr = Field(description="the account that places calls")

    _strong = field_validator("watch_secret", "desk_secret", "dial_secret")(_not_guessable)


class Agi(Group):
    """Where Asterisk reaches us for each call."""

    host: str = Field("0.0.0.0", description="the address we listen on; the doors are 4573 to 4576")
    peers: tuple[IPv4Network | IPv6Network, ...] = Field(
        (IPv4Network("127.0.0.0/8"),), description="the Asterisks that may come in"
    )
    most_calls: int = Field(500, ge=1, le=100_000, description="in a flow at one time; more are asked to hold")
    drain_for: timedelta = Field(timedelta(seconds=20), description="at a stop, flows under way get this long to end")


class Api(Group):
    """The interface of the command line and of other programs."""

    host: str = "127.0.0.1"
    port: int = Field(8080, ge=0, le=65535)
    token: SecretStr = Field(description="whoever has it may do everything the command line can")

    _strong = field_validator("token")(_not_guessable)


class Folders(Group):
    """Where files lie; Asterisk sees the same folders."""

    sounds: Path = Path("/srv/sounds")
    recordings: Path = Path("/srv/recordings")
    messages: Path = Path("/srv/messages")


class Settings(BaseSettings):
    """Everything our server must know to start."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", frozen=True, extra="ignore", env_ignore_empty=True
    )

    site: Path = Field(Path("site/site.toml"), description="the site file")
    database: Annotated[str, StringConstraints(pattern=r"^(sqlite|postgresql)(\+[a-z]+)?://")] = Field(
        "sqlite:///hotline.db", description="the event log: sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME"
    )
    redis: SecretStr | None = Field(None, description="redis://:PASSWORD@HOST/0; without it the board is in memory")
    ami: Ami
    agi: Agi = Agi()
    api: Api
    folders: Folders = Folders()
    log_level: Annotated[str, StringConstraints(pattern="^(debug|info|warning|error)$")] = "info"


def load() -> Settings:
    """Read the settings; raises SettingsRefused with everything that is wrong, names as they are set."""
    file = os.environ.get("HOTLINE_ENV_FILE")
    if file and not Path(file).is_file():
        raise SettingsRefused(f"HOTLINE_ENV_FILE names {file!r}, but there is no such file")
    try:
        return Settings(_env_file=file)
    except ValidationError as problem:
        lines = [f"  - {line}" for error in problem.errors(include_url=False) for line in _told(error)]
        text = "the settings cannot be used:\n" + "\n".join(lines) + "\nAll settings: hotline settings"
        raise SettingsRefused(text) from None


def listed() -> Iterator[tuple[str, str, str, str]]:
    """Name, kind, default and meaning of every setting, in order."""
    yield from _of(Settings, PREFIX)


def _of(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, str, str, str]]:
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, Group):
            yield from _of(kind, f"{prefix}{name.upper()}__")
        else:
            default = "(must be set)" if field.is_required() else _shown(field.default)
            yield f"{prefix}{name.upper()}", _kind(kind), default, field.description or ""


def _shown(value: Any) -> str:
    if isinstance(value, timedelta):
        return f"PT{value.total_seconds():g}S"
    if isinstance(value, tuple):
        return "[" + ", ".join(f'"{part}"' for part in value) + "]"
    return "" if value is None else str(value)


def _kind(kind: Any) -> str:
    if kind is None:
        return ""
    if "SecretStr" in str(kind):
        return "secret"
    if get_origin(kind) is tuple:
        return "list of networks"
    name = str(getattr(kind, "__name__", kind))
    return {"timedelta": "duration", "str": "text", "int": "number"}.get(name, name.lower())


def _name(place: tuple[int | str, ...]) -> str:
    return PREFIX + "__".join(str(step).upper() for step in place if not isinstance(step, int))


def _told(error: Any) -> Iterator[str]:
    """One line for each setting that an error is about; a group that is missing is all that must be set in it."""
    place = error["loc"]
    group = (
        Settings.model_fields[place[0]].annotation if len(place) == 1 and place[0] in Settings.model_fields else None
    )
    if error["type"] == "missing" and isinstance(group, type) and issubclass(group, Group):
        needed = (name for name, field in group.model_fields.items() if field.is_required())
        yield from (f"{_name((*place, name))}: is not set" for name in needed)
    else:
        yield f"{_name(place)}: {_said(error)}"


def _said(error: Any) -> str:
    if error["type"] == "missing":
        return "is not set"
    message = str(error["msg"]).removeprefix("Value error, ")
    hidden = any("secret" in str(step) or "token" in str(step) for step in error["loc"])
    return message if hidden else f"{message} (found {error.get('input')!r:.80})"
