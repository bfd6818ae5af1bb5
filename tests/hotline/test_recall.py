"""What a new server takes up from the log: the calls that were up, and not one of which only a message was found."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from routing.events import CallRang, MessageLeft, PhoneNumber
from tests.desk.desks import a_desk

UP, LONG_OVER = "pbx-1770091200.7", "pbx-1770091200.8"


async def test_a_call_that_was_up_is_taken_up_and_one_whose_message_was_found_later_is_not(tmp_path: Path) -> None:
    now, number = datetime.now(UTC), PhoneNumber("13800135678")
    async with a_desk(tmp_path) as desk:
        desk.events.record(CallRang(at=now, call=UP, caller=number, dialled="4001234567"))
        # Nobody of ours saw this call: neither its ring nor its end was written down.
        desk.events.record(MessageLeft(at=now, call=LONG_OVER, file=f"{LONG_OVER}.wav", length=timedelta(seconds=9)))
        await desk.service.recall()
        assert desk.service.watch.live == {UP}
        assert desk.service.live.calls.keys() == {UP}
