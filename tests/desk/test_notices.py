"""Notices at the desk: seen masked, sent again, tried; and the page behind a link, without a sign-in."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from casework import book
from casework.intake import Intake
from casework.notices import outbox
from casework.notices.channels.providers import twilio_signature
from casework.notices.channels.receipts import Callback, callback_of
from casework.notices.directory import Sms
from casework.notices.notice import State
from casework.notices.pace import Caps
from casework.notices.tables import NOTICES
from casework.steps import Step
from casework.ticket import Kind, Ticket
from desk.access import Role
from routing.events import AlarmEnded, AlarmRaised
from tests.casework.notices.a_site import TABLES
from tests.desk.desks import Desk, a_desk

TOKEN = {"Authorization": "Bearer n7Qw2ZxT9kLmP4vR"}
PAGE = "https://sms.example.org"


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncGenerator[Desk]:
    async with a_desk(tmp_path, notices=TABLES | {"page": PAGE}) as opened:
        yield opened


async def emergency(desk: Desk) -> Ticket:
    """An emergency that was dispatched to the crew."""
    casework = desk.service.casework
    intake = Intake(kind=Kind.EMERGENCY, problem="burst <b>pipe</b>", address="1 Peace Road", source="desk")

    def work(transaction: Any) -> Ticket:
        ticket = casework.register.open(transaction, intake, who="1024")
        return casework.register.step(transaction, ticket.code, Step(move="dispatch", to="East"), who="1024")

    return await casework.database.write(work)


async def seen(desk: Desk, path: str, **query: str) -> dict[str, Any]:
    async with desk.http.get(path, params=query, headers=TOKEN) as answered:
        assert answered.status == 200, await answered.text()
        found: dict[str, Any] = await answered.json()
        return found


async def link(desk: Desk) -> str:
    """The path of the crew's link."""
    [notice] = [n for n in (await seen(desk, "/api/notices"))["notices"] if n["occasion"] == "emergency_opened"]
    room = desk.service.notices.post
    assert room.links is not None
    return room.links.make(notice["id"], room.now()).removeprefix(PAGE)


async def state(desk: Desk, ticket: Ticket) -> str:
    return (await desk.service.casework.database.read(lambda connection: book.get(connection, ticket.code))).state


async def test_notices_are_listed_with_their_numbers_masked(desk: Desk) -> None:
    ticket = await emergency(desk)
    found = await seen(desk, "/api/notices", ticket=ticket.code)
    assert {(each["occasion"], each["to"], each["state"]) for each in found["notices"]} == {
        ("emergency_opened", "crew-east", "waiting"),
        ("emergency_people", "lead-zhang", "waiting"),
        ("duty_call", "lead-zhang", "waiting"),
    }
    assert "13800138000" not in str(found)
    assert found["counts"]["waiting"] == 3


async def test_one_notice_shows_its_words_their_length_and_each_try(desk: Desk) -> None:
    await emergency(desk)
    [notice] = [n for n in (await seen(desk, "/api/notices"))["notices"] if n["occasion"] == "emergency_people"]
    story = await seen(desk, f"/api/notices/{notice['id'][:10]}")
    assert "burst <b>pipe</b>" in story["text"]
    assert (story["alphabet"], story["segments"], story["tries"]) == ("UCS-2", 1, [])


async def test_what_was_given_up_is_sent_again_by_a_lead_and_by_nobody_less(desk: Desk) -> None:
    await emergency(desk)
    database = desk.service.casework.database
    now = desk.service.notices.post.now()
    [notice] = [n for n in (await seen(desk, "/api/notices"))["notices"] if n["occasion"] == "emergency_opened"]
    path = f"/api/notices/{notice['id']}/retry"
    async with desk.http.post(path, headers=TOKEN, json={}) as refused:
        assert (refused.status, (await refused.json())["code"]) == (409, "notice-cannot")
    await database.write(lambda transaction: outbox.expire(transaction, now=now.replace(year=now.year + 1)))
    assert (await seen(desk, "/api/notices"))["counts"]["not-sent"] == 3
    agent = await desk.signed_in(Role.AGENT, "1024")
    async with desk.http.post(path, headers=agent, json={}) as refused:
        assert refused.status == 403
    async with desk.http.post(path, headers=TOKEN, json={}) as answered:
        assert (await answered.json())["state"] == "waiting"


