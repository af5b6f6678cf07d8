"""A scorecard computed again in plain Python: figures, trend, target, peers' spread, funnel and promises kept.

Apart from the code under test: nothing of ``apps.scorecards`` is used but the rows in which assumptions are kept. What
the card of a role shows stands here again, as docs/scorecards.md and docs/metrics.md say it.
"""

from collections import defaultdict
from datetime import timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings

from apps.core.periods import Period
from apps.reps.models import Quota, Rep
from apps.reps.selectors import hours_for
from apps.scorecards.models import Assumption
from apps.slas.models import Clock
from tests.scorecards.plain import PlainRecord

_SDR = (
    "meetings_accepted", "accepted_amount", "acceptance_rate", "meetings_booked", "no_show_rate", "touches",
    "leads_worked", "first_touch_minutes", "won_amount_sourced",
)  # fmt: skip
_OWNER = ("revenue_won", "deals_won", "win_rate", "average_deal")
METRICS = {
    "isr": _SDR,
    "osr": (*_SDR[:5], "visits_caused", "conversions_caused", *_SDR[5:]),
    "ae": (
        "revenue_won", "win_rate", "average_deal", "sales_cycle", "self_sourced_pipeline", "deals_won",
        "hand_offs_accepted", "hand_offs_rejected", "hand_off_acceptance_rate",
    ),
    "am": _OWNER,
    "csm": _OWNER,
}  # fmt: skip
MONTHS = {"isr": 1, "osr": 1, "ae": 3, "am": 3, "csm": 3}
HEADLINE = {"isr": "meetings_accepted", "osr": "meetings_accepted"}
PEERS = {"am": ("am", "csm"), "csm": ("am", "csm")}
FUNNEL = {
    "isr": (("booked", "sourced"), ("accepted", "sourced"), ("stage_2", "sourced"), ("won", "sourced")),
    "ae": (("handed_off", "owned"), ("accepted", "owned"), ("stage_2", "owned"), ("won", "owned")),
    "am": (("stage_2", "owned"), ("won", "owned")),
}
QUOTAS = {
    "revenue_won": "amount_won",
    "meetings_accepted": "meetings_accepted",
    "accepted_amount": "amount_accepted",
}
ASSUMED = {
    ("isr", "leads_worked"): (Fraction(200), "month"),
    ("osr", "touches"): (Fraction(200), "day"),
    ("ae", "win_rate"): (Fraction(1, 5), "level"),
}


def months_to(month: Period, count: int) -> list[Period]:
    months = [month]
    for _ in range(count - 1):
        months.insert(0, months[0].previous())
    return months


def here(rep: Rep, month: Period) -> bool:
    return rep.hired_on < month.end and (rep.left_on is None or rep.left_on > month.start)


