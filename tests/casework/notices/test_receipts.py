"""What providers report of the messages they took: their documented bodies, hostile ones, and a real Kannel's."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import SecretStr, ValidationError

from casework.notices.channels.providers import Kannel
from casework.notices.channels.receipts import BadReceipt, Callback, Receipt, callback_of, read
from casework.notices.channels.sms import HttpSms
from casework.notices.directory import Notices, Sms
from casework.notices.notice import State
from casework.notices.post import Post
from casework.notices.replies import Replies
from casework.notices.sender import Lane, Sender
from casework.notices.texts import Texts
from desk import notices as desk
from tests.casework.databases import a_database
from tests.casework.notices.a_site import TABLES, a_site
from tests.casework.notices.pretend import a_notice, look, post
from tests.casework.notices.sms_peers import US, a_gateway, until

OURS = "0123456789abcdef0123456789abcdef-1"
ALIYUN: dict[str, Any] = {
    "phone_number": "13800138000",
    "send_time": "2026-11-22 10:00:00",
    "report_time": "2026-11-22 10:00:04",
    "success": True,
    "err_code": "DELIVERED",
    "err_msg": "用户接收成功",
    "sms_size": "1",
    "biz_id": "900619746936498440^0",
    "out_id": OURS,
}
TENCENT: dict[str, Any] = {
    "user_receive_time": "2026-11-22 10:00:04",
    "nationcode": "86",
    "mobile": "13800138000",
    "report_status": "SUCCESS",
    "errmsg": "DELIVRD",
    "description": "用户短信送达成功",
    "sid": "2019:538686924",
}


def body(*reports: Any) -> bytes:
    return json.dumps(reports).encode()


def test_aliyuns_batch_is_read_and_what_others_sent_is_passed_over() -> None:
    failed = ALIYUN | {"success": False, "err_code": "MK:0001", "out_id": OURS.replace("-1", "-2")}
    strangers = [ALIYUN | {"out_id": "yzm-77"}, ALIYUN | {"out_id": None}, {"success": True}]
    assert read("aliyun", {}, body(ALIYUN, failed, *strangers)) == [
        Receipt(OURS, there=True),
        Receipt(OURS.replace("-1", "-2"), there=False),
    ]


def test_tencents_batch_is_read() -> None:
    failed = TENCENT | {"report_status": "FAIL", "errmsg": "MK:0005", "sid": "2019:2"}
    assert read("tencent", {}, body(TENCENT, failed)) == [
        Receipt("2019:538686924", there=True),
        Receipt("2019:2", there=False),
    ]


@pytest.mark.parametrize(
    ("status", "verdict"),
    [("1", True), ("2", False), ("16", False), ("34", False), ("4", None), ("8", None), ("66", None)],
)
def test_kannels_final_words_count_and_the_others_do_not(status: str, verdict: bool | None) -> None:
    expected = [] if verdict is None else [Receipt(OURS, there=verdict)]
    assert read("kannel", {"id": OURS, "status": status}, b"") == expected


@pytest.mark.parametrize(
    ("kind", "sent"),
    [
        ("aliyun", b""),
        ("aliyun", b"\xff\xfe"),
        ("aliyun", b"[" * 60_000),
        ("aliyun", b"null"),
        ("aliyun", json.dumps(ALIYUN).encode()),
        ("aliyun", body(ALIYUN, "DELIVERED")),
        ("aliyun", body(ALIYUN, ALIYUN | {"success": "true"})),
        ("aliyun", body(ALIYUN, ALIYUN | {"success": 1})),
        ("aliyun", body(ALIYUN | {"out_id": [OURS]})),
        ("tencent", body(TENCENT, TENCENT | {"report_status": "OK"})),
        ("tencent", body(TENCENT | {"sid": ""})),
        ("tencent", body(TENCENT | {"sid": "9" * 201})),
        ("tencent", body(TENCENT | {"sid": 538686924})),
        ("tencent", b"sid=2019:538686924&report_status=SUCCESS"),
    ],
)
def test_a_body_that_is_not_the_providers_is_refused_as_a_whole(kind: str, sent: bytes) -> None:
    with pytest.raises(BadReceipt, match=f"no receipt of {kind}") as refused:
        read(kind, {}, sent)
    assert "13800138000" not in str(refused.value)


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"id": OURS},
        {"id": OURS, "status": "%d"},
        {"id": OURS, "status": "-1"},
        {"id": OURS, "status": "256"},
        {"id": OURS, "status": "1", "also": "this"},
        {"id": "1' OR '1'='1", "status": "1"},
        {"id": OURS + "\n", "status": "1"},
    ],
)
def test_a_report_that_is_not_kannels_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(BadReceipt):
        read("kannel", query, b"")


def a_channel(kind: str = "aliyun", **also: Any) -> Sms:
    given = {"name": "sms", "kind": kind, "account": "me", "templates": {"test": "SMS_1"}, "receipts": True}
    return Sms.model_validate(given | also)


def test_the_address_of_those_that_sign_nothing_is_known_to_nobody_else() -> None:
    page, secret = "https://sms.example.org/", SecretStr("secret")
    meant = callback_of(a_channel(), page, secret)
    assert meant is not None
    assert meant.address.startswith("https://sms.example.org/sms/sms/")
    assert meant.is_meant(meant.address.rpartition("/")[2])
    for other in (
        callback_of(a_channel(name="two"), page, secret),
        callback_of(a_channel(), page, SecretStr("another")),
    ):
        assert other is not None
        assert not meant.is_meant(other.address.rpartition("/")[2])
    assert not meant.is_meant("")
    assert not meant.is_meant("\udce9")
    assert callback_of(a_channel(receipts=False), page, secret) is None
    assert callback_of(a_channel(), None, secret) is None


def test_receipts_without_an_address_to_come_to_are_a_mistake_of_the_site() -> None:
    channels = [*TABLES["channels"], a_channel(name="cloud").model_dump()]
    with pytest.raises(ValidationError, match=r"channels\.cloud: receipts reach us at \[notices\] page"):
        a_site(channels=channels)
    assert isinstance(a_site(channels=channels, page="https://sms.example.org"), Notices)


async def test_a_real_kannel_reports_that_the_phone_has_it(tmp_path: Path) -> None:
    async with a_database("memory", tmp_path) as database, a_gateway() as gateway, aiohttp.ClientSession() as session:
        site = a_site()
        room = Post(database, site, Texts.read(), Replies(database, site, lambda *_: None))
        app = web.Application()
        app[desk.POST] = room
        app.router.add_get("/sms/{channel}/{token}", desk.receipts)
        async with TestServer(app, host="0.0.0.0") as server:
            sends = f"http://127.0.0.1:{gateway.port}/cgi-bin/sendsms"
            channel = a_channel("kannel", account="hotline", sender="95533", url=sends, templates={})
            secret = SecretStr(gateway.password)
            meant = callback_of(channel, f"http://{US}:{server.port}", secret)
            assert isinstance(meant, Callback)
            room.callbacks["sms"] = meant
            lane = Lane(HttpSms(Kannel(channel, secret, meant.address), session))
            await until(gateway.up, "Kannel and its centre are up")
            [notice] = await post(database, a_notice(), now=room.now())
            sender = Sender(database, {"sms": lane}, Texts.read())
            assert await sender.work_off("sms") == 1
            async with asyncio.timeout(60):
                while (found := await look(database, notice)).state is not State.DELIVERED:
                    await asyncio.sleep(0.05)
            assert found.provider_id == f"{notice}-1"
            assert found.delivered_at is not None
