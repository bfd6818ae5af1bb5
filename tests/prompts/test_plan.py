"""Which sounds a site needs."""

import pytest

from prompts.catalogue import Catalogue
from prompts.errors import BadName, UnknownLanguage
from prompts.plan import Composed, Plan, Utterance, plan

HOSTILE = ["../../etc/passwd", "a/b", "a.b", "", "A", "1024\n", "1024\x00", "~", "号", "x" * 65, "..", "-rf *"]


def texts(plan: Plan) -> dict[str, str]:
    return {piece.file: piece.text for piece in plan if isinstance(piece, Utterance)}


def test_each_agent_has_a_greeting_for_each_number_and_each_of_its_languages() -> None:
    brands = {"public": {"zh": "北方热力", "en": "Northern Heating"}, "internal": {"zh": "信息中心"}}
    found = {
        file: text
        for file, text in texts(plan(Catalogue.read(), brands=brands, agents=["1024", "7"])).items()
        if "/agents/" in file
    }
    assert found == {
        "zh/agents/public/1024": "北方热力，一零二四号为您服务。",
        "zh/agents/public/7": "北方热力，七号为您服务。",
        "zh/agents/internal/1024": "信息中心，一零二四号为您服务。",
        "zh/agents/internal/7": "信息中心，七号为您服务。",
        "en/agents/public/1024": "Northern Heating, agent 1 0 2 4 at your service.",
        "en/agents/public/7": "Northern Heating, agent 7 at your service.",
    }


def test_each_agent_has_a_greeting_for_each_festival_and_for_those_that_fall_together() -> None:
    words = {"founding": {"zh": "十周年快乐！"}}
    pieces = plan(
        Catalogue.read(),
        brands={"public": {"zh": "北方热力", "en": "Northern Heating"}},
        agents=["1024"],
        festivals=[("national_day",), ("mid_autumn", "national_day"), ("founding",)],
        words=words,
    )
    found = {piece.file: piece for piece in pieces if isinstance(piece, Composed)}
    assert {file: piece.text for file, piece in found.items()} == {
        "zh/agents/public/national_day/1024": "国庆快乐！北方热力，一零二四号为您服务。",
        "zh/agents/public/mid_autumn-national_day/1024": "中秋快乐！国庆快乐！北方热力，一零二四号为您服务。",
        "zh/agents/public/founding/1024": "十周年快乐！北方热力，一零二四号为您服务。",
        "en/agents/public/national_day/1024": "Happy National Day! Northern Heating, agent 1 0 2 4 at your service.",
        "en/agents/public/mid_autumn-national_day/1024": "Happy Mid-Autumn Festival! Happy National Day! "
        "Northern Heating, agent 1 0 2 4 at your service.",
    }
    assert texts(pieces)["zh/festival_founding"] == "十周年快乐！"
    assert found["zh/agents/public/founding/1024"].parameters == {
        "brand": "public",
        "work_number": "1024",
        "festival": "founding",
    }


def test_words_of_the_operators_own_take_the_place_of_ours() -> None:
    pieces = plan(Catalogue.read(), brands={}, words={"national_day": {"zh": "祖国万岁！"}})
    assert texts(pieces)["zh/festival_national_day"] == "祖国万岁！"
    assert texts(pieces)["en/festival_national_day"] == "Happy National Day!"
    assert len({piece.file for piece in pieces}) == len(pieces)


def test_a_text_that_names_no_brand_is_planned_once_and_one_that_does_for_each_number() -> None:
    brands = {"public": {"zh": "北方热力"}, "internal": {"zh": "信息中心"}}
    found = texts(plan(Catalogue.read(), brands=brands))
    assert found["zh/main_menu"].startswith("咨询请按1")
    assert found["zh/brand/public/greeting"] == "您好，欢迎致电北方热力服务热线。"
    assert found["zh/brand/internal/greeting"] == "您好，欢迎致电信息中心服务热线。"
    assert "en/brand/public/greeting" not in found


def test_a_greeting_that_says_less_is_still_found_under_number_and_agent() -> None:
    catalogue = Catalogue({"zh": {"agent_greeting": "很高兴为您服务"}}, {"zh": {}})
    found = texts(plan(catalogue, brands={"public": {"zh": "北方热力"}}, agents=["1024"]))
    assert found == {"zh/agents/public/1024": "很高兴为您服务"}


def test_the_numbers_asterisk_says_are_where_it_looks_for_them() -> None:
    found = texts(plan(Catalogue.read(), brands={}))
    assert found["zh/digits/20"] == "二十"
    assert found["en/digits/13"] == "thirteen"
    for number in [*range(20), *range(20, 100, 10)]:
        assert f"en/digits/{number}" in found
    for number in [*range(31), *range(40, 100, 10), "and", "100-and", *range(100, 1000, 100), "thousand"]:
        assert f"es/digits/{number}" in found
    for number in [*range(11), *range(20, 100, 10), "hundred"]:
        assert f"zh/digits/{number}" in found


def test_no_file_is_planned_twice(site_plan: Plan) -> None:
    files = [piece.file for piece in site_plan]
    assert len(files) == len(set(files))
    assert {"zh/beep", "en/beep", "music/hold"} <= set(files)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_key_or_a_work_number_that_could_leave_the_folder_is_refused(name: str) -> None:
    with pytest.raises(BadName) as refused:
        plan(Catalogue.read(), brands={name: {"zh": "北方热力"}})
    assert refused.value.name == name
    with pytest.raises(BadName):
        plan(Catalogue.read(), brands={}, agents=["1024", name])


def test_a_number_that_answers_in_a_language_without_texts_is_refused() -> None:
    with pytest.raises(
        UnknownLanguage, match="number 'public' is to answer in 'fr', but there are texts for en, es, zh only"
    ):
        plan(Catalogue.read(), brands={"public": {"zh": "北方热力", "fr": "Chaleur du Nord"}})
