"""Figures of a formula as text that can be read back exactly: money, percentages, counts. Pure."""

from fractions import Fraction
from functools import lru_cache

from apps.core.money import exponent, in_words, round_half_up, to_major

_SHOWN_PLACES = 8


def _places_of(value: Fraction) -> int | None:
    """How many decimals write ``value`` exactly; ``None`` when none do."""
    rest, twos, fives = value.denominator, 0, 0
    while rest % 2 == 0:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    return max(twos, fives) if rest == 1 else None


def decimal(value: Fraction, least: int = 0) -> str:
    """``1,234.5``: all decimals that it has, at least ``least``; cut at eight, with ``…``, when endless."""
    places = _places_of(value)
    if places is None or places > _SHOWN_PLACES:
        whole, tail = _SHOWN_PLACES, "…"
    else:
        whole, tail = max(places, least), ""
    digits = round_half_up(abs(value) * 10**whole)
    head, rest = divmod(digits, 10**whole)
    text = f"{head:,}" + (f".{rest:0{whole}d}" if whole else "") + tail
    return f"− {text}" if value < 0 else text


def money(minor: Fraction | int, currency: str) -> str:
    """Minor units as ``€8.71264``: exact, also between two minor units."""
    if isinstance(minor, int) or minor.denominator == 1:
        return in_words(int(minor), currency)
    places = exponent(currency)
    major = Fraction(abs(minor), 1) / 10**places
    symbol = in_words(0, currency).removesuffix(f"{to_major(0, currency):,}")
    text = f"{symbol}{decimal(major, places)}"
    return f"− {text}" if minor < 0 else text


@lru_cache(maxsize=512)
def percent(rate: Fraction) -> str:
    """A fraction as ``0.20 %``, with two decimals at least."""
    return f"{decimal(rate * 100, 2)} %"


@lru_cache(maxsize=512)
def credit(share: Fraction) -> str:
    """A credit's share as ``50 %``."""
    return f"{decimal(share * 100)} %"


def ordinal(number: int) -> str:
    """``21st``."""
    tail = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{tail}"
