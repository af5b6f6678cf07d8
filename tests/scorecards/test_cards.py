"""Scorecards: what they show, what freezing keeps, who writes on them and signs them."""

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest
from django.db import DatabaseError, transaction
from pytest_django import DjangoAssertNumQueries

from apps.core.errors import InvalidInput
from apps.core.periods import Period, month_of, quarter_of
from apps.jobs import services as jobs
from apps.jobs.models import JobState
from apps.leads.models import EventKind, FunnelEvent, Lead
from apps.leads.rules.metrics import METRICS
from apps.leads.services.record import reverse_event
from apps.reps.models import Quota, QuotaMeasure, Rep
from apps.scorecards.models import Assumption, Scorecard, ScorecardSignature, ScorecardState
from apps.scorecards.selectors import card_of, cards_of, measure
from apps.scorecards.selectors.card_copies import as_json, from_json
from apps.scorecards.selectors.cards import Promise
from apps.scorecards.services import cards, rankings
from apps.slas.models import Clock, Policy
from tests.cast import NOW, Cast
from tests.scorecards.company import Company, assemble
from tests.scorecards.plain import PlainRecord
from tests.stage import staged

OCTOBER = month_of(date(2026, 10, 1))
TRAILING = Period(date(2026, 8, 1), date(2026, 11, 1))
CLOSED_AT = datetime(2026, 11, 2, 5, tzinfo=UTC)


@pytest.fixture
@staged
def company(db: None) -> Company:
    return assemble()


@pytest.fixture
@staged
def ae(company: Company) -> Rep:
    return Rep.objects.select_related("team__calendar").get(pk=company.aes[0].pk)


@pytest.fixture
@staged
def sdr(company: Company) -> Rep:
    return Rep.objects.select_related("team__calendar").get(pk=company.sdrs[0].pk)


class TestCard:
    def test_every_figure_equals_a_plain_recomputation(self, company: Company):
        plain = PlainRecord()
        reps = list(Rep.objects.select_related("team__calendar"))
        for card in cards_of(reps=reps, month=OCTOBER).values():
            rep = next(rep for rep in reps if rep.pk == card.rep_id)
            for row in card.rows:
                assert row.own == plain.value(row.metric.key, rep, card.basis), row.metric.key
                assert row.trend == tuple(plain.value(row.metric.key, rep, month) for month in card.months)

    def test_an_ae_is_shown_over_the_rankings_three_months_an_sdr_over_one(self, ae: Rep, sdr: Rep):
        assert card_of(rep=ae, month=OCTOBER).basis == TRAILING
        assert card_of(rep=sdr, month=OCTOBER).basis == OCTOBER

    def test_the_peers_mean_is_that_of_the_team(self, company: Company, sdr: Rep):
        plain = PlainRecord()
        row = card_of(rep=sdr, month=OCTOBER).row("meetings_accepted")
        values = [plain.value("meetings_accepted", rep, OCTOBER) for rep in company.sdrs]
        assert row.mean == sum(values) / len(values)

    def test_the_index_is_that_of_the_kept_ranking(self, ae: Rep):
        before = card_of(rep=ae, month=OCTOBER).placed
        assert before is not None
        assert not before.is_final
        snapshot = rankings.recompute_rankings(as_of=OCTOBER.end, at=NOW).snapshot
        placed = card_of(rep=ae, month=OCTOBER).placed
        assert placed is not None
        assert placed.is_final
        row = snapshot.rows.get(rep=ae)
        sums = measure(reps=[ae], periods=[TRAILING], as_of=snapshot.known_at)[0][ae.pk]
        assert placed.standing.index == Fraction(row.metrics["index"])
        assert {term.key: term.own for term in placed.standing.terms} == {
            key: METRICS[key].read(sums).value for key in snapshot.policy.weights
        }

    def test_the_funnel_of_an_ae_counts_only_what_came_from_hand_offs(self, company: Company, ae: Rep):
        plain = PlainRecord()
        steps = dict(card_of(rep=ae, month=OCTOBER).funnel)
        won = [
            share for event, share in plain.of(ae, TRAILING, "won", "owned") if event.hand_off_id is not None
        ]
        assert steps["Won"] == sum(won)
        assert steps["Hand-offs received"] == plain.count(ae, TRAILING, "handed_off", "owned")

    def test_shows_the_promises_kept_in_the_month(self, company: Company, sdr: Rep):
        policy = Policy.objects.create(name="Inbound", position=1, first_response_minutes=30)
        leads = Lead.objects.order_by("pk")
        for number, (state, day) in enumerate((("met", 5), ("met", 30), ("breached", 9), ("met", 31))):
            start = datetime(2026, 10, day, 23, 30, tzinfo=UTC)
            due = start + timedelta(minutes=30)
            Clock.objects.create(
                kind="first_response",
                lead=leads[number],
                policy=policy,
                rep=sdr,
                started_at=start,
                target_minutes=30,
                warn_at=start,
                due_at=due,
                state=state,
                answered_at=due,
                met_at=due if state == "met" else None,
                breached_at=due if state == "breached" else None,
            )
        kept = card_of(rep=sdr, month=OCTOBER).promises
        assert kept == (Promise("First response", 2, 3),), "the last one was kept in November"

    def test_reads_as_many_statements_for_all_as_for_one(
        self, company: Company, django_assert_num_queries: DjangoAssertNumQueries
    ):
        reps = list(Rep.objects.select_related("team__calendar"))
        with django_assert_num_queries(21):
            cards_of(reps=reps, month=OCTOBER)
        with django_assert_num_queries(21):
            cards_of(reps=[reps[0], reps[-1]], month=OCTOBER)


