"""`hotline script`: a script is checked and tried out without a telephone."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from hotline.cli import app


def test_a_script_of_the_product_is_good() -> None:
    done = CliRunner().invoke(app, ["script", "check", "return-visit"])
    assert done.exit_code == 0
    assert "return-visit is good" in done.output


def test_a_broken_script_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "broken.toml"
    file.write_text('name = "broken"\nabout = {}\nsteps = []\n', "utf-8")
    done = CliRunner().invoke(app, ["script", "check", str(file)])
    assert "steps" in str(done.exception)


def test_in_a_rehearsal_the_keyboard_is_the_callee() -> None:
    keys = "1\n2\n3\n1\n10\nbetter pipes\n"
    done = CliRunner().invoke(app, ["script", "rehearse", "return-visit", "--lang", "en"], input=keys)
    assert done.exit_code == 0, done.output
    words = " ".join(done.output.split())
    assert "Has the problem been solved?" in words
    assert "the visit would be finished" in words
    assert "and then: reopen and then: complain" in words


def test_who_hangs_up_in_a_rehearsal_sees_what_half_a_call_leads_to() -> None:
    done = CliRunner().invoke(app, ["script", "rehearse", "return-visit", "--lang", "en"], input="1\n2\nh\n")
    words = " ".join(done.output.split())
    assert "the visit would be partial and then: reopen" in words
