"""Draws: pay that is advanced, taken back or given up (PRODUCT section 9, "Draws"). Pure."""

from dataclasses import dataclass, replace
from fractions import Fraction

from apps.compensation.rules import words
from apps.compensation.rules.lines import Line, of_period
from apps.compensation.rules.terms import Draw
from apps.core.money import round_half_up

KEY = "draw"


@dataclass(frozen=True)
class Settled:
    """A period's draw: what is added to what was earned, and the balance owed afterwards, in minor units."""

    advance_minor: int
    recovery_minor: int
    balance_minor: int

    @property
    def change_minor(self) -> int:
        return self.advance_minor - self.recovery_minor


def settle(draw: Draw, amount_minor: int, earned_minor: int, balance_minor: int) -> Settled:
    """What ``draw`` does to a period with ``earned_minor``, when ``balance_minor`` is owed from before.

    With the run: below the draw the rest is advanced; above it the balance is taken back, and pay never falls
    below the draw. In advance: payroll paid the draw, so all that was earned goes against it first.
    """
    if draw.in_advance:
        owed = balance_minor + amount_minor
        taken = max(0, min(earned_minor, owed))
        return Settled(0, taken, owed - taken if draw.is_recoverable else 0)
    if earned_minor < amount_minor:
        advance = amount_minor - earned_minor
        return Settled(advance, 0, balance_minor + advance if draw.is_recoverable else 0)
    taken = min(balance_minor, earned_minor - amount_minor) if draw.is_recoverable else 0
    return Settled(0, taken, balance_minor - taken)


def draw_lines(
    draw: Draw, currency: str, earned_minor: int, balance_minor: int, days: Fraction, *, forgives: bool
) -> list[Line]:
    """The lines of a period's draw; ``days`` is the share of its calendar days on the plan.

    ``forgives``: the balance from before is given up in this period. The line says so and moves no money.
    """
    amount = round_half_up(draw.amount_minor * days)
    found = []
    if forgives and balance_minor:
        owed = words.money(balance_minor, currency)
        found.append(
            _line(
                draw,
                currency,
                "draw:forgiven",
                f"{owed} owed × 0, forgiven",
                ((Fraction(0),),),
                "draw_forgiveness",
            )
        )
        balance_minor = 0
    settled = settle(draw, amount, earned_minor, balance_minor)
    said, earned = words.money(amount, currency), words.money(earned_minor, currency)
    if settled.advance_minor:
        terms = ((Fraction(amount),), (Fraction(-earned_minor),))
        formula = f"draw {said} − earned {earned}"
        kept = f"; owed now {words.money(settled.balance_minor, currency)}"
        # Only what is owed is added up under "draw"; what is never taken back has a source of its own.
        source = "draw" if draw.is_recoverable else "guarantee"
        line = _line(draw, currency, source, formula, terms, "draw_advance")
        found.append(
            replace(line, formula=line.formula + (kept if draw.is_recoverable else "; not taken back"))
        )
    elif settled.recovery_minor or draw.in_advance:
        taken = words.money(settled.recovery_minor, currency)
        owed = words.money(settled.balance_minor, currency)
        line = _line(
            draw, currency, "draw", f"− {taken}", ((Fraction(-settled.recovery_minor),),), "draw_recovery"
        )
        against = f"; the draw of {said} was paid in advance" if draw.in_advance else ""
        paid_ahead = Fraction(amount if draw.in_advance else 0)
        said = f"{line.formula}{against}; owed now {owed}"
        found.append(replace(line, base=paid_ahead, formula=said))
    return found


def _line(
    draw: Draw, currency: str, source: str, formula: str, terms: tuple[tuple[Fraction, ...], ...], kind: str
) -> Line:
    return replace(of_period(None, currency, source, formula, terms, kind), key=KEY, name=draw.name)
