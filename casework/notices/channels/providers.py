"""SMS providers over HTTP: how each wants a request to be signed, and what it answers.

Each profile is plain data in, data out; `HttpSms` sends. What the signatures must be is tested against the providers'
own published examples.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final, Protocol
from urllib.parse import quote, urlencode, urlsplit

from pydantic import SecretStr

from casework.notices.channel import Accepted, AfterACrash, ChannelDown, Letter, Refused, SendProblem, TryLater, Unsure
from casework.notices.channels.receipts import KANNEL_MASK
from casework.notices.channels.web import Reply, Request, by_status
from casework.notices.directory import Sms
from casework.notices.segments import alphabet_of


class Profile(Protocol):
    """One provider's way. It is made of a channel, its secret, and where its receipts reach us, if they do."""

    after_a_crash: AfterACrash
    gives_receipts: bool
    """Whether receipts reach us."""

    def request(self, letter: Letter, now: datetime) -> Request:
        """Return the request that sends a letter; raises Refused when it cannot be said in this provider's terms."""

    def read(self, letter: Letter, reply: Reply) -> Accepted:
        """Return that the provider has taken a letter; raises SendProblem."""

    def question(self, letter: Letter, now: datetime) -> Request | None:
        """Return the request that asks whether a letter is there, when that can be asked."""

    def found(self, letter: Letter, reply: Reply) -> Accepted | None:
        """Return what the provider has of this letter; raises SendProblem when it does not say."""


class _NothingToAsk:
    def question(self, letter: Letter, now: datetime) -> Request | None:  # noqa: ARG002 - others need them
        """See Profile."""
        return None

    def found(self, letter: Letter, reply: Reply) -> Accepted | None:  # noqa: ARG002 - others need them
        """See Profile."""
        return None


# ── Aliyun ──


class Aliyun:
    """Aliyun's SendSms (Dysmsapi 2017-05-25), signed by HMAC-SHA1 (signature version 1.0).

    It can be asked by number and day for what it has sent, and gives our id (OutId) back, there and in its receipts.
    """

    after_a_crash = AfterACrash.ASK
    URL: Final = "https://dysmsapi.aliyuncs.com/"
    LATER: Final = ("isv.BUSINESS_LIMIT_CONTROL", "Throttling", "Throttling.User", "isp.SYSTEM_ERROR")
    OUR_FAULT: Final = ("isv.OUT_OF_SERVICE", "isv.AMOUNT_NOT_ENOUGH", "isv.ACCOUNT_NOT_EXISTS", "isv.ACCOUNT_ABNORMAL")

    def __init__(self, site: Sms, secret: SecretStr, callback: str | None = None) -> None:
        """See Profile."""
        self._site, self._secret, self._callback = site, secret, callback
        self.gives_receipts = callback is not None

    def request(self, letter: Letter, now: datetime) -> Request:
        """See Profile."""
        return self._signed(
            {
                "Action": "SendSms",
                "PhoneNumbers": _for_china(letter.address),
                "SignName": self._site.sender,
                "TemplateCode": _template(self._site, letter),
                "TemplateParam": json.dumps(dict(letter.values), ensure_ascii=False),
                "OutId": _name_of_try(letter),
            },
            now,
            nonce=f"{letter.id}-{letter.attempt}",
        )

    def read(self, letter: Letter, reply: Reply) -> Accepted:
        """See Profile."""
        answer = reply.json()
        code = str(answer.get("Code", ""))
        if code == "OK":
            return Accepted(_name_of_try(letter))
        raise self._refusal(code) or by_status(reply) or Refused(f"Aliyun answered {code:.60}")

    def question(self, letter: Letter, now: datetime) -> Request | None:
        """See Profile."""
        day = now.astimezone(CHINA).strftime("%Y%m%d")
        asked = {
            "Action": "QuerySendDetails",
            "PhoneNumber": _for_china(letter.address),
            "SendDate": day,
            "PageSize": "50",
            "CurrentPage": "1",
        }
        return self._signed(asked, now, nonce=f"{letter.id}-{letter.attempt}-ask")

    def found(self, letter: Letter, reply: Reply) -> Accepted | None:
        """See Profile."""
        answer = reply.json()
        if answer.get("Code") != "OK":
            raise by_status(reply) or TryLater("Aliyun does not say what it has sent")
        details = answer.get("SmsSendDetailDTOs", {}).get("SmsSendDetailDTO", [])
        there = {each.get("OutId") for each in details if isinstance(each, dict)}
        tries = (_name_of_try(letter, number) for number in range(letter.attempt, 0, -1))
        return next((Accepted(name) for name in tries if name in there), None)

    def _refusal(self, code: str) -> SendProblem | None:
        if code in self.LATER:
            return TryLater(f"Aliyun answered {code}")
        if code in self.OUR_FAULT or code.startswith(("InvalidAccessKeyId", "SignatureDoesNotMatch", "Forbidden")):
            return ChannelDown(f"Aliyun refuses our account: {code:.60}")
        return None

    def _signed(self, asked: Mapping[str, str], now: datetime, *, nonce: str) -> Request:
        parameters = {
            "AccessKeyId": self._site.account,
            "Format": "JSON",
            "RegionId": "cn-hangzhou",
            "SignatureMethod": "HMAC-SHA1",
            "SignatureNonce": nonce,
            "SignatureVersion": "1.0",
            "Timestamp": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "Version": "2017-05-25",
            **asked,
        }
        parameters["Signature"] = aliyun_signature("POST", parameters, self._secret)
        body = urlencode(parameters, quote_via=quote, safe="-_.~").encode()
        return Request("POST", self._site.url or self.URL, _FORM, body)


