"""Certifications, sessions, results, reminders; and the pages of managers and reps."""

from datetime import date, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from apps.accounts.models import Notification
from apps.core.errors import InvalidInput
from apps.core.periods import day_start
from apps.reps.models import Rep
from apps.scorecards.models import Certification, CertificationResult, TrainingDue, TrainingSession
from apps.scorecards.notification_kinds import TRAINING_DUE
from apps.scorecards.rules.training import State, state_on
from apps.scorecards.selectors.training import dues_for, in_state, tallies
from apps.scorecards.services import training, training_due
from apps.scorecards.services.training import CertificationDraft
from apps.scorecards.tasks import sweep_training
from salesportal.celery import app
from tests.cast import NOW, Cast
from tests.leads.test_hand_off_races import race
from tests.stage import staged

TODAY = NOW.date()
BERLIN = "Europe/Berlin"


def draft(**changed: object) -> CertificationDraft:
    return CertificationDraft(
        **{"role": "isr", "name": "BANT", "asked_from": date(2026, 1, 1), "pass_score": 80, **changed}
    )


@pytest.fixture
@staged
def bant(cast: Cast) -> Certification:
    """Asked of every inbound SDR of the cast: the SDR, the teammate, the outsider."""
    return training.write_certification(draft=draft(), at=NOW, actor=cast.revops)


def passed(cast: Cast, bant: Certification, on: date, user: object = None, **more: object):
    return training.record_result(
        **{
            "certification": bant, "rep": cast.rep(user or cast.sdr), "taken_on": on, "score": 90, "at": NOW,
            "actor": cast.manager, **more,
        }
    )  # fmt: skip


def due(cast: Cast, user: object = None) -> TrainingDue:
    return TrainingDue.objects.get(rep=cast.rep(user or cast.sdr))


class TestCertification:
    def test_is_asked_of_everybody_of_the_role_and_of_nobody_else(self, cast: Cast, bant: Certification):
        assert {one.rep.role for one in TrainingDue.objects.select_related("rep")} == {"isr"}
        assert TrainingDue.objects.count() == 3
        assert due(cast).due_on == date(2026, 1, 1) + timedelta(days=60)

    def test_counts_a_newcomers_days_from_the_first_one(self, cast: Cast, bant: Certification):
        Rep.objects.filter(user=cast.sdr).update(hired_on=date(2026, 11, 2))
        assert training_due.refresh(at=NOW) == 1
        assert due(cast).due_on == date(2027, 1, 1)
        assert training_due.refresh(at=NOW) == 0, "the same results give the same rows"

    def test_is_asked_of_nobody_who_left_or_once_it_is_retired(self, cast: Cast, bant: Certification):
        Rep.objects.filter(user=cast.teammate).update(left_on=TODAY)
        training_due.refresh(at=NOW)
        assert TrainingDue.objects.count() == 2
        assert training.retire_certification(certification=bant, at=NOW)
        assert not training.retire_certification(certification=bant, at=NOW)
        assert not TrainingDue.objects.exists()

    @pytest.mark.parametrize(
        ("changed", "field"),
        [({"role": "cook"}, "role"), ({"name": ""}, "name"), ({"valid_months": 0}, "valid_months"),
         ({"pass_score": 101}, "pass_score")],
    )  # fmt: skip
    def test_that_cannot_be_right_is_refused_at_its_field(self, db, changed, field):
        with pytest.raises(InvalidInput) as refused:
            training.write_certification(draft=draft(**changed), at=NOW)
        assert refused.value.field == field

    def test_of_one_name_is_there_once_a_role(self, cast: Cast, bant: Certification):
        with pytest.raises(training.UnableToTrain) as refused:
            training.write_certification(draft=draft(), at=NOW)
        assert refused.value.field == "name"


