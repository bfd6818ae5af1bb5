"""The calendar and the news of a running house: changed, and listened to in advance. The voice is the real one."""

from __future__ import annotations

import base64
import io
import wave
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient, TestServer
from pydantic import SecretStr

from desk.accounts import open_accounts
from hotline import api
from hotline.casework import casework_in_memory
from hotline.service import Service
from hotline.settings import Ami, Api, Folders, Settings
from hotline.site import load
from hotline.words import open_said, open_words
from routing.log import MemoryLog
from routing.tally import Hour

TOKEN = "n7Qw2ZxT9kLmP4vR"
SITE = """
[site]
name = "small"
fallback_queue = "consult"
[[numbers]]
key = "heating"
name = "hotline"
dialled = ["4001234567"]
brand = { zh = "阳光供热" }
languages = ["zh"]
menu = "main"
hours = "office"
[menus.main]
prompt = "support_menu"
keys.0 = { topic = "person", queue = "consult" }
[[hours.office]]
days = ["workday"]
open = 08:30:00
close = 17:30:00
[calendar.seasons.heating]
from = "11-15"
until = "03-15"
[[queues]]
name = "consult"
transfer_code = "701"
[[agents]]
work_number = "1024"
name = "Chen"
phone = "chen-desk"
queues = { consult = 0 }
"""


@dataclass
class House:
    """A service without an Asterisk, and its interface."""

    service: Service
    http: TestClient[Any, Any]
    folder: Path

    async def ask(self, method: str, path: str, body: dict[str, Any] | None = None, *, status: int = 200) -> Any:
        response = await self.http.request(method, path, json=body)
        assert response.status == status, await response.text()
        return await response.json()

    async def hears(self, at: str, **more: Any) -> list[str]:
        """What a caller would hear, in words."""
        found: list[str] = (await self.ask("POST", "/api/hear", {"at": at, **more}))["texts"]
        return found


@pytest_asyncio.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """One small house for all tests here: its sounds take some seconds to make."""
    folder = tmp_path_factory.mktemp("house")
    (folder / "site.toml").write_text(SITE, encoding="utf-8")
    secret = SecretStr(TOKEN)
    settings = Settings(
        site=folder / "site.toml",
        ami=Ami(watch_secret=secret, desk_secret=secret, dial_secret=secret),
        api=Api(token=secret),
        folders=Folders(sounds=folder / "sounds", recordings=folder / "recordings", messages=folder / "messages"),
    )
    (folder / "recordings" / "live").mkdir(parents=True)
    site, database = load(settings.site), f"sqlite:///{folder / 'said.db'}"
    async with open_said(database) as said, casework_in_memory(site) as casework, open_accounts(database) as accounts:
        service = Service(settings, site, MemoryLog(), open_words(site, settings), casework, said)
        await service.almanac.start()
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with TestClient(TestServer(api.application(service, accounts)), headers=headers) as http:
            yield House(service, http, folder)
        await service.almanac.stop()


async def test_what_a_caller_would_hear_is_told_in_words_and_as_sound(house: House) -> None:
    asked = {"at": "2025-10-06T10:00", "agent": "1024"}
    assert (await house.hears(**asked))[:3] == ["中秋快乐！", "国庆快乐！", "您好，欢迎致电阳光供热服务热线。"]
    assert "现在是非工作时间" in "".join(await house.hears(**asked)), "a Monday, but a holiday"

    found = await house.ask("POST", "/api/hear", {"at": "2026-10-10T10:00", "agent": "1024"})
    assert found["lines"][-1] == "hotline: agent_greeting", "a Saturday that is worked"
    assert found["texts"][-1] == "阳光供热，一零二四号为您服务。"
    with wave.open(io.BytesIO(base64.b64decode(found["wav"]))) as sound:
        assert sound.getframerate() == 8000
        assert sound.getnframes() > 8 * 8000

    workday = await house.hears("2026-01-04T10:00", agent="1024", keys="0")
    assert workday[0] == "您好，欢迎致电阳光供热服务热线。", "4 January 2026 is worked, and nobody's festival"


async def test_one_who_cannot_be_called_is_told_why(house: House) -> None:
    body = {"at": "2026-10-10", "number": "4009999999"}
    assert (await house.ask("POST", "/api/hear", body, status=422))["code"] == "not-heard"


