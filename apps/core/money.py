"""Exact money: one way to round, one way to share, one way to read and to print.

In the database money is an integer of minor units beside an ISO 4217 code; in rules it is
``Decimal``. A ``float`` is refused everywhere. Pure: no Django, no clock.
"""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from fractions import Fraction

# ISO 4217: the currencies whose minor unit is not a hundredth.
_EXPONENTS = {
    "BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0, "RWF": 0,
    "UGX": 0, "VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0,
    "BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3,
}  # fmt: skip
_SYMBOLS = {"EUR": "€", "GBP": "£", "USD": "$", "JPY": "¥"}

Exact = int | Decimal | Fraction


class NotExact(TypeError):
    """A float (or something else that is not exact) was given where money or a rate belongs."""


def exponent(currency: str) -> int:
    """Decimal places of the currency's minor unit (2 for EUR, 0 for JPY, 3 for KWD)."""
    return _EXPONENTS.get(currency, 2)


def exact(value: Exact | str) -> Fraction:
    """``value`` as a fraction. Raises ``NotExact`` on a float or on text that is no number."""
    if isinstance(value, bool) or not isinstance(value, (int, Decimal, Fraction, str)):
        raise NotExact(f"Exact arithmetic needs int, Decimal or Fraction, not {type(value).__name__}.")
    try:
        return Fraction(Decimal(value)) if isinstance(value, str) else Fraction(value)
    except (InvalidOperation, ValueError, OverflowError) as error:
        raise NotExact(f"{value!r} is not a finite number.") from error


def round_half_up(value: Exact) -> int:
    """The nearest integer; a half goes away from zero (PRODUCT section 9, "Money")."""
    fraction = exact(value)
    whole = (2 * abs(fraction) + 1) // 2
    return int(whole if fraction >= 0 else -whole)


def round_money(amount: Exact, currency: str) -> int:
    """Major units (``Decimal("12.345")``) to integer minor units, rounded once, half up."""
    return round_half_up(exact(amount) * 10 ** exponent(currency))


def to_minor(text: Decimal, currency: str) -> int:
    """Major to minor units, refusing an amount that has more places than the currency has.

    Raises ``ValueError`` rather than rounding silently: input is taken as it is or not at all.
    """
    scaled = exact(text) * 10 ** exponent(currency)
    if scaled.denominator != 1:
        raise ValueError(f"{text} has more decimal places than {currency} allows ({exponent(currency)}).")
    return int(scaled)


def to_major(minor: int, currency: str) -> Decimal:
    """Minor units to a ``Decimal`` of major units with the currency's number of places."""
    if isinstance(minor, bool) or not isinstance(minor, int):
        raise NotExact(f"Minor units are an int, not {type(minor).__name__}.")
    return Decimal(minor).scaleb(-exponent(currency))


def allocate(total_minor: int, weights: Sequence[Exact]) -> list[int]:
    """Share ``total_minor`` by ``weights`` so that the parts sum to it, by largest remainder.

    Parts are in minor units, in the order of ``weights``. A tie goes to the earlier weight.
    Works alike for a negative total. Raises ``ValueError`` without a positive weight.
    """
    shares = [exact(weight) for weight in weights]
    whole = sum(shares, Fraction(0))
    if whole <= 0 or any(share < 0 for share in shares):
        raise ValueError("Weights must not be negative, and one at least must be above zero.")
    sign = -1 if total_minor < 0 else 1
    exact_parts = [abs(total_minor) * share / whole for share in shares]
    parts = [int(part) for part in exact_parts]
    missing = abs(total_minor) - sum(parts)
    by_remainder = sorted(range(len(parts)), key=lambda index: (parts[index] - exact_parts[index], index))
    for index in by_remainder[:missing]:
        parts[index] += 1
    return [sign * part for part in parts]


def in_words(minor: int, currency: str) -> str:
    """``€1,234.50``; ``− €90.00`` with a true minus; ``SEK 10.00`` where there is no symbol."""
    if isinstance(minor, bool) or not isinstance(minor, int):
        raise NotExact(f"Minor units are an int, not {type(minor).__name__}.")
    # Integers all the way: a payout run says a million amounts.
    places = exponent(currency)
    whole, rest = divmod(abs(minor), 10**places)
    figure = f"{whole:,}.{rest:0{places}d}" if places else f"{whole:,}"
    symbol = _SYMBOLS.get(currency)
    text = f"{symbol}{figure}" if symbol else f"{currency} {figure}"
    return f"− {text}" if minor < 0 else text


def quantize(value: Exact, places: int) -> Decimal:
    """A ratio for show: ``value`` rounded half up to ``places`` decimals."""
    fraction = exact(value)
    scaled = round_half_up(fraction * 10**places)
    return Decimal(scaled).scaleb(-places).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
