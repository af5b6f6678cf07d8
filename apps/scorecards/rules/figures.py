"""Figures of metrics in words: "€412,600", "28.6 %", "47 days". Pure; the exact value is kept elsewhere.

A scorecard shows money in whole major units, since cents do not inform there; the exact amount is in the
explanation, and the team target shows every cent.
"""

from fractions import Fraction

from apps.core.money import exponent, in_words, quantize, round_half_up
from apps.leads.rules.metrics import Unit


def plain(value: Fraction, places: int) -> str:
    """``1,234.5`` with up to ``places`` decimals, without trailing zeros."""
    text = f"{quantize(abs(value), places):,}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return f"− {text}" if value < 0 and text != "0" else text


def in_figures(value: Fraction | None, unit: Unit | str, currency: str = "", *, whole: bool = True) -> str:
    """``value`` as people read it; a dash where there is none. Money in minor units of ``currency``."""
    if value is None:
        return "–"
    match Unit(unit):
        case Unit.MONEY:
            text = in_words(round_half_up(value), currency)
            if whole and exponent(currency):
                scale = 10 ** exponent(currency)
                text = in_words(round_half_up(value / scale) * scale, currency).rpartition(".")[0]
            return text
        case Unit.RATE:
            return f"{quantize(value * 100, 1)} %"
        case Unit.DAYS:
            return f"{plain(value, 1)} {'day' if value == 1 else 'days'}"
        case Unit.MINUTES:
            if value >= 2880:
                return f"{plain(value / 1440, 1)} days"
            hours, minutes = divmod(round_half_up(value), 60)
            return f"{hours} h {minutes:02d}" if hours else f"{minutes} min"
        case _:
            return plain(value, 2)


def factor(value: Fraction, places: int = 4) -> str:
    """A ratio or an index with fixed places: ``1.2387``."""
    return f"{quantize(value, places)}"
