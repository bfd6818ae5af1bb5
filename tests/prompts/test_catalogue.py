"""The texts: right as they come, and refused with every reason when they are not."""

from collections.abc import Callable
from pathlib import Path

import pytest

from prompts.catalogue import Catalogue
from prompts.errors import CatalogueError

DIGITS = "[digits]\n" + "".join(f'{digit} = "{digit}"\n' for digit in range(10))

Write = Callable[[str, str], None]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write the prompts of one language, with digits that are right."""

    def write(language: str, prompts: str) -> None:
        (tmp_path / f"{language}.toml").write_text(f"[prompts]\n{prompts}\n{DIGITS}", "utf-8")

    return write


def problems_in(folder: Path) -> tuple[str, ...]:
    with pytest.raises(CatalogueError) as refused:
        Catalogue.read(folder)
    for problem in refused.value.problems:
        assert problem in str(refused.value)
    return refused.value.problems


def test_the_texts_that_come_with_the_product_agree_and_cover_a_whole_call() -> None:
    catalogue = Catalogue.read()
    assert catalogue.languages == ("en", "es", "zh")
    assert catalogue.ids >= {
        "greeting", "main_menu", "repair_menu", "no_key", "wrong_key", "to_person", "please_hold", "connecting",
        "closed_leave_message", "busy_leave_message", "message_thanks", "agent_greeting", "goodbye",
        "sorry_call_later", "sorry_leave_message", "queue-youarenext", "queue-thereare", "queue-callswaiting",
        "queue-thankyou", "signed_in", "signed_out", "paused", "unpaused", "not_known_phone", "not_done",
        "reason_rest", "reason_meal", "reason_training", "reason_meeting", "reason_other",
        "language_zh", "language_en", "language_es",
    }  # fmt: skip


def test_a_work_number_is_said_digit_by_digit_in_each_language() -> None:
    catalogue = Catalogue.read()
    chinese = catalogue.text("agent_greeting", "zh", brand="北方热力", work_number="1024")
    english = catalogue.text("agent_greeting", "en", brand="Northern Heating", work_number="1024")
    assert chinese == "北方热力，一零二四号为您服务。"
    spanish = catalogue.text("agent_greeting", "es", brand="Calor del Norte", work_number="1024")
    assert english == "Northern Heating, agent 1 0 2 4 at your service."
    assert spanish == "Calor del Norte, le atiende el agente 1 0 2 4."


def test_a_name_with_braces_in_it_is_said_as_it_is() -> None:
    assert Catalogue.read().text("greeting", "en", brand="{work_number}") == (
        "Welcome to the {work_number} service line."
    )


def test_a_text_missing_in_one_language_is_named_with_the_file_that_lacks_it(tmp_path: Path, write: Write) -> None:
    write("zh", 'hello = "您好"\nbye = "再见"')
    write("en", 'hello = "Hello"')
    (problem,) = problems_in(tmp_path)
    assert problem.startswith("en.toml: 'bye': has no text, but zh.toml has one; add it")


def test_parameters_that_differ_between_languages_are_shown_side_by_side(tmp_path: Path, write: Write) -> None:
    write("zh", 'hello = "您好，{brand}"')
    write("en", 'hello = "Hello, {work_number}"')
    (problem,) = problems_in(tmp_path)
    assert problem == (
        "zh.toml: 'hello': found {brand}, but en.toml has {work_number}; give both texts the same parameters"
    )


def test_a_parameter_nobody_knows_how_to_say_is_refused_with_those_that_are_known(tmp_path: Path, write: Write) -> None:
    write("zh", 'hello = "您好，{nmae}"')
    write("en", 'hello = "Hello, {nmae}"')
    for problem, language in zip(problems_in(tmp_path), ("en", "zh"), strict=True):
        assert problem.startswith(f"{language}.toml: 'hello': found parameter {{nmae}}, expected one of {{brand}}")


def test_a_value_of_an_unknown_kind_is_refused_with_the_kinds_there_are(tmp_path: Path, write: Write) -> None:
    write("en", 'hello = "Hello, {until:momnt}"')
    (problem,) = problems_in(tmp_path)
    assert problem.startswith("en.toml: 'hello': found {until:momnt}, expected one of the kinds number, count, digits")


def test_a_value_of_the_call_stays_open_until_the_call(tmp_path: Path, write: Write) -> None:
    write("en", 'hello = "{brand}: ticket {code:code}"')
    catalogue = Catalogue.read(tmp_path)
    assert catalogue.parameters("hello") == {"brand"}
    assert catalogue.values("hello") == {"code": "code"}
    assert catalogue.text("hello", "en", brand="Heating") == "Heating: ticket {code:code}"


@pytest.mark.parametrize(
    "text", ["{brand", "brand}", "{}", "{0}", "{brand.x}", "{brand[0]}", "{brand!r}", "{brand:>9}"]
)
def test_braces_that_are_no_plain_parameter_are_refused(tmp_path: Path, write: Write, text: str) -> None:
    write("en", f'hello = "Hello, {text}"')
    (problem,) = problems_in(tmp_path)
    assert problem.startswith("en.toml: 'hello': braces are broken")


@pytest.mark.parametrize("name", ["../hello", "Hello", "a b", "a.b", "/etc/passwd", "你好", "x" * 65, ""])
def test_a_prompt_whose_name_cannot_be_a_file_is_refused(tmp_path: Path, write: Write, name: str) -> None:
    write("en", f'"{name}" = "Hello"')
    (problem,) = problems_in(tmp_path)
    assert problem.startswith(f"en.toml: {name!r}: a name has only the characters a-z 0-9 _ -")


def test_all_problems_of_all_files_are_told_at_once(tmp_path: Path, write: Write) -> None:
    write("zh", 'hello = "您好{brand}"\nempty = "  "\nnumber = 5\nlost = "丢"')
    (tmp_path / "en.toml").write_text('[prompts]\nhello = "Hello"\nempty = "x"\nnumber = "x"\n[digits]\n0 = "zero"')
    (tmp_path / "fr.toml").write_text("[promts]\n")
    (tmp_path / "es.toml").write_text("not toml")
    found = problems_in(tmp_path)
    for beginning in (
        "es.toml: is not a readable TOML file",
        "fr.toml: 'fr' is not a language whose numbers can be spoken (en, es, zh)",
        "fr.toml: has no table [prompts]",
        "fr.toml: has no table [digits]",
        "fr.toml: 'promts' is not expected here",
        "zh.toml: 'empty': found '  ', expected a text in quotes",
        "zh.toml: 'number': found 5, expected a text in quotes",
        "en.toml: 'lost': has no text, but zh.toml has one",
        "zh.toml: 'hello': found {brand}, but en.toml has no parameters",
        "en.toml: [digits] has no 1, 2, 3, 4, 5, 6, 7, 8, 9",
    ):
        assert sum(problem.startswith(beginning) for problem in found) == 1, (beginning, found)


def test_a_folder_without_texts_is_refused(tmp_path: Path) -> None:
    (problem,) = problems_in(tmp_path)
    assert "holds no texts; expected files such as zh.toml" in problem


def test_the_operators_own_texts_win_one_by_one_and_may_add_prompts(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    for language, bye in (("zh", "再会"), ("en", "Bye"), ("es", "Adiós")):
        (own / f"{language}.toml").write_text(f'[prompts]\nmoving = "{bye} 4"\n', "utf-8")
    (own / "zh.toml").write_text('[prompts]\nmoving = "搬家"\ngoodbye = "再会"\n', "utf-8")
    catalogue = Catalogue.read(own=own)
    assert catalogue.text("goodbye", "zh") == "再会"
    assert catalogue.text("goodbye", "en") == "Thank you for calling. Goodbye."
    assert catalogue.text("moving", "es") == "Adiós 4"
    assert Catalogue.read(own=tmp_path / "none").ids == Catalogue.read().ids


def test_an_own_text_that_breaks_the_rest_is_refused_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "en.toml").write_text('[prompts]\ngreeting = "Hello"\n')
    assert all("'greeting': found {brand}, but en.toml has no parameters" in each for each in own_problems(tmp_path))


def own_problems(folder: Path) -> tuple[str, ...]:
    with pytest.raises(CatalogueError) as refused:
        Catalogue.read(own=folder)
    return refused.value.problems
