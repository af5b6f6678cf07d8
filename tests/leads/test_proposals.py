"""What the portal proposes after the agreed touches, and what the SDR answers."""

import threading
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connections

from apps.audit.models import AuditEntry
from apps.leads.models import EventKind, FollowUpPolicy, FunnelEvent, Lead, LeadStage, Touch
from apps.leads.rules.dispositions import Rules, RulesInvalid
from apps.leads.services import follow_up, proposals, queue, suppressions, touches
from tests.cast import NOW, Cast, assemble
from tests.leads.test_enrolments import DAY, HOUR, enrolled, log, own

MINUTE = timedelta(minutes=1)


def proposed(cast: Cast, number: int = 1, disposition: str = "sent") -> Lead:
    """A lead whose ninth touch without contact was made at ``NOW``."""
    lead = own(cast, number)
    Lead.objects.filter(pk=lead.pk).update(touch_count=8, attempts=8, first_touch_at=NOW - DAY)
    log(cast, lead, "email", disposition)
    lead.refresh_from_db()
    return lead


def effective(lead: Lead) -> list[str]:
    events = FunnelEvent.objects.filter(lead=lead).effective().exclude(kind__in=("collected", "mql"))
    return list(events.order_by("pk").values_list("kind", flat=True))


class TestProposal:
    def test_keeps_the_lead_in_the_queue_for_an_answer(self, cast: Cast) -> None:
        lead = proposed(cast)
        assert (lead.proposal, lead.stage) == ("recycle", LeadStage.WORKING)
        assert Lead.objects.queued(NOW).get() == lead
        assert effective(lead) == [EventKind.TOUCHED]

    def test_bad_data_is_proposed_to_end(self, cast: Cast) -> None:
        assert proposed(cast, disposition="bad_contact").proposal == "disqualify"

    def test_a_talk_takes_it_away_and_counts_anew(self, cast: Cast) -> None:
        lead = proposed(cast)
        log(cast, lead, "email", "connected", NOW + HOUR)
        lead.refresh_from_db()
        assert (lead.proposal, lead.attempts, lead.touch_count) == ("", 0, 10)


class TestAccept:
    def test_recycles_on_record_with_the_reason_and_the_date(self, cast: Cast) -> None:
        lead = proposals.accept(lead=proposed(cast), rep=cast.rep(cast.sdr), at=NOW + MINUTE, actor=cast.sdr)
        lead.refresh_from_db()
        assert (lead.stage, lead.stage_reason) == (LeadStage.RECYCLED, "No contact after 9 touches")
        assert (lead.reentry_on, lead.proposal, lead.attempts) == (date(2027, 2, 10), "", 0)
        event = FunnelEvent.objects.get(kind=EventKind.RECYCLED)
        assert event.data["reason"] == "No contact after 9 touches"
        assert event.credits.get().rep == cast.rep(cast.sdr)
        assert AuditEntry.objects.filter(verb="leads.proposal.accepted").count() == 1
        assert not Lead.objects.queued(NOW + DAY).exists()

    def test_disqualifies_where_that_was_proposed(self, cast: Cast) -> None:
        lead = proposed(cast, disposition="bad_contact")
        proposals.accept(lead=lead, rep=cast.rep(cast.sdr), at=NOW + MINUTE, actor=cast.sdr)
        lead.refresh_from_db()
        assert (lead.stage, lead.queue_bucket) == (LeadStage.DISQUALIFIED, None)

    def test_ends_the_cadence(self, cast: Cast) -> None:
        lead = own(cast)
        enrolment = enrolled(cast, lead)
        Lead.objects.filter(pk=lead.pk).update(attempts=8, touch_count=8)
        log(cast, lead, "email", "sent")
        lead.refresh_from_db()
        assert (lead.proposal, lead.next_touch_at) == ("recycle", NOW)
        proposals.accept(lead=lead, rep=cast.rep(cast.sdr), at=NOW + MINUTE, actor=cast.sdr)
        enrolment.refresh_from_db()
        assert (enrolment.state, enrolment.reason) == ("removed", "No contact after 9 touches")

    def test_a_second_click_and_another_rep_are_refused(self, cast: Cast) -> None:
        lead = proposed(cast)
        with pytest.raises(queue.AnothersLead):
            proposals.accept(lead=lead, rep=cast.rep(cast.teammate), at=NOW + MINUTE)
        proposals.accept(lead=lead, rep=cast.rep(cast.sdr), at=NOW + MINUTE)
        for verb in (proposals.accept, proposals.decline):
            with pytest.raises(proposals.NothingProposed):
                verb(lead=lead, rep=cast.rep(cast.sdr), at=NOW + 2 * MINUTE)
        assert FunnelEvent.objects.filter(kind=EventKind.RECYCLED).count() == 1


