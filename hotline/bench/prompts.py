"""`hotline bench prompts`: every sound of a large site, against calling espeak-ng once per file, one after the other.

The site has 100 agents, 8 festivals and 3 languages: each agent's greeting on each festival in each language is a file
of its own. The peer only speaks: it writes one wav file for each text; ours are also trimmed, levelled, freed of clicks
and written at two rates.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import Progress, track

from hotline.bench.report import Machine, Report
from prompts.build import build
from prompts.catalogue import Catalogue
from prompts.espeak import MANNERS, Espeak
from prompts.plan import Plan, Played, plan

BRANDS: Final = {"heating": {"zh": "阳光供热", "en": "Sunshine Heating", "es": "Calor del Sol"}}
FESTIVALS: Final = 8


def run(*, quick: bool = False) -> Report:
    """Build once from nothing, once with nothing changed, and have the peer speak the same texts."""
    wanted = site(agents=4 if quick else 100)
    console = Console(stderr=True)
    with tempfile.TemporaryDirectory() as folder:
        began = _cpu()
        first = _build(wanted, Path(folder) / "ours", console, "building")
        ours = _cpu() - began
        second = _build(wanted, Path(folder) / "ours", console, "building again, nothing has changed")
        texts = [(piece.text, piece.language) for piece in wanted if not isinstance(piece, Played)]
        began = _cpu()
        peer = _one_by_one(track(texts, "espeak-ng, one by one", console=console), Path(folder) / "peer.wav")
        theirs = _cpu() - began
    return Report(
        name="prompts",
        machine=Machine.this(),
        rows=[
            {"what": "ours", "files": len(wanted), "seconds": first, "files a second": len(wanted) / first},
            {"what": "ours again", "files": len(wanted), "seconds": second, "files a second": len(wanted) / second},
            {"what": "espeak-ng", "files": len(texts), "seconds": peer, "files a second": len(texts) / peer},
        ],
        ratios={
            "files a second ours/espeak-ng": len(wanted) / first / (len(texts) / peer),
            "CPU a file ours/espeak-ng": ours / len(wanted) / (theirs / len(texts)),
            "seconds to see that nothing changed": second,
        },
        notes=(
            "A file of ours is two on the disk (8 and 16 kHz), trimmed, levelled, without clicks; the peer's is raw.",
            "The peer speaks one text per process, in sequence, as a script around espeak-ng does.",
        ),
    )


def site(agents: int) -> Plan:
    """Everything that a site with so many agents can say."""
    catalogue = Catalogue.read()
    festivals = sorted(name.removeprefix("festival_") for name in catalogue.ids if name.startswith("festival_"))
    return plan(
        catalogue,
        brands=BRANDS,
        agents=[str(1000 + number) for number in range(agents)],
        festivals=[[festival] for festival in festivals[:FESTIVALS]],
    )


def _cpu() -> float:
    """Seconds of processor time so far, those of ended child processes too."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def _build(wanted: Plan, sounds: Path, console: Console, what: str) -> float:
    with Progress(console=console) as progress:
        bar = progress.add_task(what, total=None)
        began = time.perf_counter()
        build(
            wanted, sounds, Espeak(), progress=lambda done, total, _: progress.update(bar, completed=done, total=total)
        )
        return time.perf_counter() - began


def _one_by_one(texts: Iterable[tuple[str, str]], to: Path) -> float:
    began = time.perf_counter()
    for text, language in texts:
        manner = MANNERS[language]
        command = ["espeak-ng", "-v", manner.voice, "-s", str(manner.speed), "-b", "1", "-w", str(to), "--stdin"]
        subprocess.run(command, input=manner.spelled(text).encode(), check=True, capture_output=True)
    return time.perf_counter() - began
