"""Credits by hand: proposed, approved with four eyes, counted from then on, taken back; closed months adjusted."""

import pytest
from django.db import DatabaseError, transaction
from hypothesis import given
from hypothesis import strategies as st

from apps.accounts.models import Notification
from apps.audit.models import AuditEntry
from apps.compensation.models import CreditSplit, CreditSplitDecision, EntryKind, LedgerEntry, Statement
from apps.compensation.selectors import control
from apps.compensation.services import credit_splits as splits
from apps.core.errors import InvalidInput
from apps.leads.models import WHOLE_SHARE, Capacity, EventKind
from apps.leads.services.record import Credit
from apps.reps.models import Rep
from tests.compensation import formula_reader
from tests.compensation.conftest import FEBRUARY, JANUARY, MARCH, Payroll, noon
from tests.compensation.plan_documents import component, graduated, plan
from tests.stage import staged

pytestmark = pytest.mark.django_db
SIXTY, FORTY = 600_000, 400_000
EIGHTH = noon(8)


@pytest.fixture
@staged
def ae(payroll: Payroll) -> Rep:
    return payroll.cast.rep(payroll.cast.ae)


@pytest.fixture
@staged
def other(payroll: Payroll) -> Rep:
    return payroll.cast.rep(payroll.cast.second_ae)


@pytest.fixture
@staged
def on_plan(payroll: Payroll, ae: Rep, other: Rep) -> None:
    made = payroll.plan(plan(component(graduated("10"))))
    payroll.assign(ae, made)
    payroll.assign(other, made)


def propose(payroll: Payroll, event, shares, at=EIGHTH, **more) -> CreditSplit:
    given = {"capacity": Capacity.OWNED, "reason": "Both worked on it.", "actor": payroll.cast.manager} | more
    return splits.propose_split(event=event, shares=shares, at=at, **given)


def agree(payroll: Payroll, event, shares, at=EIGHTH, **more) -> CreditSplit:
    split = propose(payroll, event, shares, at, **more)
    return splits.approve_split(split=split, at=at, actor=payroll.cast.finance)


def paid(run) -> dict[str, int]:
    return dict(Statement.objects.filter(run=run).values_list("rep__name", "payable_minor"))


