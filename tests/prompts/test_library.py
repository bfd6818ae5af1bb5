"""What a call gets when it asks for a prompt."""

from pathlib import Path

import pytest

from prompts.build import build
from prompts.errors import MissingPrompt
from prompts.library import Library
from tests.prompts.conftest import Hummer, heard, small_plan


def test_a_prompt_is_found_with_its_path_length_and_words(library: Library, spoken_site: Path) -> None:
    sound = library.sound("main_menu", "zh")
    assert sound.path == "/srv/sounds/zh/main_menu"
    assert sound.text.startswith("咨询请按1")
    assert sound.seconds == len(heard(spoken_site, "zh/main_menu")) / 8_000
    assert library.sound("beep", "en").path == "/srv/sounds/en/beep"


def test_a_prompt_is_found_by_the_number_that_was_dialled_and_the_agent_who_answers(library: Library) -> None:
    assert library.sound("greeting", "zh", brand="public").path == "/srv/sounds/zh/brand/public/greeting"
    greeting = library.sound("agent_greeting", "zh", brand="public", work_number="1024")
    assert greeting.path == "/srv/sounds/zh/agents/public/1024"
    assert greeting.text == "北方热力，一零二四号为您服务。"


def test_a_call_may_say_more_than_the_prompt_needs(library: Library) -> None:
    assert library.sound("main_menu", "zh", brand="public", work_number="1024") == library.sound("main_menu", "zh")


def test_asterisk_may_see_the_folder_elsewhere(spoken_site: Path) -> None:
    assert Library(spoken_site, heard_at="/sounds").sound("no_key", "en").path == "/sounds/en/no_key"


@pytest.mark.parametrize(
    ("prompt", "language", "parameters"),
    [
        ("no_such_prompt", "zh", {}),
        ("main_menu", "fr", {}),
        ("greeting", "zh", {}),
        ("greeting", "zh", {"brand": "no-such-number"}),
        ("agent_greeting", "zh", {"brand": "public", "work_number": "9999"}),
        ("../zh/main_menu", "zh", {}),
    ],
)
def test_what_was_not_made_is_missing(library: Library, prompt: str, language: str, parameters: dict[str, str]) -> None:
    with pytest.raises(MissingPrompt) as missing:
        library.sound(prompt, language, **parameters)
    assert (missing.value.prompt, missing.value.language, missing.value.parameters) == (prompt, language, parameters)


def test_a_sound_whose_file_has_gone_is_missing_and_found_again_when_it_is_back(tmp_path: Path) -> None:
    build(small_plan(), tmp_path, Hummer())
    library = Library(tmp_path)
    library.sound("hello", "zh")
    (tmp_path / "zh/hello.sln").unlink()
    with pytest.raises(MissingPrompt):
        library.sound("hello", "zh")
    build(small_plan(), tmp_path, Hummer())
    library.sound("hello", "zh")


def test_a_folder_that_was_never_built_has_no_sounds(tmp_path: Path) -> None:
    with pytest.raises(MissingPrompt):
        Library(tmp_path / "nothing").sound("hello", "zh")


def test_the_version_changes_with_the_wording_and_only_with_it(tmp_path: Path) -> None:
    versions = []
    for text in ("您好", "你好", "您好"):
        build(small_plan(hello=text), tmp_path, Hummer())
        versions.append(Library(tmp_path).sound("hello", "zh").version)
    assert versions[0] == versions[2] != versions[1]