class TestTargets:
    def test_a_quota_is_the_target(self, sdr: Rep):
        Quota.objects.create(
            rep=sdr,
            measure=QuotaMeasure.MEETINGS_ACCEPTED,
            starts_on=OCTOBER.start,
            ends_on=OCTOBER.end,
            target_count=12,
        )
        row = card_of(rep=sdr, month=OCTOBER).row("meetings_accepted")
        assert (row.target, row.target_from) == (12, "quota")

    def test_quotas_of_three_months_are_the_target_of_an_ae(self, ae: Rep):
        for month in TRAILING.months():
            Quota.objects.create(
                rep=ae,
                measure=QuotaMeasure.AMOUNT_WON,
                starts_on=month.start,
                ends_on=month.end,
                target_minor=100_000_00,
                currency="EUR",
            )
        assert card_of(rep=ae, month=OCTOBER).row("revenue_won").target == 300_000_00

    def test_a_quota_in_another_currency_is_no_target(self, ae: Rep):
        Quota.objects.create(
            rep=ae,
            measure=QuotaMeasure.AMOUNT_WON,
            starts_on=TRAILING.start,
            ends_on=TRAILING.end,
            target_minor=1,
            currency="USD",
        )
        assert card_of(rep=ae, month=OCTOBER).row("revenue_won").target is None

    def test_a_quarters_quota_counts_by_its_days(self, sdr: Rep):
        quarter = quarter_of(OCTOBER.start)
        Quota.objects.create(
            rep=sdr,
            measure=QuotaMeasure.MEETINGS_ACCEPTED,
            starts_on=quarter.start,
            ends_on=quarter.end,
            target_count=92,
        )
        assert card_of(rep=sdr, month=OCTOBER).row("meetings_accepted").target == 31

    def test_where_there_is_no_quota_the_roles_assumption_stands(self, sdr: Rep):
        row = card_of(rep=sdr, month=OCTOBER).row("leads_worked")
        assert (row.target, row.target_from) == (200, "assumption")
        Assumption.objects.create(role="isr", metric="leads_worked", value=150, per="month")
        assert card_of(rep=sdr, month=OCTOBER).row("leads_worked").target == 150

    def test_an_assumption_by_the_day_counts_working_days(self, sdr: Rep):
        sdr.role = "osr"
        sdr.save()
        working = sum(1 for day in range(1, 32) if date(2026, 10, day).weekday() < 5)
        assert card_of(rep=sdr, month=OCTOBER).row("touches").target == 200 * working


class TestCopies:
    def test_a_card_read_back_from_its_json_is_the_same_card(self, company: Company):
        rankings.recompute_rankings(as_of=OCTOBER.end, at=NOW)
        reps = list(Rep.objects.select_related("team__calendar"))
        for card in cards_of(reps=reps, month=OCTOBER, as_of=NOW).values():
            assert from_json(as_json(card)) == card


