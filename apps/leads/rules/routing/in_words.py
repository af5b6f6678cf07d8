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
    whole = round(abs(value) * 100)
    return f"{whole // 100}.{whole % 100:02d}"


def turn_words(owed: Fraction) -> str:
    """``owed 0.67 of a turn``, ``0.25 of a turn ahead``, ``level``."""
    if round(abs(owed) * 100) == 0:
        return "level"
    turns = f"{hundredths(owed)} of a turn" if abs(owed) < 1 else f"{hundredths(owed)} turns"
    return f"owed {turns}" if owed > 0 else f"{turns} ahead"