@pytest.mark.usefixtures("on_plan")
class TestPay:
    def test_counts_from_its_approval_and_only_then(self, payroll, ae, other):
        event = payroll.won(ae, noon(5), 1_000_00)
        split = propose(payroll, event, {ae: SIXTY, other: FORTY})
        assert paid(payroll.compute(JANUARY)) == {"Ae": 100_00, "Second Ae": 0}
        splits.approve_split(split=split, at=noon(3, 2), actor=payroll.cast.finance)
        again = payroll.compute(JANUARY, noon(4, 2))
        assert paid(again) == {"Ae": 60_00, "Second Ae": 40_00}
        assert payroll.compute(JANUARY, noon(5, 2)).fingerprint == again.fingerprint
        for line in LedgerEntry.objects.all():
            assert formula_reader.minor(line.formula) == line.earned_minor

    def test_its_words_say_the_share_and_why(self, payroll, ae, other):
        event = payroll.won(ae, noon(5), 1_000_00)
        payroll.compute(JANUARY)
        agree(payroll, event, {ae: SIXTY, other: FORTY}, at=noon(3, 2))
        payroll.compute(JANUARY, noon(4, 2))
        correction = LedgerEntry.objects.get(rep=ae, kind=EntryKind.ADJUSTMENT)
        assert "€1,000.00 × 60 % credit × 10.00 %" in correction.formula
        assert correction.cause == "Credit split by hand, approved on 3 Feb 2026 (Both worked on it.)."
        assert correction.cause_event_id == event.pk

    def test_a_closed_month_gets_adjustments_that_name_it(self, payroll, ae, other):
        event = payroll.won(ae, noon(5), 1_000_00)
        january = payroll.settle(JANUARY)
        before = list(LedgerEntry.objects.filter(run=january).order_by("pk").values())
        agree(payroll, event, {other: WHOLE_SHARE}, at=noon(10, 2))
        february = payroll.settle(FEBRUARY)
        assert paid(february) == {"Ae": -100_00, "Second Ae": 100_00}
        lines = LedgerEntry.objects.filter(run=february)
        assert {line.starts_on for line in lines} == {JANUARY.start}
        assert {line.cause for line in lines} == {
            "Credit split by hand, approved on 10 Feb 2026 (Both worked on it.)."
        }
        assert list(LedgerEntry.objects.filter(run=january).order_by("pk").values()) == before
        assert control.fingerprint(january) == january.fingerprint
        assert paid(payroll.compute(MARCH)) == {"Ae": 0, "Second Ae": 0}

    def test_taken_back_everybody_has_what_they_had(self, payroll, ae, other):
        event = payroll.won(ae, noon(5), 1_000_00)
        payroll.settle(JANUARY)
        split = agree(payroll, event, {ae: SIXTY, other: FORTY}, at=noon(10, 2))
        payroll.settle(FEBRUARY)
        back = splits.propose_reversal(
            split=split, reason="It was one deal only.", at=noon(5, 3), actor=payroll.cast.revops
        )
        assert back.reverses == split
        splits.approve_split(split=back, at=noon(6, 3), actor=payroll.cast.finance)
        payroll.settle(MARCH)
        totals = {rep.name: 0 for rep in (ae, other)}
        for line in LedgerEntry.objects.all():
            totals[line.rep.name] += line.amount_minor
        assert totals == {"Ae": 100_00, "Second Ae": 0}

    def test_a_second_split_takes_the_place_of_the_first(self, payroll, ae, other):
        third = payroll.cast.rep(payroll.cast.am)
        event = payroll.won(ae, noon(5), 1_000_00)
        agree(payroll, event, {ae: SIXTY, other: FORTY})
        agree(payroll, event, {other: SIXTY, third: FORTY}, at=noon(9))
        payroll.assign(third, payroll.plan(plan(component(graduated("5")), name="Another")))
        assert paid(payroll.compute(JANUARY)) == {"Ae": 0, "Second Ae": 60_00, "Am": 20_00}

    def test_a_reversed_event_is_taken_back_from_whom_the_split_credits(self, payroll, ae, other):
        event = payroll.won(ae, noon(5), 1_000_00)
        agree(payroll, event, {other: WHOLE_SHARE})
        payroll.settle(JANUARY)
        payroll.reverse(event, noon(10, 2))
        assert paid(payroll.compute(FEBRUARY)) == {"Ae": 0, "Second Ae": -100_00}

    def test_a_payment_is_credited_as_its_win_is_by_now(self, payroll, ae, other):
        third = payroll.cast.rep(payroll.cast.am)
        payroll.assign(
            third, payroll.plan(plan(component(graduated("10"), measure={"event": "paid"}), name="Paid"))
        )
        deal = payroll.deal(ae)
        event = payroll.won(ae, noon(5), 1_000_00, opportunity=deal)
        payroll.payment(deal, noon(6), 500_00)
        agree(payroll, event, {ae: SIXTY, third: FORTY})
        assert paid(payroll.compute(JANUARY))["Am"] == 20_00
        payroll.settle(JANUARY)
        payroll.payment(deal, noon(7, 2), 500_00)
        assert paid(payroll.compute(FEBRUARY))["Am"] == 20_00

    def test_as_of_an_earlier_instant_it_is_not_known(self, payroll, ae, other):
        event = payroll.won(ae, noon(5), 1_000_00)
        agree(payroll, event, {other: WHOLE_SHARE}, at=noon(20, 2))
        assert paid(payroll.compute(JANUARY)) == {"Ae": 100_00, "Second Ae": 0}


class TestProposing:
    def test_is_told_to_those_who_may_approve(self, payroll, ae, other):
        split = propose(payroll, payroll.won(ae, noon(5), 1_000_00), {ae: SIXTY, other: FORTY})
        told = set(Notification.objects.values_list("user__name", flat=True))
        assert told == {"Finance", "Revops"}
        splits.approve_split(split=split, at=noon(9), actor=payroll.cast.finance)
        news = Notification.objects.filter(kind="split_decided").values_list("user__name", flat=True)
        assert set(news) == {"Manager", "Ae", "Second Ae"}
        verbs = AuditEntry.objects.filter(verb__startswith="compensation.split").values_list(
            "verb", flat=True
        )
        assert set(verbs) == {"compensation.split.proposed", "compensation.split.approved"}

    @pytest.mark.parametrize("parts", [(SIXTY, FORTY + 1), (SIXTY, FORTY - 1), (-1, WHOLE_SHARE + 1), (0, 0)])
    def test_shares_sum_to_the_whole(self, payroll, ae, other, parts):
        with pytest.raises(InvalidInput) as refused:
            propose(payroll, payroll.won(ae, noon(5), 1), dict(zip((ae, other), parts, strict=True)))
        assert refused.value.field == "shares"
        assert not CreditSplit.objects.exists()

    def test_says_why(self, payroll, ae, other):
        with pytest.raises(InvalidInput, match="Say why"):
            propose(payroll, payroll.won(ae, noon(5), 1), {other: WHOLE_SHARE}, reason="  ")

    def test_twice_is_once_and_another_one_waits(self, payroll, ae, other):
        event = payroll.won(ae, noon(5), 1)
        first = propose(payroll, event, {other: WHOLE_SHARE})
        assert propose(payroll, event, {other: WHOLE_SHARE}) == first
        with pytest.raises(splits.UnableToSplit, match="waits for its approval"):
            propose(payroll, event, {ae: SIXTY, other: FORTY})

    def test_what_stands_already_is_no_change(self, payroll, ae):
        with pytest.raises(splits.UnableToSplit, match="nothing to change"):
            propose(payroll, payroll.won(ae, noon(5), 1), {ae: WHOLE_SHARE})

    def test_of_what_was_reversed_or_pays_nobody_is_refused(self, payroll, ae, other):
        event = payroll.won(ae, noon(5), 1)
        payroll.reverse(event, noon(6))
        with pytest.raises(splits.UnableToSplit, match="reversed"):
            propose(payroll, event, {other: WHOLE_SHARE})
        lost = payroll.event(EventKind.LOST, noon(5), Credit(ae, Capacity.OWNED))
        with pytest.raises(splits.UnableToSplit, match="nothing to split"):
            propose(payroll, lost, {other: WHOLE_SHARE})


