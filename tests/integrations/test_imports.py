"""Importing: what is written, that it is written once, what changed since, and a kill in the middle."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.utils import timezone

from apps.integrations.models import ImportRun, RunState
from apps.integrations.services import imports, mappings, passes
from apps.jobs import services as jobs
from apps.jobs.context import JobContext
from apps.jobs.models import Job, JobState
from apps.leads.models import EventKind, FunnelEvent, HandOff, Lead, LeadStage, Opportunity, QueueBucket
from apps.leads.services import queue
from apps.reps.models import Quota, Rep, RepRole, Tier
from tests.cast import Cast
from tests.integrations.export import (
    AT,
    FILES,
    LEADS,
    OPPORTUNITIES,
    as_csv,
    checked,
    document,
    everything,
    imported,
    refusals,
    started,
    write,
)

pytestmark = pytest.mark.django_db


def _local(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, tzinfo=ZoneInfo(settings.COMPANY_TIME_ZONE))


class TestWhatIsWritten:
    def test_reps_come_into_the_team_with_their_roles(self, tmp_path: Path) -> None:
        imported(write(tmp_path))
        reps = {rep.external_id: rep for rep in Rep.objects.select_related("team")}
        assert {rep.team.name for rep in reps.values()} == {"SDR team"}
        assert (reps["1"].name, reps["1"].role, reps["1"].tier) == ("Ada Byron", RepRole.OSR, None)
        assert (reps["7"].role, reps["7"].tier) == (RepRole.AE, Tier.THREE)
        assert reps["7"].team.currency == "USD"

    def test_quotas_are_the_teams_per_quarter(self, tmp_path: Path) -> None:
        imported(write(tmp_path))
        found = {
            quota.measure: (str(quota.starts_on), str(quota.ends_on), quota.target_count, quota.target_minor)
            for quota in Quota.objects.all()
        }
        assert found == {
            "converted_leads": ("2021-04-01", "2021-07-01", 50, None),
            "amount_accepted": ("2021-04-01", "2021-07-01", None, 20_000_000),
        }

    def test_leads_stand_where_the_export_says(self, tmp_path: Path) -> None:
        imported(write(tmp_path))
        stages = dict(Lead.objects.values_list("external_id", "stage"))
        assert stages == {
            "101": LeadStage.MCL,
            "102": LeadStage.DISQUALIFIED,
            "103": LeadStage.SAL,
            "104": LeadStage.WORKING,
            "105": LeadStage.SAL,
            "106": LeadStage.WORKING,
        }
        lead = Lead.objects.get(external_id="102")
        assert (lead.stage_reason, lead.do_not_contact) == ("Unsubscribed/Do Not Call", True)
        assert lead.time_zone == "America/Chicago"
        assert Lead.objects.get(external_id="101").is_inbound is False

    def test_a_lead_that_nobody_owns_is_in_the_teams_pool(self, tmp_path: Path) -> None:
        imported(write(tmp_path))
        lead = Lead.objects.get(external_id="101")
        assert (lead.owner, lead.team.name, lead.queue_bucket) == (None, "SDR team", QueueBucket.UNTOUCHED)
        rep = Rep.objects.get(external_id="2")
        # A rejected hand-off came back as a touch that is due, which goes before what nobody touched.
        rejected = queue.claim_next(rep=rep, at=AT)
        assert rejected is not None
        assert (rejected.external_id, rejected.queue_bucket) == ("104", QueueBucket.TOUCH_DUE)
        assert queue.claim_next(rep=rep, at=AT, after=rejected) == lead

    def test_a_day_without_a_time_is_local_midnight_of_the_company(self, tmp_path: Path) -> None:
        imported(write(tmp_path))
        assert Lead.objects.get(external_id="101").created_at == _local(2021, 1, 5)
        event = FunnelEvent.objects.get(source_key="crm_sdr_team:hand_offs:11:accepted")
        assert event.occurred_at == _local(2021, 4, 18)

    def test_the_record_says_only_what_the_files_say(self, tmp_path: Path) -> None:
        imported(write(tmp_path))
        events = FunnelEvent.objects.filter(lead__external_id="103").order_by("occurred_at", "pk")
        assert [(event.kind, event.amount_minor) for event in events] == [
            (EventKind.COLLECTED, None),
            (EventKind.HANDED_OFF, None),
            (EventKind.ACCEPTED, 355_850),
            (EventKind.STAGE_1, 355_850),
        ]
        assert {event.source for event in events} == {"import"}
        assert {event.recorded_at for event in events} != {event.occurred_at for event in events}
        rejected = FunnelEvent.objects.get(kind=EventKind.REJECTED)
        assert (rejected.amount_minor, rejected.data["amount_minor"]) == (None, 407_781)

    def test_both_people_of_a_hand_off_are_credited_whole(self, tmp_path: Path) -> None:
        imported(write(tmp_path))
        event = FunnelEvent.objects.get(source_key="crm_sdr_team:hand_offs:13:accepted")
        shares = set(event.credits.values_list("capacity", "rep__external_id", "share"))
        assert shares == {("sourced", "2", 1_000_000), ("owned", "7", 1_000_000)}

    def test_a_disqualification_without_a_day_is_dated_by_the_newest_row_and_says_so(
        self, tmp_path: Path
    ) -> None:
        imported(write(tmp_path))
        event = FunnelEvent.objects.get(kind=EventKind.DISQUALIFIED)
        assert event.occurred_at == _local(2021, 4, 22)
        assert event.data == {"reason": "Unsubscribed/Do Not Call", "dated": "import"}

    def test_accepted_hand_offs_are_opportunities_at_stage_one(self, tmp_path: Path) -> None:
        imported(write(tmp_path))
        assert dict(HandOff.objects.values_list("external_id", "state")) == {
            "11": "accepted",
            "12": "rejected",
            "13": "accepted",
        }
        assert set(Opportunity.objects.values_list("stage", "amount_minor", "currency")) == {
            ("stage_1", 355_850, "USD"),
            ("stage_1", -13_615, "USD"),
        }

    def test_history_starts_no_promise(self, tmp_path: Path) -> None:
        imported(write(tmp_path))
        assert not Lead.objects.filter(due_at__isnull=False).exists()
        assert not HandOff.objects.filter(due_at__isnull=False).exists()

    def test_the_order_of_the_files_is_no_matter(self, tmp_path: Path) -> None:
        imported(list(reversed(write(tmp_path))))
        assert Lead.objects.count() == 6
        assert HandOff.objects.count() == 3

    def test_files_may_come_in_separate_imports(self, tmp_path: Path) -> None:
        for path in write(tmp_path):
            imported([path])
        assert dict(Lead.objects.values_list("external_id", "stage"))["103"] == LeadStage.SAL
        assert FunnelEvent.objects.filter(kind=EventKind.ACCEPTED).count() == 2


class TestImportingTwice:
    def test_the_same_files_again_change_nothing(self, tmp_path: Path) -> None:
        paths = write(tmp_path)
        imported(paths)
        before = everything()
        run = imported(paths)
        assert everything() == before
        for one in run.files.all():
            assert one.written["new"] == one.written["changed"] == one.written["refused"] == 0
            assert one.written["same"] + one.written["skipped"] == one.written["rows"]

    def test_what_people_did_since_is_left_alone(self, tmp_path: Path) -> None:
        paths = write(tmp_path)
        imported(paths)
        Lead.objects.filter(external_id="101").update(stage=LeadStage.WORKING, title="Chief of Everything")
        before = everything()
        run = imported(paths)
        assert everything() == before
        assert run.files.get(name="Leads.csv").written["same"] == 6

    def test_a_dry_run_writes_nothing(self, tmp_path: Path) -> None:
        run = started(write(tmp_path))
        before = everything()
        imports.check_import(run=run, at=AT)
        assert everything() == before
        assert run.state == RunState.CHECKED


class TestChangedSince:
    def test_a_description_is_brought_up_to_date(self, tmp_path: Path) -> None:
        imported(write(tmp_path))
        run = imported(write(tmp_path, Leads=("106,Owner", "106,Managing Owner")))
        leads = run.files.get(name="Leads.csv")
        assert (leads.written["changed"], leads.written["same"]) == (1, 5)
        assert Lead.objects.get(external_id="106").title == "Managing Owner"
        change = leads.messages.get(severity="changed")
        assert (change.row, change.column, change.before, change.value) == (
            7,
            "Title",
            "Owner",
            "Managing Owner",
        )

    def test_an_empty_cell_does_not_blank_what_people_filled_in(self, tmp_path: Path) -> None:
        imported(write(tmp_path))
        Lead.objects.filter(external_id="104").update(time_zone="America/Denver")
        imported(write(tmp_path, Leads=("104,Manager", "104,Head")))
        lead = Lead.objects.get(external_id="104")
        assert (lead.title, lead.time_zone) == ("Head", "America/Denver")

    def test_a_lead_that_was_disqualified_there_is_disqualified_here(self, tmp_path: Path) -> None:
        imported(write(tmp_path))
        change = (
            "Working,20210108,1,,Web Registration,",
            "Disqualified,20210108,1,,Web Registration,No Need",
        )
        imported(write(tmp_path, Leads=change))
        lead = Lead.objects.get(external_id="106")
        assert (lead.stage, lead.stage_reason, lead.queue_bucket) == ("disqualified", "No Need", None)
        assert FunnelEvent.objects.filter(lead=lead, kind=EventKind.DISQUALIFIED).count() == 1

    def test_a_lead_that_somebody_moved_here_meanwhile_is_refused(self, tmp_path: Path) -> None:
        imported(write(tmp_path))
        Lead.objects.filter(external_id="101").update(stage=LeadStage.RECYCLED)
        run = checked(write(tmp_path, Leads=("PST,New", "PST,Working")))
        ((file, row, column, says),) = refusals(run)
        assert (file, row, column) == ("Leads.csv", 2, "Stage")
        assert "recycled here now" in says

    def test_an_answer_that_was_awaited_is_taken(self, tmp_path: Path) -> None:
        waiting = OPPORTUNITIES.replace("TRUE,4/18/2021 0:00", ",")
        imported(write(tmp_path, Opportunities=waiting))
        assert Lead.objects.get(external_id="103").stage == LeadStage.HANDED_OFF
        run = imported(write(tmp_path))
        assert run.files.get(name="Opportunities.csv").written["changed"] == 1
        assert HandOff.objects.get(external_id="11").state == "accepted"
        assert FunnelEvent.objects.filter(hand_off__external_id="11").count() == 3

    def test_a_recorded_amount_is_not_rewritten(self, tmp_path: Path) -> None:
        imported(write(tmp_path))
        before = everything()
        run = checked(write(tmp_path, Opportunities=("3558.5", "9999")))
        ((file, row, column, says),) = refusals(run)
        assert (file, row, column) == ("Opportunities.csv", 2, "Amount")
        assert "It was $3,558.50 at the last import" in says
        assert everything() == before

    def test_a_changed_target_replaces_the_old_one(self, tmp_path: Path) -> None:
        imported(write(tmp_path))
        imported(write(tmp_path, Quotas=("2021,2,50", "2021,2,60")))
        assert Quota.objects.get(measure="converted_leads").target_count == 60
        assert Quota.objects.count() == 2

    def test_a_role_is_not_changed_by_import(self, tmp_path: Path) -> None:
        imported(write(tmp_path))
        run = checked(
            write(
                tmp_path, Employees=("Cole,20210101,Sales Development Rep", "Cole,20210101,Account Manager")
            )
        )
        assert refusals(run)[0][:3] == ("Employees.csv", 3, "Role")


class _Killed(BaseException):
    """A worker that is gone without a word."""


@contextmanager
def _killed_after(batches: int) -> Iterator[None]:
    """Let ``save_checkpoint`` of that many batches pass; the next one is the end of the process."""
    kept = JobContext.save_checkpoint
    done = 0

    def save_or_die(self: JobContext, checkpoint: dict) -> None:
        nonlocal done
        if done == batches:
            raise _Killed
        done += 1
        kept(self, checkpoint)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(JobContext, "save_checkpoint", save_or_die)
        yield


class TestAKillInTheMiddle:
    @pytest.mark.parametrize("batches", range(8))
    def test_going_on_gives_the_same_as_an_undisturbed_import(
        self, tmp_path: Path, batches: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(passes, "BATCH", 2)
        run = checked(write(tmp_path))
        job = imports.commit_import(run=run, at=AT)
        with _killed_after(batches), pytest.raises(_Killed):
            jobs.run(job_id=job.pk, clock=timezone.now)
        # What the reaper does with a job whose worker is gone.
        Job.objects.filter(pk=job.pk).update(state=JobState.QUEUED, lease_token="", lease_process="")
        jobs.run(job_id=job.pk, clock=timezone.now)
        run.refresh_from_db()
        assert run.state == RunState.DONE
        for one in run.files.all():
            figures = {**one.checked, "codes": None}
            assert {**one.written, "codes": None} == figures, "each row is counted once"
        assert Lead.objects.count() == 6
        assert FunnelEvent.objects.count() == 6 + 1 + 3 + 2 * 2 + 1
        assert Quota.objects.count() == 2

    def test_rows_that_were_written_stay_when_somebody_stops_it(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(passes, "BATCH", 2)
        run = checked(write(tmp_path))
        job = imports.commit_import(run=run, at=AT)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                JobContext,
                "progress",
                lambda self, done, *_: (
                    jobs.request_cancel(job=job, at=AT) or self.raise_if_stopped() if done >= 7 else None
                ),
            )
            patch.setattr(JobContext, "raise_if_stopped", lambda self: (_ for _ in ()).throw(_cancelled()))
            jobs.run(job_id=job.pk, clock=timezone.now)
        job.refresh_from_db()
        assert job.state == JobState.CANCELLED
        assert 0 < Lead.objects.count() < 6
        jobs.resume(job=job, at=AT)
        jobs.run(job_id=job.pk, clock=timezone.now)
        assert Lead.objects.count() == 6

    def test_files_that_are_not_those_that_were_checked_stop_it(self, tmp_path: Path) -> None:
        run = checked(write(tmp_path))
        job = imports.commit_import(run=run, at=AT)
        (imports.folder_of(run) / "2.csv").write_text(LEADS.replace("CEO", "CFO"))
        jobs.run(job_id=job.pk, clock=timezone.now)
        job.refresh_from_db()
        assert job.state == JobState.FAILED
        assert "is not the file that was checked" in job.error
        assert not Lead.objects.exists()


def _cancelled() -> Exception:
    from apps.jobs.context import JobCancelled

    return JobCancelled("stopped")


class TestOneAtATime:
    def test_a_second_import_waits_for_the_first(self, tmp_path: Path) -> None:
        first, second = checked(write(tmp_path)), checked(write(tmp_path))
        imports.commit_import(run=first, at=AT)
        with pytest.raises(imports.UnableToCommit, match=f"Import {first.pk} is being written"):
            imports.commit_import(run=second, at=AT)
        second.refresh_from_db()
        assert second.state == RunState.CHECKED

    def test_a_second_click_is_refused(self, tmp_path: Path) -> None:
        run = checked(write(tmp_path))
        imports.commit_import(run=run, at=AT)
        with pytest.raises(imports.UnableToCommit):
            imports.commit_import(run=run, at=AT)
        assert Job.objects.count() == 1


class TestAPlainListOfLeads:
    """Another layout: a mapping and no code."""

    HEAD = ("Email", "Captured at", "Full name", "Company", "Staff", "Owner e-mail", "Notes")

    def _import(self, tmp_path: Path, *rows: tuple[str, ...]) -> ImportRun:
        path = as_csv([self.HEAD, *rows], tmp_path / "fair.csv")
        return imported([path], with_document=document("leads_basic"), take_good_rows=True)

    def test_leads_come_in_with_their_company_and_owner(self, tmp_path: Path, cast: Cast) -> None:
        run = self._import(
            tmp_path,
            (
                "Ada@Brightmoor.example",
                "2022-03-01 09:30",
                "Ada B",
                "Brightmoor",
                "1.200",
                cast.sdr.email,
                "x",
            ),
            ("ben@brightmoor.example", "01.03.2022", "Ben C", "Brightmoor", "n/a", "", ""),
        )
        ada, ben = Lead.objects.order_by("pk")
        assert (ada.email, ada.name, ada.employees) == ("ada@brightmoor.example", "Ada B", 1200)
        assert ada.owner == cast.rep(cast.sdr)
        assert ada.account == ben.account
        assert (ben.employees, ben.owner) == (None, None)
        assert run.files.get().notes[-1] == "Not in the mapping, so left out: Notes."

    def test_somebody_who_is_worked_already_or_opted_out_is_passed_over(
        self, tmp_path: Path, cast: Cast
    ) -> None:
        self._import(tmp_path, ("ada@b.example", "2022-03-01", "Ada", "B", "", "", ""))
        Lead.objects.create(email="out@b.example", do_not_contact=True, created_at=AT, team=cast.sdr_team)
        Lead.objects.create(email="here@b.example", created_at=AT, team=cast.sdr_team, stage="working")
        run = self._import(
            tmp_path,
            ("out@b.example", "2022-03-01", "Out", "B", "", "", ""),
            ("here@b.example", "2022-03-01", "Here", "B", "", "", ""),
            ("ada@b.example", "2022-03-01", "Ada", "B", "", "", ""),
        )
        assert (run.files.get().written["skipped"], run.files.get().written["same"]) == (2, 1)
        assert set(run.files.get().messages.values_list("code", flat=True)) == {"opted_out", "known_email"}
        assert Lead.objects.count() == 3

    def test_a_bad_address_and_an_unknown_owner_are_refused(self, tmp_path: Path, cast: Cast) -> None:
        run = self._import(
            tmp_path,
            ("p.ferrante(at)ridgeline", "2022-03-01", "P", "R", "", "", ""),
            ("q@ridgeline.example", "2022-03-01", "Q", "R", "", "nobody@larkfield.example", ""),
        )
        assert [refusal[1:3] for refusal in refusals(run)] == [(2, "Email"), (3, "Owner e-mail")]


def test_the_first_mapping_that_knows_the_files_is_found(tmp_path: Path) -> None:
    run = imports.start_import(files=[(path.name, [path.read_bytes()]) for path in write(tmp_path)], at=AT)
    assert run.mapping_name == "CRM export of an SDR team"


def test_a_lost_column_does_not_lose_the_mapping(tmp_path: Path) -> None:
    (leads,) = (path for path in write(tmp_path, Leads=("CreatedDate,", "")) if path.name == "Leads.csv")
    run = imports.start_import(files=[("Leads.csv", [leads.read_bytes()])], at=AT)
    assert run.mapping_name == "CRM export of an SDR team"
    other = imports.start_import(files=[("Leads.csv", [b"Record ID,Mail\n1,a@b.example\n"])], at=AT)
    assert other.mapping_name == "", "a name alone is not enough"


def test_files_that_no_mapping_knows_are_kept_and_say_so(tmp_path: Path) -> None:
    run = imports.start_import(files=[("cars.csv", [b"Make,Model\nA,B\n"])], at=AT)
    assert run.document == {}
    assert imports.check_import(run=run, at=AT).state == RunState.FAULTY


def test_an_owner_named_by_a_saved_mapping_with_another_system_is_another_rep(tmp_path: Path) -> None:
    imported(write(tmp_path))
    other = document() | {"name": "Other", "system": "other_crm"}
    mappings.parsed(other)
    run = checked([path for path in write(tmp_path) if path.name == "Leads.csv"], with_document=other)
    assert len(refusals(run)) == 5, "ids of one system say nothing in another"


def test_the_export_of_the_tests_is_whole() -> None:
    assert set(FILES) == {"Employees.csv", "Quotas.csv", "Leads.csv", "Opportunities.csv"}
    assert AT.tzinfo == UTC
