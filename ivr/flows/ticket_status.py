"""'What has become of my ticket?' The caller hears it without having to explain anything to a person.

Whoever calls from the number that is on a ticket hears of it at once; anybody else keys its nine digits. Neither is
told a name, a number or an address: what it is, how far it is, and when it should be done.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import structlog

from casework.codes import LENGTH, in_groups, read_code
from casework.ticket import Ticket
from ivr.call import Call
from ivr.rooms import CannotLook, Rooms

MOST_TOLD: Final = 3
"""Of a caller who has more open tickets the newest are told."""
ATTEMPTS: Final = 3
DIGITS: Final = "0123456789"
NEXT_DIGIT: Final = timedelta(seconds=5)


async def ticket_status(call: Call, rooms: Rooms) -> None:
    """Tell the caller how the tickets stand; afterwards the menu is asked again."""
    try:
        own = await rooms.tickets.open_of(call.caller) if call.caller is not None else []
        for ticket in own[:MOST_TOLD]:
            await tell(call, rooms, ticket)
        if not own or await call.ask("ticket_another", "1") == "1":
            await by_code(call, rooms)
    except CannotLook as problem:
        structlog.get_logger().error("a caller could not be told of a ticket", call=call.id, problem=str(problem))
        await call.say("ticket_not_now")


async def by_code(call: Call, rooms: Rooms) -> None:
    """Ask for the code until there is a ticket behind it; who cannot find it is led back to the menu."""
    for _ in range(ATTEMPTS):
        keyed = await nine_digits(call)
        if keyed is None:
            break
        code = read_code(keyed)
        ticket = None if code is None else await rooms.tickets.find(code)
        if ticket is not None:
            await tell(call, rooms, ticket)
            return
        await call.say("ticket_unknown")
    await call.say("ticket_ask_a_person")


async def nine_digits(call: Call) -> str | None:
    """Return what was keyed, up to nine digits; None for a caller who keys nothing."""
    digits = await call.ask("ticket_key_code", DIGITS)
    if digits is None:
        return None
    while digits.isdecimal() and len(digits) < LENGTH:
        digits += await call.more("ticket_key_code", DIGITS, wait=NEXT_DIGIT) or "#"
    return digits


async def tell(call: Call, rooms: Rooms, ticket: Ticket) -> None:
    """Say what it is, how far it is, and when it should be done."""
    await call.say(
        "ticket_stands",
        kind=f"ticket_{ticket.kind}",
        code=in_groups(ticket.code),
        state=f"ticket_{ticket.state.replace('-', '_')}",
    )
    expected = ticket.expected_end()
    if not ticket.is_open or expected is None:
        return
    if expected > call.now():
        await call.say("ticket_expected", until=expected.astimezone(rooms.zone))
    else:
        await call.say("ticket_late")
