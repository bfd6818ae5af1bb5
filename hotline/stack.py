"""One stack: the containers of one hotline on this machine, its folder, its addresses and its ports.

A stack is named; `hotline` is the one of `make demo` and of a first installation, the tests run their own beside it.
Everything generated for a stack lies under var/<name>/, readable by its owner only.
"""

import hashlib
import os
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
DEFAULT: Final = "hotline"
# When set-up runs as root, the containers run as this user instead; otherwise as the user himself.
UNPRIVILEGED: Final = 10001
BASE_IMAGE: Final = "hotline-base:forky"


class StackFailed(RuntimeError):
    """The container engine refused; `output` has its last lines."""

    code = "stack-failed"

    def __init__(self, doing: str, output: str) -> None:
        self.output = output
        tail = "\n".join(f"    | {line}" for line in output.strip().splitlines()[-12:])
        super().__init__(f"{doing} failed:\n{tail}\n  What is wrong is usually in the last lines; then try again.")


@dataclass(frozen=True, slots=True)
class Ports:
    """What a stack publishes on this machine."""

    sip: int = 5060
    rtp: str = "10000-10059"
    web: int = 8080
    visitor_sip: int = 5080
    visitor_rtp: str = "11000-11099"
    telco_manager: int = 15038
    agents_manager: int = 15039
    postgres: int = 15432


@dataclass(frozen=True, slots=True)
class Stack:
    """The containers of one hotline and where their files lie."""

    name: str = DEFAULT
    net: str = "172.30.77"
    bind: str = "0.0.0.0"
    ports: Ports = Ports()
    # All RTP ports Asterisk may use; only `ports.rtp` of them are reachable from outside this machine.
    rtp_range: tuple[int, int] = (10000, 10059)
    telco_rtp_range: tuple[int, int] = (11000, 11099)
    profiles: tuple[str, ...] = ("tryout",)
    # This machine's address as phones and carriers outside it see it; None when none are outside.
    external: str | None = None

    @property
    def folder(self) -> Path:
        """Everything generated for this stack."""
        return ROOT / "var" / self.name

    @property
    def pbx(self) -> str:
        """The address of our Asterisk on the inner network."""
        return f"{self.net}.10"

    @property
    def server(self) -> str:
        """The address of our server on the inner network."""
        return f"{self.net}.20"

    @property
    def redis(self) -> str:
        """The address of Redis on the inner network."""
        return f"{self.net}.30"

    @property
    def telco(self) -> str:
        """The address of the pretend carrier on the inner network."""
        return f"{self.net}.40"

    @property
    def phones(self) -> str:
        """The address of the pretend phones on the inner network."""
        return f"{self.net}.50"

    @property
    def second_carrier(self) -> str:
        """A second address the pretend carrier may call from (the tests' hostile caller)."""
        return f"{self.net}.61"

    @property
    def user(self) -> int:
        """The user id that the containers run as."""
        return os.getuid() or UNPRIVILEGED

    def environment(self) -> dict[str, str]:
        """What docker-compose.yml asks for."""
        return {
            "HOTLINE_UID": str(self.user),
            # Each stack has images of its own (the layers are shared): building one leaves the others' containers.
            "HOTLINE_TAG": self.name,
            "HOTLINE_BASE_IMAGE": BASE_IMAGE,
            "HOTLINE_VAR": str(self.folder),
            "HOTLINE_NET": self.net,
            "HOTLINE_BIND": self.bind,
            "HOTLINE_SIP_PORT": str(self.ports.sip),
            "HOTLINE_RTP_PUBLISHED": self.ports.rtp,
            "HOTLINE_WEB_PORT": str(self.ports.web),
            "HOTLINE_VISITOR_PORT": str(self.ports.visitor_sip),
            "HOTLINE_VISITOR_RTP": self.ports.visitor_rtp,
            "HOTLINE_TELCO_MANAGER_PORT": str(self.ports.telco_manager),
            "HOTLINE_AGENTS_MANAGER_PORT": str(self.ports.agents_manager),
            "HOTLINE_EXTERNAL": self.external or "",
            "HOTLINE_TEST_POSTGRES_PORT": str(self.ports.postgres),
        }

    def compose(self, *words: str, within: float = 900) -> str:
        """Run one compose command on this stack and return what it prints.

        Raises StackFailed, with the engine's last words, when it does not succeed within so many seconds.
        """
        command = [*_compose_command(), "-p", self.name, "--env-file", str(self.folder / "stack.env")]
        command += ["-f", str(ROOT / "docker-compose.yml")]
        for profile in self.profiles:
            command += ["--profile", profile]
        return run([*command, *words], doing=f"docker compose {words[0]}", within=within)

    def must_be_ours(self) -> None:
        """Raise StackFailed when the containers of this name were made by another checkout that is still there."""
        mine = ["docker", "ps", "-a", "--filter", f"label=com.docker.compose.project={self.name}"]
        folder = '{{.Label "com.docker.compose.project.working_dir"}}'
        for other in sorted(set(run([*mine, "--format", folder], doing="docker ps", within=60).splitlines())):
            if other and Path(other).resolve() != ROOT.resolve() and Path(other, "docker-compose.yml").exists():
                raise StackFailed(
                    f"starting the stack {self.name!r}",
                    f"it belongs to another checkout, {other}: two would take each other's calls, ports and secrets.\n"
                    f"Stop that one first (make down in {other}), or work there.",
                )

    def log(self, service: str, *, lines: int = 1000) -> str:
        """The last lines a service has written, what went to standard error included; raises StackFailed."""
        return self.compose("logs", "--no-color", "--tail", str(lines), service, within=60)

    def running(self) -> frozenset[str]:
        """The services of this stack that run now."""
        return frozenset(self.compose("ps", "--services", "--filter", "status=running", within=60).split())


