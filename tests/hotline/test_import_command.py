"""`hotline ticket import`: tables of every make, cut off and taken up, with a word about each row that was refused."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from openpyxl import Workbook
from typer.testing import CliRunner

from hotline.cli import app
from hotline.cli.imports import LARGEST, MOST_ROWS, batches, harmless
from hotline.table_files import TableUnreadable, rows_of
from tests.desk.desks import TOKEN, Desk, a_desk

HEAD = "类型,问题,地址,姓名,电话\n"
ROW = "报修,漏水,幸福路{n}号,王芳,1391234{n:04}\n"


@pytest_asyncio.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    (tmp_path / "desk").mkdir()
    async with a_desk(tmp_path / "desk") as opened:
        yield opened


async def brings_in(desk: Desk, file: Path) -> str:
    told = {"HOTLINE_URL": desk.origin, "HOTLINE_API__TOKEN": TOKEN, "COLUMNS": "200"}
    done = await asyncio.to_thread(CliRunner(env=told).invoke, app, ["ticket", "import", str(file)])
    assert done.exit_code == 0, done.output + repr(done.exception)
    return done.output


async def test_a_table_is_imported_and_what_is_refused_is_written_beside_it(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "old.csv"
    rows = [ROW.format(n=n) for n in range(1200)]
    rows[7] = "报修,漏水,,王芳,13912345678\n"
    rows[900] = "party,x,y,z,13912345678\n"
    file.write_text(HEAD + "".join(rows), encoding="utf-8")
    assert "1198 opened, 0 known already, 2 refused" in await brings_in(desk, file)
    with (tmp_path / "old.csv.refused.csv").open(encoding="utf-8-sig", newline="") as stream:
        refused = list(csv.reader(stream))
    assert [line for line, _ in refused] == ["line", "9", "902"]
    assert "missing: address" in refused[1][1]
    again = await brings_in(desk, file)
    assert "goes on after line 1201" in again
    assert "1198 opened" in again


async def test_an_import_that_was_cut_off_goes_on_where_it_stopped(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "old.csv"
    file.write_text(HEAD + "".join(ROW.format(n=n) for n in range(800)), encoding="utf-8")
    imports = desk.service.casework.imports
    taken = 0

    async def breaks_off(*arguments: object, **options: object) -> object:
        nonlocal taken
        taken += 1
        if taken == 2:
            raise OSError("the disk is full")
        return await whole(*arguments, **options)  # type: ignore[arg-type]

    whole = imports.take
    imports.take = breaks_off  # type: ignore[method-assign, assignment]
    told = {"HOTLINE_URL": desk.origin, "HOTLINE_API__TOKEN": TOKEN}
    broken = await asyncio.to_thread(CliRunner(env=told).invoke, app, ["ticket", "import", str(file)])
    assert "cannot be asked just now" in str(broken.exception)
    said = await brings_in(desk, file)
    assert "goes on after line" in said
    assert "800 opened, 0 known already, 0 refused" in said


def test_a_spreadsheets_own_encoding_and_its_sheets_are_read(tmp_path: Path) -> None:
    old = tmp_path / "old.csv"
    old.write_bytes((HEAD + ROW.format(n=1)).encode("gb18030"))
    sheet = tmp_path / "old.xlsx"
    book = Workbook()
    book.active.append(["类型", "问题", "地址", "姓名", "电话", None])
    book.active.append(["报修", "漏水", "幸福路1号", "王芳", 13912340001])
    book.save(sheet)
    expected = {"类型": "报修", "问题": "漏水", "地址": "幸福路1号", "姓名": "王芳", "电话": "13912340001"}
    assert list(rows_of(old)) == list(rows_of(sheet)) == [(2, expected)]


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.xlsx", b"PK no zip"), ("a.csv", b""), ("a.csv", b"\xff\xff\xff"), ("a.csv", b"," * 200)],
)
def test_what_is_no_table_is_refused_in_words(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(TableUnreadable, match=name.replace(".", r"\.")):
        list(rows_of(tmp_path / name))


def test_a_batch_fits_into_one_request() -> None:
    rows = [(line, {"problem": "漏" * (line % 300)}) for line in range(5000)]
    cut = list(batches(iter(rows)))
    assert [row for batch in cut for row in batch] == rows
    assert all(len(batch) <= MOST_ROWS and len(str(batch)) < LARGEST + 4000 for batch in cut)


def test_no_reason_is_taken_for_a_formula() -> None:
    assert [harmless(text) for text in ("=1+1", "@x", "fine")] == ["'=1+1", "'@x", "fine"]
