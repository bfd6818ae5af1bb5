"""What a monitoring system reads."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client.parser import text_string_to_metric_families

from hotline.metrics import exposition
from hotline.service import Service
from routing.events import AgentSignedIn, CallQueued, CallRang, DriftFound, PhoneNumber
from tests.hotline.test_api import NOON, events, service

__all__ = ["events", "service"]


def samples(service: Service) -> Mapping[tuple[str, ...], float]:
    """Every sample by its name and the values of its labels."""
    families = text_string_to_metric_families(exposition(service).decode())
    return {(sample.name, *sample.labels.values()): sample.value for family in families for sample in family.samples}


async def test_a_monitoring_system_sees_the_house(service: Service) -> None:
    for event in (
        AgentSignedIn(at=NOON, agent="1025"),
        CallRang(at=NOON, call="a", caller=PhoneNumber("13800135678"), dialled="4001234567"),
        CallQueued(at=NOON, call="a", queue="repair"),
        DriftFound(at=NOON, call="a", kind="waiting", after_gap=False),
    ):
        service.events.record(event)
    seen = samples(service)
    assert seen["hotline_waiting_callers", "repair"] == 1
    assert seen["hotline_calls", "queue"] == 1
    assert (seen["hotline_agents", "ready"], seen["hotline_agents", "signed-out"]) == (1, 2)
    assert seen["hotline_drift_total", "false", "waiting"] == 1
    assert (seen["hotline_part_up", "ami-watch"], seen["hotline_part_up", "event-log"]) == (0, 1)
    assert seen["hotline_events_total",] == 4


async def test_no_label_tells_who_called_or_who_answered(service: Service) -> None:
    service.events.record(CallRang(at=NOON, call="pbx-1.9", caller=PhoneNumber("13800135678"), dialled="4001234567"))
    told = exposition(service).decode()
    assert not any(private in told for private in ("13800135678", "5678", "pbx-1.9", "1025"))
