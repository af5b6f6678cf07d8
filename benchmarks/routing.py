"""Routing decisions against their floor: the bare SQL that reads the same AEs' busy times and taken half hours.

    .venv/bin/python benchmarks/routing.py [AES] [DECISIONS] [TIMES]

Fills a scratch database with AES people (200 when not said) whose calendars are full: nine in ten half hours of ten
weeks are busy or booked; and a copy of it with TIMES (10) as much calendar data over ten times the weeks. Prints the
median of the floor and of a decision chosen, and of one chosen and kept (rolled back), by best rank and by round
robin; then, a batch in either database in turns, for DECISIONS (100) in each the p95 and how many a second, and the
ratio of both. Goal: p95 of 50 ms, and at most 1.5 times as much with ten times the data. The scratch databases are
``benchmarks.measure``'s.
"""

import random
import statistics
import sys
from datetime import UTC, date, datetime, timedelta
from itertools import count

from measure import compare, copied, seconds, start_django, use

start_django()

from django.db import connection, transaction  # noqa: E402
from django.db.models import Max  # noqa: E402
from filling import drawn, filling, insert, instant, numbers  # noqa: E402

from apps.leads.models import Lead, Meeting, RoutingPolicy, RoutingRule, TakenSlot  # noqa: E402
from apps.leads.services import routing  # noqa: E402
from apps.reps.models import BusinessCalendar, BusyTime, Rep, RepRole, Team  # noqa: E402

AT = datetime(2026, 11, 2, 8, tzinfo=UTC)
FIRST = datetime(2026, 11, 2, 7, 30, tzinfo=UTC)
HALF = timedelta(minutes=30)
MONDAY = "2026-11-02 07:30:00"
HALVES = 16
EARLIER_TURNS = 100
BATCHES, WARM = 10, 5
WEEKS = 10
POLICIES = {"by best rank": "best_ranked", "by round robin": "round_robin"}
lead_numbers = count()


