"""Moments of the funnel that several tests begin from, made by the services that the pages use."""

from datetime import datetime, timedelta

from apps.leads.models import Channel, Disposition, HandOff, Opportunity, OpportunityStage, Source
from apps.leads.services import booking, hand_offs, intake, opportunities, qualifications, touches
from tests.cast import NOW, Cast


def handed_off(
    cast: Cast,
    company: str = "Brightmoor Logistics",
    *,
    at: datetime = NOW,
    slot: int = 0,
    industry: str = "Logistics",
    title: str = "Chief Operating Officer",
    as_exploration: bool = False,
) -> HandOff:
    """A lead of score A, called, qualified on three of four criteria, and booked with the tier-1 AE."""
    sdr = cast.rep(cast.sdr)
    word = company.split()[0].lower()
    lead, _ = intake.take_in(
        incoming=intake.Incoming(
            name="Hanna Vogel",
            title=title,
            email=f"hanna@{word}.example",
            company=company,
            industry=industry,
            employees=420,
            city="Hamburg",
            source="Demo request",
        ),
        team=cast.sdr_team,
        at=at - timedelta(days=2),
        source=Source.PAGE,
        source_key=f"form:{word}",
        owner=sdr,
    )
    touches.log_touch(
        lead=lead,
        rep=sdr,
        channel=Channel.CALL,
        disposition=Disposition.CONNECTED,
        at=at - timedelta(days=1),
        they_asked=True,  # whatever day of the week it was
        actor=cast.sdr,
    )
    answers = {
        "budget": qualifications.Answer("met", "€60,000, approved", "We have up to eighty.", "Hanna Vogel"),
        "authority": qualifications.Answer(
            "met", "She signs to €100,000", "It is my signature.", "Hanna Vogel"
        ),
        "need": qualifications.Answer(
            "met", "Four systems to be one", "The auditor wants it.", "Hanna Vogel"
        ),
        "timeframe": qualifications.Answer("partly", "January, no date fixed"),
    }
    qualifications.qualify(lead=lead, rep=sdr, answers=answers, at=at)
    starts_at = booking.offered_slots(lead=lead, at=at)[slot].starts_at
    return booking.book_meeting(
        lead=lead, sdr=sdr, starts_at=starts_at, at=at, as_exploration=as_exploration, actor=cast.sdr
    )


def opened(cast: Cast, company: str = "Brightmoor Logistics", amount: int | None = 60_000_00) -> Opportunity:
    """An accepted hand-off's opportunity, at stage 1."""
    return hand_offs.accept_hand_off(
        hand_off=handed_off(cast, company), at=NOW + timedelta(hours=1), amount_minor=amount, actor=cast.ae
    )


def won(cast: Cast, company: str = "Brightmoor Logistics") -> Opportunity:
    """The same, won nine days later."""
    opportunity = opened(cast, company)
    for days, stage in ((3, OpportunityStage.STAGE_2), (9, OpportunityStage.WON)):
        opportunity = opportunities.move_opportunity(
            opportunity=opportunity, stage=stage, at=NOW + timedelta(days=days), actor=cast.ae
        )
    return opportunity
