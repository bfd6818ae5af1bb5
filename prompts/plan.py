"""Which sounds a site needs: every text in every language, for every brand, every agent and every festival."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Final

from prompts.catalogue import Catalogue
from prompts.errors import UnknownLanguage
from prompts.music import Tune
from prompts.names import checked
from prompts.pieces import PIECE, needed, piece_file

AGENT_GREETING: Final = "agent_greeting"

FESTIVAL: Final = "festival_"
"""How the prompts begin that wish a happy festival; the rest of the name is the festival's."""

AT_MOST: Final[Mapping[str, float]] = {AGENT_GREETING: 3.5}
"""Seconds a prompt should last. In the greeting the agent is on the line already, and hears nothing."""
WITH_FESTIVAL: Final = 5.0
"""Seconds an agent's greeting should last on a festival."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One sound file, and what a call asks for to hear it.

    `file` is below the sounds folder and has no extension. `parameters` are the site's keys (of a
    dialled number, of an agent), not the words that are spoken for them.
    """

    file: str
    prompt: str
    language: str
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Utterance(Piece):
    """A piece that a voice speaks, in at most so many seconds if it can."""

    text: str
    at_most: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Played(Piece):
    """A piece that is played, not spoken: a tone, music."""

    tune: Tune


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed(Piece):
    """A piece of several spoken ones, one after the other in one file, in at most so many seconds if that can be.

    Each part keeps its own name, under which somebody may have spoken it.
    """

    parts: Sequence[Utterance]
    at_most: float

    @property
    def text(self) -> str:
        """All that is heard."""
        gap = "" if self.language == "zh" else " "
        return gap.join(part.text for part in self.parts)


Plan = tuple[Utterance | Composed | Played, ...]
"""Everything that has to be in the sounds folder; no file is named twice."""


NO_WORDS: Final[Mapping[str, Mapping[str, str]]] = {}


def plan(
    catalogue: Catalogue,
    *,
    brands: Mapping[str, Mapping[str, str]],
    agents: Iterable[str] = (),
    festivals: Iterable[Sequence[str]] = (),
    words: Mapping[str, Mapping[str, str]] = NO_WORDS,
    news: Mapping[str, Mapping[str, str]] = NO_WORDS,
) -> Plan:
    """Return all pieces for these brands, agents and festivals.

    `brands` has, for the key of each dialled number, the brand's name in every language that number
    answers in; `agents` are work numbers; each of `festivals` is one or more that are greeted together,
    in this order. `words` are festivals of the operator's own, by festival and language; `news` what is
    announced, by prompt and language. Raises `BadName`
    for a key that cannot name a file, and `UnknownLanguage` for a language without texts.
    """
    for key, names in brands.items():
        checked("the key of a dialled number", key)
        for language in sorted(names.keys() - set(catalogue.languages)):
            raise UnknownLanguage(language, key=key, known=catalogue.languages)
    work_numbers = {number: checked("a work number", number) for number in agents}

    together = sorted({tuple(checked("a festival", name) for name in some) for some in festivals if some})
    for name in words:
        checked("a festival", name)
    pieces: list[Utterance | Composed | Played] = []
    for language in catalogue.languages:
        of_brands = {key: names[language] for key, names in brands.items() if language in names}
        spoken = list(_prompts(catalogue, language, {"brand": of_brands, "work_number": work_numbers}))
        wishes = _wishes(spoken, words, language)
        pieces += [piece for piece in spoken if piece.file not in {wish.file for wish in wishes.values()}]
        pieces += wishes.values()
        pieces += _greetings_on_festivals(spoken, wishes, together)
        pieces += _news(news, language)
        pieces += _digits(catalogue, language)
        if of_brands:
            pieces += _pieces(catalogue, language, of_brands.values())
        pieces.append(Played(file=f"{language}/beep", prompt="beep", language=language, tune=Tune.BEEP))
    pieces.append(Played(file="music/hold", prompt="music", language="", tune=Tune.HOLD))
    return tuple(pieces)


def _prompts(catalogue: Catalogue, language: str, values: Mapping[str, Mapping[str, str]]) -> Iterator[Utterance]:
    """Every prompt, once for each combination of its parameters' values (name, then key, then words)."""
    for prompt in sorted(catalogue.ids):
        if catalogue.values(prompt):
            continue  # joined in the call, from pieces
        names = ["brand", "work_number"] if prompt == AGENT_GREETING else sorted(catalogue.parameters(prompt))
        for chosen in product(*(values[name].items() for name in names)):
            keys = {name: key for name, (key, _) in zip(names, chosen, strict=True)}
            words = {name: word for name, (_, word) in zip(names, chosen, strict=True)}
            yield Utterance(
                file=_file(prompt, language, keys),
                prompt=prompt,
                language=language,
                parameters=keys,
                text=catalogue.text(prompt, language, **words),
                at_most=AT_MOST.get(prompt),
            )


def _wishes(
    spoken: Iterable[Utterance], words: Mapping[str, Mapping[str, str]], language: str
) -> Mapping[str, Utterance]:
    """What is said on each festival, in this language: the texts', or else the operator's own words."""
    found = {piece.prompt.removeprefix(FESTIVAL): piece for piece in spoken if piece.prompt.startswith(FESTIVAL)}
    for festival, by_language in words.items():
        if text := by_language.get(language):
            prompt = FESTIVAL + festival
            found[festival] = Utterance(file=f"{language}/{prompt}", prompt=prompt, language=language, text=text)
    return found


def _news(news: Mapping[str, Mapping[str, str]], language: str) -> Iterator[Utterance]:
    """What is announced in this language."""
    for prompt, by_language in news.items():
        if text := by_language.get(language):
            yield Utterance(file=f"{language}/news/{prompt}", prompt=prompt, language=language, text=text)


def _greetings_on_festivals(
    spoken: Iterable[Utterance], wishes: Mapping[str, Utterance], together: Iterable[Sequence[str]]
) -> Iterator[Composed]:
    """Each agent's greeting on each festival that has words in this language."""
    greetings = [piece for piece in spoken if piece.prompt == AGENT_GREETING]
    for festivals in together:
        if wishes.keys() >= set(festivals):
            name = "-".join(festivals)
            for greeting in greetings:
                folder, _, number = greeting.file.rpartition("/")
                yield Composed(
                    file=f"{folder}/{name}/{number}",
                    prompt=AGENT_GREETING,
                    language=greeting.language,
                    parameters={**greeting.parameters, "festival": name},
                    parts=[*(wishes[festival] for festival in festivals), greeting],
                    at_most=WITH_FESTIVAL,
                )


def _digits(catalogue: Catalogue, language: str) -> Iterator[Utterance]:
    """What Asterisk looks for when it says a number itself, as app_queue does."""
    for digit, text in catalogue.digits[language].items():
        yield Utterance(file=f"{language}/digits/{digit}", prompt=f"digits/{digit}", language=language, text=text)


def _pieces(catalogue: Catalogue, language: str, brands: Iterable[str]) -> Iterator[Utterance]:
    """What prompts with values of a call are joined from, in a language that some number answers in."""
    for text in sorted(needed(catalogue, language, brands)):
        yield Utterance(
            file=piece_file(text, language), prompt=PIECE, language=language, parameters={"said": text}, text=text
        )


def _file(prompt: str, language: str, keys: Mapping[str, str]) -> str:
    """Name the file of a prompt; the greetings of agents have a folder for each dialled number."""
    if prompt == AGENT_GREETING:
        return f"{language}/agents/{keys['brand']}/{keys['work_number']}"
    return "/".join([language, *(f"{name}/{key}" for name, key in keys.items()), prompt])
