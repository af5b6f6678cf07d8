"""Pages, files, commands and API of credits by hand, exchange rates, payout currencies and payments."""

from decimal import Decimal
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.compensation.models import CreditSplit, CustomerPayment, ExchangeRate, PayoutCurrency
from apps.compensation.services import credit_splits, payments
from apps.leads.models import WHOLE_SHARE, Capacity, FunnelEvent, Opportunity, OpportunityStage
from apps.reps.models import Rep
from tests.cast import NOW, Cast
from tests.compensation.conftest import Payroll, noon
from tests.stage import staged

pytestmark = pytest.mark.django_db


@pytest.fixture
def signed_in(cast: Cast):
    def client(part: str) -> Client:
        made = Client()
        made.force_login(getattr(cast, part))
        return made

    return client


@pytest.fixture
@staged
def ae(payroll: Payroll) -> Rep:
    return payroll.cast.rep(payroll.cast.ae)


@pytest.fixture
@staged
def deal(payroll: Payroll, ae: Rep) -> Opportunity:
    return payroll.deal(ae)


@pytest.fixture
@staged
def win(payroll: Payroll, ae: Rep, deal: Opportunity) -> FunnelEvent:
    return payroll.won(ae, noon(5), 1_000_00, opportunity=deal)


def rows_of(*parts: tuple[Any, str], reason: str = "Both worked on it.") -> dict[str, Any]:
    given: dict[str, Any] = {"reason": reason}
    for number, (rep, percent) in enumerate(parts, 1):
        given |= {f"rep_{number}": rep.pk if rep else "", f"percent_{number}": percent}
    return given


def csv_file(text: str) -> SimpleUploadedFile:
    return SimpleUploadedFile("file.csv", text.encode())


class TestSplitsByPage:
    def test_from_the_event_to_the_approval(self, signed_in, cast, ae, win):
        other = cast.rep(cast.second_ae)
        event_page = signed_in("ae").get(reverse("leads:event", args=[win.pk]))
        address = reverse("compensation:split_new", args=[win.pk])
        assert address in event_page.content.decode()
        page = signed_in("ae").get(address)
        assert page.context["standing"].pairs == [(ae.pk, WHOLE_SHARE)]
        sent = signed_in("ae").post(address, rows_of((ae, "60"), (other, "40")))
        split = CreditSplit.objects.get()
        assert sent.headers["Location"] == reverse("compensation:split", args=[split.pk])
        assert "Both worked on it." in signed_in("finance").get(sent.headers["Location"]).content.decode()
        approved = signed_in("finance").post(reverse("compensation:split_approve", args=[split.pk]))
        assert approved.status_code == 302
        assert CreditSplit.objects.get().verdict == "approved"
        assert "Approved" in signed_in("second_ae").get(reverse("compensation:splits")).content.decode()

    def test_a_third_each_is_the_whole(self, signed_in, cast, ae, win):
        reps = [ae, cast.rep(cast.second_ae), cast.rep(cast.am)]
        rows = rows_of(*((rep, "33.3333") for rep in reps))
        signed_in("manager").post(reverse("compensation:split_new", args=[win.pk]), rows)
        parts = CreditSplit.objects.get().parts.values_list("share", flat=True)
        assert sorted(parts) == [333_333, 333_333, 333_334]

    @pytest.mark.parametrize(
        ("percents", "says"),
        [
            (("60", "30"), "these sum to 90 %"),
            (("60", "x"), "Write a percentage"),
            (("101", ""), "less than or equal to 100"),
        ],
    )
    def test_what_is_wrong_keeps_what_was_typed(self, signed_in, cast, ae, win, percents, says):
        rows = rows_of((ae, percents[0]), (cast.rep(cast.second_ae), percents[1]), reason="My words")
        answer = signed_in("ae").post(reverse("compensation:split_new", args=[win.pk]), rows)
        assert answer.status_code == 422
        page = answer.content.decode()
        assert says in page
        assert "My words" in page
        assert not CreditSplit.objects.exists()

    def test_a_share_without_a_rep_and_a_rep_twice(self, signed_in, cast, ae, win):
        address = reverse("compensation:split_new", args=[win.pk])
        nobody = signed_in("ae").post(address, rows_of((None, "60"), (ae, "40")))
        assert "Say who gets this share." in nobody.content.decode()
        twice = signed_in("ae").post(address, rows_of((ae, "60"), (ae, "40")))
        assert "Name everybody once." in twice.content.decode()

    def test_declined_withdrawn_and_taken_back(self, signed_in, cast, ae, win):
        other = cast.rep(cast.second_ae)

        def ask(shares) -> CreditSplit:
            return credit_splits.propose_split(
                event=win, capacity=Capacity.OWNED, shares=shares, reason="x", at=NOW, actor=cast.ae
            )

        def send(part: str, verb: str, split: CreditSplit, **data):
            return signed_in(part).post(reverse(f"compensation:split_{verb}", args=[split.pk]), data)

        first = ask({other: WHOLE_SHARE})
        assert send("finance", "decline", first).status_code == 422
        assert send("finance", "decline", first, words="It was one deal.").status_code == 302
        late = send("finance", "approve", first)
        assert late.status_code == 409
        assert "declined by Finance" in late.content.decode()
        second = ask({other: WHOLE_SHARE})
        assert send("manager", "withdraw", second).status_code == 409
        assert send("ae", "withdraw", second).status_code == 302
        third = ask({other: WHOLE_SHARE})
        send("finance", "approve", third)
        assert send("manager", "reverse", third, reason="A mistake.").status_code == 302
        assert CreditSplit.objects.waiting().get().reverses == third

    def test_who_gains_is_refused_at_the_door(self, signed_in, cast, win):
        finance_rep = Rep.objects.create(
            user=cast.finance, name="Paid too", team=cast.ae_team, role="ae", hired_on=noon(1).date()
        )
        split = credit_splits.propose_split(
            event=win, capacity=Capacity.OWNED, shares={finance_rep: WHOLE_SHARE}, reason="x", at=NOW,
            actor=cast.revops,
        )  # fmt: skip
        assert (
            signed_in("finance").post(reverse("compensation:split_approve", args=[split.pk])).status_code
            == 403
        )

    def test_lists_cost_the_same_however_long(self, signed_in, payroll, ae, django_assert_max_num_queries):
        other = payroll.cast.rep(payroll.cast.second_ae)
        client = signed_in("finance")

        def add(count: int) -> None:
            for _ in range(count):
                event = payroll.won(ae, noon(5), 1)
                credit_splits.propose_split(
                    event=event, capacity=Capacity.OWNED, shares={other: WHOLE_SHARE}, reason="x", at=NOW,
                    actor=payroll.cast.manager,
                )  # fmt: skip

        add(2)
        address = reverse("compensation:splits")
        client.get(address)
        with CaptureQueriesContext(connection) as few:
            client.get(address)
        add(20)
        with django_assert_max_num_queries(len(few)):
            assert client.get(address).status_code == 200


