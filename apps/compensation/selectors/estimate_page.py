"""An estimate as its page and the API show it: sums before and after, lines in words, bands and what is next."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from apps.compensation.rules import words
from apps.compensation.rules.comparison import Moved, PaidLine, Part, total
from apps.compensation.rules.standings import Ladder, Next, Standing
from apps.compensation.rules.terms import COUNTS_WHEN
from apps.compensation.selectors.courses import Placed
from apps.compensation.selectors.estimates import Estimate, PeriodEstimate
from apps.compensation.selectors.supposed import FIRST_NUMBER, Supposed
from apps.core.periods import Period

LINES_SHOWN = 40

PART_WORDS = {
    Part.EARNED: "Earned",
    Part.HELD_BACK: "Held back",
    Part.RELEASED: "Released",
    Part.DRAW: "Draw",
    Part.CORRECTED: "Corrections of earlier periods",
    Part.CONVERTED: "Converted",
}
_OF_A_PERIOD = {
    "cap": "The cap",
    "floor": "The floor",
    "target": "The target’s share",
    "draw": "The draw",
    "guarantee": "The guaranteed draw",
    "draw:forgiven": "The draw, forgiven",
}


@dataclass(frozen=True)
class ShownSum:
    """A part of the pay, in minor units, with and without."""

    name: str
    before_minor: int
    after_minor: int

    @property
    def change_minor(self) -> int:
        return self.after_minor - self.before_minor


@dataclass(frozen=True)
class ShownPay:
    """What the period pays in one currency."""

    currency: str
    parts: list[ShownSum]
    before_minor: int
    after_minor: int

    @property
    def change_minor(self) -> int:
        return self.after_minor - self.before_minor

    @property
    def sentence(self) -> str:
        before, after = (
            words.money(self.before_minor, self.currency),
            words.money(self.after_minor, self.currency),
        )
        return f"{before} as it stands, {after} with this."


@dataclass(frozen=True)
class ShownLine:
    """A line that is new or moves: what it is about, its arithmetic, and what it changes."""

    title: str
    about: str
    formula: str
    currency: str
    before_minor: int
    after_minor: int
    is_supposed: bool
    band: str
    kind: str
    component_key: str

    @property
    def change_minor(self) -> int:
        return self.after_minor - self.before_minor


@dataclass(frozen=True)
class ShownLadder:
    """A row of bands: where it stood, where it comes to, and what is next."""

    name: str
    before: str
    after: str
    pays: str
    climbed: bool
    next: str


@dataclass(frozen=True)
class ShownStanding:
    """A component: what it counts with and without, against its quota, band by band."""

    key: str
    name: str
    rule: str
    days: Period
    before: str
    after: str
    moves: bool
    quota: str
    attainment_before: Fraction | None
    attainment_after: Fraction | None
    bar: tuple[float, float] | None
    ladders: list[ShownLadder]
    no_quota: bool


@dataclass(frozen=True)
class ShownPeriod:
    """One pay period of an estimate."""

    period: Period
    has_plan: bool
    plans: list[str]
    pays: list[ShownPay]
    lines: list[ShownLine]
    more_lines: int
    more_minor: dict[str, int]
    standings: list[ShownStanding]
    is_target: bool


def shown(found: Estimate) -> list[ShownPeriod]:
    """Every period of the estimate as it is shown, the oldest first."""
    return [_period(one, found.supposed) for one in found.periods]


def _period(one: PeriodEstimate, supposed: Supposed) -> ShownPeriod:
    lines = [_line(each, supposed) for each in one.moved]
    # What was supposed leads; then what it moves, the largest change first.
    lines.sort(key=lambda line: (not line.is_supposed, 0 if line.is_supposed else -abs(line.change_minor)))
    rest = lines[LINES_SHOWN:]
    more: dict[str, int] = {}
    for line in rest:
        more[line.currency] = more.get(line.currency, 0) + line.change_minor
    plans = dict.fromkeys(segment.plan.name for segment in one.without.segments)
    return ShownPeriod(
        one.period,
        one.has_plan,
        list(plans),
        _pays(one),
        lines[:LINES_SHOWN],
        len(rest),
        more,
        _standings(one.without.placed, one.beside.placed),
        one.is_target,
    )


def _pays(one: PeriodEstimate) -> list[ShownPay]:
    before, after = one.sums_without, one.sums_with
    usual = [segment.plan.currency for segment in one.without.segments]
    currencies = dict.fromkeys([*usual, *sorted({*before, *after})])
    found = []
    for currency in currencies:
        old, new = before.get(currency, {}), after.get(currency, {})
        parts = [
            ShownSum(PART_WORDS[part], old.get(part, 0), new.get(part, 0))
            for part in Part
            if part is Part.EARNED or old.get(part) or new.get(part)
        ]
        found.append(ShownPay(currency, parts, total(old), total(new)))
    return found


# --- Lines ----------------------------------------------------------------------------------------


def _line(one: Moved, supposed: Supposed) -> ShownLine:
    paid = one.shown
    event = supposed.event_of(paid.source_key)
    return ShownLine(
        title=event.name if event and event.name else title_of(paid, supposed),
        about=_about(one, event.kind if event else ""),
        formula=paid.formula if one.after else "This is not paid any more.",
        currency=paid.currency,
        before_minor=one.before_minor,
        after_minor=one.after_minor,
        is_supposed=event is not None,
        band=paid.line.band if paid.line else "",
        kind=paid.line.kind if paid.line else "",
        component_key=paid.component_key,
    )


def title_of(paid: PaidLine, supposed: Supposed) -> str:
    """What a line is about, where it is no supposed event itself."""
    head, _, rest = paid.source_key.partition(":")
    if head in ("holdback", "release"):
        source = rest if head == "holdback" else rest.partition(":")[2]
        about = supposed.event_of(source)
        named = about.name if about else _named(paid)
        return f"{'Held back' if head == 'holdback' else 'Released'}: {named}"
    plain = paid.source_key.partition("@")[0]
    if plain in _OF_A_PERIOD:
        return f"{_OF_A_PERIOD[plain]} of {paid.period.name}"
    return _named(paid)


def _named(paid: PaidLine) -> str:
    event = paid.line.event if paid.line else None
    if event is None or not event.kind:
        return paid.component_name or "A line"
    what = COUNTS_WHEN[event.kind].removeprefix("A ").removeprefix("An ").capitalize()
    number = "" if event.event_id >= FIRST_NUMBER else f" (event {event.event_id})"
    return f"{what} on {event.on.day} {event.on:%b}{number}" if event.on else f"{what}{number}"


def _about(one: Moved, kind: str) -> str:
    paid = one.shown
    said = [COUNTS_WHEN[kind]] if kind else []
    said.append(paid.component_name)
    if paid.is_correction:
        said.append(f"corrects {paid.period.name}")
    elif one.before is not None and one.after is not None:
        said.append("moves")
    return ", ".join(part for part in said if part)


# --- Where components stand -----------------------------------------------------------------------


def _standings(before: Sequence[Placed], after: Sequence[Placed]) -> list[ShownStanding]:
    return [_standing(old, new) for old, new in zip(before, after, strict=True)]


def _standing(old: Placed, new: Placed) -> ShownStanding:
    component, was, now = new.standing.component, old.standing, new.standing
    quota = now.in_words(Fraction(now.quota)) if now.quota else ""
    bar = (float(now.total), float(now.quota)) if now.quota else None
    return ShownStanding(
        key=component.key,
        name=component.name,
        rule=component.rule_in_words,
        days=new.days,
        before=was.in_words(was.total),
        after=now.in_words(now.total),
        moves=was.total != now.total,
        quota=quota,
        attainment_before=was.attainment,
        attainment_after=now.attainment,
        bar=bar,
        ladders=list(ladders_of(now, was)),
        no_quota=component.quota is not None and not now.quota,
    )


def ladders_of(now: Standing, was: Standing | None = None) -> Iterable[ShownLadder]:
    """Where ``now`` stands on each ladder of its component, beside where it ``was``."""
    was = was or now
    earlier = {one.name: one for one in was.ladders}
    for one in now.ladders:
        before = earlier.get(one.name, one)
        yield ShownLadder(
            one.name, before.reached, one.reached, one.pays, before.reached != one.reached, _next(one, now)
        )


def _next(one: Ladder, now: Standing) -> str:
    ahead: Next | None = one.next
    if ahead is None:
        return "The highest is reached."
    share = f" ({words.decimal(ahead.at / now.quota * 100)} %)" if now.quota else ""
    at, left = ahead.at, ahead.left
    if now.component.measure.sums_amounts:
        # An edge between two minor units is reached with the upper one.
        at, left = Fraction(ceil(at)), Fraction(ceil(left))
    return f"Next at {now.in_words(at)}{share}: {ahead.pays}. {now.in_words(left)} to go."
