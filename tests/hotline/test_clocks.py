"""A clock that a test turns is refused where real people are behind the lines."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hotline.clocks import clock
from hotline.running import running
from hotline.settings import Ami, Api, Settings, SettingsRefused
from hotline.stack import ROOT

SECRET = "a-secret-of-some-length"
CARRIER = '\n[[carriers]]\nname = "mobile"\naddresses = ["203.0.113.10"]\n'


def test_a_clock_goes_as_far_ahead_as_its_file_says(tmp_path: Path) -> None:
    file = tmp_path / "clock"
    turned = clock(file)
    assert abs(turned() - datetime.now(UTC)) < timedelta(minutes=1)
    file.write_text("86400", encoding="utf-8")
    assert timedelta(hours=23) < turned() - datetime.now(UTC) < timedelta(hours=25)


@pytest.mark.parametrize("name", ["calendar_clock", "visits_clock"])
async def test_the_server_does_not_start_with_a_clock_that_can_be_turned_and_a_carrier(
    name: str, tmp_path: Path
) -> None:
    site = tmp_path / "site.toml"
    site.write_text((ROOT / "site" / "demo.toml").read_text("utf-8") + CARRIER, encoding="utf-8")
    ami = Ami(watch_secret=SECRET, desk_secret=SECRET, dial_secret=SECRET)
    settings = Settings(site=site, ami=ami, api=Api(token=SECRET), database=f"sqlite:///{tmp_path}/hotline.db")
    turned = settings.model_copy(update={name: tmp_path / "clock"})
    with pytest.raises(SettingsRefused, match=f"HOTLINE_{name.upper()}.*mobile"):
        async with running(turned):
            pass
