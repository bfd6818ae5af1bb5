"""Requests are signed as the providers' own published examples are, and their answers are understood."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import pytest
from pydantic import SecretStr

from casework.notices.channel import Accepted, ChannelDown, Letter, Refused, SendProblem, TryLater, Unsure
from casework.notices.channels.providers import (
    PROFILES,
    Profile,
    aliyun_signature,
    tencent_authorization,
    twilio_signature,
)
from casework.notices.channels.web import Reply
from casework.notices.directory import Sms
from casework.notices.notice import Urgency
from tests.casework.notices.pretend import NOON

LETTER = Letter(
    id="0123456789abcdef0123456789abcdef",
    address="+8613800138000",
    text="T1: burst pipe",
    title="T1",
    occasion="dispatched",
    language="en",
    urgency=Urgency.SOON,
    values={"code": "T1", "problem": "爆管"},
)


def profile(kind: str, **also: Any) -> Profile:
    given = {"name": "sms", "kind": kind, "account": "account", "sender": "Sunshine", **also}
    if kind in ("aliyun", "tencent"):
        given.setdefault("templates", {"dispatched": "SMS_1:problem,code"})
        given.setdefault("app", "1400000000")
    return PROFILES[kind](Sms.model_validate(given), SecretStr("secret"))


def test_aliyun_is_signed_as_in_its_documents() -> None:
    # The example of Aliyun's "HTTP protocol and signature" for SendSms.
    parameters = {
        "SignatureMethod": "HMAC-SHA1",
        "SignatureNonce": "45e25e9b-0a6f-4070-8c85-2956eda1b466",
        "AccessKeyId": "testId",
        "SignatureVersion": "1.0",
        "Timestamp": "2017-07-12T02:42:19Z",
        "Format": "XML",
        "Action": "SendSms",
        "Version": "2017-05-25",
        "RegionId": "cn-hangzhou",
        "PhoneNumbers": "15300000001",
        "SignName": "阿里云短信测试专用",
        "TemplateParam": '{"customer":"test"}',
        "TemplateCode": "SMS_71390007",
        "OutId": "123",
    }
    assert aliyun_signature("GET", parameters, SecretStr("testSecret")) == "zJDF+Lrzhj/ThnlvIToysFRq6t4="


def test_tencent_is_signed_as_in_its_documents() -> None:
    # The example of Tencent's "Signature v3", with the keys it is printed with.
    body = rb'{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}'
    authorization = tencent_authorization(
        "cvm",
        {"content-type": "application/json; charset=utf-8", "host": "cvm.tencentcloudapi.com"},
        body,
        account="AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE",
        secret=SecretStr("Gu5t9xGARNpq86cd98joQYCN3EXAMPLE"),
        now=datetime.fromtimestamp(1551113065, UTC),
    )
    assert authorization == (
        "TC3-HMAC-SHA256 Credential=AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE/2019-02-25/cvm/tc3_request, "
        "SignedHeaders=content-type;host, "
        "Signature=72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168"
    )


def test_twilios_requests_to_us_are_known_by_its_documented_signature() -> None:
    parameters = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+14158675309",
        "Digits": "1234",
        "From": "+14158675309",
        "To": "+18005551212",
    }
    address = "https://mycompany.com/myapp.php?foo=1&bar=2"
    assert twilio_signature(address, parameters, SecretStr("12345")) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="


def test_aliyun_gets_a_template_its_values_and_our_id() -> None:
    request = profile("aliyun").request(LETTER, NOON)
    sent = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
    assert (sent["PhoneNumbers"], sent["TemplateCode"], sent["OutId"]) == ("13800138000", "SMS_1", f"{LETTER.id}-1")
    assert json.loads(sent["TemplateParam"]) == {"code": "T1", "problem": "爆管"}
    assert "?" not in request.url


def test_tencent_gets_its_values_in_the_order_the_site_says() -> None:
    request = profile("tencent").request(LETTER, NOON)
    sent = json.loads(request.body)
    assert sent["TemplateParamSet"] == ["爆管", "T1"]
    assert sent["SessionContext"] == LETTER.id


def test_a_text_without_a_template_is_refused_and_says_what_to_do() -> None:
    with pytest.raises(Refused, match="has no template"):
        profile("aliyun", templates={"test": "SMS_2"}).request(LETTER, NOON)


@pytest.mark.parametrize("kind", ["twilio", "kannel"])
def test_no_number_and_no_secret_stands_in_an_address(kind: str) -> None:
    also = {"url": "http://127.0.0.1:13013/cgi-bin/sendsms"} if kind == "kannel" else {}
    request = profile(kind, **also).request(LETTER, NOON)
    assert "138" not in request.url
    assert "secret" not in request.url


@pytest.mark.parametrize(
    ("kind", "status", "body", "provider_id"),
    [
        ("aliyun", 200, {"Code": "OK", "BizId": "900619746936498440^0"}, f"{LETTER.id}-1"),
        ("tencent", 200, {"Response": {"SendStatusSet": [{"Code": "Ok", "SerialNo": "2019:538"}]}}, "2019:538"),
        ("twilio", 201, {"sid": "SM1"}, "SM1"),
        ("kannel", 202, {}, f"{LETTER.id}-1"),
    ],
)
def test_what_a_provider_has_taken_is_known_by_its_id(
    kind: str, status: int, body: dict[str, Any], provider_id: str
) -> None:
    also = {"url": "http://127.0.0.1:13013/"} if kind == "kannel" else {}
    assert profile(kind, **also).read(LETTER, Reply(status, json.dumps(body).encode())).provider_id == provider_id


@pytest.mark.parametrize(
    ("kind", "status", "body", "problem"),
    [
        ("aliyun", 200, {"Code": "isv.BUSINESS_LIMIT_CONTROL"}, TryLater),
        ("aliyun", 200, {"Code": "isv.MOBILE_NUMBER_ILLEGAL"}, Refused),
        ("aliyun", 400, {"Code": "SignatureDoesNotMatch"}, ChannelDown),
        ("aliyun", 200, {"Code": "isv.AMOUNT_NOT_ENOUGH"}, ChannelDown),
        ("aliyun", 503, {}, ChannelDown),
        ("aliyun", 500, {}, Unsure),
        ("tencent", 200, {"Response": {"Error": {"Code": "AuthFailure.SignatureFailure"}}}, ChannelDown),
        ("tencent", 200, {"Response": {"SendStatusSet": [{"Code": "LimitExceeded.PhoneNumberDailyLimit"}]}}, TryLater),
        ("tencent", 200, {"Response": {"SendStatusSet": [{"Code": "FailedOperation.TemplateIncorrect"}]}}, Refused),
        ("tencent", 200, {"Response": {}}, Unsure),
        ("twilio", 400, {"code": 21211}, Refused),
        ("twilio", 401, {"code": 20003}, ChannelDown),
        ("twilio", 429, {"code": 20429}, TryLater),
        ("twilio", 502, {}, Unsure),
        ("kannel", 400, {}, Refused),
        ("kannel", 403, {}, ChannelDown),
        ("kannel", 503, {}, ChannelDown),
    ],
)
def test_each_refusal_is_understood(kind: str, status: int, body: dict[str, Any], problem: type[SendProblem]) -> None:
    also = {"url": "http://127.0.0.1:13013/"} if kind == "kannel" else {}
    with pytest.raises(problem):
        profile(kind, **also).read(LETTER, Reply(status, json.dumps(body).encode()))


def test_aliyun_and_twilio_can_be_asked_what_they_have() -> None:
    aliyun, twilio = profile("aliyun"), profile("twilio")
    assert aliyun.question(LETTER, NOON) is not None
    there = {"Code": "OK", "SmsSendDetailDTOs": {"SmsSendDetailDTO": [{"OutId": f"{LETTER.id}-2"}]}}
    asked = replace(LETTER, attempt=3)
    assert aliyun.found(asked, Reply(200, json.dumps(there).encode())) == Accepted(f"{LETTER.id}-2")
    assert aliyun.found(replace(LETTER, id="f" * 32), Reply(200, json.dumps(there).encode())) is None
    assert aliyun.found(LETTER, Reply(200, b'{"Code": "OK"}')) is None
    with pytest.raises(SendProblem):
        aliyun.found(LETTER, Reply(200, b'{"Code": "Throttling"}'))
    sent = {"messages": [{"body": LETTER.text, "direction": "outbound-api", "sid": "SM1"}]}
    found = twilio.found(LETTER, Reply(200, json.dumps(sent).encode()))
    assert found is not None
    assert found.provider_id == "SM1"
    assert twilio.found(LETTER, Reply(200, b'{"messages": []}')) is None
