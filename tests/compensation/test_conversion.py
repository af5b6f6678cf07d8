"""Amounts in other currencies: converted at a dated rate, paid in their own, or refused; and pay in another one."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from apps.compensation.models import EntryKind, ExchangeRate, LedgerEntry, Statement
from apps.compensation.rules.conversion import Conversion
from apps.compensation.rules.lines import evaluate
from apps.compensation.rules.payout import payout_lines
from apps.compensation.rules.plan import parse_plan
from apps.compensation.rules.reading import PlanInvalid
from apps.compensation.rules.writing import write_plan
from apps.compensation.selectors import control
from apps.compensation.services import rates
from apps.compensation.services.computation import UnableToCompute
from apps.core.errors import InvalidInput
from apps.core.money import exponent, round_half_up
from apps.reps.models import Rep
from tests.compensation import formula_reader
from tests.compensation.conftest import FEBRUARY, JANUARY, MARCH, Payroll, noon
from tests.compensation.plan_documents import QUOTA, component, graduated, plan, whole
from tests.stage import staged

DAY = {"other_currencies": "event_day"}
MONTH = {"other_currencies": "month_end"}


def rate(on: date, value: str, of: str = "USD", to: str = "EUR", at: datetime | None = None) -> None:
    rates.record_rates(
        rates=[rates.NewRate(of, to, on, Decimal(value), "ECB")],
        today=date(2026, 12, 31),
        at=at or noon(on.day, on.month),
    )


@pytest.fixture
@staged
def ae(payroll: Payroll) -> Rep:
    return payroll.cast.rep(payroll.cast.ae)


def on(payroll: Payroll, rep: Rep, *components, **more) -> None:
    payroll.assign(rep, payroll.plan(plan(*components, **more)))


def read_back(rep: Rep) -> None:
    """Every line's words and terms give what it says."""
    for line in LedgerEntry.objects.filter(rep=rep):
        assert formula_reader.minor(line.formula, exponent(line.currency)) == line.earned_minor, line.formula
        terms = tuple(tuple(Fraction(factor) for factor in term) for term in line.terms)
        assert evaluate(terms) == Fraction(line.exact)
        assert round_half_up(Fraction(line.exact)) == line.earned_minor