class TestRatesByPage:
    def test_finance_enters_corrects_and_finds_one(self, signed_in):
        given = {
            "from_currency": "usd",
            "to_currency": "EUR",
            "rate": "0.9215",
            "on": "2026-01-05",
            "source": "ECB",
        }
        client = signed_in("finance")
        assert client.post(reverse("compensation:rate_enter"), given).status_code == 302
        assert client.post(reverse("compensation:rate_enter"), given | {"rate": "0.93"}).status_code == 302
        assert list(ExchangeRate.objects.order_by("number").values_list("rate", flat=True)) == [
            Decimal("0.9215"), Decimal("0.93"),
        ]  # fmt: skip
        page = client.get(reverse("compensation:rates"), {"q": "usd/eur"}).content.decode()
        assert "0.9215" in page
        assert "Corrects" in page
        assert "No rate of these" in client.get(reverse("compensation:rates"), {"q": "JPY"}).content.decode()

    def test_what_is_wrong_keeps_what_was_typed(self, signed_in):
        given = {
            "from_currency": "XXX",
            "to_currency": "EUR",
            "rate": "0.9",
            "on": "2026-01-05",
            "source": "Mine",
        }
        answer = signed_in("finance").post(reverse("compensation:rate_enter"), given)
        assert answer.status_code == 422
        assert "“XXX” is no currency" in answer.content.decode()
        assert "Mine" in answer.content.decode()

    def test_a_file_is_taken_whole_or_not_at_all(self, signed_in):
        client, address = signed_in("finance"), reverse("compensation:rate_import")
        wrong = "from;to;on;rate;source\nUSD;EUR;2026-01-05;0.92;ECB\nUSD;EUR;5 Jan;0,92;ECB\n"
        answer = client.post(address, {"file": csv_file(wrong)})
        assert answer.status_code == 422
        assert "Row 3: on “5 Jan” is no day" in answer.content.decode()
        assert not ExchangeRate.objects.exists()
        right = "\ufefffrom,to,on,rate,source\nUSD,EUR,2026-01-05,0.92,ECB\nGBP,EUR,2026-01-05,1.15,ECB\n\n"
        for _ in range(2):
            assert client.post(address, {"file": csv_file(right)}).status_code == 302
        assert ExchangeRate.objects.count() == 2

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("a,b\n1,2\n", "there is no from, to, on, rate, source"),
            ("from,to,on,rate,source\n", "no row below the heading"),
            ('from,to,on,rate,source\nUSD,"EUR,2026', "is not CSV"),
        ],
    )
    def test_a_file_that_is_no_such_table(self, signed_in, text, says):
        answer = signed_in("finance").post(reverse("compensation:rate_import"), {"file": csv_file(text)})
        assert answer.status_code == 422
        assert says in answer.content.decode()

    def test_payout_currency(self, signed_in, ae):
        client, address = signed_in("finance"), reverse("compensation:payout_currency_set")
        given = {"rep": ae.pk, "currency": "usd", "starts_on": "2026-02-01"}
        assert client.post(address, given).status_code == 302
        assert PayoutCurrency.objects.get().currency == "USD"
        assert client.post(address, given | {"currency": "US"}).status_code == 422
        assert ae.name in client.get(reverse("compensation:payout_currencies")).content.decode()


