"""The settings of our server, typed and checked before the first call.

Set through the environment (HOTLINE_AMI__HOST=...) or through a file of such lines named by HOTLINE_ENV_FILE; the
environment wins. `hotline settings` lists all of them. What differs from one service line to the next is not here but
in the site file (`hotline/site.py`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from difflib import get_close_matches
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_origin

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict, SettingsError

PREFIX: Final = "HOTLINE_"
KNOWN_BAD: Final = frozenset({"", "secret", "password", "changeme", "admin", "asterisk", "hotline", "123456", "amp111"})
SHORTEST_SECRET: Final = 16
LIKE: Final = 0.93
"""How much alike a name is to the one that was meant, 1.0 is the same: one letter is wrong, missing or too many."""
PRIVATE: Final = ("secret", "token", "redis", "database", "webhook")
"""Settings with one of these words in their names hold passwords: what was found there is not shown."""


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


def _networks(given: object) -> object:
    """Addresses and networks in one line, apart by commas or blanks; a JSON list will do as well."""
    return [ip_network(each) for each in re.findall(r"[^][\s,\"']+", given)] if isinstance(given, str) else given


Networks = Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode]


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

    host: str = Field("0.0.0.0", description="the address we listen on; the doors are 4573 to 4578")
    peers: Networks = Field(
        (IPv4Network("127.0.0.0/8"),), min_length=1, description="the Asterisks that may come in: 10.1.2.3, 10.9.0.0/24"
    )
    most_calls: int = Field(500, ge=1, le=100_000, description="in a flow at one time; more are asked to hold")
    drain_for: timedelta = Field(
        timedelta(seconds=20), ge=timedelta(0), description="at a stop, flows under way get this long to end"
    )

    _several = field_validator("peers", mode="before")(_networks)


class Facing(Group):
    """How people reach the pages."""

    origin: str | None = Field(
        None, description="the pages' address as people type it, https://...; without it, this machine only"
    )
    proxies: Networks = Field(
        (), description="proxies of ours that say whom they speak for (X-Forwarded-For): 172.30.77.1, 10.9.0.0/24"
    )

    _several = field_validator("proxies", mode="before")(_networks)

    @field_validator("origin")
    @classmethod
    def _by_https(cls, origin: str | None) -> str | None:
        """A password must not travel in the clear: by plain http the pages are for this machine only."""
        if origin is not None and not re.fullmatch(r"https://[a-z0-9.-]+(:\d{1,5})?", origin):
            raise ValueError("must be https://NAME, small letters, no / at the end; a proxy in front of us speaks TLS")
        return origin


class Api(Facing):
    """The interface of the command line and of other programs, and the pages."""

    host: str = "127.0.0.1"
    port: int = Field(8080, ge=0, le=65535)
    token: SecretStr = Field(description="whoever has it may do everything the command line can")

    _strong = field_validator("token")(_not_guessable)


def _redis_address(url: SecretStr | None) -> SecretStr | None:
    if url is not None and not re.match(r"(rediss?|unix)://.", url.get_secret_value()):
        raise ValueError("must be redis://:PASSWORD@HOST:6379/0")
    return url


class WebProcess(Facing):
    """What `hotline web` is told on its command line; not part of the server's own settings."""

    server: str
    redis: SecretStr

    _reachable = field_validator("redis")(_redis_address)

    @field_validator("server")
    @classmethod
    def _address(cls, url: str) -> str:
        if not re.fullmatch(r"https?://[^/\s]+/?", url):
            raise ValueError("must be http://HOST:PORT of the server that answers calls")
        return url.rstrip("/")


def web_process(**given: object) -> WebProcess:
    """Check what `hotline web` was told; raises SettingsRefused."""
    try:
        return WebProcess.model_validate(given)
    except ValidationError as problem:
        errors = problem.errors(include_url=False)
        raise _refused(f"--{'.'.join(map(str, error['loc']))}: {_said(error)}" for error in errors) from None


class AlarmsOut(Group):
    """Where alarms go besides the board and our log."""

    webhook: SecretStr | None = Field(None, description="an address that takes each alarm as JSON (POST)")


class Folders(Group):
    """Where files lie; Asterisk sees the same folders."""

    sounds: Path = Path("/srv/sounds")
    recordings: Path = Path("/srv/recordings")
    messages: Path = Path("/srv/messages")
    spoken: Path = Field(Path("/srv/data/spoken"), description="prompts that were recorded by phone")


