"""How a conversation with Asterisk ends early, as a flow sees it."""

from __future__ import annotations

from ivr.wire import Reply


class AgiError(Exception):
    """A command to Asterisk did not do what it should."""

    code = "agi"


class CallerHungUp(AgiError):
    """The call has left us, and nothing more can be said on this connection.

    The caller hung up, or the call was taken away (its dead-man timer, a redirect), or Asterisk closed the
    connection: on the wire they look alike. `endpos` is how far the sound was then played or recorded, in samples
    (8,000 a second), if Asterisk said it.
    """

    code = "caller-hung-up"

    def __init__(self, endpos: int | None = None) -> None:
        self.endpos = endpos
        super().__init__("the call is gone: the caller hung up, or Asterisk took the call back")


class CommandRefused(AgiError):
    """Asterisk would not or could not carry out a command; the caller is still there and may be spoken to.

    Unknown (510), wrongly used (520), or tried in vain (`result=-1`, for example a missing sound file).
    """

    code = "command-refused"

    def __init__(self, command: str, reply: Reply) -> None:
        self.command, self.reply = command, reply
        super().__init__(f"Asterisk did not carry out {command}: {reply.code} {reply.result or reply.data[:60]}")


class NoReply(AgiError):
    """Asterisk did not answer in time.

    The connection is dropped, since a late reply would be taken for the next command's. The dialplan goes on.
    """

    code = "no-reply"

    def __init__(self, command: str, within: float) -> None:
        self.command, self.within = command, within
        super().__init__(f"Asterisk did not answer {command} within {within:g} s")
