"""Wrong settings are refused before the first call, each in one clear line that names it and shows no secret."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

import pytest

from hotline.settings import SettingsRefused, listed, load
from hotline.stack import Stack

SECRET = "n7Qw2ZxT9kLmP4vR"
GOOD = {
    "HOTLINE_AMI__WATCH_SECRET": SECRET,
    "HOTLINE_AMI__DESK_SECRET": SECRET,
    "HOTLINE_AMI__DIAL_SECRET": SECRET,
    "HOTLINE_API__TOKEN": SECRET,
}


@pytest.fixture(autouse=True)
def good_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """What must be set is set, and nothing else."""
    for name, *_ in listed():
        monkeypatch.delenv(name, raising=False)
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)


def refusal() -> list[str]:
    """The lines of the refusal, one for each problem."""
    with pytest.raises(SettingsRefused) as refused:
        load()
    first, *problems, last = str(refused.value).splitlines()
    assert (first, last) == ("the settings cannot be used:", "All settings: hotline settings")
    return [problem.removeprefix("  - ") for problem in problems]


def test_what_must_be_set_is_enough() -> None:
    found = load()
    assert found.ami.watch_secret.get_secret_value() == SECRET
    assert found.redis is None
    assert found.agi.drain_for == timedelta(seconds=20)


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("HOTLINE_AMI__PORT", "abc", "Input should be a valid integer"),
        ("HOTLINE_AMI__PORT", "70000", "less than or equal to 65535 (found '70000')"),
        ("HOTLINE_API__PORT", "-1", "greater than or equal to 0"),
        ("HOTLINE_AGI__MOST_CALLS", "0", "greater than or equal to 1"),
        (
            "HOTLINE_AGI__PEERS",
            "asterisk.internal",
            "'asterisk.internal' does not appear to be an IPv4 or IPv6 network",
        ),
        ("HOTLINE_AGI__PEERS", "10.0.0.1/8", "10.0.0.1/8 has host bits set"),
        ("HOTLINE_AGI__PEERS", "[]", "at least 1 item"),
        ("HOTLINE_AGI__DRAIN_FOR", "20", "is not a length of time; 20 seconds are PT20S (found '20')"),
        ("HOTLINE_AGI__DRAIN_FOR", "-PT5S", "greater than or equal to 0 seconds"),
        ("HOTLINE_LOG_LEVEL", "loud", "'debug', 'info', 'warning' or 'error' (found 'loud')"),
        ("HOTLINE_DATABASE", "mysql://host/name", "must be sqlite:////FOLDER/FILE.db or postgresql://"),
        ("HOTLINE_DATABASE", "hotline.db", "must be sqlite:////FOLDER/FILE.db or postgresql://"),
        ("HOTLINE_REDIS", "redis.internal:6379", "must be redis://:PASSWORD@HOST:6379/0"),
        ("HOTLINE_API__TOKEN", "short", "is too easy to guess: use 16 or more random characters"),
        ("HOTLINE_AMI", "hello", "is a group of settings; each is set by itself, as HOTLINE_AMI__..."),
        ("HOTLINE_AMI__WATCH_SECRT", "x", "there is no such setting"),
        ("HOTLINE_DATABSE", "sqlite:////x.db", "there is no such setting; HOTLINE_DATABASE perhaps?"),
        ("HOTLINE_AMI_HOST", "10.0.0.1", "there is no such setting; HOTLINE_AMI__HOST perhaps?"),
    ],
)
def test_a_wrong_setting_gives_one_line_that_names_it(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, line: str
) -> None:
    monkeypatch.setenv(name, value)
    (problem,) = refusal()
    assert problem.startswith(f"{name}: ")
    assert line in problem


@pytest.mark.parametrize("name", GOOD)
def test_a_secret_that_is_not_set_is_named(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.delenv(name)
    assert refusal() == [f"{name}: is not set"]


def test_all_that_is_wrong_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in GOOD:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOTLINE_LOG_LEVEL", "loud")
    assert sorted(problem.partition(":")[0] for problem in refusal()) == sorted([*GOOD, "HOTLINE_LOG_LEVEL"])


@pytest.mark.parametrize("secret", ["password", "Changeme", "amp111", "hotline", "x" * 15, ""])
def test_a_known_or_short_secret_is_refused(monkeypatch: pytest.MonkeyPatch, secret: str) -> None:
    monkeypatch.setenv("HOTLINE_AMI__DIAL_SECRET", secret)
    (problem,) = refusal()
    assert problem.startswith("HOTLINE_AMI__DIAL_SECRET: is ")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HOTLINE_API__TOKEN", "Tr0ub4dor"),
        ("HOTLINE_AMI__DESK_SECRET", "Tr0ub4dor"),
        ("HOTLINE_AMI__PASSWORD", "Tr0ub4dor"),
        ("HOTLINE_AMI", "Tr0ub4dor"),
        ("HOTLINE_DATABASE", "postgres://hotline:Tr0ub4dor@db/hotline"),
        ("HOTLINE_REDIS_URL", "redis://:Tr0ub4dor@redis/0"),
        ("HOTLINE_REDIS", "http://:Tr0ub4dor@redis/0"),
        ("HOTLINE_LOG_LEVEL", "loud"),
    ],
)
def test_a_refusal_shows_no_secret(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    monkeypatch.setenv("HOTLINE_AMI__PORT", "abc")
    said = "\n".join(refusal())
    assert "Tr0ub4dor" not in said
    assert SECRET not in said


def test_settings_that_are_printed_show_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_REDIS", f"redis://:{SECRET}@redis:6379/0")
    found = load()
    assert SECRET not in repr(found) + str(found) + found.model_dump_json()


@pytest.mark.parametrize("given", ["10.1.2.3, 10.9.0.0/24 fd00::/8", '["10.1.2.3/32", "10.9.0.0/24", "fd00::/8"]'])
def test_peers_are_written_as_addresses_in_a_line_or_as_json(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("HOTLINE_AGI__PEERS", given)
    assert load().agi.peers == (IPv4Network("10.1.2.3/32"), IPv4Network("10.9.0.0/24"), IPv6Network("fd00::/8"))


def test_a_file_of_settings_is_read_and_the_environment_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "hotline.env"
    file.write_text("HOTLINE_AMI__HOST=10.0.0.1\nHOTLINE_AMI__PORT=5039\n", encoding="utf-8")
    monkeypatch.setenv("HOTLINE_ENV_FILE", str(file))
    monkeypatch.setenv("HOTLINE_AMI__PORT", "5040")
    found = load()
    assert (found.ami.host, found.ami.port) == ("10.0.0.1", 5040)


def test_a_file_of_settings_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_ENV_FILE", "/nowhere/hotline.env")
    with pytest.raises(SettingsRefused, match=r"'/nowhere/hotline\.env', but there is no such file"):
        load()


def test_what_a_stack_sets_for_its_containers_is_not_taken_for_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in Stack().environment().items():
        monkeypatch.setenv(name, value)
    load()


def test_every_setting_is_listed_with_what_it_is() -> None:
    rows = {name: (kind, default, meaning) for name, kind, default, meaning in listed()}
    assert set(GOOD) <= rows.keys()
    assert {name for name, (_, default, _) in rows.items() if default == "(must be set)"} == set(GOOD)
    assert rows["HOTLINE_AGI__DRAIN_FOR"][:2] == ("duration", "PT20S")
    assert rows["HOTLINE_API__TOKEN"][0] == "secret"
