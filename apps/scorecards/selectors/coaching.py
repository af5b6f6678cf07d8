"""Who is strong at a metric, which of their meetings are recorded, and how far practice goals have come."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from django.db.models import Q, QuerySet

from apps.compensation.selectors.measures import measure
from apps.core.periods import Period, month_of, trailing_months
from apps.leads.models import Meeting
from apps.leads.rules.metrics import METRICS, Better, Metric, Unit
from apps.reps.models import Rep
from apps.scorecards.models import PracticeGoal, SupportAction
from apps.scorecards.rules import coaching as rules
from apps.scorecards.rules.layout import LAYOUTS

MOST_STRONG = 5


@dataclass(frozen=True)
class Strength:
    """The reps of one role by one metric over ``basis``, best first, with the mean of them all."""

    role: str
    metric: Metric
    currency: str
    basis: Period
    peers: tuple[rules.Peer, ...]
    tiers: dict[int, int]

    @property
    def mean(self) -> Fraction | None:
        values = [one.value for one in self.peers]
        return sum(values, Fraction(0)) / len(values) if values else None

    @property
    def strongest(self) -> tuple[rules.Peer, ...]:
        return self.peers[:MOST_STRONG]


def strength_of(*, reps: Iterable[Rep], role: str, metric: str, before: date, currency: str = "") -> Strength:
    """Those of ``reps`` (``team`` loaded) of ``role`` by ``metric`` over the whole months before ``before``.

    Money is compared within one ``currency``, the first that there is without it.
    """
    found, layout = METRICS[metric], LAYOUTS[role]
    basis = trailing_months(before, layout.months)
    people = [rep for rep in reps if rep.role == role and rep.hired_on < basis.end]
    if found.unit is Unit.MONEY:
        currency = currency or min((rep.team.currency for rep in people), default="")
        people = [rep for rep in people if rep.team.currency == currency]
    sums = measure(reps=people, periods=[basis], metrics=[found])[0]
    lower = found.better is Better.LOWER
    peers = [
        rules.Peer(rep.pk, rep.name, value, rep.tier if role == "ae" else None)
        for rep in people
        if (value := found.read(sums[rep.pk]).value) is not None
    ]
    return Strength(
        role,
        found,
        currency if found.unit is Unit.MONEY else "",
        basis,
        tuple(rules.strongest(peers, lower=lower)),
        rules.tiers_of(peers, lower=lower),
    )


def peers_at(*, rep: Rep, metric: str, before: date) -> tuple[rules.Peer, ...]:
    """Everybody of the role (and currency, for money) of ``rep`` who is here on ``before``, by ``metric``."""
    people = Rep.objects.active_on(before).filter(role=rep.role).select_related("team")
    return strength_of(
        reps=people, role=rep.role, metric=metric, before=before, currency=rep.team.currency
    ).peers


def recorded_meetings(user: Any, reps: Sequence[int] | None = None) -> QuerySet[Meeting]:
    """Meetings with a recording at an https:// address that ``user`` may see, newest first; of ``reps``, if given."""
    found = Meeting.objects.visible_to(user).filter(recording_url__startswith="https://")
    if reps is not None:
        found = found.filter(Q(ae__in=reps) | Q(for_hand_off__sdr__in=reps))
    return found.select_related("ae", "for_hand_off__sdr", "lead").order_by("-starts_at", "-pk")


@dataclass(frozen=True)
class GoalProgress:
    """A goal with what the record holds of it now; exact."""

    goal: PracticeGoal
    metric: Metric
    baseline: Fraction
    aim: Fraction
    now: Fraction | None
    basis: Period
    state: rules.GoalState

    @property
    def way(self) -> Fraction:
        return rules.way_done(self.baseline, self.aim, self.now)


def goal_basis(goal: PracticeGoal, today: date) -> Period:
    """Over what a goal is read: as many months as its baseline, ending with its last month or the running one."""
    end = min(goal.ends_on, month_of(today).end)
    return trailing_months(end, goal.months)


def progress_of(goals: Iterable[PracticeGoal], today: date) -> list[GoalProgress]:
    """How far each of ``goals`` (``rep__team`` and ``end`` loaded) has come. A few statements for each basis."""
    listed = list(goals)
    groups: dict[Period, list[PracticeGoal]] = {}
    for goal in listed:
        groups.setdefault(goal_basis(goal, today), []).append(goal)
    found: dict[int, GoalProgress] = {}
    for basis, of_basis in groups.items():
        metrics = [METRICS[key] for key in sorted({goal.metric for goal in of_basis})]
        people = list({goal.rep_id: goal.rep for goal in of_basis}.values())
        sums = measure(reps=people, periods=[basis], metrics=metrics)[0]
        for goal in of_basis:
            metric, aim = METRICS[goal.metric], Fraction(goal.aim)
            now = metric.read(sums[goal.rep_id]).value
            state = rules.goal_state(
                now,
                aim,
                lower=metric.better is Better.LOWER,
                is_over=goal.ends_on <= today,
                was_ended=hasattr(goal, "end"),
            )
            found[goal.pk] = GoalProgress(goal, metric, Fraction(goal.baseline), aim, now, basis, state)
    return [found[goal.pk] for goal in listed]


def open_support_query(user: Any, *, most: int) -> QuerySet[SupportAction]:
    """What is asked of ``user`` and open, at most ``most``: for a count."""
    return SupportAction.objects.open().visible_to(user).order_by()[:most]
