"""One lead from arrival to a won deal, and what the record says of it."""

from datetime import timedelta

import pytest

from apps.leads.models import (
    Channel,
    Disposition,
    EventKind,
    FunnelEvent,
    LeadStage,
    OpportunityStage,
    Source,
)
from apps.leads.services import booking, hand_offs, intake, opportunities, qualifications, queue, touches
from tests.cast import NOW, Cast


def test_a_lead_walks_from_arrival_to_a_won_deal(cast: Cast) -> None:
    sdr, ae = cast.rep(cast.sdr), cast.rep(cast.ae)
    lead, is_new = intake.take_in(
        incoming=intake.Incoming(
            name="Hanna Vogel",
            title="Chief Operating Officer",
            email="hanna@brightmoor.example",
            company="Brightmoor Logistics",
            industry="Logistics",
            employees=420,
            source="Demo request",
        ),
        team=cast.sdr_team,
        at=NOW,
        source=Source.PAGE,
        source_key="form:1",
    )
    assert is_new
    assert lead.stage == LeadStage.MQL
    assert lead.score == "A"

    claimed = queue.claim_next(rep=sdr, at=NOW)
    assert claimed is not None
    assert claimed.pk == lead.pk
    assert queue.claim_next(rep=cast.rep(cast.teammate), at=NOW) is None

    touches.log_touch(
        lead=lead, rep=sdr, channel=Channel.CALL, disposition=Disposition.CONNECTED, at=NOW, actor=cast.sdr
    )
    answers = {
        key: qualifications.Answer("met", "Said so", "On the call", "Hanna Vogel")
        for key in ("budget", "authority", "need")
    } | {"timeframe": qualifications.Answer("partly")}
    qualification = qualifications.qualify(lead=lead, rep=sdr, answers=answers, at=NOW)
    assert qualification.meets_definition

    slot = booking.offered_slots(lead=lead, at=NOW)[0]
    hand_off = booking.book_meeting(lead=lead, sdr=sdr, starts_at=slot.starts_at, at=NOW, actor=cast.sdr)
    assert hand_off.ae == ae, "score A is tier 1, so the tier-1 AE is asked first"
    assert [one["outcome"] for one in hand_off.routing["considered"]] == ["taken", "not_needed"]

    opportunity = hand_offs.accept_hand_off(
        hand_off=hand_off, at=NOW + timedelta(hours=1), amount_minor=60_000_00, actor=cast.ae
    )
    with pytest.raises(hand_offs.UnableToDecide, match="accepted already"):
        hand_offs.reject_hand_off(
            hand_off=hand_off, criterion="need", reason="wrong_person", comment="", at=NOW, actor=cast.ae
        )
    for stage in (OpportunityStage.STAGE_2, OpportunityStage.WON):
        opportunities.move_opportunity(opportunity=opportunity, stage=stage, at=NOW + timedelta(days=9))

    kinds = list(FunnelEvent.objects.order_by("pk").values_list("kind", flat=True))
    assert kinds == [
        EventKind.COLLECTED,
        EventKind.MQL,
        EventKind.TOUCHED,
        EventKind.QUALIFIED,
        EventKind.BOOKED,
        EventKind.HANDED_OFF,
        EventKind.ACCEPTED,
        EventKind.STAGE_1,
        EventKind.STAGE_2,
        EventKind.WON,
    ]
    won = FunnelEvent.objects.get(kind=EventKind.WON)
    assert won.amount_minor == 60_000_00
    assert {(c.rep_id, c.capacity) for c in won.credits.all()} == {(sdr.pk, "sourced"), (ae.pk, "owned")}

    opportunities.take_win_back(
        opportunity=opportunity, reason="Contract cancelled", at=NOW + timedelta(days=20)
    )
    assert not FunnelEvent.objects.filter(kind=EventKind.WON).effective().exists()
    assert FunnelEvent.objects.filter(kind=EventKind.WON).effective(as_of=NOW + timedelta(days=10)).exists()
