"""Write everything a stack needs before its containers start: secrets, Asterisk files, settings, environment.

Run again it changes only what the site changed; secrets stay. Files are owned by the user the containers run as.
"""

import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from hotline import asterisk_files, secrets
from hotline.secrets import Secrets, write_private
from hotline.site import Site, load, own_recordings, own_texts
from hotline.stack import ROOT, Stack

OWN_SITE: Final = ROOT / "site" / "site.toml"
DEMO_SITE: Final = ROOT / "site" / "demo.toml"


def site_file() -> Path:
    """Your own site file when there is one, else the try-out's."""
    return OWN_SITE if OWN_SITE.exists() else DEMO_SITE


def prepare(stack: Stack, file: Path) -> Secrets:
    """Write all generated files of a stack from its site file. Raises SiteRefused before anything is written."""
    site = load(file)
    _open_for_containers(ROOT / "asterisk-config")
    _own_folder(stack)
    known = secrets.ensure(stack.folder / "secrets.json", [phone.phone for phone in site.phones])
    for role, files in _asterisk_files(site, known, stack).items():
        for name, text in files.items():
            _write(stack, f"{role}/{name}", text)
    _write(stack, "site/site.toml", file.read_text(encoding="utf-8"))
    _give_notice(stack, file.with_name("calendar.toml"))
    give_words(stack, file)
    _write(stack, "redis/redis.conf", _redis(known))
    settings = _server_settings(stack, known) | {"HOTLINE_SITE_VERSION": _version(file)}
    _write(stack, "hotline.env", _environment(settings), owner=None)
    _leave_room_for_own_settings(stack)
    environment = stack.environment() | {"HOTLINE_TEST_PASSWORD": known.services["test-postgres"]}
    _write(stack, "stack.env", _environment(environment), owner=None)
    return known


def _asterisk_files(site: Site, known: Secrets, stack: Stack) -> dict[str, Mapping[str, str]]:
    return {
        "pbx": asterisk_files.pbx(site, known, stack),
        "telco": asterisk_files.telco(site, known, stack),
        "agents": asterisk_files.agents(site, known, stack),
    }


def _server_settings(stack: Stack, known: Secrets) -> dict[str, str]:
    return {
        "HOTLINE_SITE": "/etc/hotline/site.toml",
        "HOTLINE_AMI__HOST": stack.pbx,
        "HOTLINE_AMI__WATCH_SECRET": known.services["ami-watch"],
        "HOTLINE_AMI__DESK_SECRET": known.services["ami-desk"],
        "HOTLINE_AMI__DIAL_SECRET": known.services["ami-dial"],
        "HOTLINE_AGI__PEERS": f'["{stack.pbx}/32"]',
        "HOTLINE_REDIS": f"redis://:{known.services['redis']}@{stack.redis}:6379/0",
        "HOTLINE_DATABASE": "sqlite:////srv/data/hotline.db",
        "HOTLINE_API__HOST": "0.0.0.0",
        "HOTLINE_API__TOKEN": known.services["api"],
        "HOTLINE_LINK_SECRET": known.services["links"],
    }


def _give_notice(stack: Stack, file: Path) -> None:
    """What the operator says of the calendar, which a running server takes up; nothing if there is no such file."""
    if file.exists():
        _write(stack, "site/calendar.toml", file.read_text(encoding="utf-8"))
    else:
        (stack.folder / "site" / "calendar.toml").unlink(missing_ok=True)


def give_words(stack: Stack, file: Path) -> None:
    """Bring the operator's own texts and recordings, beside the site file, to where the server reads them."""
    target = stack.folder / "site" / "words"
    wanted = {path.relative_to(file.parent): path for path in _words_beside(file)}
    for old in target.rglob("*.*"):
        if old.is_file() and old.relative_to(target.parent) not in wanted:
            old.unlink()
    for relative, path in wanted.items():
        place = target.parent / relative
        for folder in reversed([place.parent, *place.parent.parents]):
            if folder.is_relative_to(target):
                _owned(stack, folder)
        if not place.exists() or place.read_bytes() != path.read_bytes():
            part = place.with_name(f".{place.name}.part")
            shutil.copyfile(path, part)
            if os.getuid() == 0:
                os.chown(part, stack.user, stack.user)
            part.replace(place)


def _words_beside(file: Path) -> Iterator[Path]:
    yield from sorted(own_texts(file).glob("*.toml"))
    yield from sorted(own_recordings(file).rglob("*.wav"))


def _owned(stack: Stack, folder: Path) -> None:
    """A folder of the containers' user."""
    folder.mkdir(mode=0o700, exist_ok=True)
    if os.getuid() == 0:
        os.chown(folder, stack.user, stack.user)


def _leave_room_for_own_settings(stack: Stack) -> None:
    """A file for settings of your own, which stays as it is; what stands in it wins over what is generated."""
    own = stack.folder / "own.env"
    if not own.exists():
        write_private(own, "# Settings of your own, one a line, e.g. HOTLINE_LOG_LEVEL=debug; see: hotline settings\n")


def _version(file: Path) -> str:
    """Changes with the site, so that the server is started anew when the site has changed, and only then."""
    return hashlib.sha256(file.read_bytes()).hexdigest()[:12]


def _redis(known: Secrets) -> str:
    return (
        'dir /srv/redis\nappendonly yes\nappendfsync everysec\nsave ""\nprotected-mode yes\n'
        f"requirepass {known.services['redis']}\nmaxmemory 256mb\nmaxmemory-policy allkeys-lru\n"
    )


def _environment(values: Mapping[str, str]) -> str:
    return "".join(f"{name}={value}\n" for name, value in values.items())


def _own_folder(stack: Stack) -> None:
    """The folders that containers read belong to the user they run as, and to nobody else."""
    stack.folder.mkdir(parents=True, exist_ok=True)
    (stack.folder.parent).chmod(0o755)
    stack.folder.chmod(0o711)
    for role in ("pbx", "telco", "agents", "site", "redis"):
        folder = stack.folder / role
        folder.mkdir(exist_ok=True)
        folder.chmod(0o700)
        if os.getuid() == 0:
            os.chown(folder, stack.user, stack.user)


def _write(stack: Stack, name: str, text: str, *, owner: int | None = -1) -> None:
    write_private(stack.folder / name, text, owner=stack.user if owner == -1 else owner)


def _open_for_containers(folder: Path) -> None:
    """A strict umask at checkout must not keep the containers from reading the public configuration."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(path.stat().st_mode | (0o755 if path.is_dir() else 0o644))


def forget(stack: Stack) -> None:
    """Delete everything generated for a stack, its secrets too."""
    shutil.rmtree(stack.folder, ignore_errors=True)