class TestPaymentsByPage:
    def form(self, deal: Opportunity, **changes: str) -> dict[str, Any]:
        return {
            "opportunity": deal.pk, "amount": "500.00", "currency": "EUR", "paid_on": "2026-01-06",
            "reference": "INV-1", "label": "setup invoice",
        } | changes  # fmt: skip

    def test_recorded_once_and_taken_back(self, signed_in, deal, win):
        client, address = signed_in("finance"), reverse("compensation:payment_record")
        for _ in range(2):
            assert client.post(address, self.form(deal)).status_code == 302
        payment = CustomerPayment.objects.get()
        assert (payment.amount_minor, payment.label) == (500_00, "setup invoice")
        other = client.post(address, self.form(deal, amount="501.00"))
        assert other.status_code == 422
        assert "INV-1 was recorded before as another payment." in other.content.decode()
        back = reverse("compensation:payment_reverse", args=[payment.pk])
        assert client.post(back).status_code == 302
        assert "reversed before" in client.post(back, follow=True).content.decode()
        assert sum(CustomerPayment.objects.values_list("amount_minor", flat=True)) == 0
        assert "Taken back" in client.get(reverse("compensation:payments"), {"q": "INV"}).content.decode()

    def test_a_deal_is_found_by_a_part_of_its_name_that_no_other_won_one_has(self, signed_in, deal, win):
        client, address = signed_in("finance"), reverse("compensation:payment_record")
        Opportunity.objects.filter(pk=deal.pk).update(
            name="Norden Papier", stage=OpportunityStage.WON, closed_at=deal.opened_at
        )
        assert client.post(address, self.form(deal, opportunity=" norden ")).status_code == 302
        assert CustomerPayment.objects.get().opportunity == deal
        other = Opportunity.objects.get(pk=deal.pk)
        other.pk, other.name, other._state.adding = None, "Nordenham Port", True
        other.save()
        answer = client.post(address, self.form(deal, opportunity="norden")).content.decode()
        assert f"More than one fits: Nordenham Port ({other.pk}), Norden Papier ({deal.pk})." in answer
        assert client.post(address, self.form(deal, opportunity="NORDEN PAPIER")).status_code == 302

    @pytest.mark.parametrize(
        ("changes", "says"),
        [
            ({"opportunity": "999999"}, "no opportunity of this number"),
            ({"opportunity": "9" * 40}, "no opportunity of this number"),
            ({"opportunity": "Nobody’s"}, "No won opportunity is called"),
            ({"amount": "1.005"}, "more decimal places"),
            ({"amount": "0"}, "above zero"),
            ({"currency": "EU"}, "is no currency"),
            ({"paid_on": "2999-01-01"}, "once it was made"),
        ],
    )
    def test_what_is_wrong_is_said_at_its_field(self, signed_in, deal, win, changes, says):
        answer = signed_in("finance").post(reverse("compensation:payment_record"), self.form(deal, **changes))
        assert answer.status_code == 422
        assert says in answer.content.decode()
        assert "INV-1" in answer.content.decode()

    def test_a_file_is_taken_whole_or_not_at_all(self, signed_in, payroll, deal, win):
        open_deal = payroll.deal(payroll.cast.rep(payroll.cast.ae), "Not won")
        client, address = signed_in("finance"), reverse("compensation:payment_import")
        head = "opportunity,amount,currency,paid_on,reference,label\n"
        good = f"{deal.pk},250.00,EUR,2026-01-06,INV-2,\n"
        bad = f"{open_deal.pk},250.00,EUR,2026-01-06,INV-3,\n"
        answer = client.post(address, {"file": csv_file(head + good + bad)})
        assert answer.status_code == 422
        assert "Row 3: Not won is not won" in answer.content.decode()
        assert not CustomerPayment.objects.exists()
        for _ in range(2):
            assert client.post(address, {"file": csv_file(head + good)}).status_code == 302
        assert CustomerPayment.objects.get().source_key == payments.source_key_of("INV-2")