class TestResult:
    def test_of_a_pass_holds_a_year(self, cast: Cast, bant: Certification):
        result = passed(cast, bant, date(2026, 11, 2))
        assert (result.is_pass, result.valid_until) == (True, date(2027, 11, 2))
        assert (due(cast).due_on, due(cast).was_passed) == (date(2027, 11, 2), True)

    def test_below_the_score_is_none(self, cast: Cast, bant: Certification):
        before = due(cast).due_on
        assert not passed(cast, bant, date(2026, 11, 2), score=79).is_pass
        assert due(cast).due_on == before

    def test_the_same_again_is_the_same_row(self, cast: Cast, bant: Certification):
        assert passed(cast, bant, date(2026, 11, 2)) == passed(cast, bant, date(2026, 11, 2))
        with pytest.raises(training.UnableToTrain, match="another result"):
            passed(cast, bant, date(2026, 11, 2), score=81)
        assert CertificationResult.objects.count() == 1

    def test_taken_back_counts_no_more_once_and_stays_on_record(self, cast: Cast, bant: Certification):
        before = due(cast).due_on
        result = passed(cast, bant, date(2026, 11, 2))
        training.take_back_result(result=result, reason="Another person", at=NOW, actor=cast.manager)
        assert due(cast).due_on == before
        assert CertificationResult.objects.count() == 2
        with pytest.raises(training.UnableToTrain, match="already"):
            training.take_back_result(result=result, reason="Again", at=NOW, actor=cast.manager)
        assert passed(cast, bant, date(2026, 11, 2), score=81).score == 81

    @pytest.mark.parametrize(
        ("changed", "field"),
        [({"taken_on": TODAY + timedelta(days=1)}, "taken_on"), ({"taken_on": date(2020, 1, 1)}, "taken_on"),
         ({"score": 101}, "score"), ({"score": None}, "score")],
    )  # fmt: skip
    def test_that_cannot_be_right_is_refused(self, cast: Cast, bant: Certification, changed, field):
        with pytest.raises(InvalidInput) as refused:
            passed(cast, bant, **{"on": changed.pop("taken_on", TODAY), **changed})
        assert refused.value.field == field

    def test_of_another_role_is_refused(self, cast: Cast, bant: Certification):
        with pytest.raises(training.UnableToTrain, match="another role"):
            passed(cast, bant, TODAY, user=cast.ae)


class TestReminders:
    def told(self, user: object) -> list[str]:
        return list(
            Notification.objects.filter(kind=TRAINING_DUE, user=user)
            .order_by("pk")
            .values_list("title", flat=True)
        )

    def test_are_told_at_their_instant_once_however_often_it_is_swept(self, cast: Cast, bant: Certification):
        passed(cast, bant, date(2026, 11, 2))
        day = date(2027, 11, 2) - timedelta(days=30)
        instant = day_start(day, BERLIN)
        assert due(cast).remind_at == instant
        TrainingDue.objects.exclude(rep=cast.rep(cast.sdr)).delete()
        assert training_due.sweep(at=instant - timedelta(seconds=1)) == 0
        assert training_due.sweep(at=instant) == 1
        assert training_due.sweep(at=instant) == 0
        assert self.told(cast.sdr) == ["BANT is due before 2 November 2027"]
        assert self.told(cast.manager) == [], "the manager hears of what is overdue"
        assert due(cast).remind_at == day_start(date(2027, 11, 2), BERLIN)

    def test_overdue_is_told_to_the_manager_too_and_again_every_fortnight(
        self, cast: Cast, bant: Certification
    ):
        TrainingDue.objects.exclude(rep=cast.rep(cast.sdr)).delete()
        assert training_due.sweep(at=NOW) == 1
        first = due(cast).remind_at
        assert first is not None
        assert timedelta(0) < first - NOW <= timedelta(days=14)
        assert training_due.sweep(at=first) == 1
        assert len(self.told(cast.sdr)) == len(self.told(cast.manager)) == 2
        assert self.told(cast.manager)[0] == "Sdr: BANT is overdue since 2 March 2026"

    def test_what_a_long_stop_missed_is_told_once_as_it_is(self, cast: Cast, bant: Certification):
        TrainingDue.objects.exclude(rep=cast.rep(cast.sdr)).delete()
        assert training_due.sweep(at=NOW + timedelta(days=400)) == 1
        assert len(self.told(cast.sdr)) == 1

    def test_a_pass_begins_them_anew(self, cast: Cast, bant: Certification):
        training_due.sweep(at=NOW)
        passed(cast, bant, TODAY)
        remind_at = due(cast).remind_at
        assert remind_at is not None
        assert remind_at > NOW + timedelta(days=300)

    def test_the_schedule_sweeps(self, cast: Cast, bant: Certification):
        assert sweep_training.name in {one["task"] for one in app.conf.beat_schedule.values()}
        sweep_training()
        sweep_training()
        assert len(self.told(cast.sdr)) == 1

    @pytest.mark.django_db(transaction=True)
    def test_two_sweeps_at_once_tell_it_once(self, cast: Cast, bant: Certification):
        outcomes = race([lambda: training_due.sweep(at=NOW)] * 2)
        assert sum(one for one in outcomes if isinstance(one, int)) == 3
        assert len(self.told(cast.sdr)) == 1