@pytest.mark.django_db
class TestComponentsThatConvert:
    def test_at_the_rate_of_the_event_s_day(self, payroll, ae):
        on(payroll, ae, component(graduated("10"), measure=DAY))
        rate(date(2026, 1, 5), "0.92")
        rate(date(2026, 1, 20), "0.95")
        payroll.won(ae, noon(5), 1_000_00, currency="USD")
        payroll.won(ae, noon(7), 1_000_00, currency="USD")  # none was published that day: the one before
        payroll.won(ae, noon(20), 1_000_00, currency="USD")
        run = payroll.compute(JANUARY)
        assert [line.amount_minor for line in payroll.lines(run, ae)] == [92_00, 92_00, 95_00]
        line = payroll.lines(run, ae)[1]
        assert "$1,000.00 × 0.92 “EUR per USD, ECB, 5 Jan 2026” × 10.00 % = €92.00" in line.formula
        assert line.conversion == {
            "from": "USD", "to": "EUR", "rate": "23/25", "published": "0.92", "inverted": False,
            "on": "2026-01-05", "source": "ECB", "minor": 100_000,
        }  # fmt: skip
        assert line.base_minor == 920_00
        read_back(ae)

    def test_at_the_month_s_end(self, payroll, ae):
        on(payroll, ae, component(graduated("10"), measure=MONTH))
        rate(date(2026, 1, 5), "0.92")
        rate(date(2026, 1, 30), "0.90")
        payroll.won(ae, noon(5), 1_000_00, currency="USD")
        assert payroll.paid(payroll.compute(JANUARY), ae) == 90_00
        read_back(ae)

    def test_bands_and_quotas_count_the_converted_amount(self, payroll, ae):
        like = component(graduated("4", "100", "8"), bands_in="percent_of_quota", quota=QUOTA, measure=DAY)
        on(payroll, ae, like)
        payroll.quota(ae, 1_000_00)
        rate(date(2026, 1, 1), "0.5")
        payroll.won(ae, noon(5), 900_00)
        payroll.won(ae, noon(6), 1_000_00, currency="USD")  # 500 in euros: 100 below the quota, 400 above
        run = payroll.compute(JANUARY)
        assert payroll.paid(run, ae) == 36_00 + 4_00 + 32_00
        across = payroll.lines(run, ae)[1]
        assert len(across.parts) == 2
        assert "0.5 “EUR per USD, ECB, 1 Jan 2026”" in across.formula
        read_back(ae)

    def test_a_rate_published_the_other_way_round_divides(self, payroll, ae):
        on(payroll, ae, component(graduated("10"), measure=DAY))
        rate(date(2026, 1, 5), "1.087", of="EUR", to="USD")
        payroll.won(ae, noon(5), 1_000_00, currency="USD")
        run = payroll.compute(JANUARY)
        (line,) = payroll.lines(run, ae)
        assert line.amount_minor == round_half_up(Fraction(100_000, 10) / Fraction("1.087"))
        assert "÷ 1.087 “USD per EUR, ECB, 5 Jan 2026”" in line.formula
        read_back(ae)

    def test_currencies_of_other_minor_units(self, payroll, ae):
        on(payroll, ae, component(graduated("10"), measure=DAY))
        rate(date(2026, 1, 5), "0.0061", of="JPY")
        rate(date(2026, 1, 5), "3.01", of="KWD")
        payroll.won(ae, noon(5), 1_000_000, currency="JPY")
        payroll.won(ae, noon(5), 1_000_000, currency="KWD")  # 1,000.000 dinars
        run = payroll.compute(JANUARY)
        assert [line.amount_minor for line in payroll.lines(run, ae)] == [610_00, 301_00]
        read_back(ae)

    def test_a_figure_in_money_is_converted_too(self, payroll, ae):
        measure = DAY | {"of": "figure", "figure": "margin", "unit": "money"}
        on(payroll, ae, component(graduated("10"), measure=measure))
        rate(date(2026, 1, 5), "0.92")
        payroll.won(ae, noon(5), 1_000_00, currency="USD", figures={"margin": "250.50"})
        run = payroll.compute(JANUARY)
        assert payroll.paid(run, ae) == round_half_up(Fraction("250.50") * Fraction("9.2"))
        read_back(ae)

    def test_a_condition_on_the_amount_asks_for_it_in_the_plan_s_currency(self, payroll, ae):
        where = [{"field": "amount", "is": "at_least", "value": "1000"}]
        on(payroll, ae, component(graduated("10"), measure=DAY | {"where": where}))
        rate(date(2026, 1, 5), "0.92")
        payroll.won(ae, noon(5), 1_000_00, currency="USD")
        payroll.won(ae, noon(6), 1_200_00, currency="USD")
        run = payroll.compute(JANUARY)
        assert [line.amount_minor for line in payroll.lines(run, ae)] == [110_40]

    def test_without_a_rate_nothing_is_posted(self, payroll, ae):
        on(payroll, ae, component(graduated("10"), measure=DAY))
        rate(date(2025, 12, 1), "0.92")  # more than a month before
        payroll.won(ae, noon(5), 1_000_00, currency="USD")
        with pytest.raises(
            UnableToCompute, match=r"Ae: There is no exchange rate from USD to EUR for 5 Jan 2026"
        ):
            payroll.compute(JANUARY)
        assert not LedgerEntry.objects.exists()

    def test_a_rate_recorded_after_the_run_s_instant_is_not_known_to_it(self, payroll, ae):
        on(payroll, ae, component(graduated("10"), measure=DAY))
        rate(date(2026, 1, 5), "0.92", at=noon(10, 2))
        payroll.won(ae, noon(5), 1_000_00, currency="USD")
        with pytest.raises(UnableToCompute):
            payroll.compute(JANUARY)

    def test_a_corrected_rate_of_a_locked_month_is_an_adjustment_that_names_both(self, payroll, ae):
        on(payroll, ae, component(graduated("10"), measure=DAY))
        rate(date(2026, 1, 5), "0.92")
        payroll.won(ae, noon(5), 1_000_00, currency="USD")
        january = payroll.settle(JANUARY)
        before = list(LedgerEntry.objects.filter(run=january).values())
        rate(date(2026, 1, 5), "0.93", at=noon(10, 2))
        february = payroll.compute(FEBRUARY)
        (line,) = payroll.lines(february, ae)
        assert (line.kind, line.amount_minor, line.starts_on) == (EntryKind.ADJUSTMENT, 1_00, JANUARY.start)
        assert line.cause == (
            "Another exchange rate: 0.93 EUR per USD of 5 Jan 2026 (ECB); "
            "before 0.92 EUR per USD of 5 Jan 2026 (ECB)."
        )
        assert list(LedgerEntry.objects.filter(run=january).values()) == before
        assert control.fingerprint(january) == january.fingerprint
        assert payroll.compute(FEBRUARY).fingerprint == february.fingerprint
        read_back(ae)


