"""What a request can be refused for: a status, a `code` for programs that stays, and a sentence for people."""

from __future__ import annotations


class Refused(Exception):
    """A request that cannot be carried out."""

    def __init__(self, status: int, code: str, text: str, *, retry_after: int | None = None) -> None:
        """`retry_after`, in seconds, is told in the header of that name."""
        self.status, self.code, self.retry_after = status, code, retry_after
        super().__init__(text)
