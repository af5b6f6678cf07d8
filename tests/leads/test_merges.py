"""Two leads of one person become one, count once, and can be two again."""

from datetime import timedelta
from typing import Any

import pytest

from apps.leads.models import (
    Channel,
    Disposition,
    EventKind,
    FunnelEvent,
    Lead,
    LeadMerge,
    LeadStage,
    PossibleDuplicate,
    Source,
    Suppression,
)
from apps.leads.selectors import quality
from apps.leads.services import duplicates, hand_offs, intake, merges, queue, suppressions, touches
from apps.slas.models import Clock
from apps.slas.services import policies as slas
from tests.cast import NOW, Cast
from tests.leads.scenes import handed_off

LATER = NOW + timedelta(hours=1)


def arrive(cast: Cast, number: int, **known: Any) -> Lead:
    known = {
        "company": f"Firm {number}",
        "email": f"p{number}@firm{number}.example",
        "source": "Demo request",
    } | known
    owner = known.pop("owner", None)
    return intake.take_in(
        incoming=intake.Incoming(**known),
        team=cast.sdr_team,
        at=NOW + timedelta(minutes=number),
        source=Source.PAGE,
        source_key=f"form:{number}",
        owner=owner,
    )[0]


def merge(survivor: Lead, absorbed: Lead, **more: Any) -> LeadMerge:
    done = merges.merge(survivor=survivor, absorbed=absorbed, why="Same person", at=LATER, **more)
    survivor.refresh_from_db()
    absorbed.refresh_from_db()
    return done


def counts(kind: EventKind) -> int:
    return FunnelEvent.objects.filter(kind=kind).effective().count()


