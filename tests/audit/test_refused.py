"""What was refused is on record, though the transaction that it ended is undone."""

from contextlib import nullcontext, suppress
from datetime import date, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.urls import reverse

from apps.audit import services
from apps.audit.models import AuditEntry
from apps.audit.origin import acting_from
from apps.compensation.models import LedgerEntry, PayoutRun, Statement
from apps.compensation.services import plan_drafts, plans, rates, runs
from apps.compensation.services.downloads import UnableToDownload
from apps.compensation.services.runs import UnableToCarryRun
from apps.core.bulk import insert_rows
from apps.core.periods import parse_period
from apps.jobs import services as jobs
from apps.jobs.models import JobState
from apps.leads.models import FunnelEvent
from apps.leads.services import hand_offs
from tests.cast import NOW, Cast
from tests.leads.scenes import handed_off
from tests.settling import settle_period


def refused() -> list[tuple[str, str, str]]:
    return [
        (one.verb, one.subject_type, one.data.get("statement", one.data.get("code", "")))
        for one in AuditEntry.objects.filter(verb__in=("records.write.refused", "records.step.refused"))
    ]


@pytest.fixture
def locked(cast: Cast) -> PayoutRun:
    """A month that is paid, with a line in it."""
    hand_off = handed_off(cast)
    hand_offs.accept_hand_off(hand_off=hand_off, at=NOW, amount_minor=10_000_00)
    version = plans.load_plan_document(document=plans.shipped_plan("sdr"), author=cast.revops, at=NOW)
    plan_drafts.submit_version(version=version, at=NOW, actor=version.author)
    plans.approve_version(version=version, approver=cast.finance, at=NOW)
    plans.assign_plan(rep=cast.rep(cast.sdr), plan=version.plan, starts_on=date(2026, 11, 1), at=NOW)
    return settle_period(
        period=parse_period("2026-11"),
        computed_by=cast.revops,
        approved_by=cast.finance,
        at=NOW + timedelta(days=40),
    )


class TestWriteRefused:
    @pytest.mark.parametrize("model", [FunnelEvent, AuditEntry])
    @pytest.mark.parametrize("act", ["update", "delete", "raw"])
    def test_is_recorded_by_whatever_path_it_came(self, cast, model, act):
        handed_off(cast)
        column = "kind" if model is FunnelEvent else "verb"

        def by_hand() -> None:
            with connection.cursor() as cursor:
                cursor.execute(f"UPDATE {model._meta.db_table} SET {column} = 'won'")

        ways = {
            "update": lambda: model.objects.update(**{column: "won"}),
            "delete": lambda: model.objects.all()._raw_delete("default"),
            "raw": by_hand,
        }
        with acting_from("command:shell"), pytest.raises(DatabaseError), transaction.atomic():
            ways[act]()
        entry = AuditEntry.objects.get(verb="records.write.refused")
        assert entry.subject_type == model._meta.label
        assert entry.origin == "command:shell"
        assert "append-only" in entry.data["said"]

    def test_holds_no_value_of_the_row(self, cast):
        handed_off(cast)
        with acting_from("command:shell"), pytest.raises(DatabaseError), transaction.atomic():
            FunnelEvent.objects.update(source_key="hanna.vogel@example.com")
        assert "hanna" not in str(AuditEntry.objects.get(verb="records.write.refused").data)

    def test_is_recorded_when_a_line_is_posted_into_a_closed_run(self, cast, locked):
        line = LedgerEntry.objects.filter(run=locked).order_by("pk").first()
        assert line is not None
        lines = []
        for number in range(8):
            copy = LedgerEntry.objects.get(pk=line.pk)
            copy.pk, copy.source_key = None, f"late:{number}"
            lines.append(copy)
        with acting_from("task:x"), pytest.raises(DatabaseError), transaction.atomic():
            insert_rows(lines)
        assert AuditEntry.objects.get(verb="records.write.refused").subject_type == "compensation.LedgerEntry"

    def test_is_recorded_when_a_closed_run_is_changed(self, cast, locked):
        with acting_from("task:x"), pytest.raises(DatabaseError), transaction.atomic():
            PayoutRun.objects.filter(pk=locked.pk).update(fingerprint="0")
        assert refused() == [("records.write.refused", "compensation.PayoutRun", "UPDATE")]

    def test_is_recorded_once_however_often_it_is_tried(self, cast):
        handed_off(cast)
        with acting_from("task:x"):
            for _ in range(30):
                with pytest.raises(DatabaseError), transaction.atomic():
                    FunnelEvent.objects.update(kind="won")
        assert len(refused()) == 1

    def test_is_no_refusal_when_a_constraint_was_hurt(self, cast):
        with acting_from("task:x"), pytest.raises(DatabaseError), transaction.atomic():
            cast.sdr.__class__.objects.create_user(cast.sdr.email)
        assert refused() == []

    @pytest.mark.django_db(transaction=True)
    def test_is_recorded_without_a_scope_too(self, cast):
        handed_off(cast)
        with pytest.raises(DatabaseError):
            FunnelEvent.objects.update(kind="won")
        assert len(refused()) == 1

    def test_of_an_inner_scope_is_written_at_the_end_of_the_outer(self, cast):
        handed_off(cast)
        with acting_from("command:x"):
            with acting_from("job:y"), pytest.raises(DatabaseError), transaction.atomic():
                FunnelEvent.objects.update(kind="won")
            assert refused() == []
        assert AuditEntry.objects.get(verb="records.write.refused").origin == "job:y"


