"""What is on record cannot be changed or deleted, by the ORM or by raw SQL, in either database."""

from datetime import date
from decimal import Decimal

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, transaction

from apps.audit import services as audit
from apps.audit.models import AuditEntry, Export, Seal, SealedEntry, SealedRows, Verification
from apps.audit.services import exports, sealing, verifying
from apps.compensation.models import (
    CreditSplit,
    CreditSplitDecision,
    CreditSplitPart,
    CustomerPayment,
    ExchangeRate,
    InquiryAct,
    InquiryAttachment,
    InquiryMessage,
    InquiryTerms,
    KeptFile,
    PayAdjustment,
    PayAdjustmentDecision,
    PayoutCurrency,
    PayoutRun,
    PayReview,
    PayrollLayoutVersion,
    PlanAcknowledgement,
    PlanVersion,
    Replay,
    ReplayFigure,
    ReplayOutcome,
    ReplayPay,
    ReplayPerson,
    ReplayProblem,
    Statement,
)
from apps.compensation.rules.attachments import checked
from apps.compensation.rules.payroll_layout import DEFAULT
from apps.compensation.services import (
    credit_splits,
    inquiries,
    inquiry_terms,
    pay_adjustments,
    plans,
    rates,
)
from apps.compensation.services.payroll_layouts import create_layout
from apps.core.append_only import removal_statements, trigger_statements
from apps.customers.models import Churn, HealthReading, NpsAnswer
from apps.customers.services import readings
from apps.integrations.models import Capture, ConsentText
from apps.integrations.services import capture_forms
from apps.integrations.services.capture import capture_lead
from apps.integrations.services.capture_guard import Filling
from apps.jobs import services as jobs
from apps.leads.models import (
    Cadence,
    CadenceVersion,
    Capacity,
    ContestTerms,
    Enrolment,
    EnrolmentAct,
    EventCredit,
    FunnelEvent,
    GateAnswer,
    GatePassage,
    Lead,
    Meeting,
    MeetingComment,
    Motion,
    Opportunity,
    OpportunityKind,
    OpportunityStage,
    PoolTurn,
    RoutingDecision,
    StageGate,
    TurnPool,
)
from apps.leads.rules.gates import GateCriterion, Known
from apps.leads.services import contest_terms, gates, opportunities
from apps.reps.models import Rep, TierChange
from apps.reps.services.tiers import change_tier
from apps.scorecards.models import (
    Assumption,
    Certification,
    CertificationResult,
    ComplaintAnswer,
    LeadComplaint,
    PracticeGoal,
    PracticeGoalEnd,
    RankingHold,
    RankingHoldLift,
    ReviewItem,
    ReviewItemEnd,
    ReviewReason,
    Scorecard,
    ScorecardAction,
    ScorecardActionClosing,
    ScorecardNote,
    ScorecardPrivateNote,
    ScorecardSignature,
    SharedRecording,
    Spend,
    SupportAction,
    SupportAnswer,
    WeeklyReview,
)
from apps.scorecards.services.ranking_holds import hold_move, lift_hold
from tests.cast import NOW, Cast
from tests.integrations.forms import a_form
from tests.leads.scenes import handed_off

