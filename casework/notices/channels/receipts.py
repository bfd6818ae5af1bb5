"""What a provider tells us later of the messages it took: where it comes to us, and how each of them says it.

Twilio signs what it sends. Aliyun and Tencent sign nothing, and neither does a Kannel of one's own: they come to an
address whose last part only they and we know. Bytes in, receipts out. A body that is not what the provider documents
is refused as a whole; what it says of messages that are not ours, and of those still on their way, is passed over.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, TypeAdapter, ValidationError

from casework.notices.directory import Sms
from casework.notices.notice import NoticeError


class BadReceipt(NoticeError):
    """A body that this provider does not send."""

    code = "bad-receipt"

    def __init__(self, kind: str, problem: ValidationError) -> None:
        first = problem.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "the body"
        super().__init__(f"this is no receipt of {kind}: {place}: {first['msg']}")


@dataclass(frozen=True, slots=True)
class Receipt:
    """A final word about a message."""

    provider_id: str
    there: bool
    """Whether the phone has it."""


@dataclass(frozen=True, slots=True)
class Callback:
    """Where a channel's provider comes to us, from outside."""

    kind: str
    address: str
    secret: SecretStr
    """Twilio's signing key; for the others, what the address was made of."""

    def is_meant(self, address_ends: str) -> bool:
        """Whether a request came to this very address: its last part is the secret of those that sign nothing."""
        expected = self.address.rpartition("/")[2]
        return hmac.compare_digest(address_ends.encode("utf-8", "replace"), expected.encode())


def callback_of(site: Sms, page: str | None, secret: SecretStr) -> Callback | None:
    """Return where the provider of a channel is to come; None when receipts are not wanted or cannot reach us."""
    if page is None:
        return None
    address = f"{page.rstrip('/')}/sms/{site.name}"
    if site.kind == "twilio":
        return Callback(site.kind, address, secret)
    if not site.receipts:
        return None
    made = hmac.new(secret.get_secret_value().encode(), f"receipts:{site.name}".encode(), hashlib.sha256)
    return Callback(site.kind, f"{address}/{made.hexdigest()[:32]}", secret)


# ── what each says ──


_OUR_ID: Final = r"[0-9a-f]{32}-[0-9]{1,9}"
"""A notice's id and the number of the try (`providers.py`)."""


class _Said(BaseModel):
    """A provider may add to it what it likes; what we read must be there as documented."""

    model_config = ConfigDict(strict=True, frozen=True)


class _OfAliyun(_Said):
    """SmsReport, pushed by HTTP in batches. `out_id` is ours, and missing for what another program sent."""

    success: bool
    out_id: str | None = None


class _OfTencent(_Said):
    """Its status notification, pushed in batches. `sid` is the SerialNo we were answered with."""

    report_status: Literal["SUCCESS", "FAIL"]
    sid: Annotated[str, Field(min_length=1, max_length=200)]


class _OfKannel(BaseModel):
    """The query of the dlr-url that we gave with the message: `%d` is filled in by Kannel."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[str, Field(pattern=f"^{_OUR_ID}$")]
    status: Annotated[int, Field(ge=0, le=255)]


_FROM_ALIYUN: Final = TypeAdapter(list[_OfAliyun])
_FROM_TENCENT: Final = TypeAdapter(list[_OfTencent])

KANNEL_MASK: Final = 1 | 2 | 16
"""Which reports Kannel is asked for: on the phone, not on the phone, rejected by the centre."""
KANNEL_ENDED: Final = {1: True, 2: False, 16: False, 34: False}
"""Its final words; 34 is expired. Buffered (4), with the centre (8) and unknown (66) are none."""

TAKEN: Final[Mapping[str, Mapping[str, Any]]] = {
    "aliyun": {"code": 0, "msg": "OK"},
    "tencent": {"result": 0, "errmsg": "OK"},
    "kannel": {},
}
"""What each wants to hear when we have its receipts; after anything else it comes again."""


def read(kind: str, query: Mapping[str, str], body: bytes) -> Sequence[Receipt]:
    """Return the final words in a request of this kind of provider; raises BadReceipt."""
    try:
        match kind:
            case "aliyun":
                reports = _FROM_ALIYUN.validate_json(body)
                return [
                    Receipt(str(each.out_id), each.success)
                    for each in reports
                    if re.fullmatch(_OUR_ID, each.out_id or "")
                ]
            case "tencent":
                return [
                    Receipt(each.sid, each.report_status == "SUCCESS") for each in _FROM_TENCENT.validate_json(body)
                ]
            case _:
                said = _OfKannel.model_validate(dict(query))
                there = KANNEL_ENDED.get(said.status)
                return [] if there is None else [Receipt(said.id, there)]
    except ValidationError as problem:
        raise BadReceipt(kind, problem) from None