class TestFreezeMonth:
    def test_keeps_the_card_of_everyone_who_was_here(self, company: Company):
        Rep.objects.filter(pk=company.sdrs[0].pk).update(left_on=OCTOBER.start)
        done = cards.freeze_month(month=OCTOBER, at=CLOSED_AT)
        assert done.frozen == Rep.objects.count() - 1
        assert not Scorecard.objects.filter(rep=company.sdrs[0]).exists()

    def test_a_copy_read_back_from_the_database_has_the_fingerprint_that_is_signed(self, company: Company):
        cards.freeze_month(month=OCTOBER, at=CLOSED_AT)
        for card in Scorecard.objects.all():
            canonical = json.dumps(card.copy, sort_keys=True, separators=(",", ":"))
            assert hashlib.sha256(canonical.encode()).hexdigest() == card.fingerprint

    def test_a_late_event_leaves_a_frozen_card_byte_identical(self, company: Company, ae: Rep):
        cards.freeze_month(month=OCTOBER, at=CLOSED_AT)
        before = Scorecard.objects.get(rep=ae, month_on=OCTOBER.start)
        won = FunnelEvent.objects.filter(kind=EventKind.WON, credits__rep=ae).effective()
        reverse_event(event=won.filter(recorded_at__lt=CLOSED_AT).first(), reason="Cancelled", at=NOW)
        again = cards.freeze_month(month=OCTOBER, at=NOW)
        after = Scorecard.objects.get(rep=ae, month_on=OCTOBER.start)
        assert again.frozen == 0
        assert (after.copy, after.fingerprint, after.frozen_at) == (
            before.copy,
            before.fingerprint,
            before.frozen_at,
        )

    def test_makes_the_ranking_of_the_same_record_first(self, company: Company, ae: Rep):
        cards.freeze_month(month=OCTOBER, at=CLOSED_AT)
        card = from_json(Scorecard.objects.get(rep=ae, month_on=OCTOBER.start).copy)
        assert card.placed is not None
        assert card.placed.snapshot_as_of == "2026-11-02"
        assert {one.key: one.own for one in card.placed.standing.terms} == {
            one.key: card.row(one.key).own for one in card.placed.standing.terms
        }

    def test_the_running_month_stays_open(self, company: Company):
        with pytest.raises(cards.UnableToFreeze, match="November 2026 is not over"):
            cards.freeze_month(month=month_of(NOW.date()), at=NOW)

    def test_what_is_no_month_is_refused(self, db: None):
        with pytest.raises(InvalidInput, match="by the month"):
            cards.freeze_month(month=TRAILING, at=NOW)

    def test_can_be_asked_for_in_the_background(self, company: Company, run_jobs: Callable[[], int]):
        job = jobs.enqueue(kind=cards.FREEZE_KIND, key=OCTOBER.code, params={"month": OCTOBER.code}, at=NOW)
        run_jobs()
        job.refresh_from_db()
        assert job.state == JobState.DONE, job.error
        assert "8 scorecards of October 2026 frozen" in job.result["summary"]

    def test_the_database_refuses_a_frozen_card_without_its_copy_marked(self, ae: Rep):
        with pytest.raises(DatabaseError), transaction.atomic():
            Scorecard.objects.create(rep=ae, month_on=OCTOBER.start, state=ScorecardState.FROZEN)


class TestNotes:
    def test_may_stand_on_an_open_card(self, cast: Cast):
        rep = cast.rep(cast.ae)
        note = cards.write_note(rep=rep, month=OCTOBER, author=cast.ae, text=" A fair month. ", at=NOW)
        assert note.text == "A fair month."
        assert note.scorecard.state == ScorecardState.OPEN

    @pytest.mark.parametrize("text", ["", "   ", "x" * 2001])
    def test_an_empty_or_overlong_one_is_refused(self, cast: Cast, text: str):
        with pytest.raises(InvalidInput):
            cards.write_note(rep=cast.rep(cast.ae), month=OCTOBER, author=cast.ae, text=text, at=NOW)

    def test_cannot_be_changed(self, cast: Cast):
        note = cards.write_note(rep=cast.rep(cast.ae), month=OCTOBER, author=cast.ae, text="Said.", at=NOW)
        note.text = "Unsaid."
        with pytest.raises(DatabaseError), transaction.atomic():
            note.save()


class TestSign:
    @pytest.fixture
    def card(self, cast: Cast) -> Scorecard:
        cards.freeze_month(month=OCTOBER, at=CLOSED_AT)
        return Scorecard.objects.get(rep=cast.rep(cast.ae), month_on=OCTOBER.start)

    def test_both_sign_what_was_frozen(self, cast: Cast, card: Scorecard):
        for user in (cast.manager, cast.ae):
            assert (
                cards.sign(card=card, user=user, fingerprint=card.fingerprint, at=NOW).fingerprint
                == card.fingerprint
            )
        assert set(card.signatures.values_list("signed_as", flat=True)) == {"rep", "manager"}

    def test_nobody_signs_twice(self, cast: Cast, card: Scorecard):
        cards.sign(card=card, user=cast.ae, fingerprint=card.fingerprint, at=NOW)
        with pytest.raises(cards.UnableToSign, match="signed by the rep already"):
            cards.sign(card=card, user=cast.ae, fingerprint=card.fingerprint, at=NOW + timedelta(seconds=1))

    @pytest.mark.parametrize("part", ["second_ae", "outside_manager", "revops", "finance"])
    def test_nobody_signs_for_another(self, cast: Cast, card: Scorecard, part: str):
        with pytest.raises(cards.UnableToSign, match="Only the rep and the manager"):
            cards.sign(card=card, user=getattr(cast, part), fingerprint=card.fingerprint, at=NOW)
        assert not ScorecardSignature.objects.exists()

    def test_an_open_card_cannot_be_signed(self, cast: Cast):
        open_card = Scorecard.objects.create(rep=cast.rep(cast.ae), month_on=date(2026, 11, 1))
        with pytest.raises(cards.UnableToSign, match="still open"):
            cards.sign(card=open_card, user=cast.ae, fingerprint=open_card.fingerprint, at=NOW)

    def test_the_database_refuses_to_alter_a_signature(self, cast: Cast, card: Scorecard):
        signature = cards.sign(card=card, user=cast.ae, fingerprint=card.fingerprint, at=NOW)
        with pytest.raises(DatabaseError), transaction.atomic():
            ScorecardSignature.objects.filter(pk=signature.pk).update(user=cast.manager)
        with pytest.raises(DatabaseError), transaction.atomic():
            signature.delete()