def stack_for_tests(number: int = 0) -> Stack:
    """A stack for tests: beside any other, reachable from this machine only. Several can run, by number (0 to 9)."""
    shift = number * 100
    return Stack(
        name=f"hotline-test{number or ''}",
        net=f"172.30.{90 + number}",
        bind="127.0.0.1",
        ports=Ports(
            sip=15060 + shift,
            rtp=f"{13000 + shift}-{13001 + shift}",
            web=18080 + shift,
            visitor_sip=15061 + shift,
            visitor_rtp=f"{13002 + shift}-{13021 + shift}",
            telco_manager=15138 + shift,
            agents_manager=15139 + shift,
            postgres=15432 + shift,
        ),
        rtp_range=(20000, 29999),
        telco_rtp_range=(20000, 29999),
        profiles=("tryout", "test"),
    )


def known(name: str) -> Stack:
    """The stack of this name. A port or address that is taken on this machine is changed by the environment:
    HOTLINE_SIP_PORT, HOTLINE_WEB_PORT, HOTLINE_RTP_PUBLISHED, HOTLINE_NET, HOTLINE_BIND, ...; what `hotline up` was
    given once is kept in the stack's stack.env.
    """
    for_tests = {stack.name: stack for stack in map(stack_for_tests, range(10))}
    if name in for_tests:
        return for_tests[name]
    if name != DEFAULT:
        raise StackFailed(
            "finding the stack", f"there is no stack {name!r}; there are {DEFAULT} and {', '.join(for_tests)}"
        )
    given = _kept(Stack().folder / "stack.env") | os.environ
    usual = Stack().environment()
    said = {key: given.get(key, value) for key, value in usual.items()}
    return Stack(
        net=said["HOTLINE_NET"],
        bind=said["HOTLINE_BIND"],
        ports=Ports(
            sip=int(said["HOTLINE_SIP_PORT"]),
            rtp=said["HOTLINE_RTP_PUBLISHED"],
            web=int(said["HOTLINE_WEB_PORT"]),
            visitor_sip=int(said["HOTLINE_VISITOR_PORT"]),
            visitor_rtp=said["HOTLINE_VISITOR_RTP"],
            telco_manager=int(said["HOTLINE_TELCO_MANAGER_PORT"]),
            agents_manager=int(said["HOTLINE_AGENTS_MANAGER_PORT"]),
        ),
        rtp_range=_range(said["HOTLINE_RTP_PUBLISHED"]),
        telco_rtp_range=_range(said["HOTLINE_VISITOR_RTP"]),
        external=said["HOTLINE_EXTERNAL"] or None,
    )


def _range(ports: str) -> tuple[int, int]:
    """`10000-10059` as its first and last port."""
    first, _, last = ports.partition("-")
    return int(first), int(last or first)


def _kept(file: Path) -> dict[str, str]:
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return dict(line.split("=", 1) for line in lines if "=" in line)


def run(command: Sequence[str], *, doing: str, within: float) -> str:
    """Run a command to its end. Raises StackFailed with its last lines, also when it takes too long."""
    try:
        done = subprocess.run(command, capture_output=True, timeout=within, stdin=subprocess.DEVNULL, check=False)
    except FileNotFoundError as problem:
        raise StackFailed(doing, f"{command[0]} is not installed; run setup/engine.sh (make demo does)") from problem
    except subprocess.TimeoutExpired as problem:
        raise StackFailed(doing, f"no end within {within:.0f} s") from problem
    if done.returncode:
        raise StackFailed(doing, (done.stdout + done.stderr).decode(errors="replace"))
    return done.stdout.decode(errors="replace")


IMAGES: Final = ("hotline-asterisk", "hotline-server", "hotline-redis")
BUILT_FROM: Final = (
    *("asterisk-config/Dockerfile", "setup/images", "requirements/runtime.txt", "pyproject.toml", ".dockerignore"),
    *("ivr", "prompts", "routing", "casework", "storage", "desk", "hotline"),
)


def contents() -> str:
    """A hash of everything that goes into the images."""
    digest = hashlib.sha256(BASE_IMAGE.encode())
    for place in map(ROOT.joinpath, BUILT_FROM):
        for file in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if file.is_file() and not {"__pycache__", "node_modules"} & set(file.parts):
                digest.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def images_of(stack: Stack) -> frozenset[str]:
    """The ids of this stack's images; of all of them, unless one is not there."""
    named = [f"{image}:{stack.name}" for image in IMAGES]
    command = ["docker", "image", "inspect", "--format", "{{.Id}}", *named]
    return frozenset(subprocess.run(command, capture_output=True, check=False, text=True).stdout.split())


def remove_images(ids: Iterable[str]) -> None:
    """Remove those of these images that have no name any more; one that a container still needs stays."""
    nameless = run(
        ["docker", "images", "--quiet", "--no-trunc", "--filter", "dangling=true"], doing="docker images", within=60
    )
    for image in {*ids} & {*nameless.split()}:
        subprocess.run(["docker", "image", "rm", image], capture_output=True, check=False)


def _compose_command() -> list[str]:
    plugin = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
    return ["docker", "compose"] if plugin.returncode == 0 else ["docker-compose"]
