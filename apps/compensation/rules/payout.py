"""Pay of one currency paid out in another: a pair of lines, out of the one and into the other. Pure.

The sums of a period stay what they are in their own currency. The pair empties that statement and fills the other,
at a rate that both lines keep.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction

from apps.compensation.rules import words
from apps.compensation.rules.conversion import KEY, NAME, Conversion
from apps.compensation.rules.lines import Line, of_period

OUT, INTO = "out", "in"


def payout_lines(
    sums: Mapping[str, int], currency: str, conversion_of: Callable[[str], Conversion]
) -> list[Line]:
    """The pairs that turn ``sums``, minor units by currency, into ``currency``; none for what is in it already.

    ``conversion_of`` gives the conversion out of a currency, and raises ``UnableToEarn`` where no rate is known.
    """
    found: list[Line] = []
    for other in sorted(sums):
        if other != currency and sums[other]:
            found += _pair(sums[other], conversion_of(other))
    return found


def _pair(amount_minor: int, conversion: Conversion) -> list[Line]:
    out = of_period(
        None,
        conversion.from_currency,
        source_of(conversion, OUT),
        f"− ({words.money(amount_minor, conversion.from_currency)})",
        ((Fraction(-amount_minor),),),
        KEY,
    )
    into = of_period(
        None,
        conversion.to_currency,
        source_of(conversion, INTO),
        f"({words.money(amount_minor, conversion.from_currency)}) {conversion.in_words}",
        ((Fraction(amount_minor), conversion.factor),),
        KEY,
    )
    return [_named(out, conversion, amount_minor), _named(into, conversion, amount_minor)]


def source_of(conversion: Conversion, side: str) -> str:
    """``conversion:USD>EUR:in``: each side is a source of its own."""
    return f"{KEY}:{conversion.from_currency}>{conversion.to_currency}:{side}"


def _named(line: Line, conversion: Conversion, amount_minor: int) -> Line:
    kept = conversion.kept(amount_minor)
    return replace(line, key=KEY, name=NAME, base=Fraction(amount_minor), conversion=kept)