class TestStepRefused:
    def test_is_recorded_when_pay_would_change_in_a_closed_period(self, cast, locked):
        rep = cast.rep(cast.ae)
        with pytest.raises(rates.UnableToSetPayout), acting_from("10.0.0.1"):
            rates.set_payout_currency(rep=rep, currency="USD", starts_on=locked.starts_on, at=NOW)
        assert refused() == [("records.step.refused", "compensation", rates.UnableToSetPayout.code)]

    def test_is_recorded_for_who_asked_by_page(self, cast, locked, client):
        client.force_login(cast.revops)
        client.post(reverse("compensation:run_compute", args=[locked.pk]))
        entry = AuditEntry.objects.get(verb="records.step.refused")
        assert entry.actor == cast.revops
        assert entry.data["refusal"] == UnableToCarryRun.__name__

    def test_is_recorded_for_who_asked_by_api(self, cast, locked, client):
        statement = Statement.objects.get(run=locked)
        client.force_login(cast.finance)
        address = reverse("api:statement_file", args=[statement.pk, "csv"])
        asked = client.post(address, {"fingerprint": "0" * 64}, content_type="application/json")
        assert asked.status_code == 409
        entry = AuditEntry.objects.get(verb="records.step.refused")
        assert (entry.actor, entry.data["refusal"]) == (cast.finance, UnableToDownload.__name__)

    def test_is_recorded_for_a_command(self, cast, locked):
        with pytest.raises(CommandError):
            call_command("run_payouts", period=locked.code)
        entry = AuditEntry.objects.get(verb="records.step.refused")
        assert (entry.origin, entry.data["refusal"]) == ("command:run_payouts", UnableToCarryRun.__name__)

    def test_is_recorded_for_a_task(self, cast, locked):
        job = jobs.enqueue(kind=runs.JOB_KIND, key="late", params={"run_id": locked.pk}, at=NOW)
        jobs.run(job_id=job.pk, clock=lambda: NOW)
        job.refresh_from_db()
        assert job.state == JobState.FAILED
        entry = AuditEntry.objects.get(verb="records.step.refused")
        assert (entry.origin, entry.data["code"]) == ("job:run_payouts", "unable_to_compute")

    def test_is_noted_once_by_the_scopes_that_it_leaves(self, cast, locked):
        with pytest.raises(UnableToCarryRun), acting_from("task:x"), acting_from("job:y"):
            raise UnableToCarryRun("No.")
        assert AuditEntry.objects.get(verb="records.step.refused").origin == "job:y"

    @pytest.mark.django_db(transaction=True)
    def test_is_nothing_while_an_error_is_only_made_or_caught(self, cast, caplog):
        for scope in (nullcontext(), acting_from("job:x")):
            with scope, suppress(UnableToCarryRun):
                raise UnableToCarryRun("No.")
        assert refused() == []
        assert caplog.messages == []

    def test_is_nothing_when_a_page_only_asks_whether_one_may(self, cast, locked, client):
        client.force_login(cast.finance)
        client.get(reverse("compensation:run", args=[locked.pk]))
        assert refused() == []


