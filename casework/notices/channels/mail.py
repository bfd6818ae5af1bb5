"""E-mail by SMTP.

The Message-ID is the notice's: a mailbox that is strict about it shows a double once. SMTP itself does not say after a
break whether a message was taken, so it counts as a possible double.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Final

import aiosmtplib
from pydantic import SecretStr

from casework.notices.channel import Accepted, AfterACrash, ChannelDown, Letter, Refused, SendProblem, TryLater, Unsure
from casework.notices.directory import Mail

LIMIT: Final = 20.0


class SmtpMail:
    """One account at a mail server."""

    after_a_crash = AfterACrash.SEND_AGAIN
    gives_receipts = False
    limit = LIMIT

    def __init__(
        self, site: Mail, secret: SecretStr | None, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._site, self._secret, self._now = site, secret, now

    async def send(self, letter: Letter) -> Accepted:
        """See Channel."""
        message = self._message(letter)
        server = aiosmtplib.SMTP(
            hostname=self._site.host,
            port=self._site.port,
            timeout=LIMIT / 2,
            use_tls=self._site.encryption == "tls",
            start_tls=self._site.encryption == "starttls",
            username=self._site.account or None,
            password=self._secret.get_secret_value() if self._site.account and self._secret else None,
        )
        try:
            await server.connect()
        except (TimeoutError, aiosmtplib.SMTPException, OSError) as problem:
            raise ChannelDown(f"the mail server cannot be reached: {type(problem).__name__}") from None
        try:
            await server.send_message(message)
        except aiosmtplib.SMTPRecipientsRefused as refused:
            raise _verdict(max((each.code for each in refused.recipients), default=550)) from None
        except aiosmtplib.SMTPResponseException as answer:
            raise _verdict(answer.code) from None
        except (TimeoutError, aiosmtplib.SMTPException, OSError) as problem:
            raise Unsure(f"the mail server broke off: {type(problem).__name__}") from None
        finally:
            server.close()
        return Accepted(str(message["Message-ID"]))

    async def ask(self, letter: Letter) -> Accepted | None:  # noqa: ARG002 - mail servers cannot be asked
        """See Channel."""
        return None

    def _message(self, letter: Letter) -> EmailMessage:
        domain = self._site.sender.partition("@")[2]
        message = EmailMessage()
        message["From"] = Address(addr_spec=self._site.sender)
        try:
            message["To"] = Address(addr_spec=letter.address)
        except ValueError:
            raise Refused("this is not a mail address") from None
        message["Subject"] = letter.title
        message["Date"] = format_datetime(self._now())
        message["Message-ID"] = f"<{letter.id}@{domain}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(letter.text)
        return message


def _verdict(code: int) -> SendProblem:
    """What a mail server's refusal means: 4xx is for now, 5xx for good, and some are about our account."""
    if code in (530, 534, 535, 538):
        return ChannelDown(f"the mail server refuses our account ({code})")
    if code < 500:
        return TryLater(f"the mail server does not take it now ({code})")
    return Refused(f"the mail server refuses it ({code})")