def aliyun_signature(method: str, parameters: Mapping[str, str], secret: SecretStr) -> str:
    """Return the signature of a request's parameters."""

    def encoded(text: str) -> str:
        return quote(text, safe="-_.~")

    query = "&".join(f"{encoded(name)}={encoded(value)}" for name, value in sorted(parameters.items()))
    to_sign = f"{method}&{encoded('/')}&{encoded(query)}"
    key = secret.get_secret_value() + "&"
    return base64.b64encode(hmac.new(key.encode(), to_sign.encode(), hashlib.sha1).digest()).decode()


# ── Tencent ──


class Tencent(_NothingToAsk):
    """Tencent's SendSms (2021-01-11), signed by TC3-HMAC-SHA256."""

    after_a_crash = AfterACrash.SEND_AGAIN
    URL: Final = "https://sms.tencentcloudapi.com/"

    def __init__(self, site: Sms, secret: SecretStr, callback: str | None = None) -> None:
        """See Profile."""
        self._site, self._secret, self._callback = site, secret, callback
        self.gives_receipts = callback is not None

    def request(self, letter: Letter, now: datetime) -> Request:
        """See Profile."""
        asked = {
            "PhoneNumberSet": [letter.address],
            "SmsSdkAppId": self._site.app,
            "SignName": self._site.sender,
            "TemplateId": _template(self._site, letter),
            "TemplateParamSet": _in_order(self._site, letter),
            "SessionContext": letter.id,
        }
        body = json.dumps(asked).encode()
        url = self._site.url or self.URL
        signed = {"content-type": "application/json; charset=utf-8", "host": urlsplit(url).netloc}
        headers = {
            "Content-Type": signed["content-type"],
            "Authorization": tencent_authorization(
                "sms", signed, body, account=self._site.account, secret=self._secret, now=now
            ),
            "X-TC-Action": "SendSms",
            "X-TC-Version": "2021-01-11",
            "X-TC-Timestamp": str(int(now.timestamp())),
            "X-TC-Region": "ap-guangzhou",
        }
        return Request("POST", url, headers, body)

    def read(self, letter: Letter, reply: Reply) -> Accepted:  # noqa: ARG002 - others name it
        """See Profile."""
        answer = reply.json().get("Response", {})
        if error := answer.get("Error"):
            code = str(error.get("Code", ""))
            if code.startswith(("AuthFailure", "UnauthorizedOperation", "RequestLimitExceeded", "InternalError")):
                raise ChannelDown(f"Tencent answered {code:.80}")
            raise Refused(f"Tencent answered {code:.80}")
        if problem := by_status(reply):
            raise problem
        status: dict[str, Any] = next(iter(answer.get("SendStatusSet", [])), {})
        code = str(status.get("Code", ""))
        if code == "Ok":
            return Accepted(str(status.get("SerialNo", "")) or None)
        if code.startswith(("LimitExceeded", "InternalError")):
            raise TryLater(f"Tencent answered {code:.80}")
        raise Refused(f"Tencent answered {code:.80}") if code else Unsure("Tencent's answer cannot be read")