# A column of each table that may be set to a value of its own kind.
COLUMNS = {
    MeetingComment: ("words", "none"),
    Churn: ("reason", "other"),
    HealthReading: ("why", "none"),
    NpsAnswer: ("score", 1),
    GateAnswer: ("evidence", "none"),
    GatePassage: ("reason", "none"),
    FunnelEvent: ("kind", "won"),
    EventCredit: ("share", 1),
    EnrolmentAct: ("reason", "none"),
    ContestTerms: ("window_days", 9),
    AuditEntry: ("verb", "nothing"),
    Seal: ("entry_count", 0),
    SealedEntry: ("seal_id", 999),
    SealedRows: ("seal_id", 999),
    Verification: ("origin", "none"),
    Export: ("row_count", 9),
    TierChange: ("reason", "none"),
    RoutingDecision: ("because", "none"),
    PoolTurn: ("because", "none"),
    RankingHold: ("reason", "none"),
    RankingHoldLift: ("reason", "none"),
    Assumption: ("value", 1),
    CertificationResult: ("note", "none"),
    PracticeGoal: ("aim", "1"),
    PracticeGoalEnd: ("reason", "none"),
    SharedRecording: ("why", "none"),
    SupportAnswer: ("text", "none"),
    ScorecardNote: ("text", "none"),
    ScorecardPrivateNote: ("text", "none"),
    ScorecardAction: ("text", "none"),
    ScorecardActionClosing: ("words", "none"),
    ScorecardSignature: ("fingerprint", "none"),
    WeeklyReview: ("fingerprint", "none"),
    ReviewReason: ("note", "none"),
    ReviewItem: ("text", "none"),
    ReviewItemEnd: ("reason", "none"),
    LeadComplaint: ("comment", "none"),
    ComplaintAnswer: ("text", "none"),
    Spend: ("note", "none"),
    CustomerPayment: ("label", "another"),
    CreditSplit: ("reason", "none"),
    CreditSplitPart: ("share", 1),
    CreditSplitDecision: ("words", "none"),
    ExchangeRate: ("source", "none"),
    PayoutCurrency: ("currency", "USD"),
    Replay: ("name", "another"),
    ReplayFigure: ("count", 9),
    ReplayOutcome: ("fingerprint", "none"),
    ReplayPay: ("amount_minor", 1),
    ReplayPerson: ("role", "am"),
    ReplayProblem: ("says", "none"),
    PlanAcknowledgement: ("typed_name", "another"),
    InquiryTerms: ("reopen_days", 9),
    InquiryMessage: ("text", "another"),
    InquiryAttachment: ("name", "another"),
    InquiryAct: ("words", "another"),
    PayAdjustment: ("reason", "another"),
    PayAdjustmentDecision: ("words", "another"),
    KeptFile: ("about", "another"),
    PayReview: ("reason", "none"),
    PayrollLayoutVersion: ("number", 9),
    ConsentText: ("words", "another"),
    Capture: ("site", "another"),
}


@pytest.fixture
def record(cast: Cast) -> Cast:
    """Something in each of the tables."""
    meeting = handed_off(cast).meeting
    MeetingComment.objects.create(meeting=meeting, at=NOW, by=cast.ae, words="Bring the contract")
    rep = cast.rep(cast.second_ae)
    change_tier(
        rep=rep,
        tier_before=2,
        tier_after=1,
        effective_on=NOW.date(),
        reason="1.24",
        at=NOW,
        actor=cast.revops,
    )
    hold = hold_move(
        rep=rep, last_day=NOW.date(), reason="Back from leave only now.", at=NOW, actor=cast.manager
    )
    lift_hold(hold=hold, at=NOW, actor=cast.manager)
    card = Scorecard.objects.create(
        rep=rep, month_on=date(2026, 10, 1), state="frozen", frozen_at=NOW, fingerprint="1f"
    )
    about = {"scorecard": card, "author": cast.manager, "written_at": NOW}
    ScorecardNote.objects.create(**about, text="Well done.")
    ScorecardPrivateNote.objects.create(**about, text="Wants to lead a team.")
    action = ScorecardAction.objects.create(
        scorecard=card, text="Listen", owner=cast.manager, due_on=NOW, agreed_by=cast.manager, agreed_at=NOW
    )
    ScorecardActionClosing.objects.create(action=action, outcome="done", by=cast.manager, at=NOW)
    ScorecardSignature.objects.create(
        scorecard=card, signed_as="manager", user=cast.manager, signed_at=NOW, fingerprint="1f"
    )
    _coaching(cast, rep)
    cadence = Cadence.objects.create(name="Inbound", motion=Motion.INBOUND)
    version = CadenceVersion.objects.create(cadence=cadence, number=1, steps=[], created_at=NOW)
    enrolment = Enrolment.objects.create(lead=Lead.objects.get(), version=version, enrolled_at=NOW)
    EnrolmentAct.objects.create(enrolment=enrolment, kind=EnrolmentAct.Kind.ENROLLED, step=1, at=NOW)
    _customer(cast)
    contest_terms.set_terms(window_days=3, judge_days=3, counts="working", at=NOW, actor=cast.revops)
    pool = TurnPool.objects.create(name="Mid-market", changed_at=NOW)
    PoolTurn.objects.create(pool=pool, rep=rep, kind=PoolTurn.Kind.JOINED, at=NOW)
    opportunity = Opportunity.objects.create(name="A deal", owner=rep, opened_at=NOW, stage_changed_at=NOW)
    CustomerPayment.objects.create(
        opportunity=opportunity, amount_minor=1, currency="EUR", paid_at=NOW, recorded_at=NOW, source_key="1"
    )
    plan = plans.load_plan_document(document=plans.shipped_plan("ae"), author=cast.revops, at=NOW)
    PlanAcknowledgement.objects.create(
        version=plan, rep=rep, user=cast.second_ae, typed_name=rep.name, version_fingerprint="1f", at=NOW
    )
    _replay(cast, rep)
    _reviewed(cast, rep)
    _credit_and_rates(cast)
    _inquiry(cast, plan)
    _finance(cast, rep)
    _captured(cast)
    _sealed(cast)
    return cast


