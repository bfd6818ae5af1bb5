"""The command line where no server is needed: help, settings, the site file, errors."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hotline import cli, stack
from hotline.cli import app
from hotline.cli.check import gate
from hotline.stack import ROOT, Stack, StackFailed, known

COMMANDS = ("serve", "up", "down", "demo", "call", "calls", "agent", "site", "doctor", "bench", "settings")


@pytest.mark.parametrize("words", [[], *([word] for word in COMMANDS)])
def test_every_command_explains_itself(words: list[str]) -> None:
    shown = CliRunner().invoke(app, [*words, "--help"])
    assert shown.exit_code == 0
    assert "Usage" in shown.output


def test_every_setting_is_listed_with_its_default() -> None:
    shown = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["settings"]).output
    for name in ("HOTLINE_AMI__HOST", "HOTLINE_DATABASE", "HOTLINE_API__TOKEN", "HOTLINE_AGI__MOST_CALLS"):
        assert name in shown
    assert "sqlite:///hotline.db" in shown


def test_the_demo_site_is_good() -> None:
    shown = CliRunner().invoke(app, ["site", "check", str(ROOT / "site" / "demo.toml")])
    assert shown.exit_code == 0
    assert "is good: 4 lines, 3 queues, 12 agents" in " ".join(shown.output.split())


def test_a_bad_site_file_is_one_clear_error_and_no_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "site.toml"
    file.write_text("[site]\nname = 'x'\n")
    monkeypatch.setattr("sys.argv", ["hotline", "site", "check", str(file)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = capsys.readouterr().err
    assert ended.value.code == 1
    assert said.startswith(f"hotline: {file} cannot be used:")
    assert "site.fallback_queue" in said
    assert "Traceback" not in said


def test_serve_refuses_to_start_without_its_settings(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HOTLINE_AMI__WATCH_SECRET", "HOTLINE_API__TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.argv", ["hotline", "serve"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    assert "HOTLINE_AMI__WATCH_SECRET" in capsys.readouterr().err


def test_an_unknown_benchmark_names_the_known_ones() -> None:
    shown = CliRunner().invoke(app, ["bench", "nothing"])
    assert shown.exit_code == 2
    assert "agi" in shown.output


def test_ports_can_be_moved_by_the_environment_and_stay_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack, "ROOT", tmp_path)
    monkeypatch.setenv("HOTLINE_WEB_PORT", "9999")
    assert known("hotline").ports.web == 9999
    Stack().folder.mkdir(parents=True)
    (Stack().folder / "stack.env").write_text("HOTLINE_WEB_PORT=9998\nHOTLINE_RTP_PUBLISHED=12000-12100\n")
    monkeypatch.delenv("HOTLINE_WEB_PORT")
    assert known("hotline").ports.web == 9998
    assert known("hotline").rtp_range == (12000, 12100)


def test_a_stack_nobody_set_up_is_a_clear_error() -> None:
    with pytest.raises(StackFailed, match="there is no stack 'nonsense'"):
        known("nonsense")


def test_a_stack_that_another_checkout_runs_is_left_alone(tmp_path: Path) -> None:
    ours = replace(Stack(), name=f"hotline-shared-{os.getpid()}")
    labels = [f"com.docker.compose.project={ours.name}", f"com.docker.compose.project.working_dir={tmp_path}"]
    made = stack.run(
        ["docker", "create", *(word for label in labels for word in ("--label", label)), stack.BASE_IMAGE, "true"],
        doing="docker create",
        within=60,
    )
    try:
        ours.must_be_ours()  # the other checkout has been deleted: its containers are taken over
        (tmp_path / "docker-compose.yml").touch()
        with pytest.raises(StackFailed, match=rf"another checkout, {tmp_path}"):
            ours.must_be_ours()
    finally:
        stack.run(["docker", "rm", made.strip()], doing="docker rm", within=60)


def test_the_test_stacks_do_not_meet_each_other_or_the_demo() -> None:
    stacks = [Stack(), *map(stack.stack_for_tests, range(10))]
    assert len({each.net for each in stacks}) == len(stacks)
    ports = [port for each in stacks for port in (each.ports.sip, each.ports.web, each.ports.telco_manager)]
    assert len(set(ports)) == len(ports)


RUNNING = "Identifier Names:\nname not specified\nrequest_uri\nheader\nip\nusername\nauth_username\n"
CONFIG = "[global]\nendpoint_identifier_order = request_uri,header,ip,username\n"


@pytest.mark.parametrize(
    ("running", "good"),
    [
        (RUNNING, True),
        (RUNNING.replace("request_uri\n", ""), False),
        (RUNNING.replace("request_uri\n", "").replace("username\n", "username\nrequest_uri\n"), False),
        ("", False),
    ],
    ids=["as written", "not there", "too late", "no answer"],
)
def test_the_doctor_sees_whether_asterisk_looks_for_poison_first(running: str, good: bool) -> None:
    finding = gate(Stack(), running, CONFIG)
    assert (finding.mend == "") == good
    assert good or "docker restart hotline-asterisk-1" in finding.mend