async def test_a_test_goes_to_a_checked_number_by_a_known_channel(desk: Desk) -> None:
    for channel, address, status in (("sms", "13800138000", 201), ("fax", "13800138000", 404), ("sms", "12345", 422)):
        body = {"channel": channel, "address": address}
        async with desk.http.post("/api/notices/test", headers=TOKEN, json=body) as answered:
            assert answered.status == status
            assert "13800138000" not in await answered.text()
    found = await seen(desk, "/api/notices", state=State.WAITING)
    assert [each["occasion"] for each in found["notices"]] == ["test"]


async def test_every_text_is_shown_with_its_length(desk: Desk) -> None:
    texts = (await seen(desk, "/api/notices/texts"))["texts"]
    assert {("test", "en"), ("test", "zh")} <= {(each["occasion"], each["language"]) for each in texts}
    assert all(each["segments"] == 1 for each in texts)


async def test_a_crew_answers_on_its_phones_page_without_signing_in(desk: Desk) -> None:
    ticket = await emergency(desk)
    path = await link(desk)
    async with desk.http.get(path) as answered:
        text = await answered.text()
        assert answered.status == 200
        assert "default-src 'none'" in answered.headers["Content-Security-Policy"]
        assert answered.headers["Referrer-Policy"] == "no-referrer"
        assert answered.headers["Cache-Control"] == "no-store"
    assert "burst &lt;b&gt;pipe&lt;/b&gt;" in text
    assert "<b>" not in text
    pressed = re.search(r'name="press" value="(\w+)"', text)
    assert pressed is not None
    for _ in range(2):
        async with desk.http.post(path, data={"press": pressed[1], "answer": "accept"}) as answered:
            assert "Noted" in await answered.text()
    assert await state(desk, ticket) == "acknowledged"
    async with desk.http.post(path, data={"press": "another", "answer": "accept"}) as answered:
        assert "could not be noted" in await answered.text()
    assert [each["outcome"] for each in (await seen(desk, "/api/notices/replies"))["replies"]] == ["refused", "taken"]


@pytest.mark.parametrize("form", [{}, {"press": "1"}, {"press": "1", "answer": "cancel"}, {"answer": "done"}])
async def test_a_form_that_is_not_ours_changes_nothing(desk: Desk, form: dict[str, str]) -> None:
    ticket = await emergency(desk)
    async with desk.http.post(await link(desk), data=form) as answered:
        assert answered.status == 422
    assert await state(desk, ticket) == "dispatched"


async def test_a_forged_link_changes_nothing_and_is_kept(desk: Desk) -> None:
    ticket = await emergency(desk)
    path = await link(desk)
    forged = path[:-1] + ("A" if path[-1] != "A" else "B")
    for method in ("GET", "POST"):
        async with desk.http.request(method, forged, data={"press": "1", "answer": "done"}) as answered:
            assert (answered.status, (await answered.json())["code"]) == (404, "bad-link")
    assert await state(desk, ticket) == "dispatched"
    replies = (await seen(desk, "/api/notices/replies"))["replies"]
    assert [each["outcome"] for each in replies] == ["bad-link", "bad-link"]


async def test_a_providers_signed_receipt_and_reply_count_and_a_forged_one_does_not(desk: Desk) -> None:
    await emergency(desk)
    room, secret = desk.service.notices.post, SecretStr("auth-token")
    room.callbacks["sms"] = Callback("twilio", f"{PAGE}/sms/sms", secret)
    form = {"MessageSid": "SM1", "From": "+8613800138000", "To": "+1", "Body": "1", "SmsStatus": "received"}
    signed = {"X-Twilio-Signature": twilio_signature(f"{PAGE}/sms/sms", form, secret)}
    async with desk.http.post("/sms/sms", data=form, headers={"X-Twilio-Signature": "forged"}) as answered:
        assert answered.status == 403
    async with desk.http.post("/sms/sms", data=form | {"Body": "3"}, headers=signed) as answered:
        assert answered.status == 403
    async with desk.http.post("/sms/sms", data=form, headers=signed) as answered:
        assert answered.status == 200
    outcomes = [each["outcome"] for each in (await seen(desk, "/api/notices/replies"))["replies"]]
    # Nothing was sent to the crew yet, so it cannot have been told.
    assert outcomes == ["unknown-sender", "bad-link", "bad-link"]