@pytest.mark.django_db
class TestComponentsThatDoNot:
    def test_refuse_where_they_are_told_to(self, payroll, ae):
        on(payroll, ae, component(graduated("10"), measure={"other_currencies": "refused"}))
        payroll.won(ae, noon(5), 1_000_00, currency="USD")
        with pytest.raises(UnableToCompute, match="pays in EUR alone"):
            payroll.compute(JANUARY)

    @pytest.mark.parametrize("measure", [{}, {"other_currencies": "own"}])
    def test_one_flat_rate_pays_in_the_amount_s_own(self, payroll, ae, measure):
        on(payroll, ae, component(graduated("10"), measure=measure))
        payroll.won(ae, noon(5), 1_000_00, currency="USD")
        assert payroll.paid(payroll.compute(JANUARY), ae, "USD") == 100_00

    def test_a_plan_whose_bands_would_compare_cannot_pay_in_the_own_currency(self):
        like = component(whole("1", "100", "2"), measure={"other_currencies": "own"})
        with pytest.raises(PlanInvalid, match=r"components\[0\].measure.other_currencies: Bands"):
            parse_plan(plan(like))

    def test_only_money_has_a_currency(self):
        like = component(graduated("10.00"), measure=DAY | {"of": "count"}, pays="per_unit")
        with pytest.raises(PlanInvalid, match="Only an amount or a figure in money"):
            parse_plan(plan(like))

    @pytest.mark.parametrize("said", ["refused", "own", "event_day", "month_end"])
    def test_round_trip(self, said):
        rules = parse_plan(plan(component(graduated("10"), measure={"other_currencies": said})))
        assert parse_plan(write_plan(rules)) == rules
        assert write_plan(rules)["components"][0]["measure"]["other_currencies"] == said


