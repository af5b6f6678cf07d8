"""One customer's whole story, worked out by hand: win, pass-on, renewal, upsell, departure, lifetime value."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

from apps.customers.models import Churn, Contract, PassOn
from apps.customers.selectors import book
from apps.customers.services import readings, renewals
from apps.leads.models import (
    EventKind,
    FunnelEvent,
    LossReason,
    Opportunity,
    OpportunityKind,
    OpportunityStage,
)
from apps.leads.services import opportunities
from tests.cast import Cast
from tests.customers.scenes import contract_of, kept


def at(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 10, tzinfo=UTC)


def win(deal: Opportunity, amount: int, day: date, actor) -> Opportunity:
    for stage in (OpportunityStage.STAGE_2, OpportunityStage.WON):
        deal = opportunities.move_opportunity(
            opportunity=deal, stage=stage, amount_minor=amount, at=at(day), actor=actor
        )
    return deal


def test_from_the_win_to_the_departure(cast: Cast) -> None:
    # Won at €60,000 on 21 Nov 2026, a year from 1 Dec 2026; passed to the AM, who took it over.
    account = kept(cast)
    first = contract_of(account)
    assert (account.owner, first.days, first.amount_minor) == (cast.rep(cast.am), 365, 60_000_00)
    assert PassOn.objects.get().state == PassOn.State.ACCEPTED
    assert FunnelEvent.objects.get(kind=EventKind.PASSED_ON).account == account

    # 90 days before 30 Nov 2027 is 1 Sep 2027: the day before nothing opens, on the day one renewal does, once.
    assert renewals.sweep_renewals(at=at(date(2027, 8, 31)), today=date(2027, 8, 31)) == 0
    assert renewals.sweep_renewals(at=at(date(2027, 9, 1)), today=date(2027, 9, 1)) == 1
    assert renewals.sweep_renewals(at=at(date(2027, 9, 2)), today=date(2027, 9, 2)) == 0
    renewal = Opportunity.objects.get(kind=OpportunityKind.RENEWAL)
    assert (renewal.owner, renewal.amount_minor, renewal.expected_close_on) == (
        cast.rep(cast.am), 60_000_00, date(2027, 11, 30),
    )  # fmt: skip

    # Renewed at €66,000: it goes on the day after, as long as the first one did.
    win(renewal, 66_000_00, date(2027, 11, 1), cast.am)
    second = contract_of(account)
    assert (second.starts_on, second.ends_on, second.amount_minor) == (
        date(2027, 12, 1), date(2028, 11, 29), 66_000_00,
    )  # fmt: skip
    assert second.days == 365

    # On 1 Jun 2028 more users for €9,100, until the running contract ends: 182 days.
    upsell = opportunities.open_opportunity(
        owner=account.owner, name="More users", account=account, kind=OpportunityKind.UPSELL,
        at=at(date(2028, 5, 10)), actor=cast.am,
    )  # fmt: skip
    win(upsell, 9_100_00, date(2028, 6, 1), cast.am)
    third = contract_of(account)
    assert (third.starts_on, third.ends_on, third.days) == (date(2028, 6, 1), date(2028, 11, 29), 182)

    # Worth a year on 1 Jul 2028: 66,000 + 9,100 × 365/182 = 66,000 + 18,250.
    from apps.customers.rules.retention import yearly_by_account

    of = book.book(account=account)
    worth = yearly_by_account(of.contracts, of.left_on, date(2028, 7, 1))
    assert worth == {(account.pk, "EUR"): Fraction(66_000_00) + Fraction(9_100_00 * 365, 182)}
    assert worth[account.pk, "EUR"] == 84_250_00

    # They leave on 1 Sep 2028 with a renewal open: it is lost with them, and €84,250 a year are gone.
    assert renewals.sweep_renewals(at=at(date(2028, 9, 1)), today=date(2028, 9, 1)) == 2
    churn = readings.record_churn(
        account=account, extent=Churn.Extent.FULL, churned_on=date(2028, 9, 1), reason=Churn.Reason.PRICE,
        at=at(date(2028, 9, 1)), actor=cast.am,
    )  # fmt: skip
    assert churn.lost == [{"amount_minor": 84_250_00, "currency": "EUR"}]
    assert (churn.event.amount_minor, churn.event.currency) == (84_250_00, "EUR")
    lost = Opportunity.objects.filter(stage=OpportunityStage.LOST)
    assert {one.loss_reason for one in lost} == {LossReason.CHURNED}
    assert lost.count() == 2

    # Lifetime value: 60,000 + 66,000 + 9,100 = 135,100 won, and nothing more to come.
    (value,), life = book.lifetime(account, on=date(2028, 9, 2))
    assert (value.won_minor, value.expected_minor, value.value_minor) == (135_100_00, 0, 135_100_00)
    # 1 Dec 2026 to 29 Nov 2028 without a gap: 730 days, the upsell within them counted once.
    assert value.covered_days == 730
    # Of the last 365 days before 2 Sep 2028 (from 3 Sep 2027 on) they were there until 31 Aug: 364 days.
    assert (life.customers, life.customer_days, life.left) == (1, 364, 1)

    # Retention of the year up to that day: the €60,000 a year of 2 Sep 2027 are gone.
    (money,) = of.retention(date(2027, 9, 2), date(2028, 8, 31)).money
    assert money.gross == 1
    gone = book.book(account=account).retention(date(2027, 9, 2), date(2028, 9, 2))
    assert (gone.customers, gone.churn_rate, gone.money[0].gross, gone.money[0].net) == (1, 1, 0, 0)

    # Taken back, they are a customer as before.
    readings.take_churn_back(churn=churn, reason="They stayed", at=at(date(2028, 9, 5)), actor=cast.manager)
    assert book.book(account=account).left_on == {}
    assert readings.full_churn_of(account) is None


def test_a_win_taken_back_takes_its_worth_along(cast: Cast) -> None:
    account = kept(cast)
    opportunities.take_win_back(
        opportunity=contract_of(account).opportunity, reason="Cancelled", at=at(date(2026, 12, 5)),
        actor=cast.manager,
    )  # fmt: skip
    assert book.lifetime(account, on=date(2026, 12, 6))[0] == []
    assert not Contract.objects.standing().exists()
    assert PassOn.objects.get().state == PassOn.State.VOID
    assert not FunnelEvent.objects.filter(kind=EventKind.PASSED_ON).effective().exists()
    # Won again, it is passed on again.
    again = opportunities.move_opportunity(
        opportunity=contract_or_deal(account), stage=OpportunityStage.WON, amount_minor=50_000_00,
        at=at(date(2026, 12, 20)) + timedelta(hours=1), actor=cast.ae,
    )  # fmt: skip
    assert PassOn.objects.get(opportunity=again).state == PassOn.State.TO_WRITE


def contract_or_deal(account) -> Opportunity:
    return Opportunity.objects.get(account=account)
