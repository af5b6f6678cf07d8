"""AEs of one team whose deals a test writes one by one, with the lead behind each where one was given."""

from datetime import UTC, date, datetime, timedelta

from apps.leads.models import EventKind, FunnelEvent, HandOff, Lead, LeadStage, Opportunity, Source
from apps.leads.services.record import NewEvent, owned, record_events, sourced
from apps.reps.models import BusinessCalendar, Rep, RepRole, Team


class Sellers:
    """AEs of one team whose deals a test writes one by one."""

    def __init__(self, *tiers: int | None) -> None:
        calendar = BusinessCalendar.objects.create(name="Office")
        self.team = Team.objects.create(name="AEs", calendar=calendar)
        self.reps = [
            Rep.objects.create(
                name=f"AE {number}", team=self.team, role=RepRole.AE, tier=tier, hired_on=date(2025, 1, 1)
            )
            for number, tier in enumerate(tiers, 1)
        ]
        self._made = 0
        self.sdr: Rep | None = None

    def deals(
        self,
        rep: Rep,
        *,
        won: int,
        lost: int = 0,
        amount: int = 100_00,
        days: int = 30,
        on: date = date(2026, 10, 1),
        recorded_at: datetime | None = None,
    ) -> list[FunnelEvent]:
        """So many deals of ``rep`` closed on ``on``, each found alone and opened ``days`` before."""
        closed = datetime(on.year, on.month, on.day, 12, tzinfo=UTC)
        events = []
        for number in range(won + lost):
            self._made += 1
            opportunity = Opportunity.objects.create(
                name=f"Deal {self._made}", owner=rep, opened_at=closed, stage_changed_at=closed
            )
            outcome = EventKind.WON if number < won else EventKind.LOST
            for kind, at in ((EventKind.STAGE_1, closed - timedelta(days=days)), (outcome, closed)):
                events.append(
                    NewEvent(
                        kind=kind,
                        occurred_at=at,
                        source=Source.DEMO,
                        source_key=f"{self._made}:{kind}",
                        opportunity=opportunity,
                        credits=owned(rep),
                        amount_minor=amount,
                        currency="EUR",
                    )
                )
        return record_events(events=events, at=recorded_at or closed)

    def given(
        self,
        rep: Rep,
        *,
        score: str = "A",
        inbound: bool = True,
        won: int,
        lost: int = 0,
        amount: int = 100_00,
        days: int = 30,
        on: date = date(2026, 10, 1),
    ) -> list[FunnelEvent]:
        """So many deals from leads of a kind that an SDR handed to ``rep``."""
        if self.sdr is None:
            self.sdr = Rep.objects.create(
                name="SDR", team=self.team, role=RepRole.ISR, hired_on=date(2025, 1, 1)
            )
        closed = datetime(on.year, on.month, on.day, 12, tzinfo=UTC)
        opened = closed - timedelta(days=days)
        events = []
        for number in range(won + lost):
            self._made += 1
            lead = Lead.objects.create(
                company=f"Company {self._made}",
                stage=LeadStage.SAL,
                score=score,
                is_inbound=inbound,
                created_at=opened,
                team=self.team,
            )
            hand_off = HandOff.objects.create(
                lead=lead,
                sdr=self.sdr,
                ae=rep,
                created_at=opened,
                state=HandOff.State.ACCEPTED,
                decided_at=opened,
            )
            deal = Opportunity.objects.create(
                name=f"Deal {self._made}",
                lead=lead,
                hand_off=hand_off,
                owner=rep,
                opened_at=opened,
                stage_changed_at=opened,
            )
            outcome = EventKind.WON if number < won else EventKind.LOST
            for kind, at in (
                (EventKind.HANDED_OFF, opened),
                (EventKind.STAGE_1, opened),
                (outcome, closed),
            ):
                worth = {} if kind == EventKind.HANDED_OFF else {"amount_minor": amount, "currency": "EUR"}
                events.append(
                    NewEvent(
                        kind=kind,
                        occurred_at=at,
                        source=Source.DEMO,
                        source_key=f"{self._made}:{kind}",
                        lead=lead,
                        hand_off=hand_off,
                        opportunity=None if kind == EventKind.HANDED_OFF else deal,
                        credits=[*sourced(self.sdr), *owned(rep)],
                        recorded_at=at,
                        **worth,
                    )
                )
        return record_events(events=events, at=closed)
