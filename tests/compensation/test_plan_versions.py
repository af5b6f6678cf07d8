"""A version on its way: saved as typed, submitted, sent back, approved by another; who is on a plan; who signed."""

from datetime import date, timedelta

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from apps.accounts.models import Notification
from apps.audit.models import AuditEntry
from apps.compensation.models import Plan, PlanAcknowledgement, PlanAssignment, PlanVersion
from apps.compensation.selectors import acknowledgements as selectors
from apps.compensation.selectors.plan_versions import version_before
from apps.compensation.services import acknowledgements, plan_assignments, plan_drafts, plans
from apps.core.errors import InvalidInput
from tests.cast import NOW, Cast
from tests.compensation.plan_documents import OF_EVERY_KIND, component, graduated, plan

pytestmark = pytest.mark.django_db
TODAY = NOW.date()
FIRST = date(2027, 1, 1)


def begun(cast: Cast, rate: str = "5", effective_on: date = FIRST, **more) -> PlanVersion:
    document = plan(component(graduated(rate)), **more)
    return plan_drafts.begin_draft(document=document, effective_on=effective_on, at=NOW, author=cast.revops)


def approved(cast: Cast, rate: str = "5", effective_on: date = date(2026, 1, 1)) -> PlanVersion:
    version = begun(cast, rate, effective_on)
    plan_drafts.submit_version(version=version, at=NOW, actor=cast.revops)
    return plans.approve_version(version=version, approver=cast.finance, at=NOW)


def save(version: PlanVersion, document, cast: Cast, seen: int | None = None):
    return plan_drafts.save_draft(version=version, typed=document, seen=seen, at=NOW, actor=cast.revops)


class TestSaving:
    def test_what_is_no_plan_is_kept_beside_the_last_text_that_was(self, cast: Cast):
        version = begun(cast)
        wrong = dict(version.document, role="king", components=[])
        saved = save(version, wrong, cast)
        assert [place for place, _ in saved.problems] == ["role", "components"]
        version.refresh_from_db()
        assert version.typed == wrong
        assert version.rules.role == "ae"
        mended = dict(version.document, notes="Mended")
        assert save(version, mended, cast).problems == []
        version.refresh_from_db()
        assert (version.typed, version.document) == (None, mended)

    def test_the_day_of_the_document_is_that_of_the_version(self, cast: Cast):
        version = begun(cast)
        save(version, dict(version.document, effective_on="2027-03-01", ends_on="2027-07-01"), cast)
        version.refresh_from_db()
        assert (version.effective_on, version.ends_on) == (date(2027, 3, 1), date(2027, 7, 1))
        saved = save(version, {k: v for k, v in version.document.items() if k != "effective_on"}, cast)
        assert saved.problems == [("effective_on", "Write the first day on which it counts, as 2026-01-31.")]

    def test_another_window_is_not_overwritten(self, cast: Cast):
        version = begun(cast)
        save(version, dict(version.document, notes="One"), cast, seen=1)
        with pytest.raises(plan_drafts.UnableToChangePlan, match="another window"):
            save(version, dict(version.document, notes="Other"), cast, seen=1)
        assert save(version, dict(version.document, notes="Other"), cast, seen=2).version.revision == 3

    def test_the_same_again_is_no_new_revision(self, cast: Cast):
        version = begun(cast)
        assert save(version, version.document, cast, seen=1).version.revision == 1

    def test_only_the_author_changes_a_draft(self, cast: Cast):
        version = begun(cast)
        with pytest.raises(plan_drafts.UnableToChangePlan, match="draft of your own"):
            plan_drafts.save_draft(version=version, typed=version.document, at=NOW, actor=cast.finance)

    def test_a_new_plan_may_be_renamed_and_one_with_versions_may_not(self, cast: Cast):
        version = begun(cast)
        assert save(version, dict(version.document, name="Hunters"), cast).problems == []
        assert Plan.objects.get().name == "Hunters"
        second = plan_drafts.begin_draft(
            document=dict(version.document, name="Hunters"), effective_on=FIRST, at=NOW, author=cast.revops
        )
        assert second.number == 2
        saved = save(second, dict(second.document, name="Farmers"), cast)
        assert saved.problems[0][0] == "name"
        assert "Begin a new plan" in saved.problems[0][1]

    def test_a_draft_is_dropped_with_its_plan_and_what_it_said_is_in_the_audit_log(self, cast: Cast):
        version = begun(cast)
        plan_drafts.drop_draft(version=version, at=NOW, actor=cast.revops)
        assert not Plan.objects.exists()
        entry = AuditEntry.objects.get(verb="compensation.plan.dropped")
        assert entry.data["document"]["name"] == "Test plan"
        with pytest.raises(plan_drafts.UnableToChangePlan, match="thrown away"):
            save(version, version.document, cast)


