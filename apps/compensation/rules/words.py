"""Figures of a formula as text that can be read back exactly: money, percentages, counts. Pure."""

from fractions import Fraction
from functools import lru_cache
from math import gcd

from apps.core.money import exponent, in_words, to_major

_SHOWN_PLACES = 8


@lru_cache(maxsize=4096)
def _places(denominator: int) -> int | None:
    rest, twos, fives = denominator, 0, 0
    while rest % 2 == 0:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    return max(twos, fives) if rest == 1 else None


def places_of(value: Fraction) -> int | None:
    """How many decimals write ``value`` exactly; ``None`` when none do."""
    return _places(value.denominator)


def decimal(value: Fraction, least: int = 0) -> str:
    """``1,234.5``: all decimals that it has, at least ``least``; cut at eight, with ``…``, when endless."""
    text = _digits(abs(value.numerator), value.denominator, least)
    return f"− {text}" if value < 0 else text


def _digits(numerator: int, denominator: int, least: int) -> str:
    """``decimal`` of a quotient in lowest terms that is not below zero."""
    places = _places(denominator)
    if places is None or places > _SHOWN_PLACES:
        whole, tail = _SHOWN_PLACES, "…"
    else:
        whole, tail = max(places, least), ""
    digits = (2 * numerator * 10**whole + denominator) // (2 * denominator)
    head, rest = divmod(digits, 10**whole)
    return f"{head:,}" + (f".{rest:0{whole}d}" if whole else "") + tail


@lru_cache(maxsize=256)
def _symbol(currency: str) -> str:
    return in_words(0, currency).removesuffix(f"{to_major(0, currency):,}")


def money(minor: Fraction | int, currency: str) -> str:
    """Minor units as ``€8.71264``: exact, also between two minor units."""
    if isinstance(minor, int) or minor.denominator == 1:
        return in_words(int(minor), currency)
    places = exponent(currency)
    numerator, denominator = abs(minor.numerator), minor.denominator * 10**places
    common = gcd(numerator, denominator)
    text = _symbol(currency) + _digits(numerator // common, denominator // common, places)
    return f"− {text}" if minor.numerator < 0 else text


@lru_cache(maxsize=512)
def percent(rate: Fraction) -> str:
    """A fraction as ``0.20 %``, with two decimals at least."""
    return f"{decimal(rate * 100, 2)} %"


@lru_cache(maxsize=512)
def credit(share: Fraction) -> str:
    """A credit's share as ``50 %``."""
    return f"{decimal(share * 100)} %"


def exactly(minor: Fraction, currency: str) -> str:
    """Money that can be read back: as ``money``, or ``(€100.00 ÷ 3)`` where no decimal writes it."""
    if minor.denominator == 1:
        return in_words(int(minor), currency)
    places = places_of(minor / 10 ** exponent(currency))
    if places is not None and places <= _SHOWN_PLACES:
        return money(minor, currency)
    return f"({money(minor.numerator, currency)} ÷ {minor.denominator})"


def result(formula: str, exact: Fraction, amount: int, currency: str) -> str:
    """``… = €8.71264, rounded to €8.71``."""
    said = f"{formula} = {money(exact, currency)}"
    return said if exact == amount else f"{said}, rounded to {money(amount, currency)}"