class PlainCard:
    """One rep's month; ``everybody`` are all reps of the company (``team`` loaded)."""

    def __init__(self, record: PlainRecord, rep: Rep, month: Period, everybody: list[Rep]) -> None:
        self.record, self.rep, self.month, self.everybody = record, rep, month, everybody
        self.basis = Period(months_to(month, MONTHS[rep.role])[0].start, month.end)

    def own(self) -> dict[str, Fraction | None]:
        return {key: self.record.value(key, self.rep, self.basis) for key in METRICS[self.rep.role]}

    def trend(self) -> dict[str, tuple[Fraction | None, ...]]:
        months = months_to(self.month, 3)
        return {
            key: tuple(self.record.value(key, self.rep, month) for month in months)
            for key in METRICS[self.rep.role]
        }

    def peers(self, key: str) -> dict[int, Fraction]:
        """Those of the team and the same kind of card who were here and have a value."""
        roles = PEERS.get(self.rep.role, (self.rep.role,))
        found = {}
        for one in self.everybody:
            if one.team_id == self.rep.team_id and one.role in roles and here(one, self.month):
                value = self.record.value(key, one, self.basis)
                if value is not None:
                    found[one.pk] = value
        return found

    def means(self) -> dict[str, Fraction | None]:
        found = {}
        for key in METRICS[self.rep.role]:
            values = self.peers(key).values()
            found[key] = sum(values, Fraction(0)) / len(values) if values else None
        return found

    def spread(self) -> dict[int, Fraction]:
        return self.peers(HEADLINE.get(self.rep.role, "revenue_won"))

    def funnel(self) -> list[Fraction]:
        role = {"osr": "isr", "csm": "am"}.get(self.rep.role, self.rep.role)
        steps = []
        for kind, capacity in FUNNEL[role]:
            credited = self.record.of(self.rep, self.basis, kind, capacity)
            if role == "ae":
                credited = [(event, share) for event, share in credited if event.hand_off_id is not None]
            steps.append(sum((share for _, share in credited), Fraction(0)))
        if role == "isr":
            touched = self.record.of(self.rep, self.basis, "touched", "sourced")
            steps.insert(0, Fraction(len({event.lead_id for event, _ in touched})))
        return steps

    def promises(self) -> dict[str, tuple[int, int]]:
        """By kind in words: kept, of so many decided in the month."""
        zone = ZoneInfo(settings.COMPANY_TIME_ZONE)
        counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
        for clock in Clock.objects.filter(rep=self.rep, state__in=("met", "breached")):
            at = clock.met_at if clock.state == "met" else clock.breached_at
            if at.astimezone(zone).date() in self.month:
                counts[clock.get_kind_display()][0] += clock.state == "met"
                counts[clock.get_kind_display()][1] += 1
        return {kind: (kept, decided) for kind, (kept, decided) in counts.items()}

    def targets(self) -> dict[str, Fraction | None]:
        return {key: self._target(key) for key in METRICS[self.rep.role]}

    def _target(self, key: str) -> Fraction | None:
        days = [self.basis.start + timedelta(days=number) for number in range(self.basis.days)]
        quotas = [
            one
            for one in Quota.objects.filter(rep=self.rep, measure=QUOTAS.get(key, ""))
            if self._fits(one, key)
        ]
        shares: list[Fraction] = []
        for day in days:
            over = [one for one in quotas if one.starts_on <= day < one.ends_on]
            if not over:
                break
            least = min(over, key=lambda one: ((one.ends_on - one.starts_on).days, one.starts_on))
            amount = least.target_minor if least.target_minor is not None else least.target_count
            shares.append(Fraction(amount or 0, (least.ends_on - least.starts_on).days))
        if len(shares) == len(days):
            return sum(shares, Fraction(0))
        return self._assumed(key, days)

    def _fits(self, quota: Quota, key: str) -> bool:
        if key == "meetings_accepted":
            return quota.target_count is not None
        return quota.currency == self.rep.team.currency

    def _assumed(self, key: str, days: list[Any]) -> Fraction | None:
        value, per = ASSUMED.get((self.rep.role, key), (None, ""))
        begun = Assumption.objects.filter(
            role=self.rep.role, metric=key, effective_on__lte=self.month.start
        ).order_by("effective_on", "pk")
        known = [
            one for one in begun if not (self.record.as_of and one.set_at and one.set_at > self.record.as_of)
        ]
        kept = known[-1] if known else None
        if kept is not None:
            value, per = Fraction(kept.value), kept.per
        if value is None:
            return None
        if per == "month":
            return value * MONTHS[self.rep.role]
        if per == "day":
            hours = hours_for(self.rep)
            return value * sum(1 for day in days if hours.windows_on(day))
        return value


def differing(card: Any, plain: PlainCard) -> list[str]:
    """Where ``card`` (a Card) says anything else than the plain computation; nothing where it is right."""
    rows = {row.metric.key: row for row in card.rows}
    wrong = [] if list(rows) == list(METRICS[plain.rep.role]) else ["metrics"]
    for name, expected in (
        ("own", plain.own()),
        ("trend", plain.trend()),
        ("mean", plain.means()),
        ("target", plain.targets()),
    ):
        wrong += [
            f"{plain.rep.name} {key} {name}: {getattr(rows[key], name)} and not {value}"
            for key, value in expected.items()
            if getattr(rows[key], name) != value
        ]
    if {pk: value for pk, _, value in card.spread} != plain.spread():
        wrong.append(f"{plain.rep.name} spread")
    if [count for _, count in card.funnel] != plain.funnel():
        wrong.append(f"{plain.rep.name} funnel: {card.funnel} and not {plain.funnel()}")
    if {one.name: (one.kept, one.decided) for one in card.promises} != plain.promises():
        wrong.append(f"{plain.rep.name} promises: {card.promises} and not {plain.promises()}")
    return wrong
