"""Which sounds a site needs: every text in every language, for every brand and every agent."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Final

from prompts.catalogue import Catalogue
from prompts.errors import UnknownLanguage
from prompts.music import Tune
from prompts.names import checked

AGENT_GREETING: Final = "agent_greeting"

AT_MOST: Final[Mapping[str, float]] = {AGENT_GREETING: 3.0}
"""Seconds a prompt may last. During the greeting the agent is on the line already and hears nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One sound file, and what a call asks for to hear it.

    `file` is below the sounds folder and has no extension; `parameters` are the site's keys (of a
    dialled number, an agent's work number), not the words that are spoken for them.
    """

    file: str
    prompt: str
    language: str
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Utterance(Piece):
    """A piece that a voice speaks; it should last `at_most` so many seconds."""

    text: str
    at_most: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Played(Piece):
    """A piece that is played, not spoken: a tone, music."""

    tune: Tune


Plan = tuple[Utterance | Played, ...]
"""Everything that has to be in the sounds folder; no file is named twice."""


def plan(
    catalogue: Catalogue, *, brands: Mapping[str, Mapping[str, str]], agents: Iterable[str] = ()
) -> Plan:
    """Return all pieces for these brands and agents.

    `brands` has, for the key of each dialled number, the brand's name in every language that number
    answers in; `agents` are work numbers. Raises `BadName` for a key that may not be in a file's
    name, and `UnknownLanguage` for one without texts.
    """
    work_numbers = [checked("the work number", number) for number in agents]
    for key, names in brands.items():
        checked("the key of a dialled number", key)
        for language in names.keys() - set(catalogue.languages):
            raise UnknownLanguage(language, known=catalogue.languages)
    spoken = product(catalogue.languages, sorted(catalogue.ids))
    return (
        *(piece for language, prompt in spoken for piece in _said(catalogue, language, prompt, brands, work_numbers)),
        *(piece for language in catalogue.languages for piece in _counted(catalogue, language)),
        *(_played(f"{language}/beep", "beep", language, Tune.BEEP) for language in catalogue.languages),
        _played("music/hold", "music", "", Tune.HOLD),
    )


def _said(
    catalogue: Catalogue,
    language: str,
    prompt: str,
    brands: Mapping[str, Mapping[str, str]],
    work_numbers: Iterable[str],
) -> Iterator[Utterance]:
    """One prompt in one language: a piece for each brand if it says the brand, for each agent if..."""
    choices = {"brand": [key for key, names in brands.items() if language in names], "work_number": work_numbers}
    names = _parameters(catalogue, prompt)
    for values in product(*(choices[name] for name in names)):
        parameters = dict(zip(names, values, strict=True))
        words = dict(parameters)
        if "brand" in words:
            words["brand"] = brands[words["brand"]][language]
        yield Utterance(
            file=_file(prompt, language, parameters),
            prompt=prompt,
            language=language,
            parameters=parameters,
            text=catalogue.text(prompt, language, **words),
            at_most=AT_MOST.get(prompt),
        )