class TestDecline:
    def test_goes_on_tomorrow_and_proposes_again_after_three_more(self, cast: Cast) -> None:
        lead = proposed(cast)
        proposals.decline(lead=lead, rep=cast.rep(cast.sdr), at=NOW + MINUTE, actor=cast.sdr)
        lead.refresh_from_db()
        assert (lead.proposal, lead.stage, lead.next_touch_at) == ("", LeadStage.WORKING, NOW + MINUTE + DAY)
        for hours, expected in ((1, ""), (2, ""), (3, "recycle")):
            log(cast, lead, "email", "sent", NOW + hours * HOUR)
            lead.refresh_from_db()
            assert lead.proposal == expected
        assert lead.attempts == 12

    def test_goes_on_with_the_cadence_where_it_is_in_one(self, cast: Cast) -> None:
        lead = own(cast)
        enrolment = enrolled(cast, lead)
        Lead.objects.filter(pk=lead.pk).update(attempts=8, touch_count=8)
        log(cast, lead, "email", "sent")
        proposals.decline(lead=lead, rep=cast.rep(cast.sdr), at=NOW + MINUTE, actor=cast.sdr)
        lead.refresh_from_db()
        enrolment.refresh_from_db()
        assert (lead.next_touch_at, lead.next_channel) == (enrolment.due_at, "call")


class TestUndo:
    def test_brings_the_proposal_back(self, cast: Cast) -> None:
        lead, rep = proposed(cast), cast.rep(cast.sdr)
        before = Lead.objects.values().get(pk=lead.pk)
        proposals.accept(lead=lead, rep=rep, at=NOW + MINUTE, actor=cast.sdr)
        proposals.undo_accept(lead=lead, rep=rep, at=NOW + 2 * MINUTE, actor=cast.sdr)
        assert Lead.objects.values().get(pk=lead.pk) == before
        assert effective(lead) == [EventKind.TOUCHED]
        proposals.accept(lead=lead, rep=rep, at=NOW + 3 * MINUTE, actor=cast.sdr)
        assert effective(lead) == [EventKind.TOUCHED, EventKind.RECYCLED]

    def test_is_refused_late_by_another_and_after_an_opt_out(self, cast: Cast) -> None:
        lead, rep = proposed(cast), cast.rep(cast.sdr)
        with pytest.raises(proposals.UnableToUndo, match="no decision"):
            proposals.undo_accept(lead=lead, rep=rep, at=NOW)
        proposals.accept(lead=lead, rep=rep, at=NOW + MINUTE)
        with pytest.raises(proposals.UnableToUndo, match="no decision of yours"):
            proposals.undo_accept(lead=lead, rep=cast.rep(cast.teammate), at=NOW + 2 * MINUTE)
        with pytest.raises(proposals.UnableToUndo, match="ten minutes"):
            proposals.undo_accept(lead=lead, rep=rep, at=NOW + 12 * MINUTE)
        suppressions.suppress(
            kind="email", value=lead.email, reason="legal", at=NOW + 2 * MINUTE, actor=cast.revops
        )
        with pytest.raises(proposals.UnableToUndo, match="Something happened"):
            proposals.undo_accept(lead=lead, rep=rep, at=NOW + 3 * MINUTE)

    def test_the_touch_behind_a_decision_is_not_undone_before_it(self, cast: Cast) -> None:
        lead, rep = proposed(cast), cast.rep(cast.sdr)
        proposals.accept(lead=lead, rep=rep, at=NOW + MINUTE)
        with pytest.raises(touches.UnableToUndo, match="Something happened"):
            touches.undo_touch(touch=Touch.objects.get(), rep=rep, at=NOW + 2 * MINUTE)


