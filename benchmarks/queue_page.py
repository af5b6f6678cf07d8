"""The queue page against its floor: the bare top-50 of the same leads by the same index.

    .venv/bin/python benchmarks/queue_page.py [LEADS]

Fills a scratch database with LEADS leads (100,000 when not said) of one team, and prints the bare
query, the list of Django objects, the whole page, and the claim of one lead.
"""

import sys
from datetime import timedelta

from measure import compare, start_django

start_django()

from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.urls import reverse  # noqa: E402
from django.utils import timezone  # noqa: E402

from apps.accounts.models import Role, User  # noqa: E402
from apps.leads.models import Lead  # noqa: E402
from apps.leads.services import queue  # noqa: E402
from apps.reps.models import BusinessCalendar, Rep, RepRole, Team  # noqa: E402

REPS = 20


def fill(count: int) -> Rep:
    now = timezone.now()
    calendar = BusinessCalendar.objects.create(name="Benchmark hours")
    team = Team.objects.create(name="Benchmark team", calendar=calendar)
    reps = []
    for number in range(REPS):
        user = User.objects.create_user(
            f"bench{number}@example.test", None, name=f"Rep {number}", role=Role.SDR
        )
        reps.append(
            Rep.objects.create(user=user, name=user.name, team=team, role=RepRole.ISR, hired_on=now.date())
        )
    batch = []
    for number in range(count):
        lead = Lead(
            name=f"Person {number}",
            company=f"Company {number % 5000}",
            score="ABCD"[number % 4],
            stage="mql",
            team=team,
            owner=reps[number % REPS] if number % 3 else None,
            created_at=now - timedelta(minutes=number % 50_000),
            touch_count=number % 4,
            due_at=now + timedelta(minutes=number % 600) if number % 4 == 0 else None,
            source="Web registration",
        )
        queue.settle(lead)
        batch.append(lead)
        if len(batch) == 5_000:
            Lead.objects.bulk_create(batch, batch_size=1_000)
            batch = []
    Lead.objects.bulk_create(batch, batch_size=1_000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return reps[0]


def main() -> None:
    settings.ALLOWED_HOSTS = ["*"]
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    rep = fill(count)
    print(f"{connection.vendor}, {Lead.objects.count():,} leads")
    client = Client()
    client.force_login(rep.user)
    now = timezone.now()

    def bare() -> None:
        with connection.cursor() as cursor:
            for where in ("owner_id = %s", "owner_id IS NULL AND team_id = %s"):
                key = rep.pk if where.startswith("owner_id =") else rep.team_id
                cursor.execute(
                    f"SELECT * FROM leads_lead WHERE {where} AND queue_bucket IS NOT NULL "
                    "AND queue_ready_at <= %s ORDER BY queue_bucket, queue_sort_at, id LIMIT 50",
                    [key, now],
                )
                cursor.fetchall()

    def objects() -> None:
        list(Lead.objects.queued(now).filter(owner=rep)[:50])
        list(Lead.objects.queued(now).filter(owner__isnull=True, team=rep.team)[:50])

    def page() -> None:
        response = client.get(reverse("leads:queue"))
        assert response.status_code == 200, response.status_code

    def claim() -> None:
        queue.claim_next(rep=rep, at=timezone.now())

    compare(
        ("bare SQL, top 50 of two lists", bare),
        ("the same as Django objects", objects),
        ("claim of the next lead", claim),
        ("the whole queue page", page),
    )


main()
