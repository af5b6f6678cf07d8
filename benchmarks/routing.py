"""Routing decisions against their floor: the bare SQL that reads the same AEs' busy times and taken half hours.

    .venv/bin/python benchmarks/routing.py [AES] [DECISIONS] [TIMES]

Fills a scratch database with AES people (200 when not said) whose calendars are full: nine in ten half hours of
ten weeks are busy or booked; then TIMES (10) as much calendar data over ten times the weeks. Prints the median of the
floor and of a decision chosen, and of one chosen and kept (rolled back), by best rank and by round robin; then for
DECISIONS (100) of them the p95 and how many a second, and the ratio of the p95 with TIMES the data. Goal: p95 of
50 ms, and at most 1.5 times as much with ten times the data. The scratch database is ``benchmarks.measure``'s.
"""

import random
import statistics
import sys
from datetime import UTC, date, datetime, timedelta
from itertools import count

from measure import compare, seconds, start_django

start_django()

from django.db import connection, transaction  # noqa: E402

from apps.leads.models import Lead, Meeting, RoutingPolicy, RoutingRule, TakenSlot  # noqa: E402
from apps.leads.services import routing  # noqa: E402
from apps.reps.models import BusinessCalendar, BusyTime, Rep, RepRole, Team  # noqa: E402

AT = datetime(2026, 11, 2, 8, tzinfo=UTC)
FIRST = datetime(2026, 11, 2, 7, 30, tzinfo=UTC)
HALF = timedelta(minutes=30)
WEEKS = 10
POLICIES = {"by best rank": "best_ranked", "by round robin": "round_robin"}
lead_numbers = count()


