"""Whether an AE rejects more or less than the peers on the same lead mix, or chance alone explains it.

Answers are compared within cells of alike leads (tier, source, exploration or not), so that whoever is given worse
leads is expected to reject more of them: indirect standardisation. Expected is what all AEs together, this one among
them, rejected in each cell, times the answers that this AE gave there.

The interval is the exact conditional one for a common odds ratio over the cells (Gart 1970; Mehta, Patel and Gray
1985): given how many leads of each cell were rejected in all, and how many this AE answered, the number that falls to
this AE by chance follows a known distribution. It is computed in whole numbers; nothing is approximated by a normal
curve, and a peer group of three is as safe as one of three hundred. The odds ratios of the interval are then read as
ratios of observed to expected.

Many looks raise false alarms. Of each table the level is divided by the verdicts in it (Bonferroni) and by the
twelve looks of a year: over a whole year, chance alone raises any alarm in a table at most once in twenty years.
Pure: no Django, no clock. PRODUCT section 6, "Patterns are shown".
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from math import comb, exp, gcd, log

MINIMUM = 20
"""Below so many answers on leads that peers answered too, nothing is said."""

FALSE_ALARMS_A_YEAR = Fraction(1, 20)
LOOKS_A_YEAR = 12
_STEP_BITS = 7
_STEPS = 1 << _STEP_BITS
"""The odds ratio is looked for on a grid of this fineness; bounds are rounded outwards to it."""
_MOST_ODDS = 1000 * _STEPS


class Verdict(StrEnum):
    """What may be said. Values are words for a page's icon and colour."""

    TOO_FEW = "too_few"
    CHANCE = "chance"
    ACCEPTS_ALL = "accepts_all"
    LESS = "less"
    MORE = "more"


WORDS = {
    Verdict.TOO_FEW: "too few to say",
    Verdict.CHANCE: "nothing to see: chance alone explains it",
    Verdict.ACCEPTS_ALL: "accepts everything",
    Verdict.LESS: "rejects far less than peers on the same mix",
    Verdict.MORE: "rejects far more than peers on the same mix",
}


BESIDE = {
    Verdict.TOO_FEW: "",
    Verdict.CHANCE: "chance alone explains it",
    Verdict.ACCEPTS_ALL: "peers reject some of the same mix",
    Verdict.LESS: "than peers on the same mix",
    Verdict.MORE: "than peers on the same mix",
}
"""What stands beside a verdict's badge, which has said the rest."""


@dataclass(frozen=True)
class Cell:
    """Answers on alike leads: of one AE and of the peers, and how many of each were rejections."""

    own: int
    own_rejected: int
    peers: int
    peers_rejected: int

    def __post_init__(self) -> None:
        if not (0 <= self.own_rejected <= self.own and 0 <= self.peers_rejected <= self.peers):
            raise ValueError("A cell has no more rejections than answers.")


@dataclass(frozen=True)
class Pattern:
    """One AE against the peers.

    ``answered`` and ``rejected`` are all the AE's own; ``compared`` and ``observed`` those of them in cells where
    peers answered too, ``expected`` the rejections that such a mix brings. ``low`` and ``high`` bound the ratio of
    observed to expected; ``None`` where too few or none were expected.
    """

    answered: int
    rejected: int
    compared: int
    observed: int
    expected: Fraction
    low: Fraction | None
    high: Fraction | None
    verdict: Verdict

    @property
    def ratio(self) -> Fraction | None:
        """Observed to expected; ``None`` where none was expected."""
        return self.observed / self.expected if self.expected else None

    @property
    def in_words(self) -> str:
        if self.verdict is Verdict.TOO_FEW:
            return (
                f"too few to say: {self.compared} answers on leads that peers had too, {MINIMUM} are needed"
            )
        return WORDS[self.verdict]

    @property
    def beside_the_badge(self) -> str:
        """What ``in_words`` says more than the verdict's badge does."""
        if self.verdict is Verdict.TOO_FEW:
            return f"{self.compared} answers on leads that peers had too, {MINIMUM} are needed"
        return BESIDE[self.verdict]

    @property
    def is_beyond_chance(self) -> bool:
        return self.verdict in (Verdict.ACCEPTS_ALL, Verdict.LESS, Verdict.MORE)


def level_for(tests: int) -> Fraction:
    """The chance of a false alarm that each of ``tests`` verdicts of one look may have."""
    return FALSE_ALARMS_A_YEAR / LOOKS_A_YEAR / max(1, tests)


def is_enough(cells: Iterable[Cell]) -> bool:
    """Whether there are answers enough to compare: only such AEs are tested, and count as tests."""
    return sum(cell.own for cell in cells if cell.own and cell.peers) >= MINIMUM


def compare(cells: Sequence[Cell], *, level: Fraction, bounded: bool = True) -> Pattern:
    """One AE's cells held against the peers', at ``level``: the chance of a false alarm, either way.

    Without ``bounded`` the verdict alone is worked out, which is much quicker, and low and high are ``None``.
    """
    answered = sum(cell.own for cell in cells)
    rejected = sum(cell.own_rejected for cell in cells)
    shared = [cell for cell in cells if cell.own and cell.peers]
    compared = sum(cell.own for cell in shared)
    observed = sum(cell.own_rejected for cell in shared)
    expected = sum((_expected(cell) for cell in shared), Fraction(0))
    low = high = None
    verdict = Verdict.TOO_FEW
    if compared >= MINIMUM:
        least, counts = ways(shared)
        verdict = _verdict(counts, observed - least, rejected, level / 2)
        if bounded and expected:
            low, high = _ratios(least, counts, observed, expected, level / 2)
    return Pattern(answered, rejected, compared, observed, expected, low, high, verdict)


