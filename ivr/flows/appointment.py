"""A time for another call: the callee chooses or keys it, hears it said back, and confirms it.

    1 in an hour      2 today, at a time that is keyed      3 tomorrow, the same

A time is four digits of the day's 24 hours, 1430 is half past two. Outside the hours in which we may call it is not
taken. Who does not manage is called in an hour, or as soon after that as we may.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from casework.visits.answers import Agreed
from casework.visits.case import NextTime
from casework.visits.script import Script
from ivr.call import Call

IN_AN_HOUR: Final = timedelta(hours=1)
TODAY, TOMORROW = "2", "3"
DIGITS: Final = "0123456789"
NEXT_DIGIT: Final = timedelta(seconds=4)
CLOSE: Final = timedelta(minutes=1)
"""A keyed time that we may use is taken as it is."""


async def appointment(call: Call, step: str, script: Script, next_time: NextTime, zone: ZoneInfo) -> Agreed:
    """Agree on a time with the callee."""
    for _ in range(script.attempts):
        wanted = await _wanted(call, script, zone)
        if wanted is None:
            await call.say("wrong_key")
        elif next_time(wanted) - wanted > CLOSE:
            await call.say("visit_time_outside")
        elif await _confirmed(call, script, wanted.astimezone(zone)):
            return Agreed(step=step, at=call.now(), time=wanted)
    fallback = next_time(call.now() + IN_AN_HOUR)
    await call.say("visit_call_at", at=fallback.astimezone(zone))
    return Agreed(step=step, at=call.now(), time=fallback)


async def _wanted(call: Call, script: Script, zone: ZoneInfo) -> datetime | None:
    """The time that the callee wants; None when it cannot be understood, or is over."""
    key = await call.ask("visit_when", "123", wait=script.wait)
    now = call.now()
    if key == "1":
        return (now + IN_AN_HOUR).replace(second=0, microsecond=0)
    if key not in (TODAY, TOMORROW):
        return None
    keyed = await _four_digits(call, script)
    if keyed is None:
        return None
    day = now.astimezone(zone).date() + timedelta(days=key == TOMORROW)
    wanted = datetime.combine(day, keyed, zone).astimezone(UTC)
    return wanted if wanted > now else None


async def _four_digits(call: Call, script: Script) -> time | None:
    digits = await call.ask("visit_key_time", DIGITS, wait=script.wait) or ""
    while digits.isdecimal() and len(digits) < 4:
        digits += await call.more("visit_key_time", DIGITS, wait=NEXT_DIGIT) or "#"
    if not digits.isdecimal() or int(digits[:2]) > 23 or int(digits[2:]) > 59:
        return None
    return time(int(digits[:2]), int(digits[2:]))


async def _confirmed(call: Call, script: Script, at: datetime) -> bool:
    return await call.ask("visit_confirm_time", "12", wait=script.wait, at=at) == "1"
