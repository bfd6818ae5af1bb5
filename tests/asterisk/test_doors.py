"""What can be reached from where, and what each account and each container may do: asked of the running stack."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from hotline.cli.check import ORDINARY
from hotline.stack import ROOT
from routing.events import CallRang
from tests.asterisk.world import World

DOORS = (4573, 4574, 4575, 4576)
CONTAINERS = ("asterisk", "hotline", "redis", "telco", "agents")

# ── AGI: the doors by which Asterisk asks us ──


async def refused(world: World) -> Counter[str]:
    """The connections that our AGI server has turned away so far, by reason."""
    return Counter((await world.server.get("/api/health"))["agi"]["refused"])


def knocks(world: World, service: str, port: int, block: str) -> str:
    """What a container hears at one of our doors, within three seconds, after it has sent this in one piece."""
    send = f"printf '{block}' | dd bs=8192 iflag=fullblock status=none >&3"
    script = f"exec 3<>/dev/tcp/{world.stack.server}/{port} && {send} && timeout 3 head -n 1 <&3"
    return world.inside(service, "bash", "-c", f"( {script} ) 2>/dev/null; true")


def block(**changed: str) -> str:
    r"""A header block as Asterisk sends it, for printf: each value may hold \n."""
    values = {
        "network": "yes", "request": "agi://x/call", "channel": "PJSIP/carrier-pretend-00000001", "language": "en",
        "type": "PJSIP", "uniqueid": "pbx-1.1", "version": "22.10.1", "callerid": "139", "calleridname": "unknown",
        "callingpres": "0", "callingani2": "0", "callington": "0", "callingtns": "0", "dnid": "4001234567",
        "rdnis": "unknown", "context": "front-door", "extension": "s", "priority": "12", "enhanced": "0.0",
        "accountcode": "", "threadid": "1", "arg_1": "4001234567", "arg_2": "0",
    } | changed  # fmt: skip
    return "".join(rf"agi_{key}: {value}\n" for key, value in values.items()) + r"\n"


async def test_only_asterisk_comes_in_by_the_agi_doors(world: World) -> None:
    before, seen = await refused(world), len(world.events)
    for service in ("telco", "agents"):
        for port in DOORS:
            assert await asyncio.to_thread(knocks, world, service, port, block()) == ""
    for port in DOORS:
        reader, writer = await asyncio.open_connection(world.stack.server, port)
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await asyncio.wait_for(reader.readexactly(1), 5)
        writer.close()
    assert await refused(world) - before == Counter(peer=3 * len(DOORS))
    assert [event for event in world.events[seen:] if isinstance(event, CallRang)] == []


POISONED_BLOCKS = {
    "a header of his own": block(callerid=r"1\nagi_arg_1: 4001234568"),
    "a header twice": block(calleridname=r"x\nagi_dnid: 4001234568"),
    "an early end": block(calleridname=r"x\n\n200 result=1"),
    "a reply behind the headers": block() + r"200 result=1 (forged)\n",
    "an unknown header": block(accountcode=r"\nagi_forged: yes"),
    "a script": block(network=r"yes\nagi_network_script: forged\nagi_forged: 1"),
    "not AGI at all": r"GET / HTTP/1.1\nHost: x\n\n",
}


async def test_a_poisoned_header_block_is_dropped_even_from_asterisk(world: World) -> None:
    seen, before = len(world.events), await refused(world)
    for what, poisoned in POISONED_BLOCKS.items():
        assert await asyncio.to_thread(knocks, world, "asterisk", DOORS[0], poisoned) == "", what
    assert await refused(world) - before == Counter({"bad-headers": len(POISONED_BLOCKS) - 1, "confused": 1})
    assert [event for event in world.events[seen:] if isinstance(event, CallRang)] == []

    heard = await asyncio.to_thread(knocks, world, "asterisk", DOORS[0], block())
    assert heard == "ANSWER\n", "an honest block is answered, so the blocks above were well made but for the poison"


# ── the manager interface: what each account may do ──

ASK = """
import json, os, socket, sys
account, *actions = sys.argv[1:]
stream = socket.create_connection((os.environ["HOTLINE_AMI__HOST"], 5038), timeout=10).makefile("rwb")
stream.readline()
def ask(fields):
    lines = [f"{name}: {value}" for name, value in fields.items()] + ["ActionID: 1", "", ""]
    stream.write("\\r\\n".join(lines).encode())
    stream.flush()
    while True:
        found = {}
        while line := stream.readline().decode().strip():
            name, _, value = line.partition(": ")
            found[name] = value
        if found.get("ActionID") == "1" and "Response" in found:
            return found
secret = os.environ[f"HOTLINE_AMI__{account.upper()}_SECRET"]
login = {"Action": "Login", "Username": account, "Secret": secret, "Events": "off"}
print(json.dumps([ask(login)] + [ask(json.loads(action)) for action in actions]))
"""
DENIED = "Error: Permission denied"


def answers(world: World, account: str, *actions: dict[str, str]) -> list[dict[str, str]]:
    """What Asterisk answers this account, logged in from our server's own address."""
    words = ("python", "-c", ASK, account, *map(json.dumps, actions))
    login, *found = json.loads(world.inside("hotline", *words))
    assert login["Message"] == "Authentication accepted"
    return list(found)