def fill(aes: int) -> Team:
    calendar = BusinessCalendar.objects.create(name="Benchmark hours")
    team = Team.objects.create(name="Benchmark SDRs", calendar=calendar)
    teams = [
        Team.objects.create(name=f"Benchmark AEs {number}", calendar=calendar)
        for number in range(max(1, aes // 20))
    ]
    team.hands_off_to.add(*teams)
    Rep.objects.bulk_create(
        Rep(
            pk=number + 1,
            name=f"AE {number}",
            team=teams[number % len(teams)],
            role=RepRole.AE,
            tier=1 + number % 3,
            rank=1 + number // len(teams),
            weekly_meeting_cap=60,
            daily_meeting_cap=20,
            hired_on=date(2024, 1, 1),
        )
        for number in range(aes)
    )
    Lead.objects.create(pk=1, company="Filler", team=team, created_at=AT)
    return team


def fill_calendars(aes: int, first_week: int, weeks: int) -> None:
    """Of the sixteen half hours of each working day two are left; of the others about four are meetings."""
    halves = weeks * aes * 5 * HALVES
    day_of_rep = f"(i / {HALVES} + {first_week * aes * 5})"
    left, other = drawn(1, HALVES, day_of_rep), f"1 + {drawn(2, HALVES - 1, day_of_rep)}"
    of_week = (
        f"SELECT i, i % {HALVES} AS half, i / {HALVES} % 5 AS day, i / {5 * HALVES} % {aes} + 1 AS rep, "
        f"i / {5 * HALVES * aes} + {first_week} AS week, {left} AS one, ({left} + {other}) % {HALVES} AS two "
        f"FROM {numbers(halves)}"
    )
    full = f"({of_week}) AS spent WHERE half <> one AND half <> two"
    seconds_in = "(week * 604800 + day * 86400 + (half + 1) * 1800)"
    span = {"starts_at": instant(MONDAY, seconds_in), "ends_at": instant(MONDAY, f"({seconds_in} + 1800)")}
    last = Meeting.objects.aggregate(last=Max("pk"))["last"] or 0
    meets = f"{full} AND (half + one) % 4 = 1"
    meeting = {"id": f"{last + 1} + i", "lead_id": "1", "ae_id": "rep", "state_changed_at": span["starts_at"]}
    taken = {"ae_id": "rep", "starts_at": span["starts_at"], "meeting_id": f"{last + 1} + i"}
    with filling(Rep, Lead, Meeting, TakenSlot, BusyTime):
        insert(Meeting, meeting | span, meets)
        insert(TakenSlot, taken, meets)
        insert(BusyTime, {"rep_id": "rep"} | span, f"{full} AND (half + one) % 4 <> 1")


def put_in_force(method: str) -> None:
    """A new version that decides by this method alone; earlier ones stay with what they decided."""
    begins = AT - timedelta(days=1)
    RoutingPolicy.objects.filter(until_at__isnull=True).update(until_at=begins)
    policy = RoutingPolicy.objects.create(
        number=RoutingPolicy.objects.count() + 1,
        name="Benchmark",
        state="on",
        written_at=AT,
        changed_at=AT,
        switched_on_at=AT,
        from_at=begins,
    )
    RoutingRule.objects.create(policy=policy, position=1, name="All", method=method)


def begin_turns(leads: list[Lead]) -> None:
    """The round robin as it is on any day but its first: everybody has joined, and many turns were taken."""
    began = seconds(lambda: decide(leads, keeps=True, stays=True))
    for _ in range(EARLIER_TURNS - 1):
        decide(leads, keeps=True, stays=True)
    print(f"  the very first turn, with which everybody joins: {began * 1000:.1f} ms, once")


def wanted(number: int) -> datetime:
    """A time in one of the ten weeks, another for each decision."""
    rng = random.Random(number)
    return (
        FIRST
        + timedelta(weeks=1 + rng.randrange(WEEKS - 2), days=rng.randrange(5))
        + HALF * rng.randrange(1, 17)
    )


def decide(leads: list[Lead], keeps: bool, stays: bool = False) -> None:
    number = next(lead_numbers)
    lead, starts = leads[number % len(leads)], wanted(number)
    with transaction.atomic():
        chosen = routing.choose(lead=lead, starts_at=starts, ends_at=starts + HALF, at=AT)
        if keeps and chosen.ae is not None:
            routing.keep(chosen=chosen, lead=lead, at=AT)
        transaction.set_rollback(not stays)


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


def in_turns(leads: list[Lead], databases: dict[str, str], decisions: int) -> dict[str, float]:
    """Prints median, p95 and decisions a second in each of ``databases``; the p95 in seconds, by what it is called.

    Decisions are taken in batches, one database after the other, so that a busy moment of the machine falls on both.
    The first of a batch are not counted: statements are prepared once a connection.
    """
    took: dict[str, list[float]] = {words: [] for words in databases}
    for _ in range(BATCHES):
        for words, name in databases.items():
            use(name)
            for _ in range(WARM):
                decide(leads, keeps=True)
            took[words] += [
                seconds(lambda: decide(leads, keeps=True)) for _ in range(-(-decisions // BATCHES))
            ]
    found = {}
    for words, times in took.items():
        times.sort()
        found[words] = times[max(0, -(-95 * len(times) // 100) - 1)]
        print(
            f"  {len(times)} decisions kept, {words}: median {statistics.median(times) * 1000:.1f} ms, "
            f"p95 {found[words] * 1000:.1f} ms, {len(times) / sum(times):.0f} a second"
        )
    return found


def main() -> None:
    aes, decisions, times = (
        int(sys.argv[place]) if len(sys.argv) > place else usual
        for place, usual in ((1, 200), (2, 100), (3, 10))
    )
    team = fill(aes)
    fill_calendars(aes, 0, WEEKS)
    leads = list(
        Lead.objects.bulk_create(
            [Lead(company=f"Company {n}", team=team, score="ABC"[n % 3], created_at=AT) for n in range(50)]
        )
    )
    ids = list(Rep.objects.aes().values_list("pk", flat=True))
    print(
        f"{aes} AEs, {BusyTime.objects.count():,} busy times, {TakenSlot.objects.count():,} taken half hours"
    )
    put_in_force("round_robin")
    begin_turns(leads)
    small = connection.settings_dict["NAME"]
    databases = {"full calendars": small, f"{times} x the calendars": copied()}
    use(databases[f"{times} x the calendars"])
    fill_calendars(aes, WEEKS, WEEKS * (times - 1))
    print(f"in the copy {BusyTime.objects.count():,} busy times")
    goals = []
    for words, method in POLICIES.items():
        for name in databases.values():
            use(name)
            put_in_force(method)
        use(small)
        compare(
            ("bare SQL: busy and taken", lambda: floor(ids)),
            (f"chosen {words}", lambda: decide(leads, keeps=False)),
            (f"chosen and kept {words}", lambda: decide(leads, keeps=True)),
        )
        p95, larger = in_turns(leads, databases, decisions).values()
        goals.append((f"p95 of a decision {words}", p95 * 1000, 50, "ms"))
        goals.append((f"p95 {words} with {times} x the calendars", larger / p95, 1.5, "x"))
    for says, value, most, unit in goals:
        met = "met" if value <= most else "NOT MET"
        print(f"GOAL {says:<50} {value:8.2f} {unit:<2} (at most {most:g}): {met}")


if __name__ == "__main__":
    main()