class TestMerge:
    def test_the_survivor_keeps_what_it_has_and_takes_the_rest(self, cast: Cast) -> None:
        rep = cast.rep(cast.sdr)
        survivor = arrive(cast, 1, name="Hanna Vogel", phone="")
        absorbed = arrive(
            cast, 2, name="H. Vogel", phone="+49 30 1234567", employees=420, title="CIO", owner=rep
        )
        merge(survivor, absorbed)
        assert (survivor.name, survivor.phone, survivor.employees) == ("Hanna Vogel", "+49 30 1234567", 420)
        assert (survivor.title, survivor.owner) == ("CIO", rep)
        assert survivor.created_at < absorbed.created_at
        assert (absorbed.merged_into, absorbed.queue_bucket) == (survivor, None)
        assert ["fit", "420 employees"] in [reason[:2] for reason in survivor.score_reasons]

    def test_an_owner_of_the_survivor_stays(self, cast: Cast) -> None:
        survivor = arrive(cast, 1, owner=cast.rep(cast.sdr))
        merge(survivor, arrive(cast, 2, owner=cast.rep(cast.teammate)))
        assert survivor.owner == cast.rep(cast.sdr)

    def test_a_promised_callback_is_not_lost(self, cast: Cast) -> None:
        survivor, absorbed = arrive(cast, 1), arrive(cast, 2)
        callback_at = NOW + timedelta(days=1)
        touches.log_touch(
            lead=absorbed, rep=cast.rep(cast.sdr), channel=Channel.CALL, disposition=Disposition.CALL_BACK,
            at=NOW + timedelta(minutes=5), callback_at=callback_at,
        )  # fmt: skip
        merge(survivor, absorbed)
        assert survivor.callback_at == callback_at

    def test_both_histories_stay_with_their_lead(self, cast: Cast) -> None:
        survivor, absorbed = arrive(cast, 1), arrive(cast, 2)
        touch = touches.log_touch(
            lead=absorbed,
            rep=cast.rep(cast.sdr),
            channel=Channel.EMAIL,
            disposition=Disposition.SENT,
            at=LATER,
        )
        merge(survivor, absorbed)
        touch.refresh_from_db()
        assert touch.lead == absorbed
        assert FunnelEvent.objects.filter(lead=absorbed, kind=EventKind.TOUCHED).effective().exists()

    def test_one_person_counts_once(self, cast: Cast) -> None:
        survivor, absorbed = arrive(cast, 1), arrive(cast, 2)
        assert (counts(EventKind.COLLECTED), counts(EventKind.MQL)) == (2, 2)
        merge(survivor, absorbed)
        assert (counts(EventKind.COLLECTED), counts(EventKind.MQL), counts(EventKind.MERGED)) == (1, 1, 1)
        found = quality.quality(NOW - timedelta(days=1), NOW + timedelta(days=1))
        assert (found.whole.leads, found.whole.mqls) == (1, 1)

    def test_what_only_the_absorbed_one_reached_still_counts(self, cast: Cast) -> None:
        survivor = arrive(cast, 1, source="", is_inbound=False)
        assert survivor.mql_at is None
        absorbed = arrive(cast, 2)
        merge(survivor, absorbed)
        assert (counts(EventKind.COLLECTED), counts(EventKind.MQL)) == (1, 1)
        assert survivor.mql_at == absorbed.mql_at
        assert survivor.stage == LeadStage.MQL

    @pytest.mark.parametrize("opted_out", ["survivor", "absorbed"])
    def test_an_opt_out_of_either_holds_for_both(self, cast: Cast, opted_out: str) -> None:
        survivor, absorbed = arrive(cast, 1), arrive(cast, 2)
        one = {"survivor": survivor, "absorbed": absorbed}[opted_out]
        suppressions.suppress(kind="email", value=one.email, reason="opt_out", at=NOW)
        merge(survivor, absorbed)
        assert survivor.do_not_contact
        assert survivor.queue_bucket is None
        assert queue.claim_next(rep=cast.rep(cast.sdr), at=LATER) is None

    def test_the_absorbed_ones_clock_ends(self, cast: Cast) -> None:
        slas.put_defaults()
        survivor, absorbed = arrive(cast, 1), arrive(cast, 2)
        assert Clock.objects.filter(kind="first_response", state="running").count() == 2
        merge(survivor, absorbed)
        assert Clock.objects.get(state="running").lead == survivor
        assert (absorbed.due_at, survivor.due_at is not None) == (None, True)

    def test_who_comes_by_the_absorbed_ones_address_is_the_survivor(self, cast: Cast) -> None:
        survivor, absorbed = arrive(cast, 1), arrive(cast, 2)
        merge(survivor, absorbed)
        found, is_new = intake.take_in(
            incoming=intake.Incoming(email=absorbed.email), team=cast.sdr_team, at=LATER, source=Source.API,
            source_key="again",
        )  # fmt: skip
        assert (found, is_new) == (survivor, False)

    def test_the_pair_is_settled_and_other_pairs_go_on(self, cast: Cast) -> None:
        survivor, absorbed, third = (arrive(cast, number) for number in (1, 2, 3))
        duplicates.keep_pairs(
            pairs=[(survivor, absorbed, "Same phone number"), (absorbed, third, "x")], at=NOW
        )
        merge(survivor, absorbed, actor=cast.sdr)
        pair = PossibleDuplicate.objects.get(first=survivor, second=absorbed)
        assert (pair.outcome, pair.settled_by) == ("merged", cast.sdr)
        assert PossibleDuplicate.objects.open().filter(first=survivor, second=third).exists()


class TestRefusals:
    def test_a_lead_with_itself(self, cast: Cast) -> None:
        lead = arrive(cast, 1)
        with pytest.raises(merges.UnableToMerge, match="one lead already"):
            merge(lead, lead)

    def test_into_an_absorbed_one_follows_to_its_survivor(self, cast: Cast) -> None:
        survivor, absorbed, third = (arrive(cast, number) for number in (1, 2, 3))
        merge(survivor, absorbed)
        merge(absorbed, third)
        assert third.merged_into == survivor
        with pytest.raises(merges.UnableToMerge, match="one lead already"):
            merge(absorbed, survivor)

    def test_what_was_absorbed_before_comes_along(self, cast: Cast) -> None:
        first, second, third = (arrive(cast, number) for number in (1, 2, 3))
        merge(second, third)
        again = merge(first, second)
        third.refresh_from_db()
        assert third.merged_into == first
        merges.undo_merge(merge=again, at=LATER)
        third.refresh_from_db()
        assert third.merged_into == second

    def test_two_that_are_both_with_an_ae(self, cast: Cast) -> None:
        one, other = handed_off(cast), handed_off(cast, "Corvane Systems", slot=1)
        with pytest.raises(merges.UnableToMerge, match="Both are with an AE"):
            merge(one.lead, other.lead)

    def test_one_that_is_with_an_ae_is_the_one_to_keep(self, cast: Cast) -> None:
        hand_off, lead = handed_off(cast), arrive(cast, 1)
        with pytest.raises(merges.UnableToMerge, match="keep that one"):
            merge(lead, hand_off.lead)
        merge(hand_off.lead, lead)
        accepted = hand_offs.accept_hand_off(hand_off=hand_off, at=LATER, amount_minor=1_00, actor=cast.ae)
        assert accepted.lead is not None
        with pytest.raises(merges.UnableToMerge, match="keep that one"):
            merge(arrive(cast, 4), accepted.lead)

    def test_one_that_is_worked_is_not_lost_in_one_that_is_finished(self, cast: Cast) -> None:
        finished, worked = arrive(cast, 1), arrive(cast, 2)
        touches.log_touch(
            lead=finished,
            rep=cast.rep(cast.sdr),
            channel=Channel.EMAIL,
            disposition=Disposition.NOT_A_FIT,
            at=LATER,
        )
        finished.refresh_from_db()
        with pytest.raises(merges.UnableToMerge, match="still worked"):
            merge(finished, worked)


