"""How AEs answer, against their peers on the same lead mix: by AE, by criterion, by SDR and AE.

Counted are the AEs' own answers of whole months: what a judge overruled counts as the rejection it was, what was
accepted for want of an answer as no answer. The arithmetic is ``rules.answer_patterns``.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.conf import settings
from django.db.models import Case, Count, F, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce

from apps.accounts.models import Role
from apps.core.periods import Period, trailing_months
from apps.leads.models import AnsweredHow, HandOff
from apps.leads.rules.answer_patterns import Cell, Pattern, compare, is_enough, level_for
from apps.leads.rules.scoring import tier_of_score
from apps.reps.models import Rep

MONTHS = (3, 6, 12)
USUAL_MONTHS = 6
_SMALL_SOURCE = 20
"""Sources with fewer answers than this in the period stand together in one cell."""
MOST_PAIRS = 40

REJECTED = Q(state=HandOff.State.REJECTED) | Q(answered_how=AnsweredHow.CONTEST)
"""As the AE answered, whatever a judge made of it."""

Mix = tuple[int, str, bool]
"""Lead tier, source, whether it was exploration."""


def period_of(today: date, months: int) -> Period:
    """The ``months`` whole months before that of ``today``: looking more often shows the same."""
    return trailing_months(today.replace(day=1), months)


def answered_in(period: Period) -> QuerySet[HandOff]:
    """Hand-offs that an AE answered in the period, with ``answered_at``."""
    start, end = period.bounds(settings.COMPANY_TIME_ZONE)
    by_hand = HandOff.objects.exclude(state=HandOff.State.PENDING).exclude(answered_how=AnsweredHow.SILENCE)
    # Of one that a judge decided, the AE's own answer is kept with the contest.
    own = Case(
        When(answered_how=AnsweredHow.CONTEST, then=Coalesce(F("contest__rejected_at"), F("decided_at"))),
        default=F("decided_at"),
    )
    return by_hand.annotate(answered_at=own).filter(answered_at__gte=start, answered_at__lt=end)


@dataclass(frozen=True)
class Answers:
    """Answers that are alike in everything that is compared."""

    ae: int
    sdr: int
    mix: Mix
    criterion: str
    number: int


@dataclass(frozen=True)
class AeRow:
    """One AE against the peers."""

    ae: Rep
    pattern: Pattern


@dataclass(frozen=True)
class CriterionRow:
    """One criterion: rejections on it within the viewer's scope, and the AEs who name it beyond chance."""

    key: str
    rejected: int
    standing_out: list[AeRow]


@dataclass(frozen=True)
class PairRow:
    """One SDR's hand-offs to one AE, against what the other AEs made of the same SDR's."""

    sdr: Rep
    ae: Rep
    pattern: Pattern


@dataclass(frozen=True)
class Patterns:
    """All three tables of one period; ``tests`` is how many verdicts each of them weighs."""

    period: Period
    months: int
    answered: int
    rejected: int
    aes: list[AeRow]
    criteria: list[CriterionRow]
    pairs: list[PairRow]
    pairs_left_out: int
    tests: dict[str, int]


