"""The command line: `hotline --help`.

Each command stands in the module of what it is about; this one puts them together and turns what can go wrong into one
clear line. Commands that look at or change a running hotline talk to its server (`hotline/client.py`).
"""

from __future__ import annotations

import sys

import typer

from casework.visits.script import ScriptRefused
from hotline import logging
from hotline.asterisk_files import NotPlain
from hotline.cli import (
    agents,
    announcements,
    bench,
    calls,
    check,
    figures,
    keys,
    notices,
    prompts,
    script,
    stack,
    tickets,
    tryout,
    users,
    visits,
)
from hotline.cli import serve as serving
from hotline.client import ServerError
from hotline.running import LogUnusable
from hotline.secrets import SecretsRefused
from hotline.settings import SettingsRefused
from hotline.site import SiteRefused
from hotline.stack import StackFailed
from prompts.errors import PromptsError
from routing.ami import AmiError

app = typer.Typer(
    name="hotline",
    help="An open hotline server on Asterisk 22: greeting, menu, queue, agent, recording, and the story of every call.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for module in (
    stack,
    serving,
    tryout,
    announcements,
    calls,
    tickets,
    notices,
    agents,
    users,
    keys,
    figures,
    script,
    visits,
    check,
    prompts,
    bench,
):
    module.add_to(app)

PROBLEMS = (
    SettingsRefused,
    SiteRefused,
    ScriptRefused,
    SecretsRefused,
    StackFailed,
    ServerError,
    PromptsError,
    AmiError,
    LogUnusable,
    NotPlain,
    OSError,
)


def main() -> None:
    """Run one command; a problem we know ends in its own words and status 1, never in a traceback."""
    logging.quiet()
    try:
        app()
    except PROBLEMS as problem:
        print(f"hotline: {problem}", file=sys.stderr)
        raise SystemExit(1) from None