class Voice(Group):
    """Who speaks what nobody has recorded. Whatever this voice cannot speak, espeak-ng does."""

    engine: str = Field("espeak", description="espeak, command, http, or a voice that an installed package offers")
    options: Mapping[str, Any] = Field(
        default_factory=dict, description="what the engine needs, as JSON: see docs/prompts.md"
    )
    secret_headers: SecretStr | None = Field(None, description="for http: headers with its key, as JSON")


class Settings(BaseSettings):
    """Everything our server must know to start."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", frozen=True, extra="ignore", env_ignore_empty=True
    )

    site: Path = Field(Path("site/site.toml"), description="the site file")
    database: str = Field(
        "sqlite:///hotline.db", description="the event log: sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME"
    )
    redis: SecretStr | None = Field(None, description="redis://:PASSWORD@HOST/0; without it the board is in memory")
    ami: Ami
    agi: Agi = Agi()
    api: Api
    folders: Folders = Folders()
    alarms: AlarmsOut = AlarmsOut()
    voice: Voice = Voice()
    calendar_clock: Path | None = Field(
        None, description="for tests only: a file with the seconds that the calendar is ahead of the clock"
    )
    visits_clock: Path | None = Field(
        None, description="for tests only: a file with the seconds that the dialler is ahead of the clock"
    )
    link_secret: SecretStr | None = Field(None, description="signs the links in notices (the site's notices.page)")
    channel_secrets: dict[str, SecretStr] = Field(
        {}, description="of each channel of notices by its name: HOTLINE_CHANNEL_SECRETS__SMS"
    )
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @field_validator("database")
    @classmethod
    def _known_kind(cls, url: str) -> str:
        if not re.match(r"(sqlite|postgresql)(\+[a-z]+)?://.", url):
            raise ValueError("must be sqlite:////FOLDER/FILE.db or postgresql://USER:PASSWORD@HOST/NAME")
        return url

    @field_validator("link_secret")
    @classmethod
    def _strong_or_none(cls, secret: SecretStr | None) -> SecretStr | None:
        return None if secret is None else _not_guessable(secret)

    _reachable = field_validator("redis")(_redis_address)


def load() -> Settings:
    """Read the settings; raises SettingsRefused with everything that is wrong, names as they are set."""
    file = os.environ.get("HOTLINE_ENV_FILE")
    if file and not Path(file).is_file():
        raise SettingsRefused(f"HOTLINE_ENV_FILE names {file!r}, but there is no such file")
    try:
        found = Settings(_env_file=file)
    except ValidationError as problem:
        raise _refused(line for error in problem.errors(include_url=False) for line in _told(error)) from None
    except SettingsError as problem:
        raise _refused([_unreadable(str(problem))]) from None
    if mistyped := list(_mistyped()):
        raise _refused(mistyped)
    return found


def _refused(problems: Iterable[str]) -> SettingsRefused:
    lines = "\n".join(f"  - {problem}" for problem in problems)
    return SettingsRefused(f"the settings cannot be used:\n{lines}\nAll settings: hotline settings")


def _unreadable(problem: str) -> str:
    """A whole group was set at once, and not as JSON."""
    group = re.search(r'field "(\w+)"', problem)
    name = PREFIX + (group[1].upper() if group else "")
    return f"{name}: is a group of settings; each is set by itself, as {name}__..."


def _mistyped() -> Iterator[str]:
    """Names in the environment that look like a setting and are none."""
    known = [name for name, *_ in listed()]
    for name in os.environ:
        if name.startswith(f"{PREFIX}CHANNEL_SECRETS__"):
            continue
        if name.startswith(PREFIX) and name not in known and (meant := get_close_matches(name, known, 1, LIKE)):
            yield f"{name}: there is no such setting; {meant[0]} perhaps?"


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
    return "" if value is None or value == {} else str(value)


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
    if error["type"] == "extra_forbidden":  # perhaps a secret under a name that is mistyped
        return "there is no such setting"
    message = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "time_delta_parsing":
        message = "is not a length of time; 20 seconds are PT20S"
    shown = not any(word in str(step) for step in error["loc"] for word in PRIVATE)
    return f"{message} (found {error.get('input')!r:.80})" if shown else message