def _coaching(cast: Cast, rep: Rep) -> None:
    Assumption.objects.create(role="isr", metric="leads_worked", value=150)
    asked = Certification.objects.create(role="ae", name="Discovery", asked_from=NOW)
    CertificationResult.objects.create(
        certification=asked, rep=rep, taken_on=NOW, is_pass=False, recorded_by=cast.manager, recorded_at=NOW
    )
    goal = PracticeGoal.objects.create(
        rep=rep, metric="win_rate", months=3, baseline="1/5", aim="1/4", tier_from=3, set_by=cast.manager,
        set_at=NOW, baseline_ends_on="2026-11-01", ends_on="2027-01-01",
    )  # fmt: skip
    PracticeGoalEnd.objects.create(goal=goal, reason="Reached", ended_by=cast.manager, ended_at=NOW)
    SharedRecording.objects.create(
        meeting=Meeting.objects.earliest("pk"), rep=rep, url="https://calls.example/1", why="The silence",
        shared_by=cast.manager, shared_at=NOW,
    )  # fmt: skip
    action = SupportAction.objects.create(
        rep=rep, month_on="2026-11-01", reason="On the lowest tier", raised_at=NOW, escalate_at=NOW
    )
    SupportAnswer.objects.create(
        action=action, kind="other", text="We talk.", answered_by=cast.manager, answered_at=NOW
    )


def _finance(cast: Cast, rep: Rep) -> None:
    """A file that a job made of a run in approval, a verdict on a rep's pay in it, and a payroll layout."""
    month = {"starts_on": date(2026, 9, 1), "ends_on": date(2026, 10, 1)}
    run = PayoutRun.objects.create(
        code="2026-09", state="submitted", created_at=NOW, fingerprint="1f", **month
    )
    job = jobs.enqueue(kind="append-only", key="file", at=NOW)
    KeptFile.objects.create(
        run=run, kind="report", format="csv", job=job, made_at=NOW, fingerprint="1f", sha256="1f", size=1, path="x",
    )  # fmt: skip
    PayReview.objects.create(
        run=run, rep=rep, side="finance", verdict="sent_back", digest="1f", reason="Look again.", by=cast.finance,
        at=NOW,
    )  # fmt: skip
    create_layout(name="Payroll", document=DEFAULT.as_document(), at=NOW, actor=cast.finance)


def _reviewed(cast: Cast, rep: Rep) -> None:
    """A pack with a reason and an action that is done, a complaint that was answered, an entry of spend."""
    week, lead = date(2026, 11, 2), Lead.objects.get()
    review = WeeklyReview.objects.create(
        team=rep.team, week_on=week, made_at=NOW, meeting_at=NOW, copy={}, fingerprint="1f"
    )
    ReviewReason.objects.create(
        subject="event:1", section="cold", team=rep.team, week_on=week, lead=lead, reason="no_fit",
        given_by=cast.manager, given_at=NOW,
    )  # fmt: skip
    item = ReviewItem.objects.create(
        review=review,
        team=rep.team,
        kind="decision",
        text="We call.",
        written_by=cast.manager,
        written_at=NOW,
    )
    ReviewItemEnd.objects.create(item=item, how="done", ended_by=cast.manager, ended_at=NOW)
    complaint = LeadComplaint.objects.create(
        lead=lead, rep=rep, reason="other", comment="Nobody there.", made_at=NOW
    )
    ComplaintAnswer.objects.create(
        complaint=complaint, kind="answered", text="True.", by=cast.marketing, at=NOW
    )
    Spend.objects.create(
        source="Webinar",
        month_on=date(2026, 10, 1),
        amount_minor=5,
        currency="EUR",
        entered_at=NOW,
        source_key="1",
    )


