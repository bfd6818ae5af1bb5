"""A site to speak for, the real voice's work on it, and a voice that hums where words do not matter."""

import math
import wave
from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from zlib import crc32

import numpy as np
import pytest
from numpy.typing import NDArray

from prompts.build import build
from prompts.catalogue import Catalogue
from prompts.errors import VoiceFailed
from prompts.espeak import Espeak
from prompts.library import Library
from prompts.plan import Plan, plan

BRANDS: Final[Mapping[str, Mapping[str, str]]] = {
    "public": {"zh": "北方热力", "en": "Northern Heating", "es": "Calor del Norte"},
    "internal": {"zh": "雄安供热", "en": "Red City Cable"},
    "city": {"zh": "城市供热公司", "en": "City District Heating"},
}
AGENTS: Final = ("1024", "1111", "7777")
FESTIVALS: Final = (("dragon_boat",), ("national_day",), ("mid_autumn", "national_day"))

Samples = NDArray[np.float64]


@dataclass
class Hummer:
    """A voice that hums another tone for each text, in no time; `cannot` are texts it fails at."""

    name: str = "hummer 1"
    cannot: set[str] = field(default_factory=set)
    seconds: float = 0.3

    def identity(self, language: str) -> str:
        return f"{self.name} {language}"

    def speak(self, text: str, language: str, to: Path, *, pace: float = 1.0) -> None:
        if text in self.cannot:
            raise VoiceFailed(self.name, text, "it will not")
        pitch = 300 + crc32(f"{language} {text}".encode()) % 2000
        samples = range(round(22_050 * self.seconds / pace))
        with wave.open(str(to), "wb") as file:
            file.setparams((1, 2, 22_050, 0, "NONE", ""))
            hum = (round(9_000 * math.sin(2 * math.pi * pitch * at / 22_050)) for at in samples)
            file.writeframes(array("h", hum).tobytes())


def heard(sounds: Path, file: str, suffix: str = ".sln") -> Samples:
    """Return a sound file's samples, 1 being full scale."""
    return np.fromfile(sounds / f"{file}{suffix}", dtype="<i2") / 32768


def small_plan(**texts: str) -> Plan:
    """Return a plan of a few Chinese prompts and their digits."""
    catalogue = Catalogue({"zh": texts or {"hello": "您好", "bye": "再见"}}, {"zh": {"0": "零"}})
    return plan(catalogue, brands={})


@pytest.fixture(scope="session")
def site_plan() -> Plan:
    return plan(Catalogue.read(), brands=BRANDS, agents=AGENTS, festivals=FESTIVALS)


@pytest.fixture(scope="session")
def spoken_site(site_plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole site as espeak-ng speaks it, built once for all tests that only listen."""
    sounds = tmp_path_factory.mktemp("sounds")
    build(site_plan, sounds, Espeak())
    return sounds


@pytest.fixture(scope="session")
def library(spoken_site: Path) -> Library:
    return Library(spoken_site)