class TestSession:
    def planned(self, cast: Cast, bant: Certification, at: datetime, **more: object) -> TrainingSession:
        return training.plan_session(
            **{
                "title": "Practice", "starts_at": at, "trainer": cast.manager, "certification": bant,
                "reps": [cast.rep(cast.sdr), cast.rep(cast.teammate)], "at": NOW, "actor": cast.manager, **more,
            }
        )  # fmt: skip

    def test_to_come_is_told_to_those_who_are_asked(self, cast: Cast, bant: Certification):
        self.planned(cast, bant, NOW + timedelta(days=7))
        told = Notification.objects.filter(kind=TRAINING_DUE)
        assert {one.user_id for one in told} == {cast.sdr.pk, cast.teammate.pk}

    def test_that_was_held_is_noted_and_told_to_nobody(self, cast: Cast, bant: Certification):
        self.planned(cast, bant, NOW - timedelta(days=7))
        assert not Notification.objects.exists()

    @pytest.mark.parametrize("url", ["http://learn.example/a", "javascript:alert(1)", "learn"])
    def test_material_is_at_an_https_address(self, cast: Cast, bant: Certification, url):
        with pytest.raises(InvalidInput, match="https://"):
            self.planned(cast, bant, NOW, material_url=url)

    def test_for_another_role_is_refused(self, cast: Cast, bant: Certification):
        with pytest.raises(training.UnableToTrain):
            self.planned(cast, bant, NOW, reps=[cast.rep(cast.ae)])

    def test_is_seen_by_its_trainer_its_people_their_managers_and_revops(
        self, cast: Cast, bant: Certification
    ):
        self.planned(cast, bant, NOW)
        seen = {
            name
            for name, user in cast.everyone().items()
            if TrainingSession.objects.visible_to(user).exists()
        }
        assert seen == {"sdr", "teammate", "manager", "revops"}

    def test_results_are_recorded_on_its_page_and_taken_back(
        self, cast: Cast, bant: Certification, client: Client
    ):
        session = self.planned(cast, bant, NOW - timedelta(days=1))
        client.force_login(cast.manager)
        sdr, teammate = cast.rep(cast.sdr), cast.rep(cast.teammate)
        address = reverse("scorecards:training_session_results", args=[session.pk])
        assert client.post(address, {f"rep_{sdr.pk}": "85", f"rep_{teammate.pk}": "101"}).status_code == 422
        assert client.post(address, {f"rep_{sdr.pk}": "85", f"rep_{teammate.pk}": ""}).status_code == 302
        result = CertificationResult.objects.get()
        assert (result.rep, result.score, result.session) == (sdr, 85, session)
        html = client.get(reverse("scorecards:training_session", args=[session.pk])).content.decode()
        assert "Passed" in html
        client.post(reverse("scorecards:training_result_take_back", args=[result.pk]), {"reason": "Mistaken"})
        assert not CertificationResult.objects.standing().exists()