def asked(world: World, account: str, *actions: dict[str, str]) -> list[str]:
    """The same in short: whether it is a success, and why."""
    return [f"{each['Response']}: {each.get('Message', '')}" for each in answers(world, account, *actions)]


QUEUES = {
    name: {"Action": name, "Queue": "consult", "Interface": "PJSIP/nobody", "Paused": "true", "Penalty": "1"}
    for name in ("QueueAdd", "QueueRemove", "QueuePause", "QueuePenalty")
}
CALLS = {
    "Originate": {"Channel": "Local/s@nowhere", "Context": "nowhere", "Exten": "s", "Priority": "1"},
}
POWERS: dict[str, dict[str, str]] = {
    "Command": {"Command": "core show version"},
    "Setvar": {"Variable": "GLOBAL(FORGED)", "Value": "1"},
    "Hangup": {"Channel": "/^PJSIP/nobody$/"},
    "Redirect": {"Channel": "PJSIP/nobody", "Context": "queue", "Exten": "s", "Priority": "1"},
    "BlindTransfer": {"Channel": "PJSIP/nobody", "Context": "queue", "Exten": "s"},
    "MixMonitor": {"Channel": "PJSIP/nobody", "File": "/srv/recordings/x"},
    "AGI": {"Channel": "PJSIP/nobody", "Command": "EXEC System id"},
    "UpdateConfig": {"SrcFilename": "manager.conf", "DstFilename": "manager.conf"},
    "GetConfig": {"Filename": "manager.conf"},
    "DBPut": {"Family": "x", "Key": "y", "Val": "z"},
    "Reload": {},
    "ModuleLoad": {"Module": "app_system.so", "LoadType": "load"},
    "PJSIPShowAuths": {},
    "UserEvent": {"UserEvent": "Forged"},
    "Filter": {"Operation": "Add", "Filter": "Event: .*"},
}
ALL = QUEUES | {name: {"Action": name} | fields for name, fields in (CALLS | POWERS).items()}


MAY = {
    # A mark in the events, by which it is known what an answer has seen already.
    "watch": {"UserEvent"},
    # To press a key on a line, Asterisk asks for the right to these too.
    "desk": {*QUEUES, "Setvar", "Hangup", "Redirect", "BlindTransfer"},
    "dial": set(CALLS),
}


@pytest.mark.parametrize("account", MAY)
async def test_an_account_can_do_its_own_work_and_nothing_else(world: World, account: str) -> None:
    said = dict(zip(ALL, asked(world, account, *ALL.values()), strict=True))
    asked(world, "desk", QUEUES["QueueRemove"])
    assert {name for name, answer in said.items() if answer != DENIED} == MAY[account]


FREE = {
    *("Login", "Logoff", "Challenge", "Ping", "Events", "WaitEvent", "ListCommands", "QueueRule", "QueueStatus"),
    *("QueueSummary", "BridgeInfo", "BridgeList", "BridgeTechnologyList"),
}
"""What Asterisk lets everybody do who is logged in, and changes nothing."""
FREE_CHANGES = {
    *("BridgeDestroy", "BridgeKick", "BridgeTechnologySuspend", "BridgeTechnologyUnsuspend"),
    *("QueueChangePriorityCaller", "QueueReload", "QueueReset", "QueueWithdrawCaller"),
}
REPORTS = {
    *("CoreSettings", "CoreShowChannelMap", "CoreShowChannels", "CoreStatus", "DBGet", "DBGetTree", "DeviceStateList"),
    *("ExtensionState", "ExtensionStateList", "Getvar", "MailboxCount", "MailboxStatus", "PresenceState"),
    *("PJSIPShowRegistrationsOutbound", "ShowDialPlan", "Status"),
}
REPORTS_CHANGES = {"LoggerRotate", "PJSIPQualify", "PJSIPRegister", "PJSIPUnregister", "UserEvent"}


@pytest.mark.parametrize(
    ("account", "reports", "changes"),
    [("watch", FREE | REPORTS, FREE_CHANGES | REPORTS_CHANGES), ("dial", FREE | {"Originate"}, FREE_CHANGES)],
)
async def test_what_asterisk_lets_an_account_do_beside_its_work_is_written_down(
    world: World, account: str, reports: set[str], changes: set[str]
) -> None:
    (listed,) = answers(world, account, {"Action": "ListCommands"})
    assert {name for name, what in listed.items() if "(Priv: " in what} == reports | changes
    written = (ROOT / "asterisk-config" / "pbx" / "manager.conf").read_text(encoding="utf-8")
    assert {name for name in changes if not re.search(rf"^;.*\b{name}\b", written, re.M)} == set()


async def test_watch_can_ask_which_calls_are_up_and_desk_who_is_signed_in(world: World) -> None:
    assert asked(world, "watch", {"Action": "CoreShowChannels"})[0].startswith("Success")
    assert asked(world, "desk", {"Action": "QueueStatus"})[0].startswith("Success")


