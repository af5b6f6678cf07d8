"""What a statement was computed from, as plain values: the inputs of a proof pack.

Everything is as of the instant that the run counted by. Of other people only what the rep's own lines tell is taken:
events that count for the rep with shares added up, never whose they are. Facts of leads, teams and quotas have no
past here; where plans or quotas are others by now, ``notes_of`` says so.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django.db.models import Q, Sum

from apps.compensation.models import ExchangeRate, LedgerEntry, PayoutRun, PlanVersion, Statement
from apps.compensation.rules.conversion import KEY as CONVERSION
from apps.compensation.rules.draws import KEY as DRAW
from apps.compensation.rules.events import WHOLE_SHARE
from apps.compensation.rules.terms import Component
from apps.compensation.rules.vocabulary import Scope
from apps.compensation.selectors.budgets import Budgets
from apps.compensation.selectors.circles import Circles
from apps.compensation.selectors.credits import Credited, Wanted, credited_events
from apps.compensation.selectors.inputs import PeriodInputs, PlanShelf, Segment, load_inputs
from apps.compensation.selectors.releases import Releases
from apps.core.periods import Period, year_of
from apps.reps.models import Quota

Rows = list[dict[str, Any]]
_MOVED_BY_HAND = "inquiry:"
_LINE = (
    "pk", "rep_id", "component_key", "starts_on", "ends_on", "source_key", "sequence", "kind", "amount_minor",
    "earned_minor", "currency", "base_minor", "share", "place", "band", "rate", "exact", "formula", "cause",
    "cause_event_id", "event_id", "plan_version_id", "conversion",
)  # fmt: skip
_PRIOR = (
    "pk", "component_key", "starts_on", "ends_on", "source_key", "sequence", "amount_minor", "base_minor", "event_id",
    "plan_version_id", "conversion",
)  # fmt: skip
_RATES_BEFORE = timedelta(days=93)
_SHARED_BUDGET = (
    "What others used of a SPIFF’s budget is taken as the pack says it (inputs/budgets.json), since their pay "
    "is not in it."
)
_CHANGED = (
    "A plan, an assignment or a quota was changed after this statement was computed. The pack has them as they "
    "are now, so lines may differ; the difference is posted by a later run."
)


@dataclass
class ProofInputs:
    """The inputs of one statement. Each part is read once, by a few queries however many lines there are."""

    statement: Statement
    shelf: PlanShelf = field(default_factory=PlanShelf)
    circles: Circles = field(default_factory=Circles)

    def __post_init__(self) -> None:
        self.run: PayoutRun = self.statement.run
        self.rep_id = self.statement.rep_id
        self.as_of = self.run.as_of or self.run.created_at
        closed = PayoutRun.objects.closed().filter(locked_at__lte=self.as_of)
        self.horizon: date = max([self.run.ends_on, *closed.order_by().values_list("ends_on", flat=True)])
        self._inputs: dict[Period, PeriodInputs] = {
            period: load_inputs(period, rep_ids=[self.rep_id], shelf=self.shelf) for period in self._periods()
        }
        self.components: list[Component] = [
            component for segment in self._segments() for component in segment.plan.components
        ]

    def _periods(self) -> list[Period]:
        """The run's own, and the earlier ones that it corrected by the rules."""
        rows = LedgerEntry.objects.filter(statement=self.statement).exclude(
            Q(component_key=CONVERSION) | Q(source_key__startswith=_MOVED_BY_HAND)
        )
        found = {Period(*days) for days in rows.order_by().values_list("starts_on", "ends_on").distinct()}
        return sorted(found | {self.run.period})

    def _segments(self) -> list[Segment]:
        return [segment for inputs in self._inputs.values() for segment in inputs.of(self.rep_id)]

    # --- The statement and its lines --------------------------------------------------------------

    def head(self) -> dict[str, Any]:
        """The statement itself: whose, of what, its sums and its hash."""
        one, run = self.statement, self.run
        return {
            "id": one.pk,
            "run": run.code,
            "state": run.state,
            "starts_on": run.starts_on,
            "ends_on": run.ends_on,
            "as_of": self.as_of,
            "rep": {"id": self.rep_id, "name": one.rep.name},
            "ramp_ends_on": one.rep.ramp_ends_on,
            "currency": one.currency,
            "earned_minor": one.earned_minor,
            "adjustments_minor": one.adjustments_minor,
            "payable_minor": one.payable_minor,
            "digest": one.digest,
            "fingerprint": run.fingerprint,
            "horizon": self.horizon,
            "turned": self._turned(),
        }

    def _turned(self) -> dict[str, int]:
        """By currency, what the run pays the rep in other currencies before it is turned into this one."""
        rows = (
            LedgerEntry.objects.filter(run=self.run, rep=self.rep_id)
            .exclude(currency=self.statement.currency)
            .exclude(component_key=CONVERSION, starts_on=self.run.starts_on, ends_on=self.run.ends_on)
        )
        return dict(rows.order_by().values_list("currency").annotate(Sum("amount_minor")))

    def lines(self) -> Rows:
        """Every line of the statement as posted, with its products."""
        rows = LedgerEntry.objects.filter(statement=self.statement).order_by("pk")
        return [_named(row) for row in rows.values(*_LINE, "terms").iterator(chunk_size=5_000)]

    def prior_lines(self) -> Rows:
        """What was posted before in the periods that were looked at again, of draws, and of held pay."""
        earlier = LedgerEntry.objects.filter(
            rep=self.rep_id, currency=self.statement.currency, posted_at__lte=self.as_of
        ).exclude(run=self.run)
        of_periods = Q()
        days = LedgerEntry.objects.filter(statement=self.statement).order_by()
        for starts_on, ends_on in days.values_list("starts_on", "ends_on").distinct():
            of_periods |= Q(starts_on=starts_on, ends_on=ends_on)
        if not of_periods:
            of_periods = Q(pk__in=[])
        needed = of_periods | Q(component_key=DRAW) | Q(source_key__startswith="holdback:")
        return [_named(row) for row in earlier.filter(needed).order_by("pk").values(*_PRIOR)]

    # --- Plans and quotas -------------------------------------------------------------------------

    def periods(self) -> Rows:
        """For each period the days on plans, and who shares a pool, by days and without names."""
        found = []
        for period, inputs in self._inputs.items():
            segments = inputs.of(self.rep_id)
            found.append(
                {
                    "starts_on": period.start,
                    "ends_on": period.end,
                    "segments": [
                        {
                            "version": one.version_id,
                            "starts_on": one.days.start,
                            "ends_on": one.days.end,
                            "assigned_from": one.assigned.start,
                            "assigned_to": one.assigned.end,
                        }
                        for one in segments
                    ],
                    "pools": [self._pool(one, period) for one in segments if _pooled(one)],
                }
            )
        return found

    def _pool(self, segment: Segment, period: Period) -> dict[str, Any]:
        members = self.circles.pool(self.rep_id, segment.plan_id, period)
        return {
            "version": segment.version_id,
            "days": [days for _, days in members],
            "own": [rep_id for rep_id, _ in members].index(self.rep_id),
        }

    def plans(self, prior: Iterable[dict[str, Any]]) -> Rows:
        """The plan files, word for word: of these periods, and those under which something is still held back."""
        ids = {one.version_id for one in self._segments()}
        ids |= {row["plan_version_id"] for row in prior if row["source_key"].startswith("holdback:")}
        versions = PlanVersion.objects.filter(pk__in=ids).select_related("plan").order_by("pk")
        return [
            {
                "version": one.pk,
                "plan": one.plan.name,
                "number": one.number,
                "fingerprint": one.fingerprint,
                "document": one.document,
            }
            for one in versions
        ]

    def quotas(self) -> Rows:
        """The quotas of the rep and of the team that touch the years of the periods."""
        asked = [one.quota for one in self.components if one.quota]
        if not asked:
            return []
        periods = list(self._inputs)
        start, end = year_of(periods[0].start).start, year_of(max(one.last_day for one in periods)).end
        whose = Q(rep=self.rep_id) | Q(team=self.statement.rep.team_id)
        rows = Quota.objects.filter(whose, starts_on__lt=end, ends_on__gt=start).order_by("pk")
        return [
            {
                "of": "rep" if one.rep_id else "team",
                "measure": one.measure,
                "currency": one.currency,
                "starts_on": one.starts_on,
                "ends_on": one.ends_on,
                "target": one.target_minor if one.target_minor is not None else one.target_count or 0,
            }
            for one in rows
            if any(one.measure == rule.measure for rule in asked)
        ]

    def notes(self) -> list[str]:
        """What the reader must know: plans or quotas that are others by now than they were."""
        now = self._inputs[self.run.period].basis(self.rep_id)
        found = [] if now == self.statement.basis else [_CHANGED]
        if any(one.bonus and one.bonus.budget_minor is not None for one in self.components):
            found.append(_SHARED_BUDGET)
        return found

    # --- Events -----------------------------------------------------------------------------------

    def events(self) -> tuple[Rows, Rows, Rows]:
        """Events, payments and credits that count for the rep. Two queries, four with teams or pools."""
        if not self.components:
            return [], [], []
        scopes = {component.scope for component in self.components} | {Scope.OWN}
        circles = {scope: self.circles.of(self.rep_id, scope) for scope in scopes}
        everybody = {rep_id for rep_ids in circles.values() for rep_id in rep_ids}
        credited = credited_events(
            period=self._reach(), as_of=self.as_of, wanted=Wanted.by(self.components), rep_ids=everybody
        )
        facts: dict[str, dict[str, Any]] = {}
        shares_of: Rows = []
        for scope in sorted(scopes):
            kinds = {one.measure.event for one in self.components if one.scope is scope}
            shares: dict[tuple[str, str], int] = {}
            for rep_id in circles[scope]:
                for at, event in credited.get(rep_id, ()):
                    if event.kind in kinds:
                        key = (event.source_key, event.capacity)
                        shares[key] = min(shares.get(key, 0) + event.share, WHOLE_SHARE)
                        facts.setdefault(event.source_key, _facts((at, event)))
            shares_of += [
                {"circle": scope.value, "source": source, "capacity": capacity, "share": share}
                for (source, capacity), share in shares.items()
            ]
        rows = sorted(facts.values(), key=lambda one: (one["at"], one["event"], one["source"]))
        return (
            [row for row in rows if row["kind"] != "paid"],
            [row for row in rows if row["kind"] == "paid"],
            shares_of,
        )

    def _reach(self) -> Period:
        """All days whose events count for one of the periods."""
        start, end = min(one.start for one in self._inputs), max(one.end for one in self._inputs)
        for segment in self._segments():
            for component in segment.plan.components:
                for span in segment.spans(component, self.horizon):
                    start, end = min(start, span.counted.start), max(end, span.counted.end)
        return Period(start, end)

    def deals(self, events: Rows, prior: Rows) -> dict[str, Rows]:
        """By event of which something is held back, the first day of all that happened to its deal."""
        held = {row["event_id"] for row in prior if row["source_key"].startswith("holdback:")} - {None}
        if any(component.holdback for component in self.components):
            held |= {row["event"] for row in events}
        if not held:
            return {}
        whole = Period(min(one.start for one in self._inputs), max(one.end for one in self._inputs))
        facts = Releases(whole, [self.rep_id], self.as_of, self.shelf).facts_of(sorted(held))
        return {
            str(event_id): [
                {"what": what, "label": label, "on": on} for (what, label), on in sorted(first.items())
            ]
            for event_id, first in sorted(facts.items())
        }

    def budgets(self) -> Rows:
        """What a SPIFF's budget had left before each event of the rep. Who used the rest up is not told."""
        budgets = Budgets(self.as_of, self.horizon)
        found: dict[tuple[str, str], dict[str, Any]] = {}
        for segment in self._segments():
            for component in segment.plan.components:
                left = component.bonus.budget_minor if component.bonus else None
                if left is None:
                    continue
                # In the order in which they were granted.
                for (rep_id, source), granted in budgets.granted(segment, component).items():
                    if rep_id == self.rep_id:
                        row = {"component": component.key, "source": source, "left_minor": left}
                        found[component.key, source] = row
                    left -= granted
        return [found[key] for key in sorted(found)]

    # --- Rates ------------------------------------------------------------------------------------

    def rates(self, events: Rows) -> Rows:
        """The exchange rates that may be asked for."""
        own = self.statement.currency
        used = {event["currency"] for event in events} | set(self._turned()) | {own, ""}
        used |= {segment.plan.currency for segment in self._segments()}
        if used <= {own, ""}:
            return []
        reach = self._reach()
        rows = ExchangeRate.objects.filter(
            from_currency__in=used,
            to_currency__in=used,
            recorded_at__lte=self.as_of,
            on__gte=reach.start - _RATES_BEFORE,
            on__lt=reach.end + _RATES_BEFORE,
        ).order_by("on", "from_currency", "to_currency", "number")
        return [
            {
                "from": one.from_currency,
                "to": one.to_currency,
                "on": one.on,
                "number": one.number,
                "rate": str(one.rate),
                "source": one.source,
            }
            for one in rows
        ]


def _pooled(segment: Segment) -> bool:
    return any(component.scope is Scope.TEAM_POOL for component in segment.plan.components)


def _named(row: dict[str, Any]) -> dict[str, Any]:
    row["id"] = row.pop("pk")
    return row


def _facts(credited: Credited) -> dict[str, Any]:
    """An event as pay sees it: nothing of whose it is."""
    at, event = credited
    return {
        "source": event.source_key,
        "event": event.event_id,
        "kind": event.kind,
        "at": at.isoformat(timespec="microseconds"),
        "on": event.on,
        "amount_minor": event.amount_minor,
        "currency": event.currency,
        "exploration": event.is_exploration,
        "no_show": event.is_no_show,
        "ended_after": event.ended.days if event.ended else None,
        "figures": {name: str(value) for name, value in sorted((event.figures or {}).items())},
        "facts": dict(sorted((event.facts or {}).items())),
    }
