"""Secrets are made once, kept from others' eyes, and never changed or half written."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import stat
import time
from pathlib import Path

import pytest

from hotline.secrets import ALPHABET, LENGTH, SERVICES, SecretsRefused, ensure, read, write_private
from hotline.settings import KNOWN_BAD, SHORTEST_SECRET


def mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def test_the_first_run_makes_every_secret_and_no_two_are_alike(tmp_path: Path) -> None:
    known = ensure(tmp_path / "secrets.json", ["chen-desk", "li-desk"])
    assert set(known.services) == set(SERVICES)
    assert set(known.phones) == {"chen-desk", "li-desk"}
    all_of_them = [*known.services.values(), *known.phones.values()]
    assert len(set(all_of_them)) == len(all_of_them)
    for secret in all_of_them:
        assert len(secret) == LENGTH >= max(20, SHORTEST_SECRET)
        assert set(secret) <= set(ALPHABET)
        assert secret not in KNOWN_BAD


def test_a_later_run_adds_what_is_missing_and_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "secrets.json"
    first = ensure(file, ["chen-desk"])
    first.carriers["unicom"] = "typed in by the operator; with a ; in it"
    first.services.pop("redis")
    file.write_text(first.model_dump_json(), encoding="utf-8")

    second = ensure(file, ["chen-desk", "li-desk"])
    assert second.carriers == first.carriers
    assert second.phones["chen-desk"] == first.phones["chen-desk"]
    assert second.services.items() > first.services.items()
    assert set(second.phones) - set(first.phones) == {"li-desk"}
    assert read(file) == second


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_only_the_owner_can_read_them_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    file = tmp_path / "secrets.json"
    before = os.umask(umask)
    try:
        ensure(file, [])
        file.chmod(0o644)
        ensure(file, [])
    finally:
        os.umask(before)
    assert mode(file) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["secrets.json"]


def test_a_part_that_a_killed_run_left_is_not_in_the_way(tmp_path: Path) -> None:
    left = tmp_path / ".secrets.json.part"
    left.write_text("half", encoding="utf-8")
    left.chmod(0o644)
    ensure(tmp_path / "secrets.json", [])
    assert not left.exists()
    assert mode(tmp_path / "secrets.json") == 0o600


@pytest.mark.parametrize("content", ["", "{", '{"services": {"redis": 17}}', '{"services": {"redis": "Tr0ub4d', "\xff"])
def test_a_broken_file_is_refused_unshown_and_left_as_it_is(tmp_path: Path, content: str) -> None:
    file = tmp_path / "secrets.json"
    file.write_bytes(content.encode("latin-1"))
    with pytest.raises(SecretsRefused) as refused:
        ensure(file, ["chen-desk"])
    assert str(refused.value).startswith(f"{file} is not a file of secrets")
    assert "Tr0ub4d" not in str(refused.value)
    assert refused.value.__cause__ is None
    assert file.read_bytes() == content.encode("latin-1")


def _write_for_ever(file: Path) -> None:
    number = 0
    while True:
        number += 1
        write_private(file, json.dumps({"number": number, "filling": "x" * 100_000}))


def test_a_writer_killed_at_any_moment_leaves_a_whole_file(tmp_path: Path) -> None:
    file = tmp_path / "secrets.json"
    write_private(file, json.dumps({"number": 0, "filling": ""}))
    for round_number in range(8):
        writer = multiprocessing.get_context("spawn").Process(target=_write_for_ever, args=(file,))
        writer.start()
        was = json.loads(file.read_text(encoding="utf-8"))["number"]
        give_up = time.monotonic() + 30
        while json.loads(file.read_text(encoding="utf-8"))["number"] in (0, was) and time.monotonic() < give_up:
            time.sleep(0.002 * round_number)
        assert writer.pid is not None
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
        assert json.loads(file.read_text(encoding="utf-8"))["number"] > 0
        assert mode(file) == 0o600
