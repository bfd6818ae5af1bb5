"""What can go wrong between us and Asterisk's manager interface, each with its way out."""

from __future__ import annotations


class AmiError(Exception):
    """Something asked of Asterisk's manager did not come about; `code` is stable, the sentence is not."""

    code = "ami"


class LinkDown(AmiError):
    """There is no connection now, or it was lost before the answer came; whether the action was done is unknown.

    The link comes back by itself; the action does not: nothing is ever sent twice.
    """

    code = "link-down"

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(f"no link to Asterisk's manager: {why}")


class LoginRefused(LinkDown):
    """Asterisk does not accept the account."""

    code = "login-refused"

    def __init__(self, account: str, answer: str) -> None:
        self.account = account
        super().__init__(
            f"the login of {account} was refused ({answer}); "
            "compare its name, secret and permit= with Asterisk's manager.conf"
        )


class NoAnswer(AmiError):
    """The link is up, but Asterisk did not answer in time; whether the action was done is unknown."""

    code = "no-answer"

    def __init__(self, action: str, within: float) -> None:
        self.action, self.within = action, within
        super().__init__(f"Asterisk did not answer {action} within {within:g} s")


class ActionFailed(AmiError):
    """Asterisk answered that it will not do this; `answer` is its own sentence."""

    code = "action-failed"

    def __init__(self, action: str, answer: str) -> None:
        self.action, self.answer = action, answer
        super().__init__(f"Asterisk refused {action}: {answer}")


class PermissionRefused(ActionFailed):
    """The account may not use this action: a mistake in manager.conf, not in the call."""

    code = "permission-refused"

    def __init__(self, action: str, account: str) -> None:
        super().__init__(action, f"the account {account} lacks the write= class for it in manager.conf")
