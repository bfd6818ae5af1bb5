"""'What has become of my ticket?', rehearsed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from casework.codes import code_of
from casework.ticket import Kind, State, Ticket
from ivr.flows.hotline import hotline
from ivr.rehearsal import HANG_UP, MORNING, SILENCE, During, Stage, perform, rehearse
from ivr.rooms import CannotLook
from ivr.small_house import PretendTickets, small_house
from routing.events import PhoneNumber

ALICE = "13912345678"
TO_THE_MENU = ["hotline: greeting", "hotline: main_menu", "caller:  4"]


def ticket(number: int = 1, state: State = State.DISPATCHED, *, due: datetime | None = None) -> Ticket:
    """A repair with everything on it that must not be said."""
    private = {"name": "王芳", "phone": ALICE, "address": "幸福路12号", "problem": "漏水"}
    return Ticket(
        code=code_of(number), version=1, kind=Kind.REPAIR, state=state, source="desk", created=MORNING,
        due=due or MORNING + timedelta(hours=3), **private,
    )  # fmt: skip


def house(*tickets: Ticket) -> PretendTickets:
    return PretendTickets({ALICE: tickets})


async def test_who_calls_from_the_tickets_number_hears_of_it_without_keying_anything() -> None:
    lines = await rehearse(
        hotline, caller=["4", SILENCE, "1"], number=ALICE, rooms=small_house(tickets=house(ticket(1), ticket(2)))
    )
    assert lines == [
        *TO_THE_MENU,
        "hotline: ticket_stands",
        "hotline: ticket_expected",
        "hotline: ticket_stands",
        "hotline: ticket_expected",
        "hotline: ticket_another",
        "caller:  (silence)",
        "hotline: main_menu",
        "caller:  1",
        "hotline: connecting",
        "handed to: consult",
    ]


async def test_anybody_else_keys_the_code() -> None:
    keys = ["4", *ticket().code, "0"]
    lines = await rehearse(hotline, caller=keys, number="13700000000", rooms=small_house(tickets=house(ticket())))
    assert lines == [
        *TO_THE_MENU,
        "hotline: ticket_key_code",
        *(f"caller:  {digit}" for digit in ticket().code),
        "hotline: ticket_stands",
        "hotline: ticket_expected",
        "hotline: main_menu",
        "caller:  0",
        "hotline: connecting",
        "handed to: consult",
    ]


async def said(tickets: Sequence[Ticket], *, number: str | None, keys: Sequence[str] = ()) -> str:
    """The words a caller hears of the tickets."""
    stage = Stage(["4", *keys, During("main_menu", HANG_UP)], {}, [])
    known = None if number is None else PhoneNumber(number)
    await perform(hotline, stage, rooms=small_house(tickets=house(*tickets)), caller=known)
    return " ".join(stage.words)


async def test_state_and_expected_end_are_said_and_nothing_personal() -> None:
    words = await said([ticket()], number=ALICE)
    assert "您的报修工单，编号" in words
    assert "已派单" in words
    assert "预计今天中午十二点半前完成" in words
    assert not any(private in words for private in ("王芳", "幸福", "漏水", "一三九"))


async def test_what_is_late_is_said_to_be_late_and_what_is_done_has_no_end() -> None:
    assert "超过预计时间" in await said([ticket(due=MORNING - timedelta(hours=1))], number=ALICE)
    over = await said([ticket(state=State.CLOSED)], number=None, keys=ticket().code)
    assert "已办结" in over
    assert "预计" not in over


async def test_of_many_tickets_the_newest_three_are_told() -> None:
    words = await said([ticket(n) for n in range(1, 9)], number=ALICE)
    assert words.count("已派单") == 3


async def test_a_wrong_code_is_asked_for_again_and_then_a_person_is_offered() -> None:
    lines = await rehearse(
        hotline, caller=["4", *"123456789", *"12#", *"999", SILENCE, "0"], rooms=small_house(tickets=house(ticket()))
    )
    assert [line for line in lines if "ticket" in line] == [
        "hotline: ticket_key_code",
        "hotline: ticket_unknown",
        "hotline: ticket_key_code",
        "hotline: ticket_unknown",
        "hotline: ticket_key_code",
        "hotline: ticket_unknown",
        "hotline: ticket_ask_a_person",
    ]
    assert lines[-1] == "handed to: consult"


async def test_a_silent_caller_is_led_back_to_the_menu() -> None:
    lines = await rehearse(hotline, caller=["4", SILENCE, "0"])
    assert lines[3:] == [
        "hotline: ticket_key_code",
        "caller:  (silence)",
        "hotline: ticket_ask_a_person",
        "hotline: main_menu",
        "caller:  0",
        "hotline: connecting",
        "handed to: consult",
    ]


async def test_when_the_tickets_cannot_be_looked_at_the_caller_is_told_so() -> None:
    class Away(PretendTickets):
        async def open_of(self, _: PhoneNumber) -> Sequence[Ticket]:
            raise CannotLook("database is locked")

    lines = await rehearse(hotline, caller=["4", "0"], number=ALICE, rooms=small_house(tickets=Away()))
    assert lines[3:5] == ["hotline: ticket_not_now", "hotline: main_menu"]


async def test_nobody_can_keep_the_line_for_ever() -> None:
    lines = await rehearse(hotline, caller=[step for _ in range(10) for step in ("4", SILENCE)])
    assert lines[-1].startswith("handed to: ")
