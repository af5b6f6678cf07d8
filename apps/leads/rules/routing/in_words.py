"""Parts of the sentences that explain a decision."""

from collections.abc import Sequence
from datetime import date
from fractions import Fraction


def day_words(day: date) -> str:
    """``3 Mar 2026``."""
    return f"{day.day} {day:%b %Y}"


def listed(words: Sequence[str]) -> str:
    """``a, b and c``."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def hundredths(value: Fraction) -> str:
    """``0.67``, exact to the hundredth, a half rounded to the even one."""
    whole = _hundredths(value)
    return f"{whole // 100}.{whole % 100:02d}"


def _hundredths(value: Fraction) -> int:
    """How many hundredths, whatever the sign; in whole numbers, as one decision words hundreds of them."""
    whole, rest = divmod(abs(value.numerator) * 100, value.denominator)
    up = 2 * rest > value.denominator or (2 * rest == value.denominator and whole % 2 == 1)
    return whole + up


def turn_words(owed: Fraction) -> str:
    """``owed 0.67 of a turn``, ``0.25 of a turn ahead``, ``level``."""
    if _hundredths(owed) == 0:
        return "level"
    is_part = abs(owed.numerator) < owed.denominator
    turns = f"{hundredths(owed)} of a turn" if is_part else f"{hundredths(owed)} turns"
    return f"owed {turns}" if owed.numerator > 0 else f"{turns} ahead"