def patterns(user: Any, *, today: date, months: int = USUAL_MONTHS) -> Patterns:
    """What ``user`` may see of them. Peers are all AEs, whoever looks. Two statements, whatever the number."""
    period = period_of(today, months)
    counts = _counts(period)
    reps = {
        rep.pk: rep
        for rep in Rep.objects.filter(
            pk__in={one.ae for one in counts} | {one.sdr for one in counts}
        ).select_related("team")
    }
    shown = _scope(user, reps)
    tables = _Tables(counts)
    aes, tests = tables.by_ae(shown)
    criteria, criterion_tests = tables.by_criterion(shown)
    pairs, pair_tests = tables.by_pair(lambda sdr, ae: shown(ae) or _manages(user, reps[sdr]))
    seen = [one for one in counts if shown(one.ae)]
    return Patterns(
        period=period,
        months=months,
        answered=sum(one.number for one in seen),
        rejected=sum(one.number for one in seen if one.criterion),
        aes=sorted(
            (AeRow(reps[pk], pattern) for pk, pattern in aes.items()),
            key=lambda row: (not row.pattern.is_beyond_chance, -(row.pattern.ratio or 0), row.ae.name),
        ),
        criteria=[
            CriterionRow(key, number, [AeRow(reps[pk], pattern) for pk, pattern in out])
            for key, number, out in criteria
        ],
        pairs=[PairRow(reps[sdr], reps[ae], pattern) for (sdr, ae), pattern in pairs[:MOST_PAIRS]],
        pairs_left_out=max(0, len(pairs) - MOST_PAIRS),
        tests={"aes": tests, "criteria": criterion_tests, "pairs": pair_tests},
    )


def _manages(user: Any, rep: Rep) -> bool:
    return user.role == Role.MANAGER and rep.team.manager_id == user.pk


def _scope(user: Any, reps: dict[int, Rep]) -> Callable[[int], bool]:
    """Whether the user sees an AE (by id): RevOps and marketing all, a manager own teams', an AE the own row."""
    if user.role in (Role.REVOPS, Role.MARKETING):
        return lambda ae: True
    if user.role == Role.MANAGER:
        return lambda ae: _manages(user, reps[ae])
    return lambda ae: reps[ae].user_id == user.pk


def _counts(period: Period) -> list[Answers]:
    """One grouped statement over the period."""
    rows = (
        answered_in(period)
        .order_by()
        .annotate(criterion=Case(When(REJECTED, then=F("rejected_criterion")), default=Value("")))
        .annotate(was_rejected=Case(When(REJECTED, then=Value(1)), default=Value(0)))
        .values_list(
            "ae", "sdr", "lead__score", "lead__source", "is_exploration", "criterion", "was_rejected"
        )
        .annotate(n=Count("pk"))
    )
    found = list(rows)
    by_source: Counter[str] = Counter()
    for row in found:
        by_source[row[3]] += row[7]
    merged: Counter[tuple[int, int, Mix, str]] = Counter()
    for ae, sdr, score, source, explores, criterion, rejected, number in found:
        name = source if by_source[source] >= _SMALL_SOURCE else ""
        key = (criterion or "not named") if rejected else ""
        merged[ae, sdr, (tier_of_score(score), name, explores), key] += number
    return [Answers(*key, number) for key, number in merged.items()]


