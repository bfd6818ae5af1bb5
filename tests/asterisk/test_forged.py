"""Callers who try to pass for something else: for an event, for our server, for another number, for a colleague.

How 'nothing was forged' is proven:

* each INVITE's final answer, as SIPp got it; those refused had no channel: Asterisk's own count of calls stays
* 0 forged events: a witness that may read everything on the manager's wire finds no event and no line of the forger's;
  that it would have is shown by the honest calls' channels, which it sees
* 0 forged routes: each call that rang was dialled as SIPp dialled it, and heard that line's greeting
* 0 forged replies and headers: our AGI server counts no refused header block, no confused and no crashed flow
* 0 forged lines in Asterisk's log
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pytest

from routing.events import CallAnswered, CallEnded, CallRang
from tests.asterisk.sipp import NO_ANSWER, Invite, invite, quoted, register
from tests.asterisk.witness import Witness, a_witness
from tests.asterisk.world import World

POISONS = {
    "an event": "1%0d%0aEvent%3a%20Forged%0d%0aX-Forged%3a%20yes",
    "a whole event": "1%0D%0A%0D%0AEvent%3a%20Forged%0d%0aX-Forged%3a%20yes%0d%0a%0d%0a",
    "AGI headers": "1%0aagi_network_script%3a%20forged%0aagi_arg_1%3a%204001234568",
    "AGI replies": "1%0a200%20result%3d1%20%28forged%29%0a200%20result%3d50",
    "an early end": "1%00forged",
}
PLACES: dict[str, dict[str, Any]] = {
    "the number": {"sender": "<sip:POISON@carrier.invalid>"},
    "the number, by its short header": {"sender": "<sip:1@a.invalid>", "lines": "f: <sip:POISON@carrier.invalid>\n"},
    "the password of the number": {"sender": "<sip:139:POISON@carrier.invalid>"},
    "a parameter of the number": {"sender": "<sip:139@carrier.invalid>;forged=POISON"},
    "the name": {"sender": '"POISON" <sip:139@carrier.invalid>'},
    "who forwarded": {"lines": "Diversion: <sip:POISON@carrier.invalid>;reason=unconditional\n"},
    "who is asserted": {"lines": "P-Asserted-Identity: <sip:POISON@carrier.invalid>\n"},
    "who is the party": {"lines": 'Remote-Party-ID: "x" <sip:POISON@carrier.invalid>;party=calling\n'},
    "what is dialled": {"dialled": "4001234567POISON"},
    "to whom": {"to": "<sip:4001234567POISON@hotline.invalid>"},
    "the way back": {"contact": "<sip:POISON@[local_ip]:[local_port]>"},
    "the call's id": {"call_id": "POISON"},
}
POISONED = [
    replace(Invite(f"{what} in {where}"), **{part: text.replace("POISON", poison) for part, text in parts.items()})
    for where, parts in PLACES.items()
    for what, poison in POISONS.items()
]

ODD: dict[str, tuple[Invite, str | None]] = {
    each.name: (each, number)
    for each, number in (
        (Invite("an ordinary number", sender="<sip:13800138000@c.invalid>"), "13800138000"),
        (Invite("a foreign number", sender="<sip:+8613800138000@c.invalid;user=phone>"), "+8613800138000"),
        (Invite("a telephone address", sender="<tel:+86-138-0013-8000>"), "+8613800138000"),
        (Invite("a withheld number", sender='"Anonymous" <sip:anonymous@anonymous.invalid>'), None),
        (Invite("no number at all", sender="<sip:192.0.2.1>"), None),
        (Invite("a parameter in the number", sender="<sip:138;cpc=ordinary7@c.invalid>"), "138"),
        (Invite("quotes and backslashes", sender=quoted('a" \\ \\" \\\\') + " <sip:1381@c.invalid>"), "1381"),
        (Invite("commas, pipes, brackets", sender=quoted("a,b|c)d}e<9>;f&g") + " <sip:1382@c.invalid>"), "1382"),
        (Invite("dialplan", sender=quoted("${SHELL(id)}${EVAL(${EXTEN})}") + " <sip:1383,$(x)$0@c.invalid>"), "13830"),
        (Invite("a long name", sender=quoted("x" * 2000) + " <sip:1384@c.invalid>"), "1384"),
        (Invite("a long number", sender=f"<sip:{'1' * 2000}@c.invalid>"), "1" * 20),
        (Invite("Chinese", sender=quoted("张三丰‮") + " <sip:1385@c.invalid>"), "1385"),
        (Invite("an AGI header", sender=quoted("agi_arg_1: 4001234568") + " <sip:1386@c.invalid>"), "1386"),
        (Invite("an AGI reply", sender=quoted("200 result=1 (forged)") + " <sip:1387@c.invalid>"), "1387"),
        (Invite("an event", sender=quoted("Event: Forged") + " <sip:1388@c.invalid>"), "1388"),
        (Invite("a forwarded call", lines="Diversion: <sip:1389@c.invalid>;reason=no-answer\n"), "13900000000"),
    )
}


@dataclass(frozen=True)
class Count:
    """What Asterisk and our server have counted so far."""

    calls: int
    agi_total: int
    refused: Counter[str]
    ended: Counter[str]

    def __sub__(self, earlier: Count) -> Count:
        return Count(
            self.calls - earlier.calls,
            self.agi_total - earlier.agi_total,
            self.refused - earlier.refused,
            self.ended - earlier.ended,
        )


async def counted(world: World) -> Count:
    """Count, when no call is in a flow any more."""
    agi: dict[str, Any] = {}
    async with asyncio.timeout(30):
        while not agi or agi["now"]:
            agi = (await world.server.get("/api/health"))["agi"]
    found = re.search(r"(\d+) calls? processed", world.cli("core show channels count"))
    assert found is not None
    return Count(int(found[1]), agi["total"], Counter(agi["refused"]), Counter(agi["ended"]))


async def settled(world: World, *, rang: list[CallRang]) -> None:
    """Wait until each of these calls has ended, for us and for Asterisk."""
    for ring in rang:
        await world.sees(CallEnded, partial(_of, ring), f"the end of {ring.call}")
    await world.until(
        lambda: world.cli("core show channels count").startswith("0 active channels"), "all lines are down"
    )


def _of(ring: CallRang, event: CallEnded) -> bool:
    return event.call == ring.call


def forged_lines(world: World) -> int:
    """The lines of Asterisk's log that are the forger's own."""
    return sum(line.startswith(("Event:", "X-Forged:", "agi_", "200 result")) for line in world.log("asterisk"))


def nothing_forged(witness: Witness) -> None:
    """No event, and no line of an event, is the forger's."""
    for message in witness.messages():
        for key, value in message:
            assert not key.startswith(("X-Forged", "agi_", "200 result")), message
            assert (key, value) != ("Event", "Forged"), message