class TestPolicy:
    ROWS: list[dict[str, Any]] = [
        {"act": "propose", "proposal": "disqualify", "wait_days": 1, "channel": "call", "reason": "Enough"},
        {"act": "retry", "wait_hours": 6, "channel": "social"},
    ]

    def _publish(self, cast: Cast, **change: Any) -> FollowUpPolicy:
        given = {"rules": self.ROWS, "agreed_touches": 12, "recycle_days": 30} | change
        return follow_up.publish(**given, at=NOW, actor=cast.revops)

    def test_the_built_in_rules_hold_until_a_company_writes_its_own(self, cast: Cast) -> None:
        assert follow_up.rules_in_force(NOW) == (None, Rules.default())
        policy = self._publish(cast)
        assert follow_up.rules_in_force(NOW - MINUTE) == (None, Rules.default())
        found, rules = follow_up.rules_in_force(NOW)
        assert (found, rules.agreed_touches, rules.recycle_days) == (policy, 12, 30)

    def test_a_touch_keeps_the_version_that_judged_it(self, cast: Cast) -> None:
        lead = own(cast)
        first = log(cast, lead, "email", "sent", NOW - HOUR)
        policy = self._publish(cast)
        second = log(cast, lead, "email", "sent", NOW)
        lead.refresh_from_db()
        assert (first.policy, second.policy) == (None, policy)
        assert (lead.next_channel, lead.next_touch_at) == ("social", NOW + 6 * HOUR)
        assert self._publish(cast).version == 2

    def test_the_agreed_number_of_the_version_decides(self, cast: Cast) -> None:
        self._publish(cast, agreed_touches=10)
        lead = proposed(cast)
        assert (lead.attempts, lead.proposal) == (9, "")
        log(cast, lead, "email", "sent", NOW + HOUR)
        lead.refresh_from_db()
        assert (lead.proposal, lead.proposal_reason) == ("disqualify", "Enough")

    def test_refuses_a_version_with_a_wrong_row_and_names_it(self, cast: Cast) -> None:
        with pytest.raises(follow_up.InvalidRules) as refused:
            self._publish(cast, rules=[*self.ROWS, {"act": "dance"}])
        assert (refused.value.row, refused.value.row_field, refused.value.field) == (2, "act", "rules")
        with pytest.raises(follow_up.InvalidRules) as refused:
            self._publish(cast, agreed_touches=0)
        assert refused.value.field == "agreed_touches"
        assert not FollowUpPolicy.objects.exists()

    def test_a_version_whose_rows_leave_a_gap_is_refused(self) -> None:
        with pytest.raises(RulesInvalid, match="No row says what follows"):
            Rules.parse(self.ROWS[:1])


@pytest.mark.django_db(transaction=True)
def test_two_answers_at_the_same_instant_are_one() -> None:
    cast = assemble()
    lead, rep = proposed(cast), cast.rep(cast.sdr)
    together, refused, failed = threading.Barrier(4), [], []

    def answer(verb: Any) -> None:
        try:
            together.wait()
            verb(lead=lead, rep=rep, at=NOW + MINUTE, actor=cast.sdr)
        except proposals.NothingProposed as error:
            refused.append(error)
        except Exception as error:
            failed.append(error)
        finally:
            connections.close_all()

    verbs = (proposals.accept, proposals.decline, proposals.accept, proposals.decline)
    threads = [threading.Thread(target=answer, args=(verb,)) for verb in verbs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(refused) == 3
    answers = AuditEntry.objects.filter(verb__startswith="leads.proposal.")
    assert answers.count() == 1