class TestSteps:
    def test_what_is_wrong_is_not_submitted(self, cast: Cast):
        version = begun(cast)
        save(version, dict(version.document, components=[]), cast)
        with pytest.raises(plan_drafts.UnableToChangePlan, match="1 thing is still wrong"):
            plan_drafts.submit_version(version=version, at=NOW, actor=cast.revops)
        with pytest.raises(plans.UnableToApprovePlan, match="still wrong"):
            plans.approve_version(version=version, approver=cast.finance, at=NOW)

    def test_a_draft_is_approved_once_its_author_submitted_it_and_not_after_it_was_sent_back(
        self, cast: Cast
    ):
        version = begun(cast)
        for back in (False, True):
            if back:
                plan_drafts.submit_version(version=version, at=NOW, actor=cast.revops)
                plan_drafts.send_back_version(version=version, reason="Too dear", at=NOW, actor=cast.finance)
            with pytest.raises(plans.UnableToApprovePlan, match="author submits it first"):
                plans.approve_version(version=version, approver=cast.finance, at=NOW)
            version.refresh_from_db()
            assert version.is_draft
        plan_drafts.submit_version(version=version, at=NOW, actor=cast.revops)
        assert plans.approve_version(version=version, approver=cast.finance, at=NOW).is_approved

    def test_submitted_it_waits_unchanged_for_somebody_else(self, cast: Cast):
        version = begun(cast)
        plan_drafts.submit_version(version=version, at=NOW, actor=cast.revops)
        with pytest.raises(plan_drafts.UnableToChangePlan, match="submitted"):
            save(version, dict(version.document, notes="Later"), cast)
        with pytest.raises(plans.UnableToApprovePlan, match="You wrote"):
            plans.approve_version(version=version, approver=cast.revops, at=NOW)
        assert Notification.objects.filter(user=cast.finance, kind="plan_submitted").count() == 1
        with pytest.raises(plans.UnableToApprovePlan, match="changed since"):
            plans.approve_version(version=version, approver=cast.finance, at=NOW, fingerprint="0" * 64)
        done = plans.approve_version(
            version=version, approver=cast.finance, at=NOW, fingerprint=version.fingerprint
        )
        assert done.is_approved
        assert Notification.objects.filter(user=cast.revops, title__endswith="is approved").count() == 1

    def test_sent_back_with_a_reason_it_is_a_draft_again(self, cast: Cast):
        version = begun(cast)
        plan_drafts.submit_version(version=version, at=NOW, actor=cast.revops)
        with pytest.raises(InvalidInput, match="Say why"):
            plan_drafts.send_back_version(version=version, reason=" ", at=NOW, actor=cast.finance)
        plan_drafts.send_back_version(version=version, reason="Too dear", at=NOW, actor=cast.finance)
        version.refresh_from_db()
        assert (version.is_draft, version.sent_back_because) == (True, "Too dear")
        assert Notification.objects.get(user=cast.revops).body == f"{cast.finance.name}: Too dear"
        with pytest.raises(plan_drafts.UnableToChangePlan, match="does not wait"):
            plan_drafts.send_back_version(version=version, reason="Again", at=NOW, actor=cast.finance)

    def test_the_author_withdraws_it(self, cast: Cast):
        version = begun(cast)
        plan_drafts.submit_version(version=version, at=NOW, actor=cast.revops)
        assert plan_drafts.withdraw_version(version=version, at=NOW, actor=cast.revops).is_draft

    def test_the_database_refuses_what_the_services_do(self, cast: Cast):
        version = begun(cast)
        plan_drafts.submit_version(version=version, at=NOW, actor=cast.revops)
        rows = PlanVersion.objects.filter(pk=version.pk)
        PlanAssignment.objects.create(rep=cast.rep(cast.ae), plan=version.plan, starts_on=FIRST)
        for change in (
            {"document": {"name": "Another"}},
            {"effective_on": date(2026, 1, 1)},
            {"author": cast.finance},
            {"state": "approved", "approver": cast.revops, "approved_at": NOW},
            {"state": "approved", "approver": cast.ae, "approved_at": NOW},
            {"typed": {"name": "Unfinished"}},
        ):
            with pytest.raises((DatabaseError, IntegrityError)), transaction.atomic():
                rows.update(**change)

    def test_the_version_before_is_the_one_it_replaces(self, cast: Cast):
        first = approved(cast, "5", date(2026, 1, 1))
        second = approved(cast, "6", date(2026, 6, 1))
        draft = begun(cast, "7")
        assert version_before(draft) == second
        assert version_before(second) == first
        assert version_before(first) is None