def _captured(cast: Cast) -> None:
    """Somebody who sent a form, agreeing to its text."""
    form = capture_forms.create_form(terms=a_form(cast.sdr_team), at=NOW, actor=cast.marketing)
    filling = Filling("one", NOW, form.consents.get())
    capture_lead(
        form=form, filled={"email": "hanna@brightmoor.example"}, agreed=True, filling=filling, at=NOW
    )


def _sealed(cast: Cast) -> None:
    """A seal of each form, a verification, and a file of the log."""
    entry = audit.record(verb="leads.lead.changed", subject=Lead.objects.get(), at=NOW, actor=cast.sdr)
    first = Seal.objects.create(number=1, sealed_at=NOW, entry_count=1, previous_hash="0", hash="1f")
    SealedEntry.objects.create(entry=entry, seal=first)
    sealing.seal_records(at=NOW)
    verifying.keep_verdict(verdict=verifying.verify_records(), at=NOW)
    exports.make_export(filters=exports.Filters(), file_format="csv", up_to=entry.pk, at=NOW)


def _credit_and_rates(cast: Cast) -> None:
    """A split of a credit that was approved, a rate, and somebody who is paid in another currency."""
    event = FunnelEvent.objects.get(kind="handed_off")
    split = credit_splits.propose_split(
        event=event, capacity=Capacity.OWNED, shares={cast.rep(cast.second_ae): 1_000_000}, reason="Theirs.",
        at=NOW, actor=cast.manager,
    )  # fmt: skip
    credit_splits.approve_split(split=split, at=NOW, actor=cast.finance)
    rate = rates.NewRate("USD", "EUR", NOW.date(), Decimal("0.92"), "ECB")
    rates.record_rates(rates=[rate], today=NOW.date(), at=NOW)
    rates.set_payout_currency(rep=cast.rep(cast.ae), currency="GBP", starts_on=NOW.date(), at=NOW)


def _inquiry(cast: Cast, version: PlanVersion) -> None:
    """An inquiry with a file, by terms that somebody set, and a change of pay that was declined."""
    rep = cast.rep(cast.ae)
    inquiry_terms.set_terms(terms=inquiry_terms.Terms(), at=NOW, actor=cast.revops)
    run = PayoutRun.objects.create(
        code="2026-08", starts_on=date(2026, 8, 1), ends_on=date(2026, 9, 1), created_at=NOW
    )
    statement = Statement.objects.create(
        run=run, rep=rep, currency="EUR", team=rep.team, plan_version=version
    )
    for state in ("computed", "submitted"):
        PayoutRun.objects.filter(pk=run.pk).update(state=state)
    asked = inquiries.ask(
        question=inquiries.Question(statement, "Why?"),
        files=[checked("a.txt", b"a")],
        at=NOW,
        actor=cast.ae,
    )
    component = next(iter(version.rules.components)).key
    change = pay_adjustments.propose(
        inquiry=asked, amount_minor=1, currency="EUR", component_key=component, reason="It counts.", at=NOW,
        actor=cast.revops,
    )  # fmt: skip
    pay_adjustments.decline(adjustment=change, text="It does not.", at=NOW, actor=cast.finance)


def _replay(cast: Cast, rep: Rep) -> None:
    """A replay with one of everything."""
    replay = Replay.objects.create(
        name="Draft", starts_on=date(2026, 10, 1), ends_on=date(2026, 11, 1), as_of=NOW, question={}, asked_at=NOW,
        asked_by=cast.revops, request_key="once",
    )  # fmt: skip
    about = {"replay": replay, "rep": rep}
    ReplayPerson.objects.create(**about, role=rep.role, team=rep.team)
    month = {"starts_on": date(2026, 10, 1)}
    ReplayPay.objects.create(
        **about, **month, alternative=1, currency="EUR", component_key="deals", component_name="Deals",
        kind="earning", amount_minor=0, line_count=1,
    )  # fmt: skip
    ReplayFigure.objects.create(**about, **month, measure=ReplayFigure.Measure.WON, currency="EUR")
    ReplayProblem.objects.create(**about, **month, alternative=2, says="No quota.")
    ReplayOutcome.objects.create(replay=replay, computed_at=NOW, won={}, made_of={}, fingerprint="1f")


