"""Somebody whom we visit about a repair, and who wants a person, is led to where the menu leads who calls about one."""

from __future__ import annotations

import pytest

from casework.intake import Intake
from casework.steps import Step
from casework.ticket import Kind
from casework.visits import book
from hotline.casework import casework_in_memory
from hotline.site import load
from hotline.stack import ROOT


@pytest.mark.parametrize("kind", [Kind.REPAIR, Kind.EMERGENCY])
async def test_a_visit_knows_the_queue_of_the_menu(kind: Kind) -> None:
    async with casework_in_memory(load(ROOT / "tests/asterisk/site.toml")) as casework:
        cold = Intake(kind=kind, phone="13900000000", name="Alice", address="1 North Street", problem="no heat")
        ticket, _ = await casework.tickets.open(cold, who="1024")
        await casework.tickets.step(ticket.code, Step(move="dispatch", to="crew-3"), who="1024")
        await casework.tickets.step(ticket.code, Step(move="finish", outcome="warm"), who="1024")
        (visit,) = await casework.office.read(book.listed)
        assert visit.queue == "repair"
