"""Who arrives is known again by address, name and company; what that means depends on where they stand."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from django.urls import reverse

from apps.leads.models import (
    Account,
    Channel,
    Disposition,
    EventKind,
    FunnelEvent,
    Lead,
    LeadAddress,
    LeadStage,
    OpportunityStage,
    PossibleDuplicate,
    QueueBucket,
    Source,
)
from apps.leads.services import hand_offs, intake, opportunities, suppressions, touches
from apps.leads.services.intake import Arrival, Incoming, Outcome, Received
from tests.cast import NOW, Cast, assemble
from tests.leads.scenes import handed_off

LATER = NOW + timedelta(hours=2)
HANNA: dict[str, Any] = {
    "name": "Hanna Vogel", "email": "hanna.vogel@brightmoor.example", "company": "Brightmoor GmbH",
    "source": "Demo request",
}  # fmt: skip


def receive(cast: Cast, key: str, *, at: Any = NOW, **known: Any) -> Received:
    arrival = Arrival(Incoming(**known), cast.sdr_team, at, Source.API, key)
    found = intake.receive(arrivals=[arrival])[0]
    found.lead.refresh_from_db()
    return found


def events(kind: EventKind) -> int:
    return FunnelEvent.objects.filter(kind=kind).effective().count()


class TestSamePerson:
    @pytest.mark.parametrize(
        "again",
        [
            {"email": " Hanna.Vogel@BRIGHTMOOR.example "},
            {"email": "hv@brightmoor.example", "name": "Vogel, Hanna"},
            {"email": "hv@brightmoor.example", "name": "Dr. Hánna VOGEL"},
            {"email": "", "name": "hanna vogel", "company": "BRIGHTMOOR AG"},
        ],
    )
    def test_is_one_lead(self, cast: Cast, again: dict[str, Any]) -> None:
        first = receive(cast, "one", **HANNA)
        found = receive(cast, "two", at=LATER, **{"company": "Brightmoor", **again})
        assert (found.lead, found.outcome) == (first.lead, Outcome.ASKED_AGAIN)
        assert (Lead.objects.count(), Account.objects.count()) == (1, 1)

    @pytest.mark.parametrize(
        "another",
        [
            {"email": "hanna.vogel+fair@brightmoor.example", "name": ""},
            {"email": "otto@brightmoor.example", "name": "Otto Vogel"},
            {"email": "hanna@corvane.example", "name": "Hanna Vogel", "company": "Corvane"},
            {"email": "hanna@gmail.com", "name": "Hanna"},
        ],
    )
    def test_another_person_is_another_lead(self, cast: Cast, another: dict[str, Any]) -> None:
        receive(cast, "one", **HANNA)
        assert receive(cast, "two", **another).outcome is Outcome.NEW
        assert Lead.objects.count() == 2

    def test_two_of_one_batch_are_compared_too(self, cast: Cast) -> None:
        arrivals = [
            Arrival(Incoming(**{**HANNA, "email": email}), cast.sdr_team, NOW, Source.IMPORT, f"row:{email}")
            for email in ("hv@brightmoor.example", "hanna@brightmoor.example")
        ]
        first, second = intake.receive(arrivals=arrivals)
        assert (second.lead, second.outcome) == (first.lead, Outcome.ASKED_AGAIN)
        assert LeadAddress.objects.get().email == "hanna@brightmoor.example"

    def test_a_second_address_is_known_from_then_on(self, cast: Cast) -> None:
        first = receive(cast, "one", **HANNA)
        receive(cast, "two", **{**HANNA, "email": "hv@brightmoor.example"})
        found = receive(cast, "three", email="hv@brightmoor.example")
        assert found.lead == first.lead
        assert first.lead.email == HANNA["email"]

    @pytest.mark.parametrize(
        ("known", "again", "why"),
        [
            (
                {"phone": "+49 30 1234567"},
                {"email": "x@y.example", "phone": "030 1234567"},
                "Same phone number",
            ),
            (
                {},
                {"email": "hanna@other.example", "name": "Hanna Vogel", "company": "Brightmoor AG"},
                "Same name and company, another address",
            ),
            ({}, {"email": "hanna.vogel@brightmoor.test"}, "Same mailbox at another domain of the company"),
        ],
    )
    def test_a_weaker_likeness_is_for_a_person_to_settle(
        self, cast: Cast, known: dict[str, Any], again: dict[str, Any], why: str
    ) -> None:
        first = receive(cast, "one", **{**HANNA, **known})
        second = receive(cast, "two", **again)
        pair = PossibleDuplicate.objects.get()
        assert (pair.first, pair.second, pair.why) == (first.lead, second.lead, why)

    def test_a_shared_switchboard_makes_a_few_pairs_only(self, cast: Cast) -> None:
        for number in range(12):
            receive(cast, f"row:{number}", email=f"p{number}@firm{number}.example", phone="+49 30 1234567")
        last = Lead.objects.order_by("pk").last()
        assert PossibleDuplicate.objects.filter(second=last).count() == 5


class TestAsksAgain:
    def test_what_was_empty_is_filled_and_nothing_overwritten(self, cast: Cast) -> None:
        lead = receive(cast, "one", **HANNA).lead
        receive(cast, "two", at=LATER, **{**HANNA, "company": "Other", "title": "CIO", "employees": 420})
        lead.refresh_from_db()
        assert (lead.company, lead.title, lead.employees) == ("Brightmoor GmbH", "CIO", 420)
        assert lead.inquired_at == LATER
        assert (events(EventKind.COLLECTED), events(EventKind.ASKED)) == (1, 1)
        assert any("420 employees" in reason for reason in lead.score_reasons)

    def test_the_same_message_twice_is_recorded_once(self, cast: Cast) -> None:
        receive(cast, "one", **HANNA)
        for _ in range(3):
            found = receive(cast, "two", at=LATER, **HANNA)
        assert events(EventKind.ASKED) == 1
        assert found.outcome is Outcome.KNOWN

    def test_a_lead_becomes_an_mql_by_asking(self, cast: Cast) -> None:
        lead = receive(cast, "one", email="hanna@brightmoor.example", is_inbound=False).lead
        assert lead.stage == LeadStage.MCL
        for number in range(5):
            receive(
                cast, f"more:{number}", **{**HANNA, "email": lead.email, "employees": 420, "title": "CIO"}
            )
        lead.refresh_from_db()
        assert lead.stage == LeadStage.MQL
        assert events(EventKind.MQL) == 1

    def test_a_worked_lead_is_due_now(self, cast: Cast) -> None:
        lead, rep = receive(cast, "one", **HANNA).lead, cast.rep(cast.sdr)
        touches.log_touch(
            lead=lead,
            rep=rep,
            channel=Channel.EMAIL,
            disposition=Disposition.SENT,
            at=NOW + timedelta(hours=1),
        )
        lead.refresh_from_db()
        assert lead.queue_ready_at is not None
        assert lead.queue_ready_at > LATER
        receive(cast, "two", at=LATER, **HANNA)
        lead.refresh_from_db()
        assert (lead.next_touch_at, lead.queue_ready_at, lead.owner) == (LATER, LATER, rep)

    def test_a_recycled_lead_is_back_now(self, cast: Cast) -> None:
        lead = receive(cast, "one", **HANNA).lead
        touches.log_touch(
            lead=lead, rep=cast.rep(cast.sdr), channel=Channel.EMAIL, disposition=Disposition.NOT_NOW, at=NOW
        )
        receive(cast, "two", at=LATER, **HANNA)
        lead.refresh_from_db()
        assert (lead.stage, lead.reentry_on, lead.queue_bucket) == (
            LeadStage.WORKING,
            None,
            QueueBucket.TOUCH_DUE,
        )
        assert lead in Lead.objects.queued(LATER)

    def test_a_row_of_a_list_is_not_asking(self, cast: Cast) -> None:
        lead = receive(cast, "one", **HANNA).lead
        found = receive(cast, "two", at=LATER, **{**HANNA, "is_inbound": False, "city": "Hamburg"})
        lead.refresh_from_db()
        assert found.outcome is Outcome.KNOWN
        assert (lead.city, lead.inquired_at, events(EventKind.ASKED)) == ("Hamburg", None, 0)

    def test_one_with_an_ae_stays_with_the_ae_who_sees_it(self, cast: Cast, client: Client) -> None:
        hand_off = handed_off(cast)
        found = receive(cast, "two", at=LATER, email="hanna@brightmoor.example")
        assert (found.lead, found.outcome) == (hand_off.lead, Outcome.WITH_AN_AE)
        assert (found.lead.stage, found.lead.inquired_at) == (LeadStage.HANDED_OFF, LATER)
        client.force_login(cast.ae)
        assert "Asked again" in client.get(reverse("leads:hand_off", args=[hand_off.pk])).content.decode()

    def test_after_a_lost_deal_they_begin_anew_as_a_lead_that_names_the_earlier(self, cast: Cast) -> None:
        opened = hand_offs.accept_hand_off(
            hand_off=handed_off(cast), at=LATER, amount_minor=1_00, actor=cast.ae
        )
        assert receive(cast, "two", at=LATER, email="hanna@brightmoor.example").outcome is Outcome.WITH_AN_AE
        opportunities.move_opportunity(
            opportunity=opened, stage=OpportunityStage.LOST, loss_reason="no_budget", at=LATER, actor=cast.ae
        )
        opened.refresh_from_db()
        assert opened.stage == OpportunityStage.LOST
        found = receive(cast, "three", at=LATER, email="hanna@brightmoor.example")
        assert (found.outcome, found.earlier) == (Outcome.NEW, opened.lead)
        event = FunnelEvent.objects.get(lead=found.lead, kind=EventKind.COLLECTED)
        assert event.data["earlier"] == opened.lead_id

    def test_after_being_disqualified_they_begin_anew(self, cast: Cast) -> None:
        lead = receive(cast, "one", **HANNA).lead
        touches.log_touch(
            lead=lead,
            rep=cast.rep(cast.sdr),
            channel=Channel.EMAIL,
            disposition=Disposition.NOT_A_FIT,
            at=NOW,
        )
        found = receive(cast, "two", at=LATER, **HANNA)
        assert (found.outcome, found.earlier) == (Outcome.NEW, lead)
        assert receive(cast, "three", at=LATER, **HANNA).lead == found.lead


class TestAccounts:
    def test_a_company_without_a_name_is_known_by_its_domain_until_somebody_names_it(
        self, cast: Cast
    ) -> None:
        receive(cast, "one", email="a@brightmoor.example")
        assert Account.objects.get().name == "brightmoor.example"
        receive(cast, "two", email="b@brightmoor.example", company="Brightmoor GmbH")
        account = Account.objects.get()
        assert (account.name, account.name_key) == ("Brightmoor GmbH", "brightmoor")

    def test_a_company_known_by_name_learns_its_domain(self, cast: Cast) -> None:
        receive(cast, "one", company="Brightmoor")
        receive(cast, "two", company="Brightmoor Ltd", email="a@brightmoor.example")
        receive(cast, "three", email="b@brightmoor.example")
        assert Account.objects.get().domain == "brightmoor.example"
        assert Lead.objects.filter(account__isnull=True).count() == 0

    def test_free_mail_makes_no_company(self, cast: Cast) -> None:
        assert receive(cast, "one", email="hanna@gmail.com").lead.account is None


class TestBatches:
    def test_the_number_of_statements_does_not_depend_on_the_number_of_arrivals(
        self, cast: Cast, django_assert_max_num_queries: Any
    ) -> None:
        def arrivals(start: int, count: int) -> list[Arrival]:
            return [
                Arrival(
                    Incoming(
                        name=f"Person {chr(97 + number % 26)}x{number}",
                        email=f"p{number % 900}@firm{number % 40}.example",
                        phone=f"+49 30 55{number % 800:05}",
                        company=f"Firm {number % 40}",
                        source="Demo request",
                    ),
                    cast.sdr_team, NOW, Source.IMPORT, f"row:{start}:{number}",
                )
                for number in range(count)
            ]  # fmt: skip

        suppressions.suppress(kind="email", value="p3@firm3.example", reason="opt_out", at=NOW)
        for start, count in ((0, 30), (1, 2_000), (2, 2_000)):
            with django_assert_max_num_queries(44):
                intake.receive(arrivals=arrivals(start, count))


@pytest.mark.django_db(transaction=True)
def test_two_intakes_of_one_person_at_the_same_moment_make_one_lead() -> None:
    cast = assemble()
    forms: list[dict[str, Any]] = [
        {"email": "hanna@brightmoor.example", "name": "Hanna Vogel", "company": "Brightmoor"},
        {"email": "hv@brightmoor.example", "name": "Vogel, Hanna", "company": "Brightmoor GmbH"},
        {"email": "hanna@brightmoor.example"},
        {"email": "hv@brightmoor.example", "name": "Hanna Vogel"},
    ]
    for round_number in range(12):
        together = threading.Barrier(len(forms))
        failures: list[Exception] = []

        def run(number: int, form: dict[str, Any], round_number: int = round_number) -> None:
            known = {
                key: value.replace("rightmoor", f"rightmoor{round_number}") for key, value in form.items()
            }
            try:
                together.wait()  # noqa: B023
                intake.take_in(
                    incoming=Incoming(**known), team=cast.sdr_team, at=NOW, source=Source.API,
                    source_key=f"form:{round_number}:{number}",
                )  # fmt: skip
            except Exception as error:
                failures.append(error)  # noqa: B023
            finally:
                connections.close_all()

        threads = [threading.Thread(target=run, args=pair) for pair in enumerate(forms)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failures
        account = Account.objects.get(domain=f"brightmoor{round_number}.example")
        # The third brings no name: where it comes before the first, nothing says that it is the same person
        # as the second. Never more than these two, and never one address twice.
        emails = list(Lead.objects.filter(account=account).values_list("email", flat=True))
        assert len(emails) == len(set(emails))
        assert len(emails) <= 2
        assert FunnelEvent.objects.filter(lead__account=account, kind=EventKind.COLLECTED).count() == len(
            emails
        )


@pytest.mark.django_db(transaction=True)
def test_the_same_address_at_the_same_moment_is_one_lead() -> None:
    cast = assemble()
    for round_number in range(15):
        together = threading.Barrier(4)

        def run(number: int, round_number: int = round_number) -> None:
            together.wait()  # noqa: B023
            try:
                intake.take_in(
                    incoming=Incoming(email=f"h{round_number}@gmail.com"), team=cast.sdr_team, at=NOW,
                    source=Source.API, source_key=f"form:{round_number}:{number}",
                )  # fmt: skip
            finally:
                connections.close_all()

        threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert Lead.objects.filter(email=f"h{round_number}@gmail.com").count() == 1
    assert FunnelEvent.objects.filter(kind=EventKind.ASKED).count() == 45
