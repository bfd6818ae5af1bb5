"""Requests that come twice, and other systems' ids."""

from __future__ import annotations

import asyncio

import pytest

from casework.errors import ExternalIdTaken, KeyReused, TicketCannot
from casework.idempotency import Request
from casework.search import Search
from casework.steps import Step
from tests.casework.cases import Office, burst_pipe


def boss(key: str, wanted: object) -> Request:
    return Request.of("boss", key, wanted)


async def test_a_request_that_is_sent_again_is_carried_out_once_and_answered_as_before(office: Office) -> None:
    first, made = await office.tickets.open(burst_pipe(), who="boss", request=boss("k1", {"a": 1}))
    await office.walk(first, "dispatch")
    again, made_again = await office.tickets.open(burst_pipe(), who="boss", request=boss("k1", {"a": 1}))
    assert (made, made_again, again) == (True, False, first)
    assert len(await office.tickets.search(Search())) == 1


async def test_a_key_belongs_to_one_request_of_one_asker(office: Office) -> None:
    await office.tickets.open(burst_pipe(), who="boss", request=boss("k1", {"a": 1}))
    with pytest.raises(KeyReused):
        await office.tickets.open(burst_pipe(), who="boss", request=boss("k1", {"a": 2}))
    _, made = await office.tickets.open(burst_pipe(), who="crm", request=Request.of("crm", "k1", {"a": 2}))
    assert made


async def test_a_step_that_is_sent_again_is_taken_once(office: Office) -> None:
    ticket = await office.open()
    step, request = Step(move="dispatch", to="crew-1"), boss("k2", "dispatch")
    first = await office.tickets.step(ticket.code, step, who="boss", expected=1, request=request)
    assert await office.tickets.step(ticket.code, step, who="boss", expected=1, request=request) == first


async def test_a_request_that_was_refused_may_be_sent_again_with_its_key(office: Office) -> None:
    ticket = await office.open()
    with pytest.raises(TicketCannot):
        await office.tickets.step(ticket.code, Step(move="start"), who="boss", request=boss("k3", "start"))
    await office.walk(ticket, "dispatch")
    await office.tickets.step(ticket.code, Step(move="start"), who="boss", request=boss("k3", "start"))


async def test_of_the_same_request_many_times_at_once_one_ticket_comes(office: Office) -> None:
    outcomes = await asyncio.gather(
        *(office.tickets.open(burst_pipe(), who="boss", request=boss("k4", "same")) for _ in range(6))
    )
    assert len({ticket.code for ticket, _ in outcomes}) == 1
    assert [made for _, made in outcomes].count(True) == 1
    assert len(await office.tickets.search(Search())) == 1


async def test_another_systems_id_is_opened_once(office: Office) -> None:
    asked = burst_pipe(source="12345", external_id="WO-77")
    first = await office.open(asked)
    assert (await office.open(asked)).code == first.code
    assert (await office.open(burst_pipe(source="consumer-council", external_id="WO-77"))).code != first.code
    with pytest.raises(ExternalIdTaken) as refused:
        await office.open(burst_pipe(source="12345", external_id="WO-77", problem="something else"))
    assert refused.value.ticket.code == first.code


async def test_of_one_external_id_many_times_at_once_one_ticket_comes(office: Office) -> None:
    asked = burst_pipe(source="boss", external_id="WO-78")
    outcomes = await asyncio.gather(*(office.open(asked) for _ in range(6)))
    assert len({ticket.code for ticket in outcomes}) == 1