async def taken_by_the_provider(desk: Desk) -> str:
    """A test that the channel `sms` has sent; return what its provider calls it."""
    room, database = desk.service.notices.post, desk.service.casework.database
    await room.test("sms", "13800138000")

    def work(transaction: Any) -> str:
        lease = timedelta(seconds=30)
        claimed = outbox.claim(transaction, "sms", "me", now=room.now(), lease=lease, caps=Caps())
        assert claimed is not None
        name = f"{claimed.notice.id}-1"
        outbox.accepted(transaction, claimed, now=room.now(), provider_id=name)
        return name

    return await database.write(work)


async def test_a_receipt_at_the_providers_own_address_counts_and_a_hostile_one_changes_nothing(desk: Desk) -> None:
    name = await taken_by_the_provider(desk)
    site = Sms(name="sms", kind="aliyun", account="me", templates={"test": "SMS_1"}, receipts=True)
    meant = callback_of(site, PAGE, SecretStr("access-key"))
    assert meant is not None
    desk.service.notices.post.callbacks["sms"] = meant
    path = meant.address.removeprefix(PAGE)
    report = {"success": True, "err_code": "DELIVERED", "out_id": name, "phone_number": "13800138000"}
    hostile: list[tuple[str, Any, int]] = [
        (path[:-1] + "x", [report], 403),
        ("/sms/mail/" + path.rpartition("/")[2], [report], 403),
        ("/sms/sms", [report], 403),
        (path, [report, report | {"success": "true"}], 422),
        (path, report, 422),
    ]
    for address, sent, status in hostile:
        async with desk.http.post(address, json=sent) as answered:
            assert answered.status == status, address
            assert name not in await answered.text()
    async with desk.http.post(path, data=b"[" * 70_000) as answered:
        assert answered.status == 413
    counts = (await seen(desk, "/api/notices"))["counts"]
    assert (counts["sent"], counts["delivered"]) == (1, 0)
    outcomes = [each["outcome"] for each in (await seen(desk, "/api/notices/replies"))["replies"]]
    assert outcomes == ["bad-link"] * 3
    async with desk.http.post(path, json=[report]) as answered:
        assert (answered.status, await answered.json()) == (200, {"code": 0, "msg": "OK"})
    assert (await seen(desk, "/api/notices"))["counts"]["delivered"] == 1


async def test_only_an_administrator_sees_where_providers_come(desk: Desk) -> None:
    desk.service.notices.post.callbacks["sms"] = Callback("aliyun", f"{PAGE}/sms/sms/0123", SecretStr("key"))
    found = await seen(desk, "/api/notices/callbacks")
    assert found == {"callbacks": [{"channel": "sms", "kind": "aliyun", "address": f"{PAGE}/sms/sms/0123"}]}
    async with desk.http.get("/api/notices/callbacks", headers=await desk.signed_in(Role.LEAD)) as refused:
        assert refused.status == 403


async def give_up_all(desk: Desk) -> None:
    """As if no channel could send anything."""

    def work(transaction: Any) -> None:
        transaction.execute(NOTICES.update().values(state=State.NOT_SENT, problem="no such number"))

    await desk.service.casework.database.write(work)


async def alarms(desk: Desk) -> list[str]:
    """Which alarms are on after everything was looked at."""
    await desk.service.notices.count()
    desk.service.alarms.look()
    await desk.service.events.flushed()
    return sorted(desk.service.alarms.on)


async def test_what_was_not_sent_is_an_alarm_until_a_lead_has_seen_to_each(desk: Desk) -> None:
    await emergency(desk)
    assert "outbox-stuck" not in await alarms(desk)
    await give_up_all(desk)
    assert "outbox-stuck" in await alarms(desk)
    shift_lead = await desk.signed_in(Role.LEAD)
    for notice in (await seen(desk, "/api/notices", state="not-sent"))["notices"]:
        assert "outbox-stuck" in await alarms(desk)
        async with desk.http.post(f"/api/notices/{notice['id']}/dismiss", headers=shift_lead) as answered:
            assert (answered.status, (await answered.json())["state"]) == (200, "called-off")
    assert "outbox-stuck" not in await alarms(desk)
    log = [fact for _, fact in await desk.service.events.after(0, limit=500)]
    assert [type(fact) for fact in log if getattr(fact, "kind", "") == "outbox-stuck"] == [AlarmRaised, AlarmEnded]
