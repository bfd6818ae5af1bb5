"""Spanish: mil veinticuatro, las dos y media de la tarde, veintiún minutos, una hora."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, time, timedelta
from typing import Final, Literal

from prompts.spoken.tongue import Money, clock_parts

Form = Literal["alone", "masculine", "feminine"]
"""What follows a number: nothing, un día, una hora."""

_ONES: Final = (
    *("cero", "uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve", "diez", "once", "doce"),
    *("trece", "catorce", "quince", "dieciséis", "diecisiete", "dieciocho", "diecinueve", "veinte", "veintiuno"),
    *("veintidós", "veintitrés", "veinticuatro", "veinticinco", "veintiséis", "veintisiete", "veintiocho"),
    "veintinueve",
)
_TENS: Final = ("", "", "", "treinta", "cuarenta", "cincuenta", "sesenta", "setenta", "ochenta", "noventa")
_HUNDREDS: Final = (
    *("", "ciento", "doscientos", "trescientos", "cuatrocientos", "quinientos"),
    *("seiscientos", "setecientos", "ochocientos", "novecientos"),
)
_MONTHS: Final = (
    *("enero", "febrero", "marzo", "abril", "mayo", "junio", "julio"),
    *("agosto", "septiembre", "octubre", "noviembre", "diciembre"),
)
_DAYS: Final = ("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo")
_UNITS: Final = {"CNY": ("yuan", "yuanes"), "EUR": ("euro", "euros"), "USD": ("dólar", "dólares")}
_CENTS: Final = {"CNY": ("fen", "fen"), "EUR": ("céntimo", "céntimos"), "USD": ("centavo", "centavos")}

_NEAR_DAYS: Final = {-1: "ayer", 0: "hoy", 1: "mañana"}


class Spanish:
    """See Tongue."""

    between = " "
    digits = _ONES[:10]
    letters = (
        *("a", "be", "ce", "de", "e", "efe", "ge", "hache", "i", "jota", "ka", "ele", "eme", "ene", "o", "pe"),
        *("cu", "erre", "ese", "te", "u", "uve", "doble uve", "equis", "i griega", "zeta"),
    )
    near_days = _NEAR_DAYS
    minus = "menos"
    point = "coma"

    def number(self, number: int, form: Form = "alone") -> Iterator[str]:
        """1024: mil veinticuatro."""
        millions, rest = divmod(number, 10**6)
        if millions:
            yield from self.number(millions, "masculine")
            yield "millón" if millions == 1 else "millones"
        thousands, rest = divmod(rest, 1000)
        if thousands:
            if thousands > 1:
                # Before mil uno is un, but hundreds keep the gender of what follows.
                yield from self._below_1000(
                    thousands, "feminine" if form == "feminine" else "masculine", before_mil=True
                )
            yield "mil"
        if rest or not number:
            yield from self._below_1000(rest, form)

    def count(self, number: int) -> Iterator[str]:
        """Before a masculine word: un, veintiún."""
        yield from self.number(number, "masculine")

    def money(self, money: Money) -> Iterator[str]:
        """128.50: ciento veintiocho yuanes con cincuenta."""
        whole, cents = money.parts
        if whole or not cents:
            yield from self.count(whole)
            if whole and whole % 10**6 == 0:
                yield "de"
            yield _UNITS[money.currency][whole != 1]
        if cents and whole:
            yield "con"
            yield from self.number(cents)
        elif cents:
            yield from self.count(cents)
            yield _CENTS[money.currency][cents != 1]

    def day(self, day: date, *, year: bool) -> Iterator[str]:
        """El sábado veintiuno de noviembre; with a year instead of the weekday."""
        yield "el" if year else f"el {_DAYS[day.weekday()]}"
        yield "primero" if day.day == 1 else _small(day.day, "alone")
        yield f"de {_MONTHS[day.month - 1]}"
        if year:
            yield "de"
            yield from self.number(day.year)

    def clock(self, at: time) -> Iterator[str]:
        """Las dos y media de la tarde."""
        hour = (at.hour - 1) % 12 + 1
        yield "la una" if hour == 1 else f"las {_ONES[hour]}"
        if at.minute in (15, 30):
            yield {15: "y cuarto", 30: "y media"}[at.minute]
        elif at.minute:
            yield "y"
            yield _small(at.minute, "alone")
        if at.hour == 12:
            yield "del mediodía"
        else:
            yield f"de la {self._part_of_day(at.hour)}"

    def at_clock(self, at: time) -> Iterator[str]:
        """A las dos."""
        yield "a"
        yield from self.clock(at)

    def duration(self, length: timedelta) -> Iterator[str]:
        """Una hora y treinta minutos."""
        units: tuple[tuple[str, Form], ...] = (
            ("día", "masculine"), ("hora", "feminine"), ("minuto", "masculine"), ("segundo", "masculine"),
        )  # fmt: skip
        parts = [(number, unit) for number, unit in zip(clock_parts(length), units, strict=True) if number]
        parts = parts or [(0, units[-1])]
        for nth, (number, (unit, form)) in enumerate(parts):
            if nth and nth == len(parts) - 1:
                yield "y"
            yield from self.number(number, form)
            yield unit if number == 1 else f"{unit}s"

    def _below_1000(self, number: int, form: Form, *, before_mil: bool = False) -> Iterator[str]:
        if number == 100:
            yield "cien"
            return
        hundreds, rest = divmod(number, 100)
        if hundreds:
            word = _HUNDREDS[hundreds]
            yield f"{word[:-2]}as" if form == "feminine" and hundreds > 1 else word
        if rest or not number:
            yield _small(rest, "masculine" if before_mil else form)

    @staticmethod
    def _part_of_day(hour: int) -> str:
        if hour == 0 or hour >= 20:
            return "noche"
        return "madrugada" if hour < 6 else "mañana" if hour < 12 else "tarde"


def _small(number: int, form: Form) -> str:
    """0 to 99: treinta y uno, treinta y un, treinta y una."""
    tens, ones = divmod(number, 10)
    word = _ONES[number] if number < 30 else _TENS[tens] + (f" y {_ONES[ones]}" if ones else "")
    if form == "alone" or not word.endswith("uno"):
        return word
    if form == "feminine":
        return f"{word[:-1]}a"
    return "veintiún" if number == 21 else word[:-1]
