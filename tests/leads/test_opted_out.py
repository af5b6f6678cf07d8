"""An opted-out person is offered through no door, whichever way they come or whatever is done to their lead."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from apps.core.errors import DomainError, InvalidInput
from apps.leads.models import (
    Cadence,
    Channel,
    Disposition,
    Enrolment,
    Lead,
    LeadStage,
    QueueBucket,
    Source,
    Suppression,
)
from apps.leads.services import (
    cadences,
    enrolments,
    imports,
    intake,
    merges,
    owners,
    queue,
    suppressions,
    touches,
    undoing,
)
from apps.leads.services.intake import Arrival, Incoming, Outcome
from apps.slas.models import Clock
from apps.slas.services import policies as slas
from tests.cast import NOW, Cast

LATER = NOW + timedelta(minutes=5)
YEARS = NOW + timedelta(days=800)
HANNA: dict[str, Any] = {
    "name": "Hanna Vogel", "email": "hanna@brightmoor.example", "company": "Brightmoor GmbH",
    "phone": "+49 30 1234567", "source": "Demo request",
}  # fmt: skip


def arrive(
    cast: Cast, key: str = "one", *, at: Any = NOW, owner: bool = True, **known: Any
) -> intake.Received:
    rep = cast.rep(cast.sdr) if owner else None
    arrival = Arrival(Incoming(**{**HANNA, **known}), cast.sdr_team, at, Source.API, key, rep)
    return intake.receive(arrivals=[arrival])[0]


def opt_out(cast: Cast, lead: Lead) -> Lead:
    touches.log_touch(
        lead=lead, rep=cast.rep(cast.sdr), channel=Channel.EMAIL, disposition=Disposition.OPT_OUT, at=NOW
    )
    lead.refresh_from_db()
    return lead


def suppress(lead: Lead) -> Lead:
    suppressions.suppress(kind="email", value=lead.email, reason="opt_out", at=NOW)
    lead.refresh_from_db()
    return lead


@pytest.fixture
def nobody_is_offered(cast: Cast, client: Client, time_machine: Any) -> Callable[[], None]:
    """That no door offers anybody, now or ever."""

    def check() -> None:
        for at in (LATER, YEARS):
            assert not Lead.objects.queued(at).exists()
            for user in (cast.sdr, cast.teammate):
                assert queue.claim_next(rep=cast.rep(user), at=at) is None
        time_machine.move_to(LATER, tick=False)
        client.force_login(cast.sdr)
        assert "Vogel" not in client.get(reverse("leads:queue_list")).content.decode()
        assert client.get(reverse("api:queue")).json()["results"] == []

    return check


class TestEveryDoor:
    @pytest.mark.parametrize("how", [opt_out, lambda cast, lead: suppress(lead)], ids=["touch", "list"])
    def test_they_leave_queue_cadence_and_promise(
        self, cast: Cast, how: Callable[[Cast, Lead], Lead], nobody_is_offered: Callable[[], None]
    ) -> None:
        slas.put_defaults()
        lead = arrive(cast).lead
        cadence = _cadence(cast)
        enrolments.enrol(leads=[lead], cadence=cadence, at=NOW, actor=cast.sdr)
        how(cast, lead)
        assert lead.do_not_contact
        assert not Enrolment.objects.open().exists()
        assert not Clock.objects.filter(state="running").exists()
        nobody_is_offered()

    @pytest.mark.parametrize(
        "again",
        [
            {},
            {"email": "h.vogel@brightmoor.example", "phone": ""},
            {"email": "hanna@gmail.com", "name": "H."},
            {"email": "hanna@elsewhere.example", "phone": "", "company": "Brightmoor AG"},
        ],
        ids=["same", "another address", "same number", "another domain"],
    )
    def test_coming_again_by_another_address_they_stay_so(
        self, cast: Cast, again: dict[str, Any], nobody_is_offered: Callable[[], None]
    ) -> None:
        opt_out(cast, arrive(cast).lead)
        found = arrive(cast, "two", at=LATER, **again)
        assert found.outcome is Outcome.OPTED_OUT
        nobody_is_offered()

    def test_a_domain_closes_everybody_of_the_company(
        self, cast: Cast, nobody_is_offered: Callable[[], None]
    ) -> None:
        arrive(cast)
        suppressions.suppress(
            kind="domain", value="https://www.brightmoor.example/", reason="competitor", at=NOW
        )
        assert arrive(
            cast, "two", name="Otto Haas", email="otto@de.brightmoor.example", phone=""
        ).lead.do_not_contact
        nobody_is_offered()

    def test_an_import_brings_them_closed(self, cast: Cast, nobody_is_offered: Callable[[], None]) -> None:
        suppressions.suppress(kind="phone", value="030 1234567", reason="register", at=NOW)
        row = imports.ImportedLead("7", NOW, LeadStage.WORKING, NOW, Incoming(**HANNA))
        lead = imports.take_in_leads(leads=[row], team=cast.sdr_team, system="crm", at=NOW)[0]
        assert lead.do_not_contact
        nobody_is_offered()

    def test_a_row_that_says_so_closes_them_for_every_other_door(
        self, cast: Cast, nobody_is_offered: Callable[[], None]
    ) -> None:
        row = imports.ImportedLead("7", NOW, LeadStage.MCL, NOW, Incoming(**HANNA), do_not_contact=True)
        imports.take_in_leads(leads=[row], team=cast.sdr_team, system="crm", at=NOW)
        assert set(Suppression.objects.values_list("kind", "value")) == {
            ("email", HANNA["email"]), ("phone", "301234567"),
        }  # fmt: skip
        assert arrive(cast, name="", company="").outcome is Outcome.OPTED_OUT
        nobody_is_offered()

    def test_a_changed_row_closes_and_opens_nothing(
        self, cast: Cast, nobody_is_offered: Callable[[], None]
    ) -> None:
        row = imports.ImportedLead("7", NOW, LeadStage.MCL, NOW, Incoming(**HANNA))
        lead = imports.take_in_leads(leads=[row], team=cast.sdr_team, system="crm", at=NOW)[0]
        suppress(lead)
        change = imports.LeadChange(lead=Lead.objects.get(), now=row)
        imports.change_leads(changes=[change], team=cast.sdr_team, system="crm", at=LATER)
        nobody_is_offered()

    def test_a_cadence_does_not_take_them(self, cast: Cast, nobody_is_offered: Callable[[], None]) -> None:
        lead = suppress(arrive(cast).lead)
        try:
            enrolments.enrol(leads=[lead], cadence=_cadence(cast), at=LATER, actor=cast.sdr)
        except DomainError:
            pass
        assert not Enrolment.objects.open().exists()
        nobody_is_offered()

    def test_a_merge_makes_both_closed(self, cast: Cast, nobody_is_offered: Callable[[], None]) -> None:
        closed = suppress(arrive(cast).lead)
        other = arrive(
            cast, "two", name="Otto Haas", email="otto@corvane.example", phone="", company="Corvane"
        ).lead
        merges.merge(survivor=other, absorbed=closed, why="Same person", at=LATER)
        nobody_is_offered()

    def test_a_recycled_lead_does_not_come_back(
        self, cast: Cast, nobody_is_offered: Callable[[], None]
    ) -> None:
        lead = arrive(cast).lead
        touches.log_touch(
            lead=lead, rep=cast.rep(cast.sdr), channel=Channel.EMAIL, disposition=Disposition.NOT_NOW, at=NOW
        )
        assert Lead.objects.queued(YEARS).exists()
        suppress(lead)
        nobody_is_offered()

    def test_undoing_a_touch_made_before_does_not_reopen_them(
        self, cast: Cast, nobody_is_offered: Callable[[], None]
    ) -> None:
        lead = arrive(cast).lead
        touch = touches.log_touch(
            lead=lead, rep=cast.rep(cast.sdr), channel=Channel.EMAIL, disposition=Disposition.SENT, at=NOW
        )
        suppress(lead)
        undoing.undo_touch(touch=touch, rep=cast.rep(cast.sdr), at=LATER)
        nobody_is_offered()

    def test_sharing_out_does_not_offer_them(self, cast: Cast, nobody_is_offered: Callable[[], None]) -> None:
        suppress(arrive(cast).lead)
        owners.share_out(rep=cast.rep(cast.sdr), among=[cast.rep(cast.teammate)], at=LATER)
        nobody_is_offered()

    def test_the_database_refuses_a_place_in_the_queue(self, cast: Cast) -> None:
        lead = suppress(arrive(cast).lead)
        with pytest.raises(IntegrityError), transaction.atomic():
            Lead.objects.filter(pk=lead.pk).update(
                queue_bucket=QueueBucket.UNTOUCHED, queue_sort_at=NOW, queue_ready_at=NOW
            )

    def test_a_touch_is_refused(self, cast: Cast) -> None:
        lead = suppress(arrive(cast).lead)
        with pytest.raises(touches.UnableToTouch):
            touches.log_touch(
                lead=lead,
                rep=cast.rep(cast.sdr),
                channel=Channel.EMAIL,
                disposition=Disposition.SENT,
                at=LATER,
            )


class TestUndoOfTheOptOutItself:
    def test_opens_what_it_closed_and_nothing_else(self, cast: Cast) -> None:
        lead = arrive(cast).lead
        touch = touches.log_touch(
            lead=lead, rep=cast.rep(cast.sdr), channel=Channel.EMAIL, disposition=Disposition.OPT_OUT, at=NOW
        )
        undoing.undo_touch(touch=touch, rep=cast.rep(cast.sdr), at=LATER)
        lead.refresh_from_db()
        assert not lead.do_not_contact
        assert not Suppression.objects.in_force().exists()
        assert queue.claim_next(rep=cast.rep(cast.sdr), at=LATER) == lead


class TestOneChannel:
    def test_a_closed_channel_leaves_the_others_open(self, cast: Cast) -> None:
        lead = arrive(cast).lead
        Lead.objects.filter(pk=lead.pk).update(next_channel="call")
        suppressions.suppress(kind="phone", value=HANNA["phone"], channel="call", reason="register", at=NOW)
        lead.refresh_from_db()
        assert (lead.do_not_contact, lead.closed_channels, lead.next_channel) == (False, ["call"], "email")
        assert Lead.objects.queued(LATER).exists()
        with pytest.raises(touches.UnableToTouch):
            touches.log_touch(
                lead=lead,
                rep=cast.rep(cast.sdr),
                channel=Channel.CALL,
                disposition=Disposition.VOICEMAIL,
                at=LATER,
            )

    def test_whoever_comes_later_arrives_with_it_closed(self, cast: Cast) -> None:
        suppressions.suppress(kind="phone", value="030 1234567", channel="call", reason="register", at=NOW)
        assert arrive(cast).lead.closed_channels == ["call"]


class TestLift:
    def test_opens_who_is_closed_by_nothing_else(self, cast: Cast) -> None:
        lead = arrive(cast).lead
        rows = [
            suppressions.suppress(kind=kind, value=value, reason="legal", at=NOW, actor=cast.revops)
            for kind, value in (("email", lead.email), ("domain", "brightmoor.example"))
        ]
        suppressions.lift(suppression=rows[0], because="A mistake", at=LATER, actor=cast.manager)
        lead.refresh_from_db()
        assert lead.do_not_contact
        suppressions.lift(suppression=rows[1], because="A mistake", at=LATER, actor=cast.manager)
        lead.refresh_from_db()
        assert not lead.do_not_contact
        assert Lead.objects.queued(LATER).get() == lead

    def test_says_why_and_only_once(self, cast: Cast) -> None:
        row = suppressions.suppress(kind="email", value="a@b.example", reason="legal", at=NOW)
        with pytest.raises(InvalidInput, match="why"):
            suppressions.lift(suppression=row, because=" ", at=LATER)
        suppressions.lift(suppression=row, because="A mistake", at=LATER)
        with pytest.raises(suppressions.UnableToLift):
            suppressions.lift(suppression=row, because="A mistake", at=LATER)
        again = suppressions.suppress(kind="email", value="A@B.example ", reason="legal", at=LATER)
        assert again.pk != row.pk

    @pytest.mark.parametrize(
        ("kind", "value", "field"),
        [("email", "hanna", "value"), ("phone", "112", "value"), ("domain", "gmail.com", "value"),
         ("domain", "company", "value"), ("planet", "x", "kind")],
    )  # fmt: skip
    def test_refuses_what_is_none(self, cast: Cast, kind: str, value: str, field: str) -> None:
        with pytest.raises(InvalidInput) as refused:
            suppressions.suppress(kind=kind, value=value, reason="legal", at=NOW)
        assert refused.value.field == field

    def test_the_same_twice_is_one(self, cast: Cast) -> None:
        first = suppressions.suppress(kind="phone", value="+49 30 1234567", reason="legal", at=NOW)
        assert suppressions.suppress(kind="phone", value="030-1234567", reason="legal", at=LATER) == first
        assert first.shown == "+49 30 1234567"


def _cadence(cast: Cast) -> Cadence:
    steps = [
        {"channel": "email", "wait_days": 0, "wait_hours": 0, "when": "always", "purpose": "", "script": ""}
    ]
    return cadences.create_cadence(
        name="First week", motion="inbound", conditions=[], position=1, enrols_by_itself=False, steps=steps,
        at=NOW, actor=cast.manager,
    )  # fmt: skip
