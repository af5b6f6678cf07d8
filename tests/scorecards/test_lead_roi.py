"""What leads cost and brought: each figure from the record; corrections of spend; how well MQLs are picked."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest
from django.db import DatabaseError, transaction
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from apps.accounts.models import Role, User
from apps.core.errors import InvalidInput
from apps.core.periods import month_of, year_of
from apps.leads.models import EventKind, FunnelEvent, Lead, LeadStage, Source
from apps.leads.services.record import NewEvent, record_events
from apps.scorecards.models import Spend
from apps.scorecards.rules.roi import STEPS, Outcome
from apps.scorecards.selectors import roi
from apps.scorecards.services import spend
from tests.cast import NOW, Cast
from tests.scorecards.company import Company, assemble
from tests.scorecards.plain_review import plain_roi
from tests.scorecards.review_agreement import told
from tests.stage import staged

SEPTEMBER, YEAR = month_of(date(2026, 9, 1)), year_of(date(2026, 6, 1))


@pytest.fixture
@staged
def company(db: None) -> Company:
    made = assemble()
    for number, lead in enumerate(Lead.objects.order_by("pk")):
        lead.source = ("Webinar", "Newsletter", "")[number % 3]
        lead.campaign = ("Spring", "")[number % 2]
        lead.save(update_fields=["source", "campaign"])
    for number, source in enumerate(("Webinar", "Newsletter", "Trade fair")):
        for month in (6, 7, 9):
            entered(source, "Spring" if month == 7 else "", month, 100_000 * (number + 1) + month)
    spend.reverse_spend(spend=Spend.objects.get(source_key="Webinar::6"), reason="Twice", at=NOW, actor=None)
    spend.correct_spend(
        spend=Spend.objects.get(source_key="Newsletter:Spring:7"),
        amount_minor=55_500,
        reason="A credit note",
        at=NOW,
        actor=None,
    )
    entered("Newsletter", "Spring", 9, 9_900, "USD")
    return made


def entered(source: str, campaign: str, month: int, minor: int, currency: str = "EUR") -> Spend:
    new = spend.NewSpend(source, campaign, date(2026, month, 1), minor, currency)
    return spend.enter_spend(new=new, source_key=f"{source}:{campaign}:{month}", at=NOW)


@pytest.fixture
@staged
def marketing(db: None) -> User:
    return User.objects.create_user("m@larkfield.example", "x", name="M", role=Role.MARKETING)


class TestRoi:
    @pytest.mark.parametrize("period", [YEAR, SEPTEMBER, month_of(date(2026, 7, 1))], ids=str)
    def test_every_figure_equals_a_plain_recomputation(self, company: Company, marketing: User, period):
        assert told(roi.roi(period, user=marketing)) == plain_roi(period)

    def test_the_sources_and_the_campaigns_each_sum_to_the_whole(self, company: Company, marketing: User):
        found = roi.roi(YEAR, user=marketing)
        for parts in (found.sources, [one for rows in found.campaigns.values() for one in rows]):
            again = Outcome("again")
            for one in parts:
                again.add(one)
            assert (again.counts, again.revenue, again.spend) == (
                found.whole.counts,
                found.whole.revenue,
                found.whole.spend,
            )
        # (Nobody is qualified in this record: its hand-offs were made without a form.)
        assert min(found.whole.count(step) for step in STEPS if step != "sqls") > 0

    def test_reads_three_statements_whatever_the_number_of_leads(
        self, company: Company, marketing: User, django_assert_num_queries: DjangoAssertNumQueries
    ):
        with django_assert_num_queries(3):
            roi.roi(YEAR, user=marketing)

    def test_a_manager_has_the_leads_of_own_teams_and_no_spend(self, company: Company, cast: Cast):
        company.sdr_team.manager = cast.manager
        company.sdr_team.save()
        own = roi.roi(YEAR, user=cast.manager)
        assert own.whole.counts["leads"] == Lead.objects.count()
        assert own.whole.spend == {}
        foreign = roi.roi(YEAR, user=cast.outside_manager)
        assert foreign.whole.counts["leads"] == 0

    def test_a_figure_opens_to_its_leads(self, company: Company, marketing: User):
        found = roi.roi(YEAR, user=marketing)
        for one in found.sources:
            for step, count in one.counts.items():
                source = "" if one.name == roi.UNKNOWN else one.name
                behind = roi.leads_behind(YEAR, user=marketing, step=step, source=source, campaign=None)
                assert behind.count() == count

    def test_why_they_went_cold_and_by_which_criterion_they_were_rejected(
        self, company: Company, marketing: User
    ):
        rejected = roi.rejected_by(YEAR, user=marketing)
        assert (
            sum(count for _, count, _ in rejected)
            == FunnelEvent.objects.effective().filter(kind=EventKind.REJECTED).count()
        )
        assert sum(count for _, count in roi.why_cold(YEAR, user=marketing)) == 0

    def test_as_of_an_earlier_instant_it_is_what_was_known_then(self, company: Company, marketing: User):
        """Spend that was entered, and corrected, later is not known yet."""
        found = roi.roi(YEAR, user=marketing, as_of=NOW - timedelta(seconds=1))
        assert found.whole.spend == {}


class TestOutcome:
    def test_cost_and_return_stand_for_one_currency_only(self):
        one = Outcome("x", {"won": 3}, {"EUR": 90_000}, {"EUR": 60_000})
        assert one.cost_per("won") == (Fraction(20_000), "EUR")
        assert one.roi == Fraction(1, 2)
        mixed = Outcome("x", {"won": 3}, {"EUR": 90_000, "USD": 5}, {"EUR": 60_000})
        assert (mixed.cost_per("won"), mixed.roi) == ((Fraction(20_000), "EUR"), None)
        twice = Outcome("x", {"won": 3}, {"EUR": 90_000}, {"EUR": 60_000, "USD": 1})
        assert (twice.cost_per("won"), twice.roi) == (None, None)
        assert Outcome("x", {"won": 0}, {}, {"EUR": 60_000}).cost_per("won") is None

    @given(
        st.lists(st.dictionaries(st.sampled_from(["EUR", "USD", "JPY"]), st.integers(1, 10**12)), max_size=6)
    )
    def test_currencies_are_never_added(self, amounts: list[dict[str, int]]):
        whole = Outcome("whole")
        for one in amounts:
            whole.add(Outcome("part", {}, one, one))
        for currency in ("EUR", "USD", "JPY"):
            assert whole.spend.get(currency, 0) == sum(one.get(currency, 0) for one in amounts)


class TestSpend:
    def test_the_same_key_is_one_entry_and_another_amount_under_it_is_refused(self, db: None):
        assert entered("Webinar", "", 6, 500) == entered("Webinar", "", 6, 500)
        with pytest.raises(spend.SpendKeyTaken):
            entered("Webinar", "", 6, 501)

    def test_a_correction_keeps_both_and_counts_the_new_one(self, db: None):
        first = entered("Webinar", "", 6, 500)
        spend.correct_spend(spend=first, amount_minor=450, reason="A credit note", at=NOW, actor=None)
        assert sorted(Spend.objects.values_list("amount_minor", flat=True)) == [-500, 450, 500]
        assert [one.amount_minor for one in Spend.objects.effective()] == [450]
        with pytest.raises(spend.UnableToReverseSpend):
            spend.reverse_spend(spend=first, reason="Again", at=NOW, actor=None)

    def test_a_reversal_is_not_reversed(self, db: None):
        back = spend.reverse_spend(spend=entered("Webinar", "", 6, 500), reason="No", at=NOW, actor=None)
        with pytest.raises(spend.UnableToReverseSpend):
            spend.reverse_spend(spend=back, reason="No", at=NOW, actor=None)

    def test_the_database_refuses_to_change_it(self, db: None):
        first = entered("Webinar", "", 6, 500)
        with pytest.raises(DatabaseError), transaction.atomic():
            Spend.objects.filter(pk=first.pk).update(amount_minor=1)

    @pytest.mark.parametrize(
        "new, field",
        [
            (spend.NewSpend(" ", "", date(2026, 6, 1), 5, "EUR"), "source"),
            (spend.NewSpend("Webinar", "", date(2026, 6, 2), 5, "EUR"), "month"),
            (spend.NewSpend("Webinar", "", date(2026, 6, 1), 0, "EUR"), "amount"),
            (spend.NewSpend("Webinar", "", date(2026, 6, 1), 5, "eur"), "currency"),
        ],
    )
    def test_what_cannot_be_is_refused_at_its_field(self, db: None, new: spend.NewSpend, field: str):
        with pytest.raises(InvalidInput) as refused:
            spend.enter_spend(new=new, source_key="k", at=NOW)
        assert refused.value.field == field


class TestPrecision:
    def test_by_version_and_month_a_lead_counts_where_it_first_became_an_mql(self, cast: Cast):
        def lead(number: int, month: int, version: int, *later: EventKind) -> None:
            at = datetime(2026, month, 10, 9, tzinfo=UTC)
            made = Lead.objects.create(
                name=f"Lead {number}", stage=LeadStage.MQL, team=cast.sdr_team, created_at=at
            )
            kinds = (EventKind.MQL, *later)
            events = [
                NewEvent(
                    kind=kind,
                    occurred_at=at + timedelta(days=place),
                    source=Source.PAGE,
                    source_key=f"{number}:{place}",
                    lead=made,
                    data={"definition": version} if kind == EventKind.MQL else {},
                )
                for place, kind in enumerate(kinds)
            ]
            record_events(events=events, at=NOW)

        lead(1, 8, 1, EventKind.QUALIFIED, EventKind.ACCEPTED, EventKind.WON)
        lead(2, 8, 1, EventKind.QUALIFIED)
        lead(3, 8, 1)
        lead(4, 9, 2, EventKind.QUALIFIED)
        # Back from nurture it becomes an MQL once more, under a later version: it stays where it was first.
        lead(5, 8, 1, EventKind.RECYCLED, EventKind.MQL)
        found = roi.precision(user=cast.marketing, since=datetime(2026, 1, 1, tzinfo=UTC))
        assert [(one.version, one.month, one.called, dict(one.reached)) for one in found] == [
            (2, "2026-09", 1, {"sqls": 1, "accepted": 0, "won": 0}),
            (1, "2026-08", 4, {"sqls": 2, "accepted": 1, "won": 1}),
        ]
        assert found[1].share("sqls") == Fraction(1, 2)
        low, high = roi.interval(2, 4) or (0, 0)
        assert low < 0.5 < high
