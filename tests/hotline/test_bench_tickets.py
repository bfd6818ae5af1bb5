"""The bench of tickets comes to its end and says what it measured."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from hotline.bench import tickets
from hotline.cli import app


def test_a_small_run_measures_writing_importing_and_each_kind_of_search() -> None:
    report = tickets.run(quick=True, rows=500)
    assert {row["writers"] for row in report.rows if "writers" in row} == {"one", "many"}
    assert [row["rows imported"] for row in report.rows if "rows imported" in row] == [500]
    searched = {row["search for"]: row["asked"] for row in report.rows if "search for" in row}
    assert set(searched) == {"a code", "a number", "a street and a house", "a common word", "open repairs"}
    assert all(searched.values())
    assert set(report.ratios) == {f"sqlite, {how}: bare INSERT / ticket" for how in ("one", "many")}
    assert any("PostgreSQL was not measured" in note for note in report.notes)


def test_fewer_rows_than_a_batch_are_refused() -> None:
    with pytest.raises(ValueError, match="batches of 500"):
        tickets.run(quick=True, rows=100)


def test_another_bench_has_no_rows() -> None:
    refused = CliRunner().invoke(app, ["bench", "agi", "--rows", "1000"])
    assert refused.exit_code == 2
    assert "only for tickets" in refused.output