@pytest.mark.parametrize("application", ["System", "TrySystem", "AGI", "EAGI", "MixMonitor", "Exec", "Originate"])
async def test_a_call_that_we_place_cannot_run_a_program(world: World, application: str) -> None:
    order = {"Action": "Originate", "Channel": "Local/s@nowhere", "Application": application, "Data": "touch /tmp/x"}
    (answer,) = asked(world, "dial", order)
    assert answer.startswith("Error: Originate Access Forbidden"), answer


async def test_nothing_that_runs_a_program_is_loaded(world: World) -> None:
    listed = world.cli("core show applications") + world.cli("core show functions")
    known = set(re.findall(r"^\s*([A-Za-z_]+)(?:: |\(| )", listed, re.M))
    assert {"Queue", "AGI", "FILTER"} <= known
    assert known & {"System", "TrySystem", "ExternalIVR", "Originate", "SHELL", "CURL", "FILE", "ENV"} == set()


@pytest.mark.parametrize("account", ["watch", "desk", "dial"])
async def test_an_account_is_refused_from_another_address_even_with_its_secret(world: World, account: str) -> None:
    reader, writer = await asyncio.open_connection(world.stack.pbx, 5038)
    await reader.readline()
    secret = world.secrets.services[f"ami-{account}"]
    writer.write(f"Action: Login\r\nUsername: {account}\r\nSecret: {secret}\r\n\r\n".encode())
    answer = (await asyncio.wait_for(reader.read(), 10)).decode()
    writer.close()
    assert "Response: Error" in answer
    assert "Authentication failed" in answer


# ── the containers ──


def inspected(world: World, service: str) -> dict[str, Any]:
    """What the engine says of a container."""
    command = ["docker", "inspect", f"{world.stack.name}-{service}-1"]
    found: list[dict[str, Any]] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return found[0]


@pytest.mark.parametrize("service", CONTAINERS)
async def test_a_container_is_nobody_special(world: World, service: str) -> None:
    host = inspected(world, service)["HostConfig"]
    assert (host["Privileged"], host["ReadonlyRootfs"], host["CapAdd"]) == (False, True, None)
    assert host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert (host["NetworkMode"], host["PidMode"], host["IpcMode"]) == (f"{world.stack.name}_inner", "", "private")
    assert not any("docker.sock" in bind for bind in host["Binds"] or ())

    processes = world.inside(service, "sh", "-c", "cat /proc/[0-9]*/status 2>/dev/null")
    assert set(re.findall(r"^Cap(?:Prm|Eff|Bnd|Amb):\s+(\S+)", processes, re.M)) == {"0" * 16}
    users = {user for line in re.findall(r"^Uid:\s+(.*)", processes, re.M) for user in line.split()}
    assert users == {str(world.stack.user)}
    assert (
        world.inside(service, "sh", "-c", "touch /usr/x /etc/x 2>/dev/null; ls /usr/x /etc/x 2>/dev/null || true") == ""
    )


async def test_only_what_a_user_needs_is_published(world: World) -> None:
    ports = world.stack.ports
    everywhere, here = world.stack.bind, "127.0.0.1"
    expected = {
        "asterisk": {("5060/udp", everywhere, ports.sip), ("5060/tcp", everywhere, ports.sip)}
        | {(f"{port}/udp", everywhere, port) for port in _range(ports.rtp)},
        "hotline": {("8080/tcp", here, ports.web)},
        "redis": set(),
        "telco": {("5060/udp", everywhere, ports.visitor_sip), ("5038/tcp", here, ports.telco_manager)}
        | {(f"{port}/udp", everywhere, port) for port in _range(ports.visitor_rtp)},
        "agents": {("5038/tcp", here, ports.agents_manager)},
    }
    for service, wanted in expected.items():
        bindings = inspected(world, service)["NetworkSettings"]["Ports"]
        published = {
            (port, each["HostIp"], int(each["HostPort"])) for port, places in bindings.items() for each in places or ()
        }
        assert published == wanted, service


async def test_redis_wants_a_password(world: World) -> None:
    said = world.inside("redis", "redis-cli", "-h", world.stack.redis, "ping")
    assert said.startswith("NOAUTH")


async def test_asterisks_log_is_clean_at_its_start(world: World) -> None:
    start = _last_start(world.log("asterisk"))
    problems = [line for line in start if re.search(r"WARNING|ERROR|SECURITY", line)]
    assert [line for line in problems if not any(words in line for words in ORDINARY)] == []


def _last_start(log: Sequence[str]) -> Sequence[str]:
    """The lines from the last start until Asterisk said that it is ready."""
    ready = max(number for number, line in enumerate(log) if line.startswith("Asterisk Ready"))
    began = max(number for number, line in enumerate(log[:ready]) if line.startswith("PBX UUID"))
    return log[began:ready]


def _range(ports: str) -> range:
    first, _, last = ports.partition("-")
    return range(int(first), int(last or first) + 1)
