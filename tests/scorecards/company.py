"""A generated record to compute over: some teams, reversals, split credits, three currencies, late events.

Seeded, so that every run sees the same; made with the record's own services, never by hand.
"""

import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from apps.leads.models import Capacity, EventKind, FunnelEvent, HandOff, Lead, LeadStage, Opportunity, Source
from apps.leads.services.record import Credit, NewEvent, owned, record_events, reverse_event, sourced
from apps.reps.models import BusinessCalendar, Rep, RepRole, Team

FIRST, LAST = date(2026, 6, 1), date(2026, 11, 10)


@dataclass
class Company:
    """Teams and reps by name."""

    aes: list[Rep]
    sdrs: list[Rep]
    ae_team: Team
    sdr_team: Team


def assemble(seed: int = 7, aes: int = 5, sdrs: int = 3, deals: int = 140) -> Company:
    """``aes`` AEs in two teams of two currencies, ``sdrs`` SDRs, ``deals`` deals and what led to them."""
    calendar = BusinessCalendar.objects.create(name=f"Office {seed}")
    ae_team = Team.objects.create(name=f"AEs {seed}", calendar=calendar, currency="EUR")
    other_team = Team.objects.create(name=f"AEs overseas {seed}", calendar=calendar, currency="USD")
    sdr_team = Team.objects.create(name=f"SDRs {seed}", calendar=calendar, currency="EUR")
    ae_reps = [
        Rep.objects.create(
            name=f"AE {number}",
            team=other_team if number == aes - 1 else ae_team,
            role=RepRole.AE,
            tier=2,
            hired_on=date(2025, 1, 1),
        )
        for number in range(aes)
    ]
    sdr_reps = [
        Rep.objects.create(name=f"SDR {number}", team=sdr_team, role=RepRole.ISR, hired_on=date(2025, 1, 1))
        for number in range(sdrs)
    ]
    company = Company(ae_reps, sdr_reps, ae_team, sdr_team)
    fill(company, seed=seed, deals=deals)
    return company


def fill(company: Company, *, seed: int, deals: int) -> None:
    """Write ``deals`` deals of the company's people, with all that led to them, into the record."""
    rng = random.Random(seed)
    events: list[NewEvent] = []
    for number in range(deals):
        events += _deal(rng, company, number)
    record_events(events=events, at=max(event.recorded_at for event in events if event.recorded_at))
    won_or_touched = FunnelEvent.objects.filter(kind__in=(EventKind.WON, EventKind.TOUCHED)).order_by("pk")
    for event in won_or_touched:
        if rng.random() < 0.08:
            at = event.recorded_at + timedelta(days=rng.randint(0, 40))
            reverse_event(event=event, reason="A mistake", at=at)


def _deal(rng: random.Random, company: Company, number: int) -> list[NewEvent]:
    start = datetime(2026, 6, 1, 7, tzinfo=UTC) + timedelta(minutes=rng.randint(0, 150 * 24 * 60))
    ae, sdr = rng.choice(company.aes), rng.choice(company.sdrs)
    lead = Lead.objects.create(
        company=f"Company {number}", stage=LeadStage.MQL, created_at=start, team=company.sdr_team
    )
    events: list[NewEvent] = []
    late = timedelta(days=rng.choice([0, 0, 0, 0, 3, 30]))

    def happen(kind: EventKind, at: datetime, to: list[Credit], **more: object) -> None:
        events.append(
            NewEvent(
                kind=kind,
                occurred_at=at,
                source=Source.DEMO,
                source_key=f"{number}:{kind}:{len(events)}",
                lead=lead,
                credits=to,
                recorded_at=at + late,
                **more,  # type: ignore[arg-type]
            )
        )

    happen(EventKind.COLLECTED, start, sourced(sdr))
    if rng.random() < 0.7:
        happen(EventKind.MQL, start + timedelta(minutes=rng.randint(0, 90)), sourced(sdr))
    at = start + timedelta(minutes=rng.randint(91, 3000))
    for _ in range(rng.randint(1, 4)):
        happen(EventKind.TOUCHED, at, sourced(sdr))
        at += timedelta(hours=rng.randint(1, 60))
    # Drawn apart, so that visits leave the other draws as they are.
    visits = random.Random(f"visits/{number}")
    for hours in sorted((visits.randint(1, 400) for _ in range(visits.choice((0, 0, 1, 3)))), reverse=True):
        credited = sourced(sdr) if visits.random() < 0.7 else []
        data = {"cause": "touch" if credited else visits.choice(("campaign", "unknown"))}
        happen(EventKind.VISITED, at - timedelta(hours=hours), credited, data=data)
    amount, currency = rng.randint(1, 9_000_000), ae.team.currency
    if rng.random() < 0.2:
        currency = "GBP"
    own_find = rng.random() < 0.25
    source = sourced(ae) if own_find and rng.random() < 0.3 else [] if own_find else sourced(sdr)
    owner = owned(ae)
    if rng.random() < 0.2:
        other = rng.choice([rep for rep in company.aes if rep != ae and rep.team_id == ae.team_id] or [ae])
        if other != ae:
            owner = [Credit(ae, Capacity.OWNED, 333_333), Credit(other, Capacity.OWNED, 666_667)]
    opportunity = Opportunity.objects.create(
        name=f"Deal {number}",
        lead=lead,
        owner=ae,
        sourced_by=None if own_find else sdr,
        amount_minor=amount,
        currency=currency,
        opened_at=at,
        stage_changed_at=at,
    )
    worth: dict[str, object] = {"amount_minor": amount, "currency": currency, "opportunity": opportunity}
    if not own_find:
        hand_off = HandOff.objects.create(
            lead=lead, sdr=sdr, ae=ae, created_at=at, state=HandOff.State.ACCEPTED, decided_at=at
        )
        worth["hand_off"] = hand_off
        happen(EventKind.BOOKED, at, [*source, *owner], hand_off=hand_off)
        happen(EventKind.HANDED_OFF, at, [*source, *owner], hand_off=hand_off)
        outcome = rng.choice([EventKind.HELD, EventKind.HELD, EventKind.NO_SHOW])
        happen(outcome, at, [*source, *owner], hand_off=hand_off)
        if rng.random() < 0.25:
            happen(EventKind.REJECTED, at + timedelta(hours=5), [*source, *owner], hand_off=hand_off)
            return events
        happen(EventKind.ACCEPTED, at + timedelta(hours=5), [*source, *owner], **worth)
    happen(EventKind.STAGE_1, at + timedelta(hours=5), [*source, *owner], **worth)
    at += timedelta(days=rng.randint(2, 40), seconds=rng.randint(0, 86_399))
    if rng.random() < 0.8:
        happen(EventKind.STAGE_2, at, [*source, *owner], **worth)
        at += timedelta(days=rng.randint(1, 30))
        happen(rng.choice([EventKind.WON, EventKind.LOST]), at, [*source, *owner], **worth)
    return events
