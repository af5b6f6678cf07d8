"""What is odd about a person's pay in a run, each in a sentence with its figures. Pure.

A reviewer looks at these first; none of them stops a run. The thresholds are settings of the company
(``PAYOUT_ODD_*``); every sentence names the rule that found it. Amounts are integer minor units of one currency.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from apps.core.money import in_words, quantize, round_half_up, round_money

NEGATIVE, ABOVE, HIGHEST, JUMP, DROP = "negative", "above", "highest", "jump", "drop"
CLAWBACK, BY_HAND, FIRST_PLAN, ADJUSTED, AGREED = "clawback", "by_hand", "first_plan", "adjusted", "agreed"

WEIGHTS = {
    NEGATIVE: 100, ABOVE: 90, JUMP: 70, HIGHEST: 60, CLAWBACK: 55, DROP: 50, BY_HAND: 45, AGREED: 42,
    FIRST_PLAN: 35, ADJUSTED: 20,
}  # fmt: skip
LABELS = {
    NEGATIVE: "Below zero", ABOVE: "Above the company's limit", JUMP: "Jump", HIGHEST: "New highest",
    CLAWBACK: "Clawback", DROP: "Drop", BY_HAND: "Credit by hand", AGREED: "Agreed in an inquiry",
    FIRST_PLAN: "First pay under a version", ADJUSTED: "Earlier periods",
}  # fmt: skip


@dataclass(frozen=True)
class Thresholds:
    """``jump``: from this multiple of the own mean on. ``least_history``: earlier runs before a trend is one.

    ``above`` is by currency, in major units as text; ``adjusted_share`` of what was earned, from which on
    adjustments of earlier periods are named.
    """

    jump: Fraction = Fraction(3, 2)
    drop: Fraction = Fraction(1, 2)
    least_history: int = 2
    above: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Pay:
    """One statement as the rules need it. ``history``: what was earned in earlier runs, the newest first."""

    currency: str
    earned_minor: int
    adjustments_minor: int
    payable_minor: int
    history: Sequence[int] = ()
    clawback_minor: int = 0
    clawbacks: int = 0
    by_hand_minor: int = 0
    by_hand: int = 0
    agreed_minor: int = 0
    agreed: int = 0
    adjusted_lines: int = 0
    cause: str = ""
    version: str = ""
    is_first_under_version: bool = False


@dataclass(frozen=True)
class Oddity:
    """One thing to look at; the heaviest comes first."""

    kind: str
    says: str

    @property
    def weight(self) -> int:
        return WEIGHTS[self.kind]

    @property
    def label(self) -> str:
        return LABELS[self.kind]

    @property
    def icon(self) -> str:
        return {NEGATIVE: "alert", ABOVE: "alert", CLAWBACK: "undo", ADJUSTED: "undo", BY_HAND: "people"}.get(
            self.kind, "alert" if self.weight >= WEIGHTS[DROP] else "info"
        )

    @property
    def badge(self) -> str:
        return "bad" if self.weight >= WEIGHTS[ABOVE] else "warn" if self.weight >= WEIGHTS[DROP] else ""


def oddities(pay: Pay, limits: Thresholds) -> list[Oddity]:
    """Everything odd about ``pay``, the heaviest first."""
    found = [
        *_limits(pay, limits),
        *_trend(pay, limits),
        *_lines(pay),
    ]
    return sorted(found, key=lambda one: (-one.weight, one.kind))


def _words(minor: int, pay: Pay) -> str:
    return in_words(minor, pay.currency)


def _limits(pay: Pay, limits: Thresholds) -> list[Oddity]:
    found = []
    if pay.payable_minor < 0:
        says = (
            f"{_words(pay.payable_minor, pay)} is below zero: earlier periods take back more than was earned."
        )
        found.append(Oddity(NEGATIVE, says))
    limit = limits.above.get(pay.currency)
    if limit is not None and pay.payable_minor > round_money(Fraction(limit), pay.currency):
        most = _words(round_money(Fraction(limit), pay.currency), pay)
        found.append(Oddity(ABOVE, f"{_words(pay.payable_minor, pay)} is above {most}, the company's limit."))
    return found


def _trend(pay: Pay, limits: Thresholds) -> list[Oddity]:
    history = list(pay.history)
    if len(history) < limits.least_history:
        return []
    earned, mean, highest = pay.earned_minor, Fraction(sum(history), len(history)), max(history)
    runs, usual = len(history), _words(round_half_up(mean), pay)
    found = []
    if mean > 0 and earned >= limits.jump * mean and earned > 0:
        times = quantize(Fraction(earned) / mean, 1)
        rule = quantize(limits.jump, 1)
        found.append(
            Oddity(
                JUMP,
                f"Earned {_words(earned, pay)}: {times} times the own mean of {runs} runs, {usual} "
                f"(named from {rule} times on).",
            )
        )
    if earned > highest > 0:
        found.append(
            Oddity(HIGHEST, f"Earned {_words(earned, pay)}: the highest so far was {_words(highest, pay)}.")
        )
    if mean > 0 and earned <= limits.drop * mean:
        rule = quantize(limits.drop, 1)
        what = "Nothing was earned" if earned == 0 else f"Earned {_words(earned, pay)}"
        found.append(
            Oddity(DROP, f"{what}: the own mean of {runs} runs is {usual} (named from {rule} down).")
        )
    return found


def _lines(pay: Pay) -> list[Oddity]:
    found = []
    if pay.clawbacks:
        says = f"{_words(pay.clawback_minor, pay)} is taken back in {_count(pay.clawbacks, 'clawback')}."
        found.append(Oddity(CLAWBACK, says))
    if pay.by_hand:
        says = f"{_count(pay.by_hand, 'line')} of {_words(pay.by_hand_minor, pay)} {_stand(pay.by_hand)} on credits"
        found.append(Oddity(BY_HAND, f"{says} shared by hand."))
    if pay.agreed:
        says = f"{_count(pay.agreed, 'adjustment')} of {_words(pay.agreed_minor, pay)} {_were(pay.agreed)} agreed"
        found.append(Oddity(AGREED, f"{says} by hand, in an inquiry."))
    if pay.is_first_under_version and pay.version:
        says = f"The first pay under {pay.version}, {_words(pay.earned_minor, pay)}."
        found.append(Oddity(FIRST_PLAN, says))
    if pay.adjusted_lines:
        cause = f" {pay.cause}" if pay.cause else ""
        says = f"{_count(pay.adjusted_lines, 'prior-period adjustment')}, {_words(pay.adjustments_minor, pay)}.{cause}"
        found.append(Oddity(ADJUSTED, says))
    return found


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def _stand(number: int) -> str:
    return "stands" if number == 1 else "stand"


def _were(number: int) -> str:
    return "was" if number == 1 else "were"