def tencent_authorization(
    service: str, headers: Mapping[str, str], body: bytes, *, account: str, secret: SecretStr, now: datetime
) -> str:
    """Return the Authorization header of a POST with these (lower-case) headers signed."""
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    canonical = f"POST\n/\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    day = now.astimezone(UTC).strftime("%Y-%m-%d")
    scope = f"{day}/{service}/tc3_request"
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = f"TC3-HMAC-SHA256\n{int(now.timestamp())}\n{scope}\n{hashed}"
    key = f"TC3{secret.get_secret_value()}".encode()
    for step in (day, service, "tc3_request"):
        key = hmac.new(key, step.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
    return f"TC3-HMAC-SHA256 Credential={account}/{scope}, SignedHeaders={names}, Signature={signature}"


# ── Twilio ──


class Twilio:
    """Twilio's Messages resource (2010-04-01). It can be asked for a number's messages of the day."""

    after_a_crash = AfterACrash.ASK
    URL: Final = "https://api.twilio.com"
    LATER: Final = (20429, 30001, 30022)
    OUR_FAULT: Final = (20003, 20005, 21606, 90010)

    def __init__(self, site: Sms, secret: SecretStr, callback: str | None = None) -> None:
        """See Profile."""
        self._site, self._secret, self._callback = site, secret, callback
        self.gives_receipts = callback is not None

    def request(self, letter: Letter, now: datetime) -> Request:  # noqa: ARG002 - others sign the time
        """See Profile."""
        asked = {"To": letter.address, "From": self._site.sender, "Body": letter.text}
        asked |= {"StatusCallback": self._callback} if self._callback else {}
        return Request("POST", self._messages, _FORM | self._login, urlencode(asked).encode())

    def read(self, letter: Letter, reply: Reply) -> Accepted:  # noqa: ARG002 - others name it
        """See Profile."""
        answer = reply.json()
        if reply.status == 201:
            return Accepted(str(answer.get("sid", "")) or None)
        code = answer.get("code")
        if code in self.LATER:
            raise TryLater(f"Twilio answered {code}")
        if code in self.OUR_FAULT:
            raise ChannelDown(f"Twilio refuses our account: {code}")
        raise by_status(reply) or Refused(f"Twilio answered {code or reply.status}")

    def question(self, letter: Letter, now: datetime) -> Request | None:
        """See Profile."""
        asked = urlencode({"To": letter.address, "DateSent": now.astimezone(UTC).strftime("%Y-%m-%d"), "PageSize": 50})
        return Request("GET", f"{self._messages}?{asked}", self._login)

    def found(self, letter: Letter, reply: Reply) -> Accepted | None:
        """See Profile."""
        if reply.status != 200:
            raise by_status(reply) or TryLater("Twilio does not say what it has sent")
        for message in reply.json().get("messages", []):
            if message.get("body") == letter.text and message.get("direction", "").startswith("outbound"):
                return Accepted(str(message.get("sid", "")) or None)
        return None

    @property
    def _messages(self) -> str:
        return f"{self._site.url or self.URL}/2010-04-01/Accounts/{quote(self._site.account, safe='')}/Messages.json"

    @property
    def _login(self) -> dict[str, str]:
        account = f"{self._site.account}:{self._secret.get_secret_value()}".encode()
        return {"Authorization": f"Basic {base64.b64encode(account).decode()}"}


def twilio_signature(url: str, parameters: Mapping[str, str], secret: SecretStr) -> str:
    """Return the X-Twilio-Signature of a request that Twilio makes to us."""
    text = url + "".join(f"{name}{value}" for name, value in sorted(parameters.items()))
    return base64.b64encode(hmac.new(secret.get_secret_value().encode(), text.encode(), hashlib.sha1).digest()).decode()


# ── Kannel ──


class Kannel(_NothingToAsk):
    """Kannel's sendsms, for a gateway of one's own. It answers 202 when it has the message.

    It gives no id; so the address to which it reports holds ours.
    """

    after_a_crash = AfterACrash.SEND_AGAIN

    def __init__(self, site: Sms, secret: SecretStr, callback: str | None = None) -> None:
        """See Profile."""
        self._site, self._secret, self._callback = site, secret, callback
        self.gives_receipts = callback is not None

    def request(self, letter: Letter, now: datetime) -> Request:  # noqa: ARG002 - others sign the time
        """See Profile: by POST, so that neither number nor password stands in an address or its log."""
        gsm = alphabet_of(letter.text) == "GSM-7"
        headers = {
            "X-Kannel-Username": self._site.account,
            "X-Kannel-Password": self._secret.get_secret_value(),
            "X-Kannel-To": letter.address,
            "X-Kannel-From": self._site.sender,
            "X-Kannel-Coding": "0" if gsm else "2",
            "Content-Type": "text/plain; charset=utf-8",
        }
        if self._callback is not None:
            headers |= {
                "X-Kannel-DLR-Url": f"{self._callback}?id={_name_of_try(letter)}&status=%d",
                "X-Kannel-DLR-Mask": str(KANNEL_MASK),
            }
        assert self._site.url is not None, "checked with the site"
        return Request("POST", self._site.url, headers, letter.text.encode())

    def read(self, letter: Letter, reply: Reply) -> Accepted:
        """See Profile."""
        if reply.status == 202:
            return Accepted(_name_of_try(letter))
        raise by_status(reply) or Refused(f"Kannel answered {reply.status}")


PROFILES: Final[Mapping[str, type[Aliyun | Tencent | Twilio | Kannel]]] = {
    "aliyun": Aliyun,
    "tencent": Tencent,
    "twilio": Twilio,
    "kannel": Kannel,
}

CHINA: Final = timezone(timedelta(hours=8))
_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}


def _template(site: Sms, letter: Letter) -> str:
    """The provider's name for this text, by language if it has one for each: `test.en`, else `test`."""
    for name in (f"{letter.occasion}.{letter.language}", letter.occasion):
        if name in site.templates:
            return site.templates[name].partition(":")[0]
    raise Refused(f"the site has no template of {site.kind} for {letter.occasion!r}; add it to its channel's templates")


def _name_of_try(letter: Letter, number: int | None = None) -> str:
    """What a try to send a letter is called where the name is ours: what became of one says nothing of the next."""
    return f"{letter.id}-{number or letter.attempt}"


def _in_order(site: Sms, letter: Letter) -> Sequence[str]:
    """A template's values by place: `"12345:code,problem"` names them, else they go by alphabet."""
    for name in (f"{letter.occasion}.{letter.language}", letter.occasion):
        wanted = site.templates.get(name, "").partition(":")[2]
        if wanted:
            return [letter.values.get(each.strip(), "") for each in wanted.split(",")]
    return [letter.values[name] for name in sorted(letter.values)]


def _for_china(address: str) -> str:
    return address.removeprefix("+86").removeprefix("+")
