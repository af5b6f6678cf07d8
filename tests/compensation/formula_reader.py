"""Reads a formula in words and computes it, knowing nothing of the engine that wrote it.

A formula is arithmetic with words among it: ``€38,000.00 × 50 % credit × 0.20 % = €76.00``. Names in quotes and
letters say what a number is and are passed over; what stands behind the first `` = `` is not looked at.
"""

import re
from fractions import Fraction

_TOKEN = re.compile(r"\d[\d,]*(?:\.\d+)?|[%×÷+−()]")


def computed(formula: str) -> Fraction:
    """What the formula comes to, in major units, unrounded."""
    if formula.startswith("No "):
        return Fraction(0)
    said = re.sub(r"“[^”]*”", "", formula).split("; posted before")[0].split(" = ")[0]
    tokens = _TOKEN.findall(said)
    value, rest = _sum(tokens)
    assert not rest, f"not understood: {formula!r} at {rest}"
    return value


def minor(formula: str, places: int = 2) -> int:
    """The same in minor units, rounded half away from zero."""
    scaled = computed(formula) * 10**places
    nearest = int(abs(scaled) + Fraction(1, 2))
    return nearest if scaled >= 0 else -nearest


def _sum(tokens: list[str]) -> tuple[Fraction, list[str]]:
    value, tokens = _product(tokens)
    while tokens and tokens[0] in "+−":
        sign, tokens = tokens[0], tokens[1:]
        other, tokens = _product(tokens)
        value = value + other if sign == "+" else value - other
    return value, tokens


def _product(tokens: list[str]) -> tuple[Fraction, list[str]]:
    value, tokens = _number(tokens)
    while tokens and tokens[0] in "×÷":
        sign, tokens = tokens[0], tokens[1:]
        other, tokens = _number(tokens)
        value = value * other if sign == "×" else value / other
    return value, tokens


def _number(tokens: list[str]) -> tuple[Fraction, list[str]]:
    first, tokens = tokens[0], tokens[1:]
    if first == "−":
        value, tokens = _number(tokens)
        return -value, tokens
    if first == "(":
        value, tokens = _sum(tokens)
        assert tokens[0] == ")", tokens
        return value, tokens[1:]
    value = Fraction(first.replace(",", ""))
    if tokens and tokens[0] == "%":
        return value / 100, tokens[1:]
    return value, tokens
