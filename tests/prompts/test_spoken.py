"""Values as people say them, in each language."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts.errors import CannotSay
from prompts.espeak import MANNERS
from prompts.spoken import KINDS, LANGUAGES, PAUSE, Money, Value, spoken, vocabulary, written

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 21, 9, 0, tzinfo=SHANGHAI)

TABLE: list[tuple[str, Value, str, str, str]] = [
    ("number", 0, "零", "zero", "cero"),
    ("number", 10, "十", "ten", "diez"),
    ("number", 112, "一百一十二", "one hundred and twelve", "ciento doce"),
    ("number", 205, "两百零五", "two hundred and five", "doscientos cinco"),
    ("number", 1024, "一千零二十四", "one thousand and twenty-four", "mil veinticuatro"),
    ("number", 10_012, "一万零一十二", "ten thousand and twelve", "diez mil doce"),
    ("number", 21_021, "两万一千零二十一", "twenty-one thousand and twenty-one", "veintiún mil veintiuno"),
    ("number", 1_000_000, "一百万", "one million", "un millón"),
    ("number", 100_002_000, "一亿零两千", "one hundred million two thousand", "cien millones dos mil"),
    ("number", Decimal("-2.50"), "负二点五", "minus two point five", "menos dos coma cinco"),
    ("count", 2, "两", "two", "dos"),
    ("count", 21, "二十一", "twenty-one", "veintiún"),
    ("digits", "1024", "一零二四", "one zero two four", "uno cero dos cuatro"),
    ("code", "r-1024", "阿尔，一零二四", "R, one zero two four", "erre, uno cero dos cuatro"),
    (
        *(
            "phone",
            "13812345678",
            "一三八，一二三四，五六七八",
            "one three eight, one two three four, five six seven eight",
        ),
        "uno tres ocho, uno dos tres cuatro, cinco seis siete ocho",
    ),
    ("phone", "12345", "一二三，四五", "one two three, four five", "uno dos tres, cuatro cinco"),
    (
        *("money", Decimal("128.50"), "一百二十八元五角", "one hundred and twenty-eight yuan and fifty fen"),
        "ciento veintiocho yuanes con cincuenta",
    ),
    ("money", Decimal("2.05"), "两元零五分", "two yuan and five fen", "dos yuanes con cinco"),
    ("money", 0, "零元", "zero yuan", "cero yuanes"),
    ("money", Money(Decimal("1.01"), "USD"), "一美元一美分", "one dollar and one cent", "un dólar con uno"),
    ("money", 1_000_000, "一百万元", "one million yuan", "un millón de yuanes"),
    ("date", date(2026, 11, 22), "明天", "tomorrow", "mañana"),
    (
        *("date", date(2026, 12, 1), "十二月一号星期二", "Tuesday the first of December"),
        "el martes primero de diciembre",
    ),
    (
        *("date", date(2027, 2, 6), "二零二七年二月六号", "the sixth of February two thousand and twenty-seven"),
        "el seis de febrero de dos mil veintisiete",
    ),
    ("time", time(14, 30), "下午两点半", "half past two in the afternoon", "las dos y media de la tarde"),
    ("time", time(13, 5), "下午一点零五分", "one oh five in the afternoon", "la una y cinco de la tarde"),
    ("time", time(0, 0), "凌晨零点", "midnight", "las doce de la noche"),
    ("time", time(12, 0), "中午十二点", "noon", "las doce del mediodía"),
    (
        "time",
        time(9, 45),
        "上午九点四十五分",
        "quarter to ten in the morning",
        "las nueve y cuarenta y cinco de la mañana",
    ),
    (
        *("moment", datetime(2026, 11, 22, 1, 0, tzinfo=UTC), "明天上午九点"),
        *("tomorrow at nine o'clock in the morning", "mañana a las nueve de la mañana"),
    ),
    ("duration", timedelta(minutes=90), "一个半小时", "one hour and thirty minutes", "una hora y treinta minutos"),
    ("duration", timedelta(hours=21), "二十一个小时", "twenty-one hours", "veintiuna horas"),
    ("duration", timedelta(seconds=2), "两秒", "two seconds", "dos segundos"),
    ("words", " 阳光  小区 ", "阳光 小区", "阳光 小区", "阳光 小区"),
]


@pytest.mark.parametrize(("kind", "value", "chinese", "english", "spanish"), TABLE)
def test_a_value_is_said_as_people_say_it(kind: str, value: Value, chinese: str, english: str, spanish: str) -> None:
    said = {language: written(spoken(kind, value, language, at=NOW), language) for language in LANGUAGES}
    assert said == {"zh": chinese, "en": english, "es": spanish}


@pytest.mark.parametrize(
    ("kind", "value", "why"),
    [
        ("number", "1e400", "below"),
        ("number", "NaN", "below"),
        ("number", True, "expected a number"),
        ("count", Decimal("1.5"), "whole number"),
        ("digits", "12a", "digits"),
        ("code", "R_1024", "A-Z and 0-9"),
        ("code", "R--1", "single"),
        ("phone", "1 380013", "digits"),
        ("date", "tomorrow", "expected a date"),
        ("date", date(1999, 12, 31), "years 2000"),
        ("moment", datetime(2026, 11, 22, 9, 0), "knows its zone"),  # noqa: DTZ001
        ("moment", NOW.date(), "expected a datetime"),
        ("time", 9, "expected a time"),
        ("duration", timedelta(seconds=-1), "0 seconds"),
        ("words", " ", "1 to 300"),
        ("words", "x" * 301, "1 to 300"),
    ],
)
def test_a_value_of_another_kind_is_refused_without_telling_what_it_was(kind: str, value: Value, why: str) -> None:
    with pytest.raises(CannotSay, match=why) as refused:
        spoken(kind, value, "zh", at=NOW)
    assert "380013" not in str(refused.value)


def test_an_unknown_currency_is_refused() -> None:
    with pytest.raises(ValueError, match="'XXX' is no currency we can say; expected CNY, EUR, USD"):
        Money(Decimal(1), "XXX")


SOME: dict[str, st.SearchStrategy[Value]] = {
    "number": st.integers(-(10**12) + 1, 10**12 - 1) | st.decimals(-9999, 9999, places=2),
    "count": st.integers(0, 10**12 - 1),
    "digits": st.from_regex(r"[0-9]{1,40}", fullmatch=True),
    "code": st.from_regex(r"[0-9A-Za-z]([ -]?[0-9A-Z]){0,12}", fullmatch=True),
    "phone": st.from_regex(r"\+?[0-9]{2,20}", fullmatch=True),
    "money": st.decimals(0, 10**9, places=2)
    | st.builds(Money, st.decimals(-99, 10**6, places=2), st.sampled_from(Money.CURRENCIES)),
    "date": st.dates(date(2000, 1, 1), date(2099, 12, 31)),
    "time": st.times(),
    "moment": st.datetimes(datetime(2001, 1, 1), datetime(2098, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    "duration": st.timedeltas(timedelta(0), timedelta(days=999)),
}


@given(st.sampled_from(sorted(SOME)), st.sampled_from(LANGUAGES), st.data())
def test_whatever_is_said_was_made_ahead(kind: str, language: str, data: st.DataObject) -> None:
    pieces = spoken(kind, data.draw(SOME[kind]), language, at=NOW)
    assert set(pieces) - {PAUSE} <= vocabulary(language, frozenset({kind}))
    assert pieces


CHINESE = dict(zip("零一二三四五六七八九两", [*range(10), 2], strict=True))
PLACES = {"十": 10, "百": 100, "千": 1000}


def understood(text: str) -> int:
    """Read a Chinese number as a listener does."""
    whole = group = digit = 0
    for sign in text:
        if sign in CHINESE:
            digit = CHINESE[sign]
        elif sign in PLACES:
            group, digit = group + (digit or 1) * PLACES[sign], 0
        else:
            whole, group, digit = whole + (group + digit) * {"万": 10**4, "亿": 10**8}[sign], 0, 0
    return whole + group + digit


@given(st.integers(0, 10**12 - 1))
def test_a_chinese_number_is_understood_as_it_was_meant(number: int) -> None:
    said = written(spoken("number", number, "zh", at=NOW), "zh")
    assert understood(said) == number
    assert "零零" not in said
    assert number == 0 or not said.endswith("零")


def test_all_that_can_be_said_in_chinese_has_a_chinese_reading() -> None:
    for piece in vocabulary("zh", frozenset(KINDS)):
        assert MANNERS["zh"].spelled(piece)