class TestPeople:
    def test_all_are_put_on_a_plan_or_nobody_and_whoever_hinders_is_named(self, cast: Cast):
        one, other = approved(cast).plan, begun(cast, name="Other plan").plan
        ae, second = cast.rep(cast.ae), cast.rep(cast.second_ae)
        given = {"at": NOW, "actor": cast.revops, "starts_on": FIRST}
        plan_assignments.assign_many(reps=[ae], plan=one, **given)
        with pytest.raises(plans.UnableToAssignPlan) as found:
            plan_assignments.assign_many(reps=[second, ae], plan=other, **given)
        assert str(found.value).startswith(
            f"{ae.name} is on “Test plan” from 1 Jan 2027 on. Nobody was moved"
        )
        assert not second.plan_assignments.exists()

    def test_whoever_moves_leaves_the_other_plan_that_day(self, cast: Cast):
        one, other = approved(cast).plan, begun(cast, name="Other plan").plan
        ae = cast.rep(cast.ae)
        given = {"reps": [ae], "at": NOW, "actor": cast.revops}
        plan_assignments.assign_many(plan=one, starts_on=date(2026, 1, 1), **given)
        plan_assignments.assign_many(plan=other, starts_on=FIRST, moves=True, **given)
        days = list(ae.plan_assignments.order_by("starts_on").values_list("plan", "starts_on", "ends_on"))
        assert days == [(one.pk, date(2026, 1, 1), FIRST), (other.pk, FIRST, None)]

    def test_an_assignment_ends_and_is_taken_back(self, cast: Cast):
        (made,) = plan_assignments.assign_many(
            reps=[cast.rep(cast.ae)], plan=approved(cast).plan, starts_on=FIRST, at=NOW, actor=cast.revops
        )
        given = {"assignment": made, "at": NOW, "actor": cast.revops}
        with pytest.raises(InvalidInput, match="take it back"):
            plan_assignments.end_assignment(ends_on=FIRST, **given)
        assert plan_assignments.end_assignment(ends_on=date(2027, 2, 1), **given).ends_on == date(2027, 2, 1)
        plan_assignments.take_back_assignment(**given)
        assert not PlanAssignment.objects.exists()
        verbs = set(AuditEntry.objects.values_list("verb", flat=True))
        assert {"compensation.plan.assignment_ended", "compensation.plan.assignment_taken_back"} <= verbs


def on_plan(cast: Cast, version: PlanVersion, *users, starts_on: date = date(2026, 1, 1)) -> None:
    for user in users:
        plans.assign_plan(rep=cast.rep(user), plan=version.plan, starts_on=starts_on, at=NOW)


def sign(cast: Cast, version: PlanVersion, user, **more) -> PlanAcknowledgement:
    given = {"typed_name": cast.rep(user).name, "fingerprint": version.fingerprint, "at": NOW, "actor": user}
    return acknowledgements.acknowledge(version=version, rep=cast.rep(user), **(given | more))