class _Tables:
    """The counts, folded once for each question that is asked of them."""

    def __init__(self, counts: Iterable[Answers]) -> None:
        self.counts = list(counts)

    def by_ae(self, shown: Callable[[int], bool]) -> tuple[dict[int, Pattern], int]:
        """The AEs shown with their patterns, and how many AEs are tested in all."""
        cells = _cells((one.ae, one.mix, one.number, bool(one.criterion)) for one in self.counts)
        tests = sum(is_enough(own) for own in cells.values())
        level = level_for(tests)
        return {ae: compare(own, level=level) for ae, own in cells.items() if shown(ae)}, tests

    def by_criterion(
        self, shown: Callable[[int], bool]
    ) -> tuple[list[tuple[str, int, list[tuple[int, Pattern]]]], int]:
        """Each criterion named, how often, and the AEs shown who name it beyond chance."""
        keys = sorted({one.criterion for one in self.counts if one.criterion})
        tables = {
            key: _cells((one.ae, one.mix, one.number, one.criterion == key) for one in self.counts)
            for key in keys
        }
        tests = sum(is_enough(own) for cells in tables.values() for own in cells.values())
        level = level_for(tests)
        found = []
        for key, cells in tables.items():
            out = []
            for ae, own in cells.items():
                if not shown(ae) or not is_enough(own):
                    continue
                if compare(own, level=level, bounded=False).is_beyond_chance:
                    out.append((ae, compare(own, level=level)))
            number = sum(one.number for one in self.counts if one.criterion == key and shown(one.ae))
            if number or out:
                found.append((key, number, out))
        found.sort(key=lambda row: (-row[1], row[0]))
        return found, tests

    def by_pair(self, shown: Callable[[int, int], bool]) -> tuple[list[tuple[tuple[int, int], Pattern]], int]:
        """Pairs (SDR, AE) with answers enough, what is beyond chance first. An AE's peers are the SDR's other AEs."""
        by_sdr: dict[int, list[Answers]] = defaultdict(list)
        for one in self.counts:
            by_sdr[one.sdr].append(one)
        tested = {
            (sdr, ae): own
            for sdr, counts in by_sdr.items()
            for ae, own in _cells(
                (one.ae, one.mix, one.number, bool(one.criterion)) for one in counts
            ).items()
            if is_enough(own)
        }
        level = level_for(len(tested))
        found = [
            (pair, compare(own, level=level, bounded=False)) for pair, own in tested.items() if shown(*pair)
        ]
        found.sort(key=lambda row: (not row[1].is_beyond_chance, -(row[1].ratio or 0), row[0]))
        return [
            (pair, compare(tested[pair], level=level) if index < MOST_PAIRS else pattern)
            for index, (pair, pattern) in enumerate(found)
        ], len(tested)


def _cells(rows: Iterable[tuple[int, Hashable, int, bool]]) -> dict[int, list[Cell]]:
    """By whom (id): one cell for each mix that they answered. ``rows``: (who, mix, number, whether rejected)."""
    own: dict[int, Counter[tuple[Hashable, bool]]] = defaultdict(Counter)
    whole: Counter[tuple[Hashable, bool]] = Counter()
    for who, mix, number, rejected in rows:
        own[who][mix, rejected] += number
        whole[mix, rejected] += number
    found = {}
    for who, counts in own.items():
        cells = []
        for mix in dict.fromkeys(mix for mix, _ in counts):
            answered = counts[mix, True] + counts[mix, False]
            all_answers = whole[mix, True] + whole[mix, False]
            rejected_here = counts[mix, True]
            cells.append(
                Cell(answered, rejected_here, all_answers - answered, whole[mix, True] - rejected_here)
            )
        found[who] = cells
    return found


# --- What is behind a figure -----------------------------------------------------------------------


def _not_only_continued(user: Any) -> Q:
    """Whose answer it was is the AE who rejected it: who continued after a contest has it in no figure of theirs."""
    if user.role == Role.AE:
        return Q(ae__user=user)
    if user.role == Role.MANAGER:
        its = Q(ae__team__manager=user) | Q(sdr__team__manager=user) | Q(contest__judge=user)
        return its | Q(successor__isnull=True)
    return Q()


WHAT = {"answered": "Answered", "accepted": "Accepted", "rejected": "Rejected"}


def behind(
    user: Any,
    *,
    period: Period,
    what: str = "answered",
    ae: int | None = None,
    sdr: int | None = None,
    criterion: str = "",
) -> QuerySet[HandOff]:
    """The hand-offs behind a figure that ``user`` may see, the latest answer first."""
    seen = HandOff.objects.visible_to(user).filter(_not_only_continued(user)).values("pk")
    rows = answered_in(period).filter(pk__in=seen).select_related("lead", "ae", "sdr")
    if what == "rejected":
        rows = rows.filter(REJECTED)
    elif what == "accepted":
        rows = rows.exclude(REJECTED)
    if ae is not None:
        rows = rows.filter(ae=ae)
    if sdr is not None:
        rows = rows.filter(sdr=sdr)
    if criterion:
        named = "" if criterion == "not named" else criterion
        rows = rows.filter(REJECTED, rejected_criterion=named)
    return rows.order_by("-decided_at", "-pk")
