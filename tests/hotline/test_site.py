"""The site file is refused as a whole, and every problem is named with its place and the way out."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from hotline.site import SiteRefused, load
from hotline.stack import ROOT
from prompts.calendar.calendar import Calendar
from prompts.catalogue import Catalogue

GOOD = """
[site]
name = "test"
fallback_queue = "consult"

[[numbers]]
key = "heating"
name = "public hotline"
dialled = ["4001234567", "95101"]
brand = { zh = "阳光供热", en = "Sunshine Heating" }
languages = ["zh", "en"]
menu = "main"
hours = "office"

[menus.main]
prompt = "main_menu"
keys.1 = { topic = "consult", queue = "consult" }
keys.2 = { topic = "repair", menu = "repair" }

[menus.repair]
prompt = "repair_menu"
keys.1 = { topic = "emergency", queue = "repair", priority = 100, always_open = true }

[[hours.office]]
days = ["mon", "fri"]
open = 08:30:00
close = 17:30:00

[[queues]]
name = "consult"
transfer_code = "701"

[[queues]]
name = "repair"
transfer_code = "702"

[[agents]]
work_number = "1024"
name = "Chen"
phone = "chen-desk"
queues = { consult = 0, repair = 0 }
"""


def site(tmp_path: Path, *changes: tuple[str, str], more: str = "") -> Path:
    text = GOOD
    for old, new in changes:
        assert text.count(old) == 1, f"{old!r} must be there once"
        text = text.replace(old, new)
    file = tmp_path / "site.toml"
    file.write_text(text + more, encoding="utf-8")
    return file


def problems(file: Path) -> tuple[str, ...]:
    with pytest.raises(SiteRefused) as refused:
        load(file)
    assert str(file) in str(refused.value)
    assert all(problem in str(refused.value) for problem in refused.value.problems)
    return refused.value.problems


def test_a_good_site_is_read(tmp_path: Path) -> None:
    found = load(site(tmp_path))
    line = found.line_for("95101")
    assert line is not None
    assert (line.key, line.language, line.menu) == ("heating", "zh", "main")
    assert found.line_for("95102") is None
    assert found.menus["repair"].keys["1"].priority == 100
    agent, at_phone, queue = found.agent("1024"), found.agent_at("chen-desk"), found.queue("repair")
    assert agent is not None
    assert queue is not None
    assert agent == at_phone
    assert (agent.interface, queue.transfer_code) == ("PJSIP/chen-desk", "702")


@pytest.mark.parametrize("file", ["site/demo.toml", "tests/asterisk/site.toml"])
def test_the_sites_that_come_with_the_product_are_good(file: str) -> None:
    assert load(ROOT / file).numbers


def test_a_menu_that_nobody_can_speak_is_refused(tmp_path: Path) -> None:
    assert problems(site(tmp_path, ('prompt = "repair_menu"', 'prompt = "repairs"'))) == (
        "menus.repair.prompt: no prompt is called 'repairs'; write its text in prompts/texts/*.toml",
    )


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            'fallback_queue = "consult"',
            'fallback_queue = "sales"',
            "site.fallback_queue: no queue is called 'sales'; there are consult, repair",
        ),
        (
            'menu = "main"',
            'menu = "start"',
            "numbers.heating.menu: no menu is called 'start'; there are main, repair",
        ),
        (
            'hours = "office"',
            'hours = "shop"',
            "numbers.heating.hours: no hours are called 'shop'; there are always, office",
        ),
        (
            'keys.1 = { topic = "consult", queue = "consult" }',
            'keys.1 = { topic = "consult", queue = "sales" }',
            "menus.main.keys.1: no queue is called 'sales'; there are consult, repair",
        ),
        (
            'menu = "repair" }',
            'menu = "repairs" }',
            "menus.main.keys.2: no menu is called 'repairs'; there are main, repair",
        ),
        (
            "queues = { consult = 0, repair = 0 }",
            "queues = { consult = 0, sales = 0 }",
            "agents.1024.queues: no queue is called 'sales'; there are consult, repair",
        ),
        (
            "[menus.main]",
            '[notices]\nbrands = { gas = "Eastwind" }\n\n[menus.main]',
            "notices.brands: no line is called 'gas'; there are heating",
        ),
        ('"95101"', '"4001234567"', "numbers.dialled: '4001234567' is used 2 times, but must be unique"),
        (
            'transfer_code = "702"',
            'transfer_code = "701"',
            "what an agent can dial (work numbers, transfer codes, department codes): "
            "'701' is used 2 times, but must be unique",
        ),
    ],
)
def test_a_name_that_nothing_has_is_named(tmp_path: Path, old: str, new: str, problem: str) -> None:
    assert problems(site(tmp_path, (old, new))) == (problem,)


def test_menus_that_lead_in_circles_are_refused(tmp_path: Path) -> None:
    back = '\nkeys.9 = { topic = "back", menu = "main" }'
    found = problems(site(tmp_path, ("always_open = true }", "always_open = true }" + back)))
    assert found == (
        "menus.main.keys.2: menu 'repair' leads back to 'main'; a caller could go in circles",
        "menus.repair.keys.9: menu 'main' leads back to 'repair'; a caller could go in circles",
    )


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('topic = "consult", queue = "consult"', 'topic = "consult"', "must name either a queue or a menu"),
        (
            'keys.1 = { topic = "emergency", queue = "repair", priority = 100, always_open = true }',
            'keys.1 = { topic = "more", menu = "main" }',
            "no key leads to a queue",
        ),
        ('brand = { zh = "阳光供热", en = "Sunshine Heating" }', 'brand = { zh = "阳光供热" }', "has no brand in en"),
        ("close = 17:30:00", "close = 08:30:00", "opens at 08:30:00 but closes at 08:30:00"),
        ('fallback_queue = "consult"', 'fallback_queue = "consult"\ntimezone = "Mars"', "'Mars' is not a time zone"),
        ('dialled = ["4001234567", "95101"]', 'dialled = ["400-123"]', "numbers.0.dialled.0"),
        ('work_number = "1024"', 'work_number = "ten"', "agents.0.work_number"),
        ('name = "Chen"', 'name = "Chen"\nshoe_size = 42', "agents.0.shoe_size"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_its_place(tmp_path: Path, old: str, new: str, words: str) -> None:
    (problem,) = problems(site(tmp_path, (old, new)))
    assert words in problem


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    file = site(tmp_path, ('fallback_queue = "consult"', 'fallback_queue = "sales"'), ('menu = "main"', 'menu = "x1"'))
    assert len(problems(file)) == 2


def test_a_file_that_is_not_there_or_not_toml_is_one_clear_line(tmp_path: Path) -> None:
    assert problems(tmp_path / "none.toml") == ("cannot be read: No such file or directory",)
    (tmp_path / "bad.toml").write_text("[site\n")
    assert "is not TOML" in problems(tmp_path / "bad.toml")[0]


@pytest.mark.parametrize(
    ("local", "expected"),
    [
        ("2025-11-21 08:29:59", False),
        ("2025-11-21 08:30:00", True),
        ("2025-11-21 17:29:59", True),
        ("2025-11-21 17:30:00", False),
        ("2025-11-20 12:00:00", False),
    ],
)
def test_hours_begin_sharp_and_end_sharp(tmp_path: Path, local: str, expected: bool) -> None:
    found = load(site(tmp_path))
    (line,) = found.numbers
    moment = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo("Asia/Shanghai"))
    assert Calendar(found.rules).is_open(line.hours, moment) is expected


def test_every_prompt_that_the_dialplan_plays_has_a_text() -> None:
    dialplan = (ROOT / "asterisk-config/pbx/extensions.conf").read_text(encoding="utf-8")
    played = set(re.findall(r"Playback\(\$\{SOUNDS\}/\$\{\w+\}/(\w+)\)", dialplan))
    assert played
    assert played <= Catalogue.read().ids
