"""What a monitoring system reads at /metrics (Prometheus). Taken from the running house at the moment it is asked.

No label holds a call, a number or an agent: only queues, kinds and parts, of which there are few.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from routing.events import DriftFound, Event

if TYPE_CHECKING:
    from hotline.service import Service


class Counted:
    """What only grows, counted as it happens."""

    def __init__(self) -> None:
        self.events = 0
        self.drift: Counter[tuple[str, bool]] = Counter()

    def take(self, event: Event) -> None:
        """Take the next event."""
        self.events += 1
        if isinstance(event, DriftFound):
            self.drift[event.kind, event.after_gap] += 1


class House(Collector):
    """Reads the running house."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def collect(self) -> Iterator[Metric]:
        """Yield every figure."""
        yield from self._queues()
        yield from self._people()
        yield from self._parts()

    def _queues(self) -> Iterator[Metric]:
        waiting = GaugeMetricFamily("hotline_waiting_callers", "Callers who wait now", labels=["queue"])
        offered = GaugeMetricFamily("hotline_today_offered", "Callers who came today", labels=["queue"])
        answered = GaugeMetricFamily("hotline_today_answered", "Of these: answered", labels=["queue"])
        abandoned = GaugeMetricFamily("hotline_today_abandoned", "Of these: hung up before a talk", labels=["queue"])
        for queue in self._service.site.queues:
            today = self._service.ledger.today(queue.name)
            waiting.add_metric([queue.name], len(self._service.live.waiting[queue.name]))
            offered.add_metric([queue.name], today.offered)
            answered.add_metric([queue.name], today.answered)
            abandoned.add_metric([queue.name], today.abandoned)
        yield from (waiting, offered, answered, abandoned)

    def _people(self) -> Iterator[Metric]:
        live = self._service.live
        calls = GaugeMetricFamily("hotline_calls", "Calls that are up, by where they are", labels=["state"])
        for state, count in Counter(call.state for call in live.calls.values()).items():
            calls.add_metric([state], count)
        agents = GaugeMetricFamily("hotline_agents", "Agents by what they do", labels=["state"])
        for doing, count in Counter(live.state_of(number) for number in live.states).items():
            agents.add_metric([doing], count)
        yield from (calls, agents)

    def _parts(self) -> Iterator[Metric]:
        service, counted = self._service, self._service.counted
        wrong = service.health()
        up = GaugeMetricFamily("hotline_part_up", "Whether a part of the house works", labels=["part"])
        for part in ("ami-watch", "ami-desk", "event-log", "board"):
            up.add_metric([part], part not in wrong)
        yield up
        drift = CounterMetricFamily(
            "hotline_drift", "Differences between our picture and Asterisk's own", labels=["kind", "after_gap"]
        )
        for (kind, after_gap), count in counted.drift.items():
            drift.add_metric([kind, str(after_gap).lower()], count)
        yield drift
        yield CounterMetricFamily("hotline_events", "Events recorded since the start", value=counted.events)
        yield GaugeMetricFamily("hotline_events_unwritten", "Events not yet on disk", value=service.events.waiting)
        alarms = GaugeMetricFamily("hotline_alarms", "Alarms that are on", labels=["kind"])
        for kind_on, count in Counter(alarm.kind for alarm in service.alarms.on.values()).items():
            alarms.add_metric([kind_on], count)
        yield alarms
        flows = service.agi.counters
        yield GaugeMetricFamily("hotline_flows", "Flows that run now", value=flows.now)
        yield CounterMetricFamily("hotline_flows_begun", "Flows begun since the start", value=flows.total)


def exposition(service: Service) -> bytes:
    """Everything, in Prometheus's text format."""
    registry = CollectorRegistry()
    registry.register(House(service))
    return generate_latest(registry)
