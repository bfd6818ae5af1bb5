"""What can go wrong with the words. Each sentence says what was found and what to do about it."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path


class PromptsError(Exception):
    """Something about the prompts cannot be done."""

    code = "prompts"


class CatalogueError(PromptsError):
    """The texts cannot be used; `problems` has all that is wrong with them, not only the first."""

    code = "catalogue"

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("the prompt texts cannot be used:\n" + _indented(problems))


class NoticeRefused(PromptsError):
    """What the operator says of the calendar cannot be used; `problems` has all that is wrong with it."""

    code = "notice-refused"

    def __init__(self, where: str, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(f"{where} cannot be used for the calendar:\n" + _indented(problems))


class NewsRefused(PromptsError):
    """An announcement that no voice can speak, so it is not announced."""

    code = "news-refused"

    def __init__(self, problem: Exception) -> None:
        super().__init__(f"this cannot be spoken, and nothing was announced: {problem}; write it in other words")


class NoSuchWords(PromptsError):
    """Nothing an operator has said has this number, or it was withdrawn already."""

    code = "no-such-words"

    def __init__(self, kind: str, number: int) -> None:
        super().__init__(f"nothing of the {kind} has the number {number} now; see the list")


class NoSuchSound(PromptsError):
    """There is no sound of this name that somebody could speak, or more than one."""

    code = "no-such-sound"

    def __init__(self, name: str, found: Sequence[str]) -> None:
        if found:
            more = f", and {len(found) - 8} more" if len(found) > 8 else ""
            super().__init__(f"{name!r:.80} can be {', '.join(found[:8])}{more}; say which")
        else:
            super().__init__(f"no sound is called {name!r:.80}; the names are in: hotline prompts script --all")


class BadName(PromptsError):
    """A name that may not become part of a file's name."""

    code = "bad-name"

    def __init__(self, what: str, name: str) -> None:
        self.what, self.name = what, name
        super().__init__(f"{what} is {name!r}, which cannot name a sound file; use 1 to 64 of a-z 0-9 _ - only")


class UnknownLanguage(PromptsError):
    """A dialled number is to answer in a language that has no texts."""

    code = "unknown-language"

    def __init__(self, language: str, *, key: str, known: Iterable[str]) -> None:
        self.language, self.key = language, key
        super().__init__(f"number {key!r} is to answer in {language!r}, but there are texts for {_listed(known)} only")


class BadSound(PromptsError):
    """A file is not the sound it should be."""

    code = "bad-sound"

    def __init__(self, path: Path, found: str) -> None:
        self.path = path
        super().__init__(f"{path} is no wav sound that can be used: {found}")


class VoiceMissing(PromptsError):
    """A voice cannot speak at all, so there is no point in asking it for the next text."""

    code = "voice-missing"


class VoiceFailed(PromptsError):
    """A voice could not speak one text."""

    code = "voice-failed"

    def __init__(self, voice: str, text: str, reason: str) -> None:
        self.voice, self.text, self.reason = voice, text, reason
        super().__init__(f"{voice} could not speak {text!r}: {reason}")


class BuildFailed(PromptsError):
    """Some sounds could not be made; all others are in place."""

    code = "build-failed"

    def __init__(self, failures: Mapping[str, Exception]) -> None:
        self.failures = dict(failures)
        lines = [f"{file}: {failure}" for file, failure in sorted(failures.items())]
        super().__init__(f"{len(lines)} sounds could not be made:\n" + _indented(lines))


class BuildBusy(PromptsError):
    """Another build of the same folder does not come to an end."""

    code = "build-busy"

    def __init__(self, sounds: Path, waited: float) -> None:
        super().__init__(f"another build has kept {sounds} for {waited:.0f} s; wait for it, or end it, and try again")


class MissingPrompt(PromptsError):
    """There is no sound for this; the caller of the library decides what to do without it."""

    code = "missing-prompt"

    def __init__(self, prompt: str, language: str, parameters: Mapping[str, str]) -> None:
        self.prompt, self.language, self.parameters = prompt, language, dict(parameters)
        super().__init__(f"no sound has been made for prompt {prompt!r} in {language!r} with {self.parameters}")


class CannotSay(PromptsError):
    """A value is not of the kind that a text has in this place. What it is stays private."""

    code = "cannot-say"

    def __init__(self, kind: str, value: object, reason: str) -> None:
        self.kind = kind
        super().__init__(f"a {type(value).__name__} cannot be said as {kind!r}: {reason}")


def _indented(lines: Iterable[str]) -> str:
    return "\n".join(f"  {line}" for line in lines)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "nothing"
