"""SIPp, a caller who says in SIP whatever he likes: one INVITE each, and how it was answered.

answers = await invite([Invite("a plain caller")], stack=world.stack, address=world.stack.second_carrier)
assert answers == {"a plain caller": "200"}
"""

from __future__ import annotations

import asyncio
import tempfile
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Final

from hotline.stack import BASE_IMAGE, ROOT, Stack, run

IMAGE: Final = "hotline-sipp:local"
NO_ANSWER: Final = "none"
FINAL: Final = (200, 400, 401, 403, 404, 405, 416, 480, 482, 483, 484, 486, 488, 489, 500, 501, 503, 603)
AT_ONCE: Final = 6
PATIENCE_MS: Final = 8000


@dataclass(frozen=True)
class Invite:
    """An INVITE, by default an honest one; each part is written as it stands. `lines` are further headers."""

    name: str
    dialled: str = "4001234567"
    sender: str = "<sip:13900000000@carrier.invalid>"
    to: str = "<sip:4001234567@hotline.invalid>"
    contact: str = "<sip:caller@[local_ip]:[local_port]>"
    call_id: str = ""
    user_agent: str = "sipp"
    lines: str = ""
    talks_for_ms: int = 1500
    patience_ms: int = PATIENCE_MS
    tag: str = field(default_factory=lambda: uuid.uuid4().hex)

    def scenario(self) -> str:
        """As SIPp reads it. What stands before `///` in a Call-ID is sent, and not looked at by SIPp."""
        address = f"sip:{self.dialled}@[remote_ip]:[remote_port]"

        def request(method: str, transaction: str, to: str) -> str:
            return f"""\
{method} {address} SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=z9hG4bK{self.tag}{transaction}
From: {self.sender};tag={self.tag}
{to}
Call-ID: {self.call_id}///[call_id]
Max-Forwards: 70
CSeq: {2 if method == "BYE" else 1} {method}
"""

        invite = f"""\
{request("INVITE", "1", f"To: {self.to}")}Contact: {self.contact}
User-Agent: {self.user_agent}
{self.lines}Content-Type: application/sdp
Content-Length: [len]

v=0
o=- 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [local_ip]
t=0 0
m=audio 30000 RTP/AVP 8
"""
        return f"""\
<?xml version="1.0" encoding="UTF-8" ?>
<scenario name="{escape(self.name)}">
<send retrans="500"><![CDATA[{invite}]]></send>
{_answers(self.patience_ms)}
<label id="refused"/>
<send next="over"><![CDATA[{request("ACK", "1", "[last_To:]")}Content-Length: 0

]]></send>
<label id="taken"/>
<send><![CDATA[{request("ACK", "2", "[last_To:]")}Content-Length: 0

]]></send>
<pause milliseconds="{self.talks_for_ms}"/>
<send retrans="500"><![CDATA[{request("BYE", "3", "[last_To:]")}Content-Length: 0

]]></send>
<recv response="200" timeout="{PATIENCE_MS}" ontimeout="over"/>
<label id="silence"/>
<label id="over"/>
</scenario>
"""


def _answers(patience_ms: int) -> str:
    """Any of the answers; only the last one must come, and after the patience it is not waited for either."""
    patience = f'timeout="{patience_ms}" ontimeout="silence"'
    expected = [f'<recv response="{code}" optional="true" {patience}/>' for code in (100, 180)]
    for code in FINAL:
        must = "" if code == FINAL[-1] else 'optional="true"'
        after = "taken" if code == 200 else "refused"
        expected.append(
            f'<recv response="{code}" {must} {patience} next="{after}"><action><log message="{code}"/></action></recv>'
        )
    return "\n".join(expected)


async def invite(invites: Sequence[Invite], *, stack: Stack, address: str) -> dict[str, str]:
    """Send these from one address of the stack's network, a few at a time; return each one's final answer by name."""
    await asyncio.to_thread(_build)
    scenarios = [each.scenario() for each in invites]
    with tempfile.TemporaryDirectory() as folder:
        answers = await asyncio.to_thread(_run, scenarios, stack, address, Path(folder))
    return {each.name: answer for each, answer in zip(invites, answers, strict=True)}


def _build() -> None:
    run(
        [
            *f"docker build -q --network host --build-arg BASE={BASE_IMAGE} -t {IMAGE} -f".split(),
            str(ROOT / "setup" / "images" / "sipp.Dockerfile"),
            str(ROOT / "setup" / "images"),
        ],
        doing="building the image of SIPp",
        within=300,
    )


def _run(scenarios: Sequence[str], stack: Stack, address: str, folder: Path) -> list[str]:
    """Play the scenarios, a few at a time, each on a port of its own; return what each has logged last."""
    folder.chmod(0o755)
    for number, scenario in enumerate(scenarios):
        file = folder / f"{number}.xml"
        file.write_text(scenario, encoding="utf-8")
        file.chmod(0o644)
    one = (
        f"sipp {stack.pbx}:5060 -sf /s/$0.xml -i {address} -p $((41000 + $0)) -m 1"
        " -cid_str %u-$(cat /proc/sys/kernel/random/uuid) -nostdin -trace_logs -log_file /tmp/$0.log >/tmp/$0.out 2>&1;"
        " echo $0 $(cat /tmp/$0.log 2>/dev/null)"
    )
    everything = f"seq 0 {len(scenarios) - 1} | xargs -P {AT_ONCE} -I NUMBER sh -c '{one}' NUMBER"
    said = run(
        [
            *f"docker run --rm --network {stack.name}_inner --ip {address}".split(),
            "-v",
            f"{folder}:/s:ro",
            "--entrypoint",
            "sh",
            IMAGE,
            "-c",
            everything,
        ],
        doing="calling with SIPp",
        within=150,
    )
    answers = {
        number: answer for number, answer, *_ in ((line + f" {NO_ANSWER}").split() for line in said.splitlines())
    }
    return [answers[str(number)] for number in range(len(scenarios))]


async def register(user: str, password: str, *, stack: Stack, address: str) -> str:
    """Ask with a password where this phone is, which changes nothing; return the final answer."""
    await asyncio.to_thread(_build)
    tag = uuid.uuid4().hex

    def request(number: int, authorization: str) -> str:
        return f"""\
REGISTER sip:[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=z9hG4bK{tag}{number}
From: <sip:{user}@[remote_ip]>;tag={tag}
To: <sip:{user}@[remote_ip]>
Call-ID: ///[call_id]
CSeq: {number} REGISTER
Max-Forwards: 70
{authorization}Content-Length: 0

"""

    signed = f"[authentication username={user} password={password}]\n"
    scenario = f"""\
<?xml version="1.0" encoding="UTF-8" ?>
<scenario name="register">
<send retrans="500"><![CDATA[{request(1, "")}]]></send>
<recv response="401" auth="true" timeout="{PATIENCE_MS}" ontimeout="over"/>
<send retrans="500"><![CDATA[{request(2, signed)}]]></send>
<recv response="200" optional="true" next="over"><action><log message="200"/></action></recv>
<recv response="403" optional="true" next="over"><action><log message="403"/></action></recv>
<recv response="401" timeout="{PATIENCE_MS}" ontimeout="over"><action><log message="401"/></action></recv>
<label id="over"/>
</scenario>
"""
    with tempfile.TemporaryDirectory() as folder:
        return (await asyncio.to_thread(_run, [scenario], stack, address, Path(folder)))[0]


def quoted(text: str) -> str:
    """A display name in quotes, as SIP writes it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
