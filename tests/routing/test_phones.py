"""Phones and trunks that come and go, as Asterisk tells it."""

from __future__ import annotations

import pytest

from routing.events import Event, PhoneBack, PhoneLost, TrunkBack, TrunkLost
from routing.live import Live
from routing.phones import Phones
from routing.staff import Agent
from tests.routing.facts import at

CHEN = Agent(work_number="1024", name="Chen", phone="chen-desk", queues={"repair": 0})


def told(*events: dict[str, str]) -> list[Event]:
    live, facts = Live([], [CHEN]), list[Event]()

    def record(fact: Event) -> None:
        live.take(fact)
        facts.append(fact)

    phones = Phones([CHEN], known=live.phones, record=record, now=lambda: at(0))
    for event in events:
        phones.hear(event)
    return facts


def device(name: str, state: str = "UNAVAILABLE") -> dict[str, str]:
    return {"Event": "DeviceStateChange", "Device": name, "State": state}


def contact(endpoint: str, status: str) -> dict[str, str]:
    return {"Event": "ContactStatus", "EndpointName": endpoint, "ContactStatus": status}


def registration(status: str) -> dict[str, str]:
    return {"Event": "Registry", "Domain": "203.0.113.10", "Status": status}


def test_a_phone_is_lost_and_back_and_neither_is_told_twice() -> None:
    gone, back = device("PJSIP/chen-desk"), contact("chen-desk", "Reachable")
    assert [type(fact) for fact in told(gone, gone, back, back, gone)] == [PhoneLost, PhoneBack, PhoneLost]
    assert told(gone)[0].agent == "1024"


@pytest.mark.parametrize(
    "event",
    [
        device("PJSIP/stranger"),
        device("Queue:repair"),
        contact("chen-desk", "Removed"),
        contact("stranger", "Reachable"),
        contact("carrier-main", "Removed"),
        {"Event": "Hangup"},
        {},
    ],
)
def test_what_concerns_no_phone_of_ours_is_passed_over(event: dict[str, str]) -> None:
    assert told(event) == []


def test_a_trunk_is_lost_and_back() -> None:
    gone, back = contact("carrier-main", "Unreachable"), contact("carrier-main", "Reachable")
    assert told(back, gone, gone, back) == [TrunkLost(at=at(0), trunk="main"), TrunkBack(at=at(0), trunk="main")]


def test_a_registration_that_is_refused_is_a_trunk_lost() -> None:
    facts = told(registration("Rejected"), registration("Unregistered"), registration("Registered"))
    assert facts == [TrunkLost(at=at(0), trunk="203.0.113.10"), TrunkBack(at=at(0), trunk="203.0.113.10")]
