"""Figures as people read them: money, shares, days, instants in the viewer's zone."""

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.core import money as money_rules

register = template.Library()

_QUOTATION_MARKS = '“”„‟"'


@register.filter
def money(minor: int | None, currency: str) -> str:
    """``{{ line.amount_minor|money:line.currency }}``; an absent amount is a dash."""
    return "–" if minor is None else money_rules.in_words(int(minor), currency)


@register.filter
def figure(minor: int | None, currency: str) -> str:
    """Like ``money`` without the symbol, for columns whose head names the currency."""
    if minor is None:
        return "–"
    text = f"{abs(money_rules.to_major(int(minor), currency)):,}"
    return f"− {text}" if minor < 0 else text


@register.filter
def percent(rate: Fraction | Decimal | float | None, places: int = 0) -> str:
    """A fraction as ``12 %`` (``places`` decimals); none is a dash."""
    if rate is None:
        return "–"
    exact = rate if isinstance(rate, Fraction) else Fraction(str(rate))
    return f"{money_rules.quantize(exact * 100, places)} %"


@register.filter
def initials(name: str) -> str:
    words = [word for word in str(name).split() if word]
    return "".join(word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words)).upper()


@register.filter
def moment(instant: datetime | None, zone: str = "UTC") -> SafeString | str:
    """``<time>`` with a short text in ``zone`` and the full instant on hover."""
    if instant is None:
        return "–"
    local = instant.astimezone(ZoneInfo(zone or "UTC"))
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        instant.astimezone(UTC).isoformat(timespec="seconds"),
        f"{local:%A} {local.day} {local:%B %Y, %H:%M %Z}",
        f"{local.day} {local:%b, %H:%M}",
    )


@register.filter
def day(value: date | None) -> str:
    """``Tue 3 Nov 2026``."""
    return "–" if value is None else f"{value:%a} {value.day} {value:%b %Y}"


@register.filter
def of(mapping: dict, key: object) -> object:
    """``{{ totals|of:rep.pk }}``: the value under a key that the template only knows as a variable."""
    return mapping.get(key)


@register.filter
def share(rate: Fraction | None, places: int = 0) -> str:
    """An exact fraction as ``12 %`` that no line break parts, rounded half up; an absent one is a dash."""
    return "–" if rate is None else f"{money_rules.quantize(rate * 100, places)}\u00a0%"


@register.filter
def weekday_time(instant: datetime | None, zone: str = "UTC") -> str:
    """``Tue 17 Nov, 14:00`` in ``zone``: for what is to come, where the weekday matters."""
    if instant is None:
        return "–"
    local = instant.astimezone(ZoneInfo(zone or "UTC"))
    return f"{local:%a} {local.day} {local:%b, %H:%M}"


@register.filter
def clock(instant: datetime | None, zone: str = "UTC") -> str:
    """``14:45`` in ``zone``."""
    return "–" if instant is None else f"{instant.astimezone(ZoneInfo(zone or 'UTC')):%H:%M}"


@register.filter
def millionths(part: int) -> str:
    """A credit's share in millionths as ``33.33 %``."""
    return share(Fraction(part, 1_000_000), 0 if part % 10_000 == 0 else 2)


@register.filter
def quoted(words: str) -> str:
    """What somebody said, in one pair of quotation marks, however many it was typed with."""
    said = str(words).strip().strip(_QUOTATION_MARKS).strip()
    return f"“{said}”"


@register.filter
def plainly(value: Fraction | None) -> str:
    """An exact figure as ``14`` or ``13.5``: one decimal where there is one; an absent one is a dash."""
    if value is None:
        return "–"
    text = str(money_rules.quantize(value, 1))
    return text.removesuffix(".0")
