"""What came of the leads judged by each framework and each version: the close rate seen beside the expected.

Counted are hand-offs whose lead was judged by a version before, and the opportunities they became. The seen
rate is won of decided (won and lost); open ones stand apart, and so does exploration. PRODUCT section 3.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

from django.db.models import Count, Q, QuerySet

from apps.core.keyset import Page, page_of
from apps.leads.models import Definition, HandOff, OpportunityStage, Qualification
from apps.leads.rules.close_rates import Rate, Verdict
from apps.leads.rules.frameworks import FRAMEWORKS, Framework
from apps.leads.services.definitions import terms_of

_OPEN = Q(opportunity__stage__in=OpportunityStage.open_stages())
BEHIND: dict[str, tuple[str, Q]] = {
    "handed_off": ("Handed off", Q(pk__isnull=False)),
    "waiting": ("Waiting for the AE", Q(state=HandOff.State.PENDING)),
    "rejected": ("Rejected by the AE", Q(state=HandOff.State.REJECTED)),
    "open": ("Still open", _OPEN),
    "won": ("Closed won", Q(opportunity__stage=OpportunityStage.WON)),
    "lost": ("Closed lost", Q(opportunity__stage=OpportunityStage.LOST)),
}
"""What can be counted of hand-offs, and opened: words, and which they are."""


@dataclass(frozen=True)
class Outcome:
    """How many leads met a definition, and what their hand-offs became."""

    qualified: int = 0
    handed_off: int = 0
    waiting: int = 0
    rejected: int = 0
    open: int = 0
    won: int = 0
    lost: int = 0

    @property
    def decided(self) -> int:
        return self.won + self.lost

    def __add__(self, other: "Outcome") -> "Outcome":
        return Outcome(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))


@dataclass(frozen=True)
class Compared:
    """A framework (``definition`` is ``None``) or one version, inside the profile and beyond it."""

    framework: Framework
    definition: Definition | None
    expected: tuple[int, int] | None
    within: Outcome
    exploration: Outcome

    @property
    def rate(self) -> Rate:
        """Of what was inside the ideal customer profile."""
        return Rate(self.within.won, self.within.decided, self.expected)

    @property
    def exploration_rate(self) -> Rate:
        return Rate(self.exploration.won, self.exploration.decided, self.expected)

    @property
    def name(self) -> str:
        if self.definition is None:
            return self.framework.name
        return f"v{self.definition.version} {self.definition.name}"


@dataclass(frozen=True)
class Bar:
    """A rate drawn on a scale of 0 to ``scale`` per cent: places and widths in hundredths of its length."""

    rate: Rate
    scale: int

    def _at(self, share: float) -> float:
        return round(min(share * 100 / self.scale, 1.0) * 100, 2)

    @property
    def expected(self) -> tuple[float, float] | None:
        """Where the expected range begins, and its width."""
        if self.rate.expected is None:
            return None
        left, right = (self._at(percent / 100) for percent in self.rate.expected)
        return left, round(right - left, 2)

    @property
    def interval(self) -> tuple[float, float] | None:
        """Where the interval begins, and its width; none where there is too little to draw."""
        if self.rate.interval is None or self.rate.verdict is Verdict.TOO_FEW:
            return None
        left, right = (self._at(share) for share in self.rate.interval)
        return left, round(right - left, 2)

    @property
    def seen(self) -> float | None:
        return None if self.interval is None or self.rate.seen is None else self._at(float(self.rate.seen))


@dataclass(frozen=True)
class Comparison:
    """All frameworks in use and all agreed versions, newest first; ``unjudged`` hand-offs had no judgement."""

    frameworks: list[Compared]
    versions: list[Compared]
    unjudged: int

    def of(self, definition: Definition) -> Compared | None:
        return next((one for one in self.versions if one.definition == definition), None)


def comparison() -> Comparison:
    """Three statements, whatever the number of leads: the versions, their judgements, their hand-offs."""
    counts, unjudged = _counts()
    definitions = Definition.objects.filter(kind=Definition.Kind.SQL).order_by("-effective_on", "-version")
    versions = [
        _compared(one, counts)
        for one in definitions
        # A version that nobody signed has judged nobody.
        if one.is_signed
    ]
    frameworks = []
    for framework in FRAMEWORKS.values():
        own = [one for one in versions if one.framework == framework]
        if own:
            within, exploration = (
                sum((getattr(one, side) for one in own), Outcome()) for side in ("within", "exploration")
            )
            # What was agreed last is what is expected of the framework now.
            expected = next((one.expected for one in own if one.expected), None)
            frameworks.append(Compared(framework, None, expected, within, exploration))
    return Comparison(frameworks, versions, unjudged)


def scale_of(found: Comparison) -> int:
    """The per cent at which the bars of a page end: a multiple of ten that holds what is drawn."""
    most = 0.4
    for one in [*found.frameworks, *found.versions]:
        most = max(most, (one.expected or (0, 0))[1] / 100)
        for rate in (one.rate, one.exploration_rate):
            if rate.interval is not None and rate.verdict is not Verdict.TOO_FEW:
                most = max(most, rate.interval[1])
    return min(100, -(-int(most * 1000) // 100) * 10)


def ticks(scale: int) -> list[tuple[int, float]]:
    """Per cents written under the bars, and where."""
    step = 10 if scale <= 60 else 20
    return [(percent, round(percent * 100 / scale, 2)) for percent in range(0, scale + 1, step)]


@dataclass(frozen=True)
class Row:
    """One line of the page: a framework or version, inside the profile or ``outside`` of it."""

    one: Compared
    outside: bool
    scale: int

    @property
    def outcome(self) -> Outcome:
        return self.one.exploration if self.outside else self.one.within

    @property
    def rate(self) -> Rate:
        return self.one.exploration_rate if self.outside else self.one.rate

    @property
    def bar(self) -> Bar:
        return Bar(self.rate, self.scale)

    @property
    def interval(self) -> str:
        """``22–39 % with 95 % confidence``; "" where there is too little to say."""
        if self.rate.interval is None or self.rate.verdict is Verdict.TOO_FEW:
            return ""
        low, high = (round(share * 100) for share in self.rate.interval)
        return f"{low}–{high}\u00a0% with 95\u00a0% confidence"

    @property
    def counts(self) -> list[tuple[str, str, int]]:
        """What is counted of its hand-offs: (name, words, how many)."""
        return [(name, words, getattr(self.outcome, name)) for name, (words, _) in BEHIND.items()]

    @property
    def asks(self) -> str:
        """The query by which ``hand_offs_behind`` finds them."""
        if self.one.definition is None:
            return f"framework={self.one.framework.key}"
        return f"version={self.one.definition.version}"


def rows_of(found: Comparison) -> dict[str, list[Row]]:
    """The tables of the page: frameworks, versions, and exploration by version where there is any."""
    scale = scale_of(found)
    return {
        "frameworks": [Row(one, False, scale) for one in found.frameworks],
        "versions": [Row(one, False, scale) for one in found.versions],
        "exploration": [
            Row(one, True, scale)
            for one in found.versions
            if one.exploration.handed_off or one.exploration.qualified
        ],
    }


def _compared(definition: Definition, counts: dict[tuple[int, bool], Outcome]) -> Compared:
    terms = terms_of(definition)
    within, exploration = (counts.get((definition.pk, outside), Outcome()) for outside in (False, True))
    return Compared(FRAMEWORKS[terms.framework], definition, terms.expected, within, exploration)


def _counts() -> tuple[dict[tuple[int, bool], Outcome], int]:
    """By version and whether it was exploration; and how many hand-offs had no judgement."""
    qualified = (
        Qualification.objects.filter(meets_definition=True)
        .order_by()
        .values_list("definition", "lead__is_exploration")
        .annotate(n=Count("lead", distinct=True))
    )
    found = {(version, outside): Outcome(qualified=n) for version, outside, n in qualified}
    handed: Any = (
        HandOff.objects.order_by()
        .values("qualification__definition", "is_exploration")
        .annotate(**{f"n_{name}": Count("pk", filter=which) for name, (_, which) in BEHIND.items()})
    )
    unjudged = 0
    for row in handed:
        version = row["qualification__definition"]
        if version is None:
            unjudged += row["n_handed_off"]
            continue
        key = (version, row["is_exploration"])
        outcome = Outcome(**{name: row[f"n_{name}"] for name in BEHIND})
        found[key] = found.get(key, Outcome()) + outcome
    return found, unjudged


def hand_offs_behind(
    *, user: Any, definitions: Iterable[Definition], what: str, outside: bool, after: str
) -> Page:
    """The hand-offs behind one figure that the user may see, the newest first; fifty a page."""
    rows: QuerySet[HandOff] = (
        HandOff.objects.visible_to(user)
        .filter(BEHIND[what][1], qualification__definition__in=list(definitions), is_exploration=outside)
        .select_related("lead", "sdr", "ae", "qualification__definition", "opportunity")
    )
    return page_of(rows, by=("-created_at", "-pk"), after=after)