class TestDoorClosed:
    @pytest.mark.parametrize(
        ("part", "route", "method"),
        [
            ("sdr", "compensation:payments", "get"),
            ("revops", "compensation:payment_record", "post"),
            ("sdr", "audit:export", "post"),
            ("ae", "api:payments", "post"),
        ],
    )
    def test_is_recorded_where_money_or_a_change_is_behind_it(self, cast, client, part, route, method):
        client.force_login(getattr(cast, part))
        assert getattr(client, method)(reverse(route)).status_code == 403
        entry = AuditEntry.objects.get(verb="access.refused")
        assert entry.actor == getattr(cast, part)
        assert entry.data["route"] == route

    def test_is_not_recorded_for_a_page_that_only_reads(self, cast, client):
        client.force_login(cast.sdr)
        assert client.get(reverse("leads:routing")).status_code == 403
        assert not AuditEntry.objects.filter(verb="access.refused").exists()


class TestFileTaken:
    def test_is_recorded_though_a_get_writes_nothing_itself(self, cast, client):
        client.force_login(cast.revops)
        address = reverse("integrations:mapping_file", kwargs={"key": "shipped:leads_basic"})
        assert client.get(address).status_code == 200
        entry = AuditEntry.objects.get(verb="access.file_taken")
        assert entry.actor == cast.revops
        assert entry.data == {"route": "integrations:mapping_file", "key": "shipped:leads_basic"}

    def test_is_recorded_for_a_meeting(self, cast, client):
        meeting = handed_off(cast).meeting
        client.force_login(cast.ae)
        for name in ("leads:meeting_ics", "api:meeting_ics"):
            assert client.get(reverse(name, args=[meeting.pk])).status_code == 200
        assert AuditEntry.objects.filter(verb="access.file_taken").count() == 2


class TestJobSteered:
    def test_is_recorded_with_who_did_it(self, cast, client):
        job = jobs.enqueue(kind="audit.verify_records", key="all", at=NOW, requested_by=cast.revops)
        client.force_login(cast.revops)
        client.post(reverse("jobs:cancel", args=[job.pk]))
        client.post(reverse("jobs:resume", args=[job.pk]))
        found = AuditEntry.objects.filter(verb__startswith="jobs.job.").order_by("pk")
        assert [(one.verb, one.actor) for one in found] == [
            ("jobs.job.cancelled", cast.revops),
            ("jobs.job.resumed", cast.revops),
        ]


class TestSignIn:
    def test_is_recorded_with_the_address_it_came_from(self, cast, client):
        cast.sdr.set_password("larkfield-demo-2026")
        cast.sdr.save()
        client.post(reverse("account_login"), {"login": cast.sdr.email, "password": "wrong"})
        client.post(reverse("account_login"), {"login": cast.sdr.email, "password": "larkfield-demo-2026"})
        client.post(reverse("account_logout"))
        found = AuditEntry.objects.filter(verb__startswith="accounts.person.sign").order_by("pk")
        assert [one.verb.rpartition(".")[2] for one in found] == [
            "sign_in_refused",
            "signed_in",
            "signed_out",
        ]
        assert {one.subject_id for one in found} == {str(cast.sdr.pk)}
        assert {one.origin for one in found} == {"127.0.0.1"}

    def test_of_an_unknown_address_keeps_no_address(self, db, client):
        client.post(reverse("account_login"), {"login": "nobody@example.com", "password": "wrong"})
        entry = AuditEntry.objects.get(verb="accounts.person.sign_in_refused")
        assert (entry.subject_id, entry.data) == ("None", {})


def test_an_entry_outside_of_any_scope_names_the_process(cast: Cast):
    assert services.record(verb="x.y", subject=cast.sdr, at=NOW).origin == "process"
