"""`hotline bench agi` in small: it measures what it says, and finds no wrong reply and no leaked task."""

import io
import json

import pytest
from rich.console import Console

from hotline.bench import agi
from hotline.bench.report import Report


@pytest.fixture(scope="module")
def report() -> Report:
    return agi.run(quick=True)


def test_the_same_calls_were_measured_on_every_server(report: Report) -> None:
    cost = {row["server"]: row for row in report.rows[:-1]}
    assert list(cost) == ["ours", "panoramisk", "panoramisk on uvloop", "floor"]
    assert len({row["sessions"] for row in cost.values()}) == 1
    for row in cost.values():
        assert 0 < float(row["cpu ms/session"]) < 100
        assert 0 < float(row["p50 ms"]) <= float(row["p99 ms"])
        assert 1 < float(row["memory MB"]) < 1_000


def test_we_cost_less_than_panoramisk_and_more_than_nothing(report: Report) -> None:
    assert report.ratios["cpu ours/panoramisk"] < 1
    assert report.ratios["cpu ours/floor"] > 1


def test_callers_who_hang_up_get_no_wrong_reply_and_leave_no_task(report: Report) -> None:
    found = report.rows[-1]
    assert found["sessions"] == agi.QUICK.hang_ups
    assert (found["wrong replies"], found["leaked tasks"], found["other ends"]) == (0, 0, 0)
    assert min(int(found[how]) for how in ("whole", "hung up", "in the headers")) > 0


def test_the_report_is_json_and_a_table_that_names_the_machine(report: Report) -> None:
    told = json.loads(report.to_json())
    assert set(told) == {"name", "machine", "rows", "ratios", "notes"}
    assert told["ratios"] == report.ratios
    assert told["machine"]["cores"] >= 1
    screen = io.StringIO()
    report.print(Console(file=screen, width=160))
    assert told["machine"]["cpu"] in screen.getvalue()
    assert "cpu ours/panoramisk" in screen.getvalue()