async def test_a_change_by_command_holds_at_once_and_until_it_is_taken_back(house: House) -> None:
    entry = {"festival": "founding", "from": "2026-11-18", "until": "2026-11-18", "says": {"zh": "十周年快乐！"}}
    number = (await house.ask("POST", "/api/calendar/changes", {"windows": [entry]}, status=201))["number"]
    heard = await house.hears("2026-11-18T10:00", agent="1024")
    assert heard[0] == "十周年快乐！"
    assert heard[-1] == "十周年快乐！阳光供热，一零二四号为您服务。"
    assert any("founding" in line for line in (await house.ask("GET", "/api/calendar/years/2026"))["lines"])
    (change,) = (await house.ask("GET", "/api/calendar/changes"))["changes"]
    assert (change["number"], change["by"]) == (number, "command-line")

    await house.ask("POST", f"/api/calendar/changes/{number}/withdraw")
    assert "十周年" not in "".join(await house.hears("2026-11-18T10:00", agent="1024"))
    await house.ask("POST", f"/api/calendar/changes/{number}/withdraw", status=404)


async def test_a_change_that_cannot_be_spoken_changes_nothing(house: House) -> None:
    entry = {"festival": "founding", "from": "2026-11-18", "until": "2026-11-18", "says": {"zh": "Happy birthday"}}
    refused = await house.ask("POST", "/api/calendar/changes", {"windows": [entry]}, status=422)
    assert refused["code"] == "notice-refused"
    assert (await house.ask("GET", "/api/calendar/changes"))["changes"] == []
    assert (await house.hears("2026-11-18T10:00"))[0].startswith("您好")


async def test_the_operators_file_is_taken_up_and_one_with_a_mistake_is_not(house: House) -> None:
    file = house.folder / "calendar.toml"
    file.write_text('windows = [{do="silence", from=2026-10-01, until=2026-10-07}]', encoding="utf-8")
    await house.service.almanac.refresh()
    assert (await house.hears("2026-10-01T10:00"))[0].startswith("您好")
    file.write_text('windows = [{do="silense", from=2026-10-01, until=2026-10-07}]', encoding="utf-8")
    await house.service.almanac.refresh()
    assert "windows.0.do" in house.service.health()["calendar"]
    assert (await house.hears("2026-10-01T10:00"))[0].startswith("您好"), "what held before still holds"
    file.unlink()
    await house.service.almanac.refresh()
    assert "calendar" not in house.service.health()
    assert (await house.hears("2026-10-01T10:00"))[0] == "国庆快乐！"


async def test_news_is_announced_once_it_is_spoken_and_heard_with_its_end(house: House) -> None:
    begins = datetime.now(UTC)
    body = {"text": {"zh": "东城区供热管线抢修，暂停供暖。"}, "expected_end": (begins + timedelta(hours=3)).isoformat()}
    number = (await house.ask("POST", "/api/news", body, status=201))["number"]
    then = (begins + timedelta(hours=1)).isoformat()
    heard = await house.hears(then)
    place = heard.index("东城区供热管线抢修，暂停供暖。")
    assert heard[place + 1].startswith("预计")
    assert "东城区供热管线抢修，暂停供暖。" not in await house.hears((begins + timedelta(hours=4)).isoformat())
    await house.ask("POST", f"/api/news/{number}/end")
    assert "东城区供热管线抢修，暂停供暖。" not in await house.hears(then)


@pytest.mark.parametrize("text", ["<speak>停暖</speak>", "停\x00暖", "Burst pipe", "1" * 300, "[[x]]", "停暖`id`"])
async def test_news_that_cannot_be_spoken_is_refused_and_not_announced(house: House, text: str) -> None:
    refused = await house.ask("POST", "/api/news", {"text": {"zh": text}}, status=422)
    assert refused["code"] in ("bad-request", "news-refused")
    assert (await house.ask("GET", "/api/news"))["news"] == []


async def test_the_callers_of_a_season_are_compared_with_those_of_the_same_season_only(house: House) -> None:
    monday = datetime(2026, 11, 16, 2, tzinfo=UTC)  # ten o'clock there, the first Monday of the heating season
    weeks = [monday + timedelta(weeks=week) for week in range(5)]
    counts = {Hour("consult", hour): 30 for hour in weeks}
    usual = house.service.usual
    usual.learn(counts, ["consult"], since=weeks[0], until=weeks[-1] + timedelta(hours=1))
    in_season, before = usual.expected("consult", monday), usual.expected("consult", monday - timedelta(weeks=2))
    assert in_season is not None
    assert in_season.callers == 30
    assert before is None, "the same hour of the same weekday, but nobody heats yet"


async def test_the_area_that_is_in_trouble_is_named_in_alarms_while_it_is(house: House) -> None:
    watchman_knows = house.service.almanac.area_in_trouble
    assert watchman_knows() is None
    number = (await house.ask("POST", "/api/news", {"text": {"zh": "东城停暖。"}, "area": "east"}, status=201))[
        "number"
    ]
    assert watchman_knows() == "east"
    await house.ask("POST", f"/api/news/{number}/end")
    assert watchman_knows() is None