class TestAcknowledging:
    def test_keeps_the_name_the_time_and_the_exact_version_once(self, cast: Cast):
        version = approved(cast)
        on_plan(cast, version, cast.ae)
        name = cast.rep(cast.ae).name
        signed = sign(cast, version, cast.ae, typed_name=f"  {name.upper()} ")
        assert (signed.typed_name, signed.at, signed.version_fingerprint) == (
            name.upper(),
            NOW,
            version.fingerprint,
        )
        assert sign(cast, version, cast.ae, at=NOW + timedelta(days=1)) == signed
        assert selectors.waiting_of(cast.ae, TODAY) == []

    def test_is_refused_for_another_name_version_or_person(self, cast: Cast):
        version, draft = approved(cast), begun(cast, "9")
        on_plan(cast, version, cast.ae)
        with pytest.raises(InvalidInput, match="Type your name"):
            sign(cast, version, cast.ae, typed_name="Somebody Else")
        with pytest.raises(acknowledgements.UnableToAcknowledge, match="not the version"):
            sign(cast, version, cast.ae, fingerprint=draft.fingerprint)
        with pytest.raises(acknowledgements.UnableToAcknowledge, match="not approved"):
            sign(cast, draft, cast.ae)
        with pytest.raises(acknowledgements.UnableToAcknowledge, match="not on this plan"):
            sign(cast, version, cast.second_ae)
        with pytest.raises(acknowledgements.UnableToAcknowledge, match="Only the rep"):
            sign(cast, version, cast.ae, actor=cast.manager)
        assert not PlanAcknowledgement.objects.exists()

    def test_asks_for_the_version_in_force_and_those_to_come_but_not_for_one_that_was_replaced(
        self, cast: Cast
    ):
        old, now = approved(cast), approved(cast, "6", date(2026, 3, 1))
        later = approved(cast, "8", FIRST)
        on_plan(cast, old, cast.ae)
        found = {one.version.pk: one.counts_from for one in selectors.waiting_of(cast.ae, TODAY)}
        assert old.pk not in found
        assert found == {now.pk: date(2026, 3, 1), later.pk: FIRST}

    def test_whoever_left_the_plan_is_not_asked(self, cast: Cast):
        version = approved(cast)
        plans.assign_plan(
            rep=cast.rep(cast.ae), plan=version.plan, starts_on=date(2026, 1, 1), ends_on=TODAY, at=NOW
        )
        assert selectors.standings(today=TODAY) == []

    def test_tells_when_approved_reminds_once_a_day_and_by_itself_every_few(self, cast: Cast):
        version = begun(cast, effective_on=date(2026, 1, 1))
        on_plan(cast, version, cast.ae, cast.second_ae)
        plan_drafts.submit_version(version=version, at=NOW, actor=version.author)
        plans.approve_version(version=version, approver=cast.finance, at=NOW)
        told = Notification.objects.filter(kind="plan_to_sign")
        assert told.count() == 2
        sign(cast, version, cast.ae)
        for _ in range(2):
            found = selectors.waiting(today=TODAY)
            acknowledgements.remind(standings=found, today=TODAY, at=NOW)
        assert sorted(told.values_list("user", flat=True)) == sorted(
            [cast.ae.pk, cast.second_ae.pk, cast.second_ae.pk]
        )
        for day in range(7):
            at = NOW + timedelta(days=day)
            acknowledgements.remind_by_itself(today=at.date(), at=at)
        assert 2 <= told.filter(user=cast.second_ae).count() - 2 <= 4

    def test_managers_see_their_teams_names(self, cast: Cast):
        version = approved(cast)
        on_plan(cast, version, cast.sdr, cast.outsider)
        seen = selectors.standings(today=TODAY, reps=selectors.seen_reps(cast.manager))
        assert [one.rep.user for one in seen] == [cast.sdr]
        assert set(selectors.with_missing_names(selectors.seen_reps(cast.revops), TODAY)) == {
            cast.rep(cast.sdr),
            cast.rep(cast.outsider),
        }

    def test_takes_as_many_statements_for_many(self, cast: Cast, django_assert_num_queries):
        on_plan(cast, approved(cast), cast.ae, cast.second_ae, cast.sdr)
        with django_assert_num_queries(3):
            assert len(selectors.standings(today=TODAY)) == 3


def test_every_kind_of_component_may_be_begun(cast: Cast):
    for kind, one in OF_EVERY_KIND.items():
        made = plan_drafts.begin_draft(
            document=plan(one, name=kind), effective_on=FIRST, at=NOW, author=cast.revops
        )
        assert made.effective_on == FIRST
