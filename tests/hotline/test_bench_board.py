"""The bench of the live picture: every event is heard twice, and the report says what it cost."""

from __future__ import annotations

from hotline.bench import board


def test_a_quick_bench_measures_both_and_memory_stays_where_it_was() -> None:
    report = board.run(quick=True)
    assert [row["who"] for row in report.rows] == [
        "panoramisk, one function that does nothing",
        "the house, up to the painted board",
    ]
    assert all(float(row["CPU us/event"]) > 0 for row in report.rows)
    assert report.ratios["memory at the end/after a fifth"] < 1.2