@pytest.mark.django_db
class TestPayInAnotherCurrency:
    def paid_in(self, ae: Rep, currency: str = "USD", day: date = date(2026, 1, 1)) -> None:
        rates.set_payout_currency(rep=ae, currency=currency, starts_on=day, at=noon(2))

    def payable(self, run) -> dict[str, int]:
        return dict(Statement.objects.filter(run=run).values_list("currency", "payable_minor"))

    def test_a_pair_of_lines_empties_one_statement_and_fills_the_other(self, payroll, ae):
        on(payroll, ae, component(graduated("10")))
        self.paid_in(ae)
        rate(date(2026, 1, 30), "1.0873", of="EUR", to="USD")
        payroll.won(ae, noon(5), 1_234_50)
        run = payroll.compute(JANUARY)
        assert self.payable(run) == {"EUR": 0, "USD": round_half_up(Fraction(12345) * Fraction("1.0873"))}
        out, into = LedgerEntry.objects.filter(kind=EntryKind.CONVERSION).order_by("pk")
        assert (out.amount_minor, out.currency, into.currency) == (-123_45, "EUR", "USD")
        assert "“USD per EUR, ECB, 30 Jan 2026”" in into.formula
        assert into.conversion["published"] == "1.0873"
        assert payroll.compute(JANUARY).fingerprint == run.fingerprint
        read_back(ae)

    def test_both_statements_and_the_report_say_so(self, payroll, ae, client):
        on(payroll, ae, component(graduated("10")))
        self.paid_in(ae)
        rate(date(2026, 1, 30), "2", of="EUR", to="USD")
        payroll.won(ae, noon(5), 1_000_00)
        run = payroll.settle(JANUARY)
        client.force_login(payroll.cast.ae)
        for statement in Statement.objects.filter(run=run):
            page = client.get(reverse("compensation:statement", args=[statement.pk])).content.decode()
            assert "Conversion" in page
        for line in LedgerEntry.objects.filter(kind=EntryKind.CONVERSION):
            page = client.get(reverse("compensation:line", args=[line.pk])).content.decode()
            assert "“USD per EUR" in page or "− (€100.00)" in page
        client.force_login(payroll.cast.finance)
        assert client.get(reverse("compensation:run", args=[run.pk])).status_code == 200
        given = {"format": "csv", "fingerprint": run.fingerprint}
        report = client.post(reverse("compensation:run_download", args=[run.pk]), given)
        rows = b"".join(report.streaming_content).decode().splitlines()
        assert sum(",conversion,Conversion," in row for row in rows) == 2

    def test_what_is_earned_later_in_the_open_run_is_converted_with_it(self, payroll, ae):
        on(payroll, ae, component(graduated("10")))
        self.paid_in(ae)
        rate(date(2026, 1, 30), "2", of="EUR", to="USD")
        payroll.won(ae, noon(5), 1_000_00)
        payroll.compute(JANUARY)
        payroll.won(ae, noon(6), 500_00)
        run = payroll.compute(JANUARY, noon(5, 2))
        assert self.payable(run) == {"EUR": 0, "USD": 300_00}
        assert LedgerEntry.objects.filter(component_key="conversion", kind=EntryKind.ADJUSTMENT).count() == 2
        read_back(ae)

    def test_adjustments_of_closed_months_are_converted_in_the_run_that_posts_them(self, payroll, ae):
        on(payroll, ae, component(graduated("10")))
        self.paid_in(ae)
        rate(date(2026, 1, 30), "2", of="EUR", to="USD")
        rate(date(2026, 2, 27), "3", of="EUR", to="USD")
        event = payroll.won(ae, noon(5), 1_000_00)
        payroll.settle(JANUARY)
        payroll.reverse(event, noon(10, 2))
        february = payroll.compute(FEBRUARY)
        assert self.payable(february) == {"EUR": 0, "USD": -300_00}
        read_back(ae)

    def test_a_corrected_rate_moves_only_what_came_in(self, payroll, ae):
        on(payroll, ae, component(graduated("10")))
        self.paid_in(ae)
        rate(date(2026, 1, 30), "2", of="EUR", to="USD")
        rate(date(2026, 2, 27), "3", of="EUR", to="USD")
        payroll.won(ae, noon(5), 1_000_00)
        january = payroll.settle(JANUARY)
        rate(date(2026, 1, 30), "2.5", of="EUR", to="USD", at=noon(9, 2))
        february = payroll.settle(FEBRUARY)
        (line,) = payroll.lines(february, ae)
        assert (line.kind, line.amount_minor, line.currency) == (EntryKind.ADJUSTMENT, 50_00, "USD")
        assert line.cause.startswith("Another exchange rate: 2.5 USD per EUR of 30 Jan 2026")
        assert self.payable(february) == {"EUR": 0, "USD": 50_00}
        assert control.fingerprint(january) == january.fingerprint
        assert not payroll.lines(payroll.compute(MARCH), ae)
        read_back(ae)

    def test_without_a_rate_the_run_stops_before_its_first_line(self, payroll, ae):
        on(payroll, ae, component(graduated("10")))
        self.paid_in(ae)
        payroll.won(ae, noon(5), 1_000_00)
        with pytest.raises(UnableToCompute, match="from EUR to USD for 31 Jan 2026"):
            payroll.compute(JANUARY)
        assert not LedgerEntry.objects.exists()

    def test_it_begins_in_an_open_month_and_ends_by_another_day(self, payroll, ae):
        on(payroll, ae, component(graduated("10")))
        payroll.won(ae, noon(5), 1_000_00)
        payroll.settle(JANUARY)
        with pytest.raises(rates.UnableToSetPayout, match="Pay is closed up to 31 Jan 2026"):
            self.paid_in(ae)
        self.paid_in(ae, day=date(2026, 2, 1))
        self.paid_in(ae, "", date(2026, 3, 1))
        rate(date(2026, 2, 27), "3", of="EUR", to="USD")
        for month, period in ((2, FEBRUARY), (3, MARCH)):
            payroll.won(ae, noon(5, month), 1_000_00)
            paid = self.payable(payroll.settle(period))
            assert paid == ({"EUR": 0, "USD": 300_00} if month == 2 else {"EUR": 100_00})