async def test_sixty_poisoned_calls_are_refused_and_forge_nothing(world: World) -> None:
    assert len(POISONED) == 60
    seen, before, forged_before = len(world.events), await counted(world), forged_lines(world)
    async with a_witness(world) as witness:
        answers = await invite(POISONED, stack=world.stack, address=world.stack.second_carrier)
        honest = await world.call()
        await honest.hang_up()
        await settled(world, rang=[await world.hears(honest, CallRang)])
        await world.until(lambda: len(witness.events("Hangup")) >= 1, "the witness has seen the honest call's end")

        nothing_forged(witness)
        # The honest call is the only one with a channel: the witness sees channels, and there were no others.
        assert len(witness.events("Newchannel")) == 1
    assert {name: answer for name, answer in answers.items() if answer not in ("401", "404")} == {}
    after = await counted(world) - before
    assert (after.calls, after.agi_total, after.refused) == (1, 1, Counter())
    assert {event.call for event in world.events[seen:] if event.call} == {honest.call}
    assert forged_lines(world) <= forged_before


async def test_odd_callers_are_served_and_known_by_their_digits_alone(world: World) -> None:
    seen, before = len(world.events), await counted(world)
    async with a_witness(world) as witness:
        answers = await invite(
            [each for each, _ in ODD.values()], stack=world.stack, address=world.stack.second_carrier
        )
        assert answers == dict.fromkeys(ODD, "200")
        rang = [event for event in world.events[seen:] if isinstance(event, CallRang)]
        await settled(world, rang=rang)
        nothing_forged(witness)
        assert len(witness.events("Newchannel")) == len(ODD)

    assert Counter(ring.caller.digits if ring.caller else None for ring in rang) == Counter(
        number for _, number in ODD.values()
    )
    assert {ring.dialled for ring in rang} == {"4001234567"}
    answered = {event.call for event in world.events[seen:] if isinstance(event, CallAnswered)}
    assert answered == {ring.call for ring in rang}
    after = await counted(world) - before
    assert (after.calls, after.agi_total, after.refused) == (len(ODD), len(ODD), Counter())
    assert set(after.ended) <= {"done", "caller-hung-up"}


