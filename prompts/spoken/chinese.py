"""Chinese: 两 before what is counted, 万 and 亿, 下午两点半, 一百二十八元五角."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, time, timedelta
from typing import Final

from prompts.spoken.tongue import Money, clock_parts

_NEAR_DAYS: Final = {-1: "昨天", 0: "今天", 1: "明天", 2: "后天"}


class Chinese:
    """See Tongue."""

    between = ""
    digits = tuple("零一二三四五六七八九")
    # Their English names as Chinese speakers say them: a voice for Chinese has no other sounds.
    letters = (
        *("诶", "比", "西", "迪", "伊", "艾弗", "吉", "艾尺", "艾", "杰", "开", "艾勒", "艾姆"),
        *("恩", "欧", "批", "丘", "阿尔", "艾丝", "提", "优", "维", "达不溜", "艾克斯", "歪", "贼"),
    )
    near_days = _NEAR_DAYS
    minus = "负"
    point = "点"

    def number(self, number: int) -> Iterator[str]:
        """1024: 一千 零 二十四. In groups of four places; 零 where places are skipped."""
        if number < 100:
            yield self._small(number)
            return
        rest, said, skipped = number, False, False
        for size, name in ((10**8, "亿"), (10**4, "万"), (1, "")):
            group, rest = divmod(rest, size)
            if not group:
                skipped = said
                continue
            if said and (skipped or group < 1000):
                yield "零"
            if group == 2 and name:
                yield "两"
            else:
                yield from self._group(group, first=not said)
            if name:
                yield name
            said, skipped = True, False

    def count(self, number: int) -> Iterator[str]:
        """2 is 两; larger numbers are said as always."""
        if number == 2:
            yield "两"
        else:
            yield from self.number(number)

    def money(self, money: Money) -> Iterator[str]:
        """128.50: 一百 二十八 元 五角."""
        whole, cents = money.parts
        if whole or not cents:
            yield from self.count(whole)
            yield {"CNY": "元", "EUR": "欧元", "USD": "美元"}[money.currency]
        if cents and money.currency == "CNY":
            tenths, hundredths = divmod(cents, 10)
            if tenths:
                yield f"{self._counted(tenths)}角"
            if hundredths:
                if whole and not tenths:
                    yield "零"
                yield f"{self._counted(hundredths)}分"
        elif cents:
            yield from self.count(cents)
            yield {"EUR": "欧分", "USD": "美分"}[money.currency]

    def day(self, day: date, *, year: bool) -> Iterator[str]:
        """十一月 二十一号 星期六; the year digit by digit before it."""
        if year:
            yield from (self.digits[int(digit)] for digit in str(day.year))
            yield "年"
        yield f"{self._small(day.month)}月"
        yield f"{self._small(day.day)}号"
        if not year:
            yield f"星期{'一二三四五六日'[day.weekday()]}"

    def clock(self, at: time) -> Iterator[str]:
        """下午 两点 半."""
        yield self._part_of_day(at.hour)
        hour = at.hour - 12 if at.hour > 12 else at.hour
        yield f"{self._counted(hour)}点"
        if at.minute == 30:
            yield "半"
        elif at.minute:
            yield f"{'零' if at.minute < 10 else ''}{self._small(at.minute)}分"

    def at_clock(self, at: time) -> Iterator[str]:
        """As without a day."""
        yield from self.clock(at)

    def duration(self, length: timedelta) -> Iterator[str]:
        """一个半小时; 两个小时 二十分钟."""
        days, hours, minutes, seconds = clock_parts(length)
        if days:
            yield from self.count(days)
            yield "天"
        if hours:
            yield from self.count(hours)
            yield "个半小时" if minutes == 30 else "个小时"
        if minutes and not (hours and minutes == 30):
            yield from self.count(minutes)
            yield "分钟"
        if not (days or hours or minutes):
            yield from self.count(seconds)
            yield "秒"

    def _group(self, number: int, *, first: bool) -> Iterator[str]:
        """1 to 9999. Behind something larger twelve is 一十二."""
        thousands, rest = divmod(number, 1000)
        hundreds, rest = divmod(rest, 100)
        if thousands:
            yield f"{self._counted(thousands)}千"
        if hundreds:
            yield f"{self._counted(hundreds)}百"
        if rest:
            if (thousands and not hundreds) or (hundreds and rest < 10):
                yield "零"
            larger = thousands or hundreds or not first
            yield f"一{self._small(rest)}" if larger and 10 <= rest < 20 else self._small(rest)

    def _small(self, number: int) -> str:
        """0 to 99: 零, 十, 二十四."""
        tens, ones = divmod(number, 10)
        if not tens:
            return self.digits[ones]
        return ("" if tens == 1 else self.digits[tens]) + "十" + (self.digits[ones] if ones else "")

    def _counted(self, number: int) -> str:
        return "两" if number == 2 else self._small(number)

    @staticmethod
    def _part_of_day(hour: int) -> str:
        for until, name in ((5, "凌晨"), (8, "早上"), (12, "上午"), (13, "中午"), (18, "下午")):
            if hour < until:
                return name
        return "晚上"