CODES = st.sampled_from(["EUR", "USD", "JPY", "KWD", "GBP"])


@given(
    sums=st.dictionaries(CODES, st.integers(-(10**9), 10**9), max_size=4),
    digits=st.integers(1, 10**12),
)
def test_pairs_empty_every_other_currency_and_say_so_in_words(sums, digits):
    published = Fraction(digits, 10**10)

    def conversion_of(other: str) -> Conversion:
        return Conversion(other, "SEK", published, date(2026, 1, 30), "ECB")

    lines = payout_lines(sums, "SEK", conversion_of)
    for currency, amount in sums.items():
        assert amount + sum(line.amount_minor for line in lines if line.currency == currency) == 0
    for line in lines:
        assert evaluate(line.terms) == line.exact
        assert formula_reader.minor(line.formula, exponent(line.currency)) == line.amount_minor
    assert len(lines) == 2 * sum(1 for amount in sums.values() if amount)


@pytest.mark.django_db
class TestRecordingRates:
    def test_the_same_again_is_the_one_that_is_there(self, cast):
        one = rates.NewRate("USD", "EUR", date(2026, 1, 5), Decimal("0.92"), "ECB")
        done = rates.record_rates(rates=[one, one], today=date(2026, 1, 5), at=noon(5))
        assert (done.new, done.known) == (1, 1)
        again = rates.record_rates(rates=[one], today=date(2026, 1, 6), at=noon(6))
        assert (again.new, again.corrected, again.known) == (0, 0, 1)
        other = rates.NewRate("USD", "EUR", date(2026, 1, 5), Decimal("0.93"), "ECB")
        assert rates.record_rates(rates=[other], today=date(2026, 1, 6), at=noon(6)).corrected == 1
        assert list(ExchangeRate.objects.order_by("number").values_list("number", flat=True)) == [1, 2]

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"from_currency": "XXX"}, "from_currency"),
            ({"to_currency": "USD"}, "to_currency"),
            ({"rate": Decimal(0)}, "rate"),
            ({"rate": Decimal("NaN")}, "rate"),
            ({"rate": Decimal("0.12345678901")}, "rate"),
            ({"source": " "}, "source"),
            ({"on": date(2026, 1, 6)}, "on"),
        ],
    )
    def test_what_is_wrong_names_its_field_and_records_nothing(self, cast, changes, field):
        given = {"from_currency": "USD", "to_currency": "EUR", "on": date(2026, 1, 5), "rate": Decimal("0.9")}
        good = rates.NewRate(**given, source="ECB")
        bad = rates.NewRate(**({**given, "source": "ECB"} | changes))
        with pytest.raises(InvalidInput) as refused:
            rates.record_rates(rates=[good, bad], today=date(2026, 1, 5), at=noon(5))
        assert refused.value.field == field
        assert not ExchangeRate.objects.exists()

    def test_a_day_ahead_of_the_zone_is_the_caller_s(self, cast):
        with pytest.raises(InvalidInput):
            rate(date(2026, 12, 31) + timedelta(days=1), "1")