class TestFourEyes:
    @pytest.fixture
    def split(self, payroll, ae, other) -> CreditSplit:
        return propose(payroll, payroll.won(ae, noon(5), 1_000_00), {ae: SIXTY, other: FORTY})

    def test_who_proposed_it_does_not_approve_it(self, payroll, split):
        with pytest.raises(splits.UnableToDecide, match="proposed a split"):
            splits.approve_split(split=split, at=noon(9), actor=payroll.cast.manager)

    def test_who_gains_does_not_and_who_loses_may(self, payroll, split):
        with pytest.raises(splits.UnableToDecide, match="gains by a split"):
            splits.approve_split(split=split, at=noon(9), actor=payroll.cast.second_ae)
        assert splits.why_not_approve(split=split, user=payroll.cast.ae) == ""

    @pytest.mark.parametrize("part", ["manager", "second_ae"])
    def test_the_database_refuses_it_too(self, payroll, split, part):
        with pytest.raises(DatabaseError, match="proposed or gain"), transaction.atomic():
            CreditSplitDecision.objects.create(
                split=split, verdict="approved", by=getattr(payroll.cast, part), at=noon(9)
            )

    def test_the_database_refuses_parts_that_do_not_sum(self, payroll, split, ae):
        split.parts.model.objects.create(
            split=split, event=split.event, capacity="owned", rep=payroll.cast.rep(payroll.cast.am),
            share_before=0, share=1,
        )  # fmt: skip
        with pytest.raises(DatabaseError, match="sum to the whole"), transaction.atomic():
            CreditSplitDecision.objects.create(
                split=split, verdict="approved", by=payroll.cast.finance, at=noon(9)
            )

    def test_a_decided_split_takes_no_further_part(self, payroll, split):
        splits.approve_split(split=split, at=noon(9), actor=payroll.cast.finance)
        with pytest.raises(DatabaseError, match="no further part"), transaction.atomic():
            split.parts.model.objects.create(
                split=split, event=split.event, capacity="owned", rep=payroll.cast.rep(payroll.cast.am),
                share_before=0, share=1,
            )  # fmt: skip

    def test_it_is_decided_once(self, payroll, split):
        splits.decline_split(split=split, words="No.", at=noon(9), actor=payroll.cast.finance)
        with pytest.raises(splits.UnableToDecide, match="declined by Finance on 9 Jan 2026"):
            splits.approve_split(split=split, at=noon(9), actor=payroll.cast.revops)

    def test_declining_says_why_and_withdrawing_is_the_proposer_s(self, payroll, split):
        with pytest.raises(InvalidInput, match="Say why"):
            splits.decline_split(split=split, words="", at=noon(9), actor=payroll.cast.finance)
        with pytest.raises(splits.UnableToDecide, match="Only who proposed"):
            splits.withdraw_split(split=split, at=noon(9), actor=payroll.cast.finance)
        with pytest.raises(splits.UnableToDecide, match="Withdraw what you proposed"):
            splits.decline_split(split=split, words="No.", at=noon(9), actor=payroll.cast.manager)
        splits.withdraw_split(split=split, at=noon(9), actor=payroll.cast.manager)
        assert split.parts.count() == 2

    def test_an_event_reversed_meanwhile_is_not_split(self, payroll, split):
        payroll.reverse(split.event, noon(9))
        with pytest.raises(splits.UnableToDecide, match="reversed meanwhile"):
            splits.approve_split(split=split, at=noon(9), actor=payroll.cast.finance)

    def test_an_older_split_is_not_taken_back_past_a_newer_one(self, payroll, ae, other, split):
        first = splits.approve_split(split=split, at=noon(9), actor=payroll.cast.finance)
        agree(payroll, split.event, {other: WHOLE_SHARE}, at=noon(10))
        with pytest.raises(splits.UnableToSplit, match="Another split came after"):
            splits.propose_reversal(split=first, reason="x", at=noon(11), actor=payroll.cast.revops)


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=10))
def test_weights_become_shares_of_the_whole(weights):
    shares = splits.shares_by_weight(weights)
    assert sum(shares) == WHOLE_SHARE
    total = sum(weights)
    for weight, share in zip(weights, shares, strict=True):
        assert abs(share * total - weight * WHOLE_SHARE) < total
