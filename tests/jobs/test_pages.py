"""What people see of jobs, and who may."""

from datetime import timedelta

import pytest
from django.urls import reverse

from apps.jobs import services
from apps.jobs.models import Job, JobState
from tests.stage import staged

pytestmark = pytest.mark.django_db


@pytest.fixture
@staged
def job(cast, at) -> Job:
    return services.enqueue(kind="tests.count", key="October", at=at, requested_by=cast.manager)


def url(name: str, job: Job) -> str:
    return reverse(f"jobs:{name}", args=[job.pk])


class TestWhoSeesAJob:
    @pytest.mark.parametrize(
        "part, status",
        [("manager", 200), ("revops", 200), ("finance", 200), ("sdr", 404), ("outside_manager", 404)],
    )
    @pytest.mark.parametrize("name", ["detail", "card"])
    def test_whoever_asked_and_those_who_look_after_all(self, client, cast, job, part, status, name):
        Job.objects.update(
            state=JobState.RUNNING,
            lease_token="x",
            started_at=job.requested_at,
            heartbeat_at=job.requested_at,
        )
        client.force_login(getattr(cast, part))
        assert client.get(url(name, job)).status_code == status

    def test_a_list_holds_only_what_one_may_see(self, client, cast, job):
        client.force_login(cast.sdr)
        assert "October" not in client.get(reverse("jobs:list")).content.decode()
        client.force_login(cast.manager)
        assert "October" in client.get(reverse("jobs:list")).content.decode()

    def test_nobody_without_signing_in(self, client, job):
        assert client.get(url("detail", job)).status_code == 302

    def test_one_who_may_not_see_it_may_not_stop_it(self, client, cast, job):
        client.force_login(cast.sdr)
        assert client.post(url("cancel", job)).status_code == 404
        job.refresh_from_db()
        assert job.state == JobState.QUEUED

    def test_reading_never_steers(self, client, cast, job):
        client.force_login(cast.manager)
        assert client.get(url("cancel", job)).status_code == 405
        assert client.get(url("resume", job)).status_code == 405


class TestCard:
    def get(self, client, job, **headers):
        return client.get(url("card", job), headers={"HX-Request": "true", **headers})

    def test_shows_count_bar_and_time_left(self, client, cast, job, at, time_machine):
        started = at - timedelta(seconds=60)
        Job.objects.update(
            state=JobState.RUNNING,
            lease_token="x",
            started_at=started,
            heartbeat_at=at,
            progress_done=1_500,
            progress_total=3_000,
            note="Measuring March",
        )
        time_machine.move_to(at, tick=False)
        client.force_login(cast.manager)
        text = self.get(client, job).content.decode()
        assert 'aria-valuenow="50"' in text
        assert "1,500 of 3,000" in text
        assert "Measuring March" in text
        assert "about 60 s left" in text
        assert "data-poll-url" in text

    def test_answers_not_modified_while_nothing_changes(self, client, cast, job):
        client.force_login(cast.manager)
        first = self.get(client, job)
        assert self.get(client, job, **{"If-None-Match": first["ETag"]}).status_code == 304
        services.request_cancel(job=job, at=job.requested_at)
        assert self.get(client, job, **{"If-None-Match": first["ETag"]}).status_code == 286

    def test_says_its_last_word_once_the_job_is_over(self, client, cast, job):
        services.request_cancel(job=job, at=job.requested_at)
        client.force_login(cast.manager)
        answer = self.get(client, job)
        assert answer.status_code == 286
        assert "data-poll-url" not in answer.content.decode()


class TestSteering:
    def test_cancel_answers_the_card_to_a_fragment(self, client, cast, job):
        client.force_login(cast.manager)
        answer = client.post(url("cancel", job), headers={"HX-Request": "true"})
        assert "Cancelled" in answer.content.decode()
        job.refresh_from_db()
        assert job.state == JobState.CANCELLED

    def test_resume_leads_back_to_the_page(self, client, cast, job):
        services.request_cancel(job=job, at=job.requested_at)
        client.force_login(cast.finance)
        assert client.post(url("resume", job)).url == url("detail", job)
        job.refresh_from_db()
        assert job.state == JobState.QUEUED

    def test_a_refusal_is_told_in_words(self, client, cast, job):
        client.force_login(cast.manager)
        answer = client.post(url("resume", job), headers={"HX-Request": "true"})
        assert answer.status_code == 409
        assert "Only a failed or cancelled job" in answer.content.decode()


class TestList:
    def test_costs_the_same_whatever_its_length(self, client, cast, at, django_assert_max_num_queries):
        for number in range(60):
            services.enqueue(kind="tests.count", key=str(number), at=at, requested_by=cast.manager)
        client.force_login(cast.revops)
        client.get(reverse("jobs:list"))
        with django_assert_max_num_queries(7):
            page = client.get(reverse("jobs:list")).content.decode()
        assert page.count("data-row") == 50


@pytest.mark.django_db(transaction=True)
class TestHealth:
    def test_is_told_to_anybody(self, client):
        assert client.get("/healthz/").json() == {"Database(alias='default')": "OK"}

    def test_fails_while_jobs_wait_and_none_moves(self, client):
        from django.utils import timezone

        assert client.get("/healthz/jobs/").status_code == 200
        services.enqueue(kind="tests.count", key="old", at=timezone.now() - timedelta(minutes=6))
        assert client.get("/healthz/jobs/").status_code == 500