def _expected(cell: Cell) -> Fraction:
    return Fraction(cell.own * (cell.own_rejected + cell.peers_rejected), cell.own + cell.peers)


def _verdict(counts: list[int], place: int, rejected: int, tail: Fraction) -> Verdict:
    """Beyond chance where the interval leaves 1 out: where even the grid's next step beyond 1 is unlikely."""
    if _is_unlikely(counts, place, _STEPS + 1, tail, upper=False):
        return Verdict.MORE
    if _is_unlikely(counts, place, _STEPS - 1, tail, upper=True):
        return Verdict.LESS if rejected else Verdict.ACCEPTS_ALL
    return Verdict.CHANCE


# --- The exact conditional interval ----------------------------------------------------------------


def ways(cells: Iterable[Cell]) -> tuple[int, list[int]]:
    """In how many ways k of the rejections fall to the AE, margins given: the least k, and the counts from it on."""
    least, counts = 0, [1]
    for cell in cells:
        rejected = cell.own_rejected + cell.peers_rejected
        first = max(0, rejected - cell.peers)
        own = [
            comb(cell.own, k) * comb(cell.peers, rejected - k)
            for k in range(first, min(cell.own, rejected) + 1)
        ]
        least += first
        # Only how the counts relate to each other matters.
        common = gcd(*own)
        counts = _multiplied(counts, [one // common for one in own])
    return least, counts


def _multiplied(left: list[int], right: list[int]) -> list[int]:
    """The product of two polynomials with coefficients from 0 up, packed into one product of whole numbers."""
    if len(left) == 1 or len(right) == 1:
        scale, other = (left[0], right) if len(left) == 1 else (right[0], left)
        return [scale * one for one in other]
    bits = max(left).bit_length() + max(right).bit_length() + min(len(left), len(right)).bit_length()
    width = bits // 8 + 1
    product = _packed(left, width) * _packed(right, width)
    length = len(left) + len(right) - 1
    raw = product.to_bytes(width * (length + 1), "little")
    return [int.from_bytes(raw[i * width : (i + 1) * width], "little") for i in range(length)]


def _packed(coefficients: list[int], width: int) -> int:
    return int.from_bytes(b"".join(one.to_bytes(width, "little") for one in coefficients), "little")


def _weights(counts: list[int], odds: int) -> list[int]:
    """The counts weighted by the odds ratio ``odds / _STEPS``, all times one and the same factor."""
    top, found, power = len(counts) - 1, [], 1
    for k, one in enumerate(counts):
        found.append((one * power) << (_STEP_BITS * (top - k)))
        power *= odds
    return found


def _ratios(
    least: int, counts: list[int], observed: int, expected: Fraction, tail: Fraction
) -> tuple[Fraction, Fraction]:
    """Between which ratios of observed to expected the true one lies."""
    place = observed - least
    low = _bound(counts, place, tail, upper=False)
    high = _bound(counts, place, tail, upper=True)
    return (
        Fraction(least) / expected if low is None else _mean(least, counts, low) / expected,
        # Nothing bounds the odds: every rejection there was may then fall to this AE.
        Fraction(least + len(counts) - 1) / expected
        if high is None
        else _mean(least, counts, high) / expected,
    )


def _mean(least: int, counts: list[int], odds: int) -> Fraction:
    weights = _weights(counts, odds)
    return least + Fraction(sum(k * one for k, one in enumerate(weights)), sum(weights))


def _is_unlikely(counts: list[int], place: int, odds: int, tail: Fraction, upper: bool) -> bool:
    """Whether at ``odds`` what was seen, or more beyond it, has a chance below ``tail``."""
    weights = _weights(counts, odds)
    # The upper bound of the odds is where so few are unlikely; the lower one where so many are.
    part = sum(weights[: place + 1]) if upper else sum(weights[place:])
    return part * tail.denominator < tail.numerator * sum(weights)


def _bound(counts: list[int], place: int, tail: Fraction, *, upper: bool) -> int | None:
    """The odds ratio, in grid steps, that bounds what was seen from one side; ``None`` where none does.

    Rounded outwards: the lower one down, the upper one up, so that the interval is never too narrow. Floating
    point only guesses where to look; whether a step is the bound is decided in whole numbers.
    """
    if place == (len(counts) - 1 if upper else 0):
        return None
    step = 1 if upper else -1
    bound = _guess(counts, place, float(tail), upper)
    while not _is_unlikely(counts, place, bound, tail, upper):
        bound += step
        if bound > _MOST_ODDS:
            return None
    while bound - step >= 0 and _is_unlikely(counts, place, bound - step, tail, upper):
        bound -= step
    return bound


def _guess(counts: list[int], place: int, tail: float, upper: bool) -> int:
    """Near which grid step the bound lies, by logarithms."""
    logs = [log(one) for one in counts]

    def share(odds: float) -> float:
        found = [one + k * log(odds) for k, one in enumerate(logs)]
        most = max(found)
        weights = [exp(one - most) for one in found]
        return sum(weights[: place + 1] if upper else weights[place:]) / sum(weights)

    low, high = 1 / _STEPS, _MOST_ODDS / _STEPS
    for _ in range(40):
        middle = (low * high) ** 0.5
        if (share(middle) < tail) == upper:
            high = middle
        else:
            low = middle
    return min(max(0, round(low * _STEPS)), _MOST_ODDS)