def fill(aes: int) -> Team:
    calendar = BusinessCalendar.objects.create(name="Benchmark hours")
    team = Team.objects.create(name="Benchmark SDRs", calendar=calendar)
    for number in range(max(1, aes // 20)):
        receiving = Team.objects.create(name=f"Benchmark AEs {number}", calendar=calendar)
        team.hands_off_to.add(receiving)
        Rep.objects.bulk_create(
            Rep(
                name=f"AE {number}.{one}",
                team=receiving,
                role=RepRole.AE,
                tier=1 + one % 3,
                rank=1 + one,
                weekly_meeting_cap=60,
                daily_meeting_cap=20,
                hired_on=date(2024, 1, 1),
            )
            for one in range(min(20, aes))
        )
    return team


def fill_calendars(team: Team, first_week: int, weeks: int) -> None:
    """Of each day's half hours four are meetings and ten are busy; two are left."""
    rng = random.Random(first_week)
    lead = Lead.objects.create(company="Filler", team=team, created_at=AT)
    reps = list(Rep.objects.aes().order_by("pk"))
    for week in range(first_week, first_week + weeks):
        with transaction.atomic():
            _fill_week(rng, reps, lead, FIRST + timedelta(weeks=week))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _fill_week(rng: random.Random, reps: list[Rep], lead: Lead, monday: datetime) -> None:
    meetings, busy = [], []
    for rep in reps:
        for day in range(5):
            halves = rng.sample(range(1, 17), 14)
            for place, half in enumerate(halves):
                starts = monday + timedelta(days=day) + half * HALF
                if place < 4:
                    meetings.append(
                        Meeting(
                            lead=lead, ae=rep, starts_at=starts, ends_at=starts + HALF, state_changed_at=AT
                        )
                    )
                else:
                    busy.append(BusyTime(rep=rep, starts_at=starts, ends_at=starts + HALF))
    made = Meeting.objects.bulk_create(meetings, batch_size=500)
    TakenSlot.objects.bulk_create(
        [TakenSlot(ae_id=one.ae_id, starts_at=one.starts_at, meeting=one) for one in made], batch_size=500
    )
    BusyTime.objects.bulk_create(busy, batch_size=500)


def put_in_force(method: str) -> None:
    RoutingPolicy.objects.all().delete()
    policy = RoutingPolicy.objects.create(
        number=1,
        name="Benchmark",
        state="on",
        written_at=AT,
        changed_at=AT,
        switched_on_at=AT,
        from_at=AT - timedelta(days=1),
    )
    RoutingRule.objects.create(policy=policy, position=1, name="All", method=method)


def wanted(number: int) -> datetime:
    """A time in one of the ten weeks, another for each decision."""
    rng = random.Random(number)
    return (
        FIRST
        + timedelta(weeks=1 + rng.randrange(WEEKS - 2), days=rng.randrange(5))
        + HALF * rng.randrange(1, 17)
    )


def decide(leads: list[Lead], keeps: bool) -> None:
    number = next(lead_numbers)
    lead, starts = leads[number % len(leads)], wanted(number)
    with transaction.atomic():
        chosen = routing.choose(lead=lead, starts_at=starts, ends_at=starts + HALF, at=AT)
        if keeps and chosen.ae is not None:
            routing.keep(chosen=chosen, lead=lead, at=AT)
        transaction.set_rollback(True)


def floor(ids: list[int]) -> None:
    """The rows that any answer must read: busy about the time, taken in the week."""
    starts = wanted(next(lead_numbers))
    monday = (starts - timedelta(days=starts.weekday())).replace(hour=0, minute=0)
    marks = ",".join(["%s"] * len(ids))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT rep_id, starts_at, ends_at FROM reps_busytime WHERE rep_id IN ({marks}) "
            "AND starts_at > %s AND starts_at < %s AND ends_at > %s",
            [*ids, starts - timedelta(days=1), starts + HALF, starts],
        )
        cursor.fetchall()
        cursor.execute(
            f"SELECT ae_id, starts_at FROM leads_takenslot WHERE ae_id IN ({marks}) "
            "AND starts_at >= %s AND starts_at < %s",
            [*ids, monday, monday + timedelta(weeks=1)],
        )
        cursor.fetchall()


def measured(leads: list[Lead], decisions: int) -> float:
    """Prints p95 and decisions a second of choosing and keeping; returns the p95 in seconds."""
    took = sorted(seconds(lambda: decide(leads, keeps=True)) for _ in range(decisions))
    p95 = took[max(0, -(-95 * len(took) // 100) - 1)]
    print(
        f"  {decisions} decisions kept: median {statistics.median(took) * 1000:.1f} ms, "
        f"p95 {p95 * 1000:.1f} ms, {len(took) / sum(took):.0f} a second"
    )
    return p95


def main() -> None:
    aes, decisions, times = (
        int(sys.argv[place]) if len(sys.argv) > place else usual
        for place, usual in ((1, 200), (2, 100), (3, 10))
    )
    team = fill(aes)
    fill_calendars(team, 0, WEEKS)
    leads = list(
        Lead.objects.bulk_create(
            [Lead(company=f"Company {n}", team=team, score="ABC"[n % 3], created_at=AT) for n in range(50)]
        )
    )
    ids = list(Rep.objects.aes().values_list("pk", flat=True))
    print(
        f"{aes} AEs, {BusyTime.objects.count():,} busy times, {TakenSlot.objects.count():,} taken half hours"
    )
    before = {}
    for words, method in POLICIES.items():
        put_in_force(method)
        compare(
            ("bare SQL: busy and taken", lambda: floor(ids)),
            (f"chosen {words}", lambda: decide(leads, keeps=False)),
            (f"chosen and kept {words}", lambda: decide(leads, keeps=True)),
        )
        before[method] = measured(leads, decisions)
    fill_calendars(team, WEEKS, WEEKS * (times - 1))
    print(f"{times} times the calendars: {BusyTime.objects.count():,} busy times")
    for words, method in POLICIES.items():
        put_in_force(method)
        after = measured(leads, decisions)
        print(f"  {words}: p95 {after / before[method]:.2f} x that of the smaller calendars")


if __name__ == "__main__":
    main()
