"""Every metric computed again in plain Python, event by event, apart from the code under test.

Slow and obvious on purpose: it reads all events, drops what was taken back, and adds up fractions.
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from django.conf import settings

from apps.compensation.models import CreditSplitPart
from apps.core.periods import Period
from apps.leads.models import FunnelEvent
from apps.reps.models import Rep


class PlainRecord:
    """The record as was known at ``as_of``."""

    def __init__(self, as_of: datetime | None = None) -> None:
        self.as_of = as_of
        known = [
            event
            for event in FunnelEvent.objects.prefetch_related("credits").order_by("occurred_at", "pk")
            if as_of is None or event.recorded_at <= as_of
        ]
        taken_back = {event.reverses_id for event in known if event.reverses_id}
        self.events = [event for event in known if event.kind != "reversed" and event.pk not in taken_back]
        self.of_lead: dict[int | None, list[FunnelEvent]] = {}
        for event in self.events:
            self.of_lead.setdefault(event.lead_id, []).append(event)
        self.recorded = {
            (event.pk, credit.capacity, credit.rep_id): credit.share
            for event in self.events
            for credit in event.credits.all()
        }
        # Approved splits, the newest last, take the place of what was recorded.
        self.shares = dict(self.recorded)
        for part in CreditSplitPart.objects.select_related("split__decision").order_by("split__number", "pk"):
            decision = getattr(part.split, "decision", None)
            if decision and decision.verdict == "approved" and (as_of is None or decision.at <= as_of):
                self.shares[part.event_id, part.capacity, part.rep_id] = part.share
        self.credited: dict[int, list[tuple[str, int]]] = {}
        for event_id, capacity, rep_id in self.shares:
            self.credited.setdefault(event_id, []).append((capacity, rep_id))
        zone = ZoneInfo(settings.COMPANY_TIME_ZONE)
        self.of_kind: dict[str, list[tuple[FunnelEvent, date]]] = {}
        for event in self.events:
            day = event.occurred_at.astimezone(zone).date()
            self.of_kind.setdefault(event.kind, []).append((event, day))

    def of(
        self, rep: Rep, period: Period, kind: str, capacity: str, *, as_recorded: bool = False
    ) -> list[tuple[FunnelEvent, Fraction]]:
        shares = self.recorded if as_recorded else self.shares
        return [
            (event, Fraction(share, 1_000_000))
            for event, day in self.of_kind.get(kind, ())
            if period.start <= day < period.end and (share := shares.get((event.pk, capacity, rep.pk), 0))
        ]

    def count(self, rep: Rep, period: Period, kind: str, capacity: str) -> Fraction:
        return sum((share for _, share in self.of(rep, period, kind, capacity)), Fraction(0))

    def money(self, rep: Rep, period: Period, kind: str, capacity: str) -> Fraction:
        return sum(
            (
                event.amount_minor * share
                for event, share in self.of(rep, period, kind, capacity)
                if event.amount_minor is not None and event.currency == rep.team.currency
            ),
            Fraction(0),
        )

    def rate(self, rep: Rep, period: Period, capacity: str, top: str, *bottom: str) -> Fraction | None:
        whole = sum((self.count(rep, period, kind, capacity) for kind in bottom), Fraction(0))
        return self.count(rep, period, top, capacity) / whole if whole else None

    def value(self, key: str, rep: Rep, period: Period) -> Fraction | None:
        """The metric ``key`` by its definition in docs/metrics.md."""
        return self._plainly()[key](rep, period)

    def _plainly(self) -> dict[str, Callable[[Rep, Period], Fraction | None]]:
        return {
            "revenue_won": lambda rep, period: self.money(rep, period, "won", "owned"),
            "deals_won": lambda rep, period: self.count(rep, period, "won", "owned"),
            "win_rate": lambda rep, period: self.rate(rep, period, "owned", "won", "won", "lost"),
            "average_deal": self._average_deal,
            "sales_cycle": self._sales_cycle,
            "self_sourced_pipeline": self._self_sourced,
            "opportunities_opened": lambda rep, period: self.count(rep, period, "stage_1", "owned"),
            "pipeline": lambda rep, period: self.money(rep, period, "stage_2", "owned"),
            "leads_handed_off": lambda rep, period: self.count(rep, period, "handed_off", "sourced"),
            "meetings_held": lambda rep, period: self.count(rep, period, "held", "sourced"),
            "opportunities_sourced": lambda rep, period: self.count(rep, period, "stage_2", "sourced"),
            "pipeline_sourced": lambda rep, period: self.money(rep, period, "stage_2", "sourced"),
            "deals_won_sourced": lambda rep, period: self.count(rep, period, "won", "sourced"),
            "hand_offs_accepted": lambda rep, period: self.count(rep, period, "accepted", "owned"),
            "hand_offs_rejected": lambda rep, period: self.count(rep, period, "rejected", "owned"),
            "hand_off_acceptance_rate": lambda rep, period: self.rate(
                rep, period, "owned", "accepted", "accepted", "rejected"
            ),
            "touches": lambda rep, period: self.count(rep, period, "touched", "sourced"),
            "visits_caused": lambda rep, period: self.count(rep, period, "visited", "sourced"),
            "conversions_caused": self._conversions,
            "leads_worked": lambda rep, period: Fraction(
                len({event.lead_id for event, _ in self.of(rep, period, "touched", "sourced")})
            ),
            "meetings_booked": lambda rep, period: self.count(rep, period, "booked", "sourced"),
            "meetings_accepted": lambda rep, period: self.count(rep, period, "accepted", "sourced"),
            "acceptance_rate": lambda rep, period: self.rate(
                rep, period, "sourced", "accepted", "accepted", "rejected"
            ),
            "no_show_rate": lambda rep, period: self.rate(
                rep, period, "sourced", "no_show", "no_show", "held"
            ),
            "accepted_amount": lambda rep, period: self.money(rep, period, "accepted", "sourced"),
            "won_amount_sourced": lambda rep, period: self.money(rep, period, "won", "sourced"),
            "first_touch_minutes": self._first_touch,
        }

    def _average_deal(self, rep: Rep, period: Period) -> Fraction | None:
        wins = [
            (event.amount_minor * share, share)
            for event, share in self.of(rep, period, "won", "owned")
            if event.currency == rep.team.currency
        ]
        amount = sum((amount for amount, _ in wins), Fraction(0))
        return amount / sum((share for _, share in wins), Fraction(0)) if wins else None

    def _sales_cycle(self, rep: Rep, period: Period) -> Fraction | None:
        days, shares = Fraction(0), Fraction(0)
        for event, share in self.of(rep, period, "won", "owned"):
            opened = [
                other.occurred_at
                for other in self.of_lead[event.lead_id]
                if other.kind == "stage_1" and other.opportunity_id == event.opportunity_id
            ]
            if opened:
                days += Fraction(int((event.occurred_at - min(opened)).total_seconds()), 86_400) * share
                shares += share
        return days / shares if shares else None

    def _self_sourced(self, rep: Rep, period: Period) -> Fraction:
        total = Fraction(0)
        for event, share in self.of(rep, period, "stage_1", "owned"):
            finders = {
                rep_id
                for capacity, rep_id in self.credited[event.pk]
                if capacity == "sourced" and self.shares[event.pk, capacity, rep_id]
            }
            if finders <= {rep.pk} and event.currency == rep.team.currency:
                total += event.amount_minor * share
        return total

    def _first_touch(self, rep: Rep, period: Period) -> Fraction | None:
        minutes = []
        for event, _ in self.of(rep, period, "touched", "sourced"):
            of_lead = self.of_lead[event.lead_id]
            if next(other for other in of_lead if other.kind == "touched").pk != event.pk:
                continue
            before = [other for other in of_lead if other.occurred_at <= event.occurred_at]
            arrived = [other for other in before if other.kind == "mql"] or [
                other for other in before if other.kind == "collected"
            ]
            if arrived:
                seconds = int((event.occurred_at - arrived[0].occurred_at).total_seconds())
                minutes.append(Fraction(seconds, 60))
        minutes.sort()
        if not minutes:
            return None
        half = len(minutes) // 2
        return minutes[half] if len(minutes) % 2 else (minutes[half - 1] + minutes[half]) / 2

    def _conversions(self, rep: Rep, period: Period) -> Fraction:
        zone = ZoneInfo(settings.COMPANY_TIME_ZONE)
        count = 0
        for events in self.of_lead.values():
            last_visit = None
            for event in sorted(events, key=lambda one: (one.occurred_at, one.kind != "visited", one.pk)):
                if event.kind == "visited" and event.data["cause"] != "unknown":
                    last_visit = event
                if event.kind in ("qualified", "booked"):
                    if (
                        last_visit is not None
                        and event.occurred_at - last_visit.occurred_at <= timedelta(days=30)
                        and event.occurred_at.astimezone(zone).date() in period
                    ):
                        count += any(credit.rep_id == rep.pk for credit in last_visit.credits.all())
                    last_visit = None
        return Fraction(count)
