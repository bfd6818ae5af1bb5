"""What can go wrong with the words."""


class PromptsError(Exception):
    """Something about the prompts cannot be done; the sentence says what to do about it."""

    code = "prompts"


class BadName(PromptsError):
    """A name that may not become part of a file's name."""

    code = "bad-name"

    def __init__(self, what: str, name: str) -> None:
        self.what, self.name = what, name
        super().__init__(
            f"{what} {name!r} cannot name a sound file; use 1 to 64 of the characters a-z 0-9 _ - only"
        )