async def test_poison_in_a_header_too_long_to_be_looked_into_reaches_no_event_and_no_flow(world: World) -> None:
    """Asterisk's match_header gives up on a header of 4,096 bytes: such a call comes in, as a withheld number."""
    poison = POISONS["an event"]
    long = [
        Invite("in a long number", sender=f"<sip:{poison}{'1' * 5000}@c.invalid>"),
        Invite("beside a long name", sender=f"{quoted('x' * 5000)} <sip:{poison}@c.invalid>"),
    ]
    seen, before = len(world.events), await counted(world)
    async with a_witness(world) as witness:
        answers = await invite(long, stack=world.stack, address=world.stack.second_carrier)
        assert answers == {each.name: "200" for each in long}
        rang = [event for event in world.events[seen:] if isinstance(event, CallRang)]
        await settled(world, rang=rang)
        nothing_forged(witness)
        assert len(witness.events("Newchannel")) == 2
    assert [(ring.caller, ring.dialled) for ring in rang] == [(None, "4001234567")] * 2
    after = await counted(world) - before
    assert (after.refused, set(after.ended) <= {"done", "caller-hung-up"}) == (Counter(), True)


async def test_a_line_break_in_a_callers_name_is_not_even_answered(world: World) -> None:
    before = await counted(world)
    raw = Invite("raw", sender='"1\nEvent: Forged" <sip:139@c.invalid>', patience_ms=1500)
    answers = await invite([raw], stack=world.stack, address=world.stack.second_carrier)
    assert answers == {"raw": NO_ANSWER}
    assert (await counted(world) - before).calls == 0


STRANGE_SENDERS = ("carrier-pretend", "outside-pretend", "poisoned", "4001234567", "chen-desk", "1024", "anonymous")


async def test_a_stranger_is_refused_whatever_name_he_gives(world: World) -> None:
    before = await counted(world)
    calls = [Invite(name, sender=f"<sip:{name}@{world.stack.pbx}>") for name in STRANGE_SENDERS]
    answers = await invite(calls, stack=world.stack, address=stranger(world))
    assert answers == dict.fromkeys(STRANGE_SENDERS, "401")
    assert await counted(world) - before == Count(0, 0, Counter(), Counter())


async def test_a_phone_needs_its_password(world: World) -> None:
    right = world.secrets.phones["chen-desk"]
    tries = [("chen-desk", right), ("chen-desk", right[::-1]), ("chen-desk", "1024"), ("carrier-pretend", right)]
    answers = [await register(user, password, stack=world.stack, address=stranger(world)) for user, password in tries]
    assert answers == ["200", "401", "401", "401"]


UNREACHABLE = {
    "an agent": "1024",
    "an agent's phone": "chen-desk",
    "a queue": "701",
    "a queue by name": "repair",
    "a department": "801",
    "an outside number": "01012345678",
    "a phone's code": "*11",
    "a place in the dialplan": "s",
    "the end of a call": "h",
    "a decision": "queue",
    "a number beside ours": "4001234560",
    "our number and more": "40012345678",
}


@pytest.mark.parametrize("sender", ["<sip:13900000000@c.invalid>", "<sip:chen-desk@c.invalid>"])
async def test_the_carrier_reaches_our_numbers_and_nothing_else(world: World, sender: str) -> None:
    before = await counted(world)
    calls = [Invite(what, dialled=dialled, sender=sender) for what, dialled in UNREACHABLE.items()]
    answers = await invite(calls, stack=world.stack, address=world.stack.second_carrier)
    assert answers == dict.fromkeys(UNREACHABLE, "404")
    assert await counted(world) - before == Count(0, 0, Counter(), Counter())


def stranger(world: World) -> str:
    """An address on the inner network that is nobody's."""
    return f"{world.stack.net}.77"