class TestWhoIsDue:
    def test_the_condition_in_the_database_is_the_rule(self, cast: Cast, bant: Certification):
        rows = [
            TrainingDue(
                rep=rep,
                certification=bant,
                due_on=TODAY + timedelta(days=days),
                was_passed=was_passed,
            )
            for rep, (days, was_passed) in zip(
                Rep.objects.exclude(role="isr").order_by("pk"),
                [(0, True), (30, True), (31, True)],
                strict=False,
            )
        ]
        TrainingDue.objects.bulk_create(rows)
        for one in TrainingDue.objects.all():
            wanted = state_on(TODAY, due=one.due_on, was_passed=one.was_passed)
            found = [
                state for state in State if TrainingDue.objects.filter(in_state(state, TODAY), pk=one.pk)
            ]
            assert found == [wanted]

    def test_teams_are_summed_within_ones_scope(self, cast: Cast, bant: Certification):
        passed(cast, bant, TODAY)
        [own] = tallies(dues_for(cast.manager), TODAY)
        assert (own.team, own.done, own.due, own.overdue) == ("Inbound SDRs", 1, 0, 1)
        assert sum(one.people for one in tallies(dues_for(cast.revops), TODAY)) == 3

    def test_a_manager_sees_own_people_and_a_rep_only_the_own_page(
        self, cast: Cast, bant: Certification, client: Client
    ):
        client.force_login(cast.manager)
        html = client.get(reverse("scorecards:training")).content.decode()
        assert "Teammate" in html
        assert "Outsider" not in html
        client.force_login(cast.sdr)
        assert client.get(reverse("scorecards:training")).status_code == 403
        html = client.get(reverse("scorecards:own_training")).content.decode()
        assert "BANT" in html
        assert "Overdue" in html
        assert "Teammate" not in html

    def test_the_list_is_narrowed_by_state(self, cast: Cast, bant: Certification, client: Client):
        passed(cast, bant, TODAY)
        client.force_login(cast.manager)
        done = client.get(reverse("scorecards:training") + "?state=done")
        assert [one["due"].rep.user for one in done.context["rows"]] == [cast.sdr]
        late = client.get(reverse("scorecards:training") + "?state=overdue")
        assert [one["due"].rep.user for one in late.context["rows"]] == [cast.teammate]

    def test_asks_as_many_statements_for_many(
        self,
        cast: Cast,
        bant: Certification,
        client: Client,
        django_assert_max_num_queries: DjangoAssertNumQueries,
    ):
        client.force_login(cast.revops)
        client.get(reverse("scorecards:training"))
        with django_assert_max_num_queries(18):
            client.get(reverse("scorecards:training"))

    def test_revops_writes_changes_and_retires_on_pages(self, cast: Cast, client: Client):
        client.force_login(cast.revops)
        given = {
            "role": "ae", "name": "Discovery", "says": "", "valid_months": "12", "pass_score": "",
            "asked_from": timezone.now().date().isoformat(),
        }  # fmt: skip
        assert client.post(reverse("scorecards:certification_new"), {**given, "name": ""}).status_code == 422
        assert client.post(reverse("scorecards:certification_new"), given).status_code == 302
        found = Certification.objects.get()
        address = reverse("scorecards:certification", args=[found.pk])
        assert client.post(address, {**given, "valid_months": "6"}).status_code == 302
        assert Certification.objects.get().valid_months == 6
        client.post(reverse("scorecards:certification_retire", args=[found.pk]))
        assert client.get(address).status_code == 404

    def test_a_session_is_planned_on_its_page(self, cast: Cast, bant: Certification, client: Client):
        client.force_login(cast.manager)
        given = {
            "title": "Practice", "certification": bant.pk, "day": "2026-11-20", "time": "10:30",
            "trainer": cast.manager.pk, "material_url": "https://learn.example/", "reps": [cast.rep(cast.sdr).pk],
        }  # fmt: skip
        address = reverse("scorecards:training_session_new")
        assert client.post(address, given).status_code == 302
        session = TrainingSession.objects.get()
        assert session.starts_at.isoformat() == "2026-11-20T09:30:00+00:00"
        wrong = client.post(address, {**given, "reps": [cast.rep(cast.outsider).pk]})
        assert wrong.status_code == 422, "people of others cannot be asked"