class TestCommands:
    def test_rates_and_payments_from_files(self, tmp_path, deal, win, capsys):
        rates_file, payments_file = tmp_path / "rates.csv", tmp_path / "payments.csv"
        rates_file.write_text("from,to,on,rate,source\nUSD,EUR,2026-01-05,0.92,ECB\n")
        payments_file.write_text(
            f"opportunity,amount,currency,paid_on,reference\n{deal.pk},250.00,EUR,2026-01-06,INV-2\n"
        )
        call_command("import_rates", str(rates_file))
        call_command("import_payments", str(payments_file))
        call_command("import_payments", str(payments_file))
        assert capsys.readouterr().out.splitlines() == [
            "1 new, 0 corrected, 0 known already.", "1 new, 0 known already.", "0 new, 1 known already.",
        ]  # fmt: skip

    def test_a_wrong_row_and_a_missing_file(self, tmp_path, db):
        file = tmp_path / "rates.csv"
        file.write_text("from,to,on,rate,source\nUSD,EUR,2026-01-05,-1,ECB\n")
        with pytest.raises(CommandError, match="row 2: A rate is above zero"):
            call_command("import_rates", str(file))
        with pytest.raises(CommandError, match="cannot be read"):
            call_command("import_payments", str(tmp_path / "none.csv"))


class TestApi:
    def test_a_split_from_asking_to_taking_back(self, signed_in, cast, ae, win):
        other = cast.rep(cast.second_ae)
        body = {
            "event": win.pk, "capacity": "owned", "reason": "Both.",
            "shares": [{"rep": ae.pk, "share": 600_000}, {"rep": other.pk, "share": 400_000}],
        }  # fmt: skip
        made = signed_in("ae").post(reverse("api:splits"), body, content_type="application/json")
        assert made.status_code == 201, made.content
        pk = made.json()["id"]
        assert {part["name"]: part["share"] for part in made.json()["parts"]} == {
            "Ae": 600_000,
            "Second Ae": 400_000,
        }
        done = signed_in("finance").post(reverse("api:split_approve", args=[pk]))
        assert (done.status_code, done.json()["verdict"], done.json()["decided_by"]) == (
            200,
            "approved",
            "Finance",
        )
        again = signed_in("revops").post(reverse("api:split_approve", args=[pk]))
        assert (again.status_code, again.json()["title"]) == (409, "unable_to_decide")
        back = signed_in("manager").post(
            reverse("api:split_take_back", args=[pk]), {"reason": "No."}, content_type="application/json"
        )
        assert back.json()["reverses"] == pk
        waiting = signed_in("revops").get(reverse("api:splits"), {"waiting": "1"}).json()["splits"]
        assert [one["id"] for one in waiting] == [back.json()["id"]]

    def test_who_may_not_is_refused(self, signed_in, ae, win):
        body = {"event": win.pk, "capacity": "owned", "reason": "x", "shares": [{"rep": ae.pk, "share": 1}]}
        for part, status in (("finance", 403), ("marketing", 403), ("outsider", 404), ("ae", 400)):
            sent = signed_in(part).post(reverse("api:splits"), body, content_type="application/json")
            assert sent.status_code == status, (part, sent.content)

    def test_rates_payout_currencies_and_payments(self, signed_in, ae, deal, win):
        client = signed_in("finance")

        def post(name: str, body: Any, *args: Any):
            return client.post(reverse(f"api:{name}", args=args), body, content_type="application/json")

        rate = {
            "from_currency": "USD",
            "to_currency": "EUR",
            "on": "2026-01-05",
            "rate": "0.92",
            "source": "ECB",
        }
        assert post("exchange_rates", {"rates": [rate, rate]}).json() == {
            "new": 1,
            "corrected": 0,
            "known": 1,
        }
        wrong = post("exchange_rates", {"rates": [rate, rate | {"to_currency": "USD"}]})
        assert wrong.status_code == 400
        assert "Rate 2" in wrong.json()["detail"]
        assert client.get(reverse("api:exchange_rates")).json()["rates"][0]["rate"] == "0.92"
        paid_in = {"rep": ae.pk, "currency": "USD", "starts_on": "2026-02-01"}
        assert post("payout_currencies", paid_in).status_code == 201
        assert (
            client.get(reverse("api:payout_currencies")).json()["payout_currencies"][0]["currency"] == "USD"
        )
        payment = {
            "opportunity": deal.pk, "amount_minor": 100, "currency": "EUR", "paid_on": "2026-01-06",
            "reference": "INV-9",
        }  # fmt: skip
        first, second = post("payments", payment), post("payments", payment)
        assert first.status_code == 201
        assert first.json()["id"] == second.json()["id"]
        assert post("payments", payment | {"amount_minor": 101}).status_code == 409
        back = post("payment_reverse", {}, first.json()["id"])
        assert back.json()["amount_minor"] == -100
        refused = signed_in("revops").post(reverse("api:payments"), payment, content_type="application/json")
        assert refused.status_code == 403