class TestUndo:
    def test_both_are_as_they_were(self, cast: Cast) -> None:
        slas.put_defaults()
        survivor, absorbed = arrive(cast, 1, phone=""), arrive(cast, 2, phone="+49 30 1234567", employees=420)
        before = [Lead.objects.values().get(pk=lead.pk) for lead in (survivor, absorbed)]
        done = merge(survivor, absorbed)
        merges.undo_merge(merge=done, at=LATER + timedelta(minutes=5), actor=cast.manager)
        after = [Lead.objects.values().get(pk=lead.pk) for lead in (survivor, absorbed)]
        assert after == before
        assert (counts(EventKind.COLLECTED), counts(EventKind.MQL), counts(EventKind.MERGED)) == (2, 2, 0)
        assert Clock.objects.filter(kind="first_response", state="running").count() == 2

    def test_an_opt_out_of_the_other_opens_again(self, cast: Cast) -> None:
        survivor, absorbed = arrive(cast, 1), arrive(cast, 2)
        suppressions.suppress(kind="email", value=absorbed.email, reason="opt_out", at=NOW)
        done = merge(survivor, absorbed)
        merges.undo_merge(merge=done, at=LATER)
        survivor.refresh_from_db()
        absorbed.refresh_from_db()
        assert (survivor.do_not_contact, absorbed.do_not_contact) == (False, True)

    def test_what_somebody_changed_since_stays(self, cast: Cast) -> None:
        survivor, absorbed = arrive(cast, 1), arrive(cast, 2, phone="+49 30 1234567")
        done = merge(survivor, absorbed)
        Lead.objects.filter(pk=survivor.pk).update(phone="+49 30 7654321")
        merges.undo_merge(merge=done, at=LATER)
        survivor.refresh_from_db()
        assert survivor.phone == "+49 30 7654321"

    def test_twice_is_refused(self, cast: Cast) -> None:
        done = merge(arrive(cast, 1), arrive(cast, 2))
        merges.undo_merge(merge=done, at=LATER)
        with pytest.raises(merges.UnableToUndoMerge, match="already"):
            merges.undo_merge(merge=done, at=LATER)

    def test_what_was_built_on_it_forbids_it(self, cast: Cast) -> None:
        survivor, absorbed, third = (arrive(cast, number) for number in (1, 2, 3))
        done = merge(survivor, absorbed)
        merge(third, survivor)
        with pytest.raises(merges.UnableToUndoMerge, match="undo that first"):
            merges.undo_merge(merge=done, at=LATER)

    def test_a_hand_off_since_forbids_it(self, cast: Cast) -> None:
        lead = arrive(cast, 1)
        hand_off = handed_off(cast, at=LATER + timedelta(days=5))
        done = merge(hand_off.lead, lead)
        with pytest.raises(merges.UnableToUndoMerge, match="handed off since"):
            merges.undo_merge(merge=done, at=LATER)

    def test_a_merged_person_can_be_merged_again(self, cast: Cast) -> None:
        survivor, absorbed = arrive(cast, 1), arrive(cast, 2)
        merges.undo_merge(merge=merge(survivor, absorbed), at=LATER)
        merge(survivor, absorbed)
        assert (counts(EventKind.COLLECTED), counts(EventKind.MQL)) == (1, 1)
        assert Suppression.objects.count() == 0