def _customer(cast: Cast) -> None:
    """An opportunity that came through a gate on an answer, and a customer with readings."""
    gates.write_gate(
        stage=OpportunityStage.STAGE_2, kind=OpportunityKind.NEW, criteria=[GateCriterion("sponsor", "Sponsor")],
        overrider=StageGate.Overrider.MANAGER, effective_on=NOW.date(), today=NOW.date(), at=NOW,
        actor=cast.revops,
    )  # fmt: skip
    deal = opportunities.open_opportunity(
        owner=cast.rep(cast.ae), name="Deal", company="Deal", amount_minor=100_00, at=NOW, actor=cast.ae
    )
    gates.answer_criteria(
        opportunity=deal, stage=OpportunityStage.STAGE_2, answers={"sponsor": Known(True, "Seen")}, at=NOW,
        actor=cast.ae,
    )  # fmt: skip
    for stage in (OpportunityStage.STAGE_2, OpportunityStage.WON):
        deal = opportunities.move_opportunity(opportunity=deal, stage=stage, at=NOW, actor=cast.ae)
    account = deal.account
    assert account is not None
    readings.record_health(account=account, status=HealthReading.Status.RED, why="Quiet", at=NOW)
    readings.record_nps(
        account=account, score=3, respondent="Hanna Vogel", answered_on=NOW.date(), today=NOW.date(), at=NOW
    )
    readings.record_churn(
        account=account, extent=Churn.Extent.FULL, churned_on=NOW.date(), reason=Churn.Reason.PRICE, at=NOW
    )


@pytest.mark.parametrize("model", COLUMNS, ids=lambda model: model.__name__)
class TestAppendOnlyTable:
    def refused(self, act) -> None:
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            act()

    def test_declares_itself(self, model):
        assert model.append_only is True

    def test_refuses_an_update_by_the_orm(self, record, model):
        column, value = COLUMNS[model]
        self.refused(lambda: model.objects.update(**{column: value}))

    def test_refuses_to_save_a_changed_row(self, record, model):
        column, value = COLUMNS[model]
        row = model.objects.first()
        setattr(row, column, value)
        self.refused(row.save)

    def test_refuses_a_delete_by_the_orm(self, record, model):
        rows = model.objects.all()
        self.refused(lambda: rows._raw_delete(rows.db))

    def test_refuses_an_update_by_raw_sql(self, record, model):
        column, value = COLUMNS[model]

        def act():
            with connection.cursor() as cursor:
                cursor.execute(f"UPDATE {model._meta.db_table} SET {column} = %s", [value])

        self.refused(act)

    def test_refuses_a_delete_by_raw_sql(self, record, model):
        def act():
            with connection.cursor() as cursor:
                cursor.execute(f"DELETE FROM {model._meta.db_table}")

        self.refused(act)

    def test_is_as_it_was(self, record, model):
        before = list(model.objects.order_by("pk").values())
        column, value = COLUMNS[model]
        self.refused(lambda: model.objects.update(**{column: value}))
        assert list(model.objects.order_by("pk").values()) == before


class TestEachAppendOnlyModel:
    def test_of_the_record_is_looked_at_here(self):
        declared = {
            model
            for label in ("audit", "reps", "leads", "customers", "scorecards")
            for model in apps.get_app_config(label).get_models()
            if getattr(model, "append_only", False)
        }
        assert declared - set(COLUMNS) == set()


class TestTriggerStatements:
    def test_can_be_taken_away_and_put_back(self, record):
        table = FunnelEvent._meta.db_table
        with connection.cursor() as cursor:
            for statement in removal_statements(connection.vendor, table):
                cursor.execute(statement)
            FunnelEvent.objects.filter(kind="touched").update(source="demo")
            for statement in trigger_statements(connection.vendor, table):
                cursor.execute(statement)
        with pytest.raises(DatabaseError), transaction.atomic():
            FunnelEvent.objects.update(source="page")
        assert FunnelEvent.objects.filter(source="demo").exists()

    def test_are_not_guessed_for_another_database(self):
        with pytest.raises(NotImplementedError):
            trigger_statements("oracle", "t")
