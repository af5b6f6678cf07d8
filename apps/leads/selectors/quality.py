"""What became of a period's leads by source; why AEs rejected and SDRs disqualified. No pay, no names."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction

from django.db.models import Count, QuerySet
from django.db.models.fields.json import KT

from apps.leads.models import EventKind, FunnelEvent, LossReason, RejectionReason

_STEPS = (
    EventKind.COLLECTED,
    EventKind.MQL,
    EventKind.QUALIFIED,
    EventKind.HANDED_OFF,
    EventKind.ACCEPTED,
    EventKind.REJECTED,
    EventKind.DISQUALIFIED,
    EventKind.WON,
)


@dataclass
class Outcome:
    """How many leads of one kind reached each step at least once."""

    name: str
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_STEPS, 0))

    def _rate(self, part: EventKind, whole: EventKind) -> Fraction | None:
        total = self.counts[whole]
        return Fraction(self.counts[part], total) if total else None

    @property
    def leads(self) -> int:
        return self.counts[EventKind.COLLECTED]

    @property
    def mqls(self) -> int:
        return self.counts[EventKind.MQL]

    @property
    def sqls(self) -> int:
        return self.counts[EventKind.QUALIFIED]

    @property
    def handed_off(self) -> int:
        return self.counts[EventKind.HANDED_OFF]

    @property
    def accepted(self) -> int:
        return self.counts[EventKind.ACCEPTED]

    @property
    def rejected(self) -> int:
        return self.counts[EventKind.REJECTED]

    @property
    def disqualified(self) -> int:
        return self.counts[EventKind.DISQUALIFIED]

    @property
    def won(self) -> int:
        return self.counts[EventKind.WON]

    @property
    def mql_rate(self) -> Fraction | None:
        """MQLs of all leads."""
        return self._rate(EventKind.MQL, EventKind.COLLECTED)

    @property
    def hand_off_rate(self) -> Fraction | None:
        """Handed off of all leads."""
        return self._rate(EventKind.HANDED_OFF, EventKind.COLLECTED)

    @property
    def answered(self) -> int:
        return self.accepted + self.rejected

    @property
    def accepted_rate(self) -> Fraction | None:
        """Accepted of those that AEs answered."""
        return Fraction(self.accepted, self.answered) if self.answered else None


@dataclass(frozen=True)
class Reason:
    """How often one reason was given; ``criterion`` is "" where there is none to it."""

    words: str
    criterion: str
    count: int


@dataclass(frozen=True)
class Quality:
    """The page's figures: the whole, by source, apart by profile, and the reasons."""

    whole: Outcome
    by_source: list[Outcome]
    in_profile: Outcome
    exploration: Outcome
    rejected: list[Reason]
    disqualified: list[Reason]

    @property
    def profile_rows(self) -> tuple[Outcome, Outcome]:
        return (self.in_profile, self.exploration)


def quality(start: datetime, end: datetime) -> Quality:
    """Of the leads collected in ``[start, end)``, what became of them until now. Three statements."""
    cohort = (
        FunnelEvent.objects.filter(kind=EventKind.COLLECTED).between(start, end).effective().values("lead")
    )
    events = FunnelEvent.objects.filter(lead__in=cohort).effective().order_by()
    rows = (
        events.filter(kind__in=_STEPS)
        .values("lead__source", "lead__is_exploration", "kind")
        .annotate(n=Count("lead", distinct=True))
    )
    sources: dict[str, Outcome] = {}
    whole, in_profile, exploration = (
        Outcome("All leads"),
        Outcome("In the profile"),
        Outcome("Outside the profile"),
    )
    for row in rows:
        name = row["lead__source"] or "Source unknown"
        side = exploration if row["lead__is_exploration"] else in_profile
        for outcome in (sources.setdefault(name, Outcome(name)), whole, side):
            outcome.counts[row["kind"]] += row["n"]
    return Quality(
        whole=whole,
        by_source=sorted(sources.values(), key=lambda one: (-one.leads, one.name)),
        in_profile=in_profile,
        exploration=exploration,
        rejected=_rejected(events),
        disqualified=_disqualified(events),
    )


def _rejected(events: QuerySet) -> list[Reason]:
    rows = (
        events.filter(kind=EventKind.REJECTED)
        .values(criterion=KT("data__criterion"), reason=KT("data__reason"))
        .annotate(n=Count("pk"))
    )
    words = dict(RejectionReason.choices)
    found = [
        Reason(words.get(row["reason"], row["reason"] or "No reason"), row["criterion"] or "", row["n"])
        for row in rows
    ]
    return sorted(found, key=lambda one: (-one.count, one.criterion, one.words))


def _disqualified(events: QuerySet) -> list[Reason]:
    rows = (
        events.filter(kind=EventKind.DISQUALIFIED).values(reason=KT("data__reason")).annotate(n=Count("pk"))
    )
    merged: dict[str, int] = defaultdict(int)
    words = dict(LossReason.choices)
    for row in rows:
        merged[words.get(row["reason"], row["reason"]) or "No reason given"] += row["n"]
    return [
        Reason(name, "", count)
        for name, count in sorted(merged.items(), key=lambda item: (-item[1], item[0]))
    ]
