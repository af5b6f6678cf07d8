"""The lists of plans and of who is on one cost the same statements, whatever their length."""

from datetime import date

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.compensation.models import Plan, PlanAssignment, PlanVersion
from apps.compensation.services import plan_drafts, plans
from apps.reps.models import Rep, RepRole
from tests.cast import NOW, Cast
from tests.stage import staged

pytestmark = pytest.mark.django_db
FIRST, LAST = date(2026, 1, 1), None


@pytest.fixture
def client_of_revops(cast: Cast) -> Client:
    client = Client()
    client.force_login(cast.revops)
    return client


@pytest.fixture
@staged
def approved(cast: Cast) -> PlanVersion:
    version = plans.load_plan_document(document=plans.shipped_plan("sdr"), author=cast.revops, at=NOW)
    plan_drafts.submit_version(version=version, at=NOW, actor=version.author)
    plans.approve_version(version=version, approver=cast.finance, at=NOW)
    version.refresh_from_db()
    return version


def add_reps(cast: Cast, count: int) -> list[Rep]:
    team, begun = cast.rep(cast.sdr).team, Rep.objects.count()
    return Rep.objects.bulk_create(
        Rep(name=f"Rep {begun + number:04}", team=team, role=RepRole.OSR, hired_on=date(2025, 1, 1))
        for number in range(count)
    )


def add_plans(cast: Cast, like: PlanVersion, count: int) -> None:
    """Plans with three versions each and somebody on them."""
    begun = Plan.objects.count()
    made = Plan.objects.bulk_create(
        Plan(name=f"Plan {begun + number:04}", role=like.plan.role, currency=like.plan.currency)
        for number in range(count)
    )
    PlanVersion.objects.bulk_create(
        PlanVersion(
            plan=plan, number=number, effective_on=date(2026, number, 1), document=like.document,
            author=cast.revops, written_at=NOW, saved_at=NOW,
        )
        for plan in made
        for number in (1, 2, 3)
    )  # fmt: skip
    PlanAssignment.objects.bulk_create(
        PlanAssignment(rep=rep, plan=plan, starts_on=FIRST, ends_on=LAST)
        for rep, plan in zip(add_reps(cast, count), made, strict=True)
    )


def statements_of(client: Client, address: str) -> int:
    client.get(address)
    with CaptureQueriesContext(connection) as asked:
        answer = client.get(address)
    assert answer.status_code == 200
    return len(asked)


def test_the_list_of_plans_costs_the_same_at_10_and_at_500(client_of_revops, cast, approved):
    address = reverse("compensation:plans")
    add_plans(cast, approved, 10)
    few = statements_of(client_of_revops, address)
    add_plans(cast, approved, 490)
    assert Plan.objects.count() > 500
    assert statements_of(client_of_revops, address) == few


def test_the_people_of_a_plan_cost_the_same_at_10_and_at_500(client_of_revops, cast, approved):
    address = reverse("compensation:plan_people", args=[approved.plan_id])

    def put_on_it(count: int) -> None:
        PlanAssignment.objects.bulk_create(
            PlanAssignment(rep=rep, plan=approved.plan, starts_on=FIRST, ends_on=LAST)
            for rep in add_reps(cast, count)
        )

    put_on_it(10)
    few = statements_of(client_of_revops, address)
    put_on_it(490)
    assert statements_of(client_of_revops, address) == few


def test_the_people_of_a_plan_are_read_page_by_page_each_once(client_of_revops, cast, approved):
    reps = add_reps(cast, 130)
    PlanAssignment.objects.bulk_create(
        PlanAssignment(rep=rep, plan=approved.plan, starts_on=FIRST, ends_on=LAST) for rep in reps
    )
    address, after, seen = reverse("compensation:plan_people", args=[approved.plan_id]), "", []
    while True:
        listed = client_of_revops.get(address, {"after": after}).context["listed"]
        seen += [row.rep.name for row in listed.rows]
        after = listed.next_after
        if not after:
            break
    assert seen == sorted(rep.name for rep in reps)
