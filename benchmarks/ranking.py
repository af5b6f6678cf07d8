"""The ranking against its floor: one bare SQL statement that gives the same five metrics per AE.

    .venv/bin/python benchmarks/ranking.py [OPPORTUNITIES] [AES]

The budget: measures by the record at most twice the bare statement; through the monthly totals 20 ms or less for
2,000 AEs, and equal to the record; ten times the data at most twelve times the time.

Fills a scratch database with OPPORTUNITIES (50,000 when not said) of AES people (500) in teams of twenty, closed
over twelve months, half of them from hand-offs of six kinds of leads, and ranks the last three months; first with a
tenth of them. Prints the floor, the measures by the record and through the totals, the ranking with its exact indexes
both ways, and the ranking made, kept and applied (rolled back), all in one run; then each row against its goal. The
scratch database is ``benchmarks.measure``'s.
"""

import sys
from collections.abc import Callable
from datetime import UTC, date, datetime

from measure import compare, seconds, start_django

start_django()

from django.db import connection, transaction  # noqa: E402
from filling import drawn, filling, insert, instant, numbers  # noqa: E402

from apps.core.periods import trailing_months  # noqa: E402
from apps.leads.models import (  # noqa: E402
    EventCredit,
    EventKind,
    FunnelEvent,
    HandOff,
    Lead,
    Opportunity,
)
from apps.leads.rules.metrics import LOST, WON, metric  # noqa: E402
from apps.leads.services.record import reverse_event  # noqa: E402
from apps.reps.models import BusinessCalendar, Rep, RepRole, Team  # noqa: E402
from apps.scorecards.models import ReceivedLead  # noqa: E402
from apps.scorecards.selectors import current_policy, measure, standings_of  # noqa: E402
from apps.scorecards.selectors.lead_mix import mixes_of  # noqa: E402
from apps.scorecards.selectors.ranking_totals import mixes_by_totals, sums_by_totals  # noqa: E402
from apps.scorecards.services.ranking_totals import (  # noqa: E402
    differences,
    rebuild_totals,
    refresh_totals,
)
from apps.scorecards.services.rankings import recompute_rankings  # noqa: E402

AS_OF = date(2026, 1, 1)
AT = datetime(2026, 1, 2, tzinfo=UTC)
PERIOD = trailing_months(AS_OF, 3)
BEGIN = "2025-01-01 00:00:00"

SECONDS = {
    "sqlite": "(CAST(strftime('%%s', e.occurred_at) AS INTEGER) - CAST(strftime('%%s', o.occurred_at) AS INTEGER))",
    "postgresql": "EXTRACT(EPOCH FROM e.occurred_at - o.occurred_at)::bigint",
}
# That few events reverse one is said to the database, as the product says it: the floor is the quicker of both.
NO_REVERSAL = (
    "NOT EXISTS (SELECT 1 FROM leads_funnelevent r WHERE r.reverses_id = {}.id AND r.reverses_id IS NOT NULL)"
)
FLOOR = f"""
SELECT c.rep_id,
       SUM(CASE WHEN e.kind = 'won' THEN c.share ELSE 0 END),
       SUM(CASE WHEN e.kind = 'lost' THEN c.share ELSE 0 END),
       SUM(CASE WHEN e.kind = 'won' THEN e.amount_minor * c.share ELSE 0 END),
       SUM(CASE WHEN e.kind = 'won' THEN {{seconds}} * c.share ELSE 0 END),
       SUM(CASE WHEN e.kind = 'stage_1' AND NOT EXISTS (
               SELECT 1 FROM leads_eventcredit s
               WHERE s.event_id = e.id AND s.capacity = 'sourced' AND s.rep_id <> c.rep_id)
           THEN e.amount_minor * c.share ELSE 0 END)
FROM leads_eventcredit c
JOIN leads_funnelevent e ON e.id = c.event_id
LEFT JOIN leads_funnelevent o ON e.kind = 'won' AND o.opportunity_id = e.opportunity_id
     AND o.kind = 'stage_1' AND {NO_REVERSAL.format("o")}
WHERE c.capacity = 'owned' AND e.kind IN ('won', 'lost', 'stage_1')
  AND e.occurred_at >= %s AND e.occurred_at < %s AND {NO_REVERSAL.format("e")}
GROUP BY c.rep_id
"""


def fill(aes: int) -> None:
    calendar = BusinessCalendar.objects.create(name="Benchmark hours")
    teams = [
        Team.objects.create(pk=number + 1, name=f"Benchmark team {number}", calendar=calendar)
        for number in range(max(aes // 20, 1))
    ]
    Rep.objects.bulk_create(
        [
            Rep(
                pk=number + 1,
                name=f"AE {number}",
                team=teams[number % len(teams)],
                role=RepRole.AE,
                tier=2,
                hired_on=date(2024, 1, 1),
            )
            for number in range(aes)
        ]
    )


def fill_deals(first: int, opportunities: int, aes: int) -> None:
    """So many opportunities, numbered from ``first`` (which is even)."""
    with filling(Rep, Lead, HandOff, ReceivedLead, Opportunity, FunnelEvent, EventCredit):
        _given(first // 2, opportunities // 2, aes)
        _deals(first, opportunities, aes)


def _given(first: int, hand_offs: int, aes: int) -> None:
    """The leads and hand-offs behind every other deal, and the kind of lead that each passed on."""
    begin, given_leads = instant(BEGIN, "0"), numbers(hand_offs, first)
    insert(
        Lead,
        {"id": "i + 1", "company": "'Lead ' || i", "team_id": "1", "created_at": begin},
        given_leads,
    )
    given = {
        "id": "i + 1",
        "lead_id": "i + 1",
        "sdr_id": "1",
        "ae_id": f"1 + (2 * i + 1) % {aes}",
        "created_at": begin,
        "state": "'accepted'",
        "decided_at": begin,
    }
    insert(HandOff, given, given_leads)
    kind = {"hand_off_id": "i + 1", "tier": f"1 + {drawn(1, 3)}", "is_inbound": f"{drawn(2, 2)} = 1"}
    insert(ReceivedLead, kind, given_leads)


def _deals(first: int, opportunities: int, aes: int) -> None:
    """Each opened within eleven months and closed a day to five weeks later; three in ten are won.

    Every other came from a hand-off; seven in ten were found by somebody, who may be the owner.
    """
    opened, took = drawn(3, 330 * 86_400), f"(86400 + {drawn(4, 34 * 86_400)})"
    hand_off = "CASE WHEN i % 2 = 1 THEN (i + 1) / 2 END"
    amount = f"10000 + {drawn(5, 8_990_000)}"
    deal = {
        "id": "i + 1",
        "name": "'Deal ' || i",
        "hand_off_id": hand_off,
        "owner_id": f"1 + i % {aes}",
        "amount_minor": amount,
        "opened_at": instant(BEGIN, "0"),
        "stage_changed_at": instant(BEGIN, "0"),
    }
    insert(Opportunity, deal, numbers(opportunities, first))
    # Two events a deal: the number before the last digit of the row in twos is the deal's.
    of_deal = (
        f"(SELECT i / 2 AS i, i % 2 AS closing FROM {numbers(2 * opportunities, 2 * first)}) AS happened"
    )
    at = instant(BEGIN, f"({opened} + closing * {took})")
    outcome = f"CASE WHEN {drawn(6, 10)} < 3 THEN 'won' ELSE 'lost' END"
    event = {
        "id": "2 * i + closing + 1",
        "kind": f"CASE WHEN closing = 0 THEN 'stage_1' ELSE {outcome} END",
        "occurred_at": at,
        "recorded_at": at,
        "opportunity_id": "i + 1",
        "hand_off_id": hand_off,
        "amount_minor": amount,
        "currency": "'EUR'",
        "source": "'import'",
        "source_key": "'benchmark:' || i || ':' || closing",
    }
    insert(FunnelEvent, event, of_deal)
    credit = {"event_id": "2 * i + closing + 1", "rep_id": f"1 + i % {aes}", "capacity": "'owned'"}
    insert(EventCredit, credit, of_deal)
    found = credit | {"rep_id": f"1 + {drawn(7, aes)}", "capacity": "'sourced'"}
    insert(EventCredit, found, f"{of_deal} WHERE {drawn(8, 10)} < 7")


def bare() -> None:
    statement = FLOOR.replace("{seconds}", SECONDS[connection.vendor])
    with connection.cursor() as cursor:
        cursor.execute(statement, list(PERIOD.bounds("Europe/Berlin")))
        cursor.fetchall()


def compiled() -> None:
    """The floor as PostgreSQL would run it by itself, with JIT: should that be quicker, it is the floor."""
    with connection.cursor() as cursor:
        cursor.execute("SET jit = on")
    try:
        bare()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SET jit = off")


def ranked_aes() -> list[Rep]:
    return list(Rep.objects.aes().active_on(AS_OF).select_related("team", "agency"))


def measured() -> None:
    metrics = [metric(key) for key, _ in current_policy(AS_OF).metrics]
    measure(reps=ranked_aes(), periods=[PERIOD], metrics=metrics, parts=(WON, LOST))


def by_totals() -> None:
    """The sums of every AE, read from the monthly totals: the reps are known, as to ``bare``."""
    assert sums_by_totals(reps=REPS, period=PERIOD) is not None


def mixed() -> None:
    mixes_of(reps=REPS, period=PERIOD)


def mixed_by_totals() -> None:
    assert mixes_by_totals(reps=REPS, period=PERIOD) is not None


def ranked(as_of: datetime | None) -> Callable[[], object]:
    """The exact ranking, raw and adjusted: by the record with an instant, through the totals without."""
    return lambda: standings_of(policy=current_policy(AS_OF), period=PERIOD, day=AS_OF, as_of=as_of)


def kept() -> None:
    with transaction.atomic():
        recompute_rankings(as_of=AS_OF, at=AT)
        transaction.set_rollback(True)


def refreshed() -> None:
    """One more win, and the totals brought up to date with it."""
    with transaction.atomic():
        event = FunnelEvent.objects.filter(kind=EventKind.WON).first()
        reverse_event(event=event, reason="Benchmark", at=AT)
        refresh_totals(at=AT)
        transaction.set_rollback(True)


REPS: list[Rep] = []
NAMES = {
    "floor": "Bare SQL aggregate",
    "compiled": "Bare SQL aggregate, compiled (JIT)",
    "record": "Measures of all AEs, by the record",
    "totals": "Measures of all AEs, through the totals",
    "mixes": "Kinds of leads of all AEs, through the totals",
}


def goal(says: str, value: float, most: float, unit: str = "x") -> None:
    """One row of the budget, held against its goal."""
    met = "met" if value <= most else "NOT MET"
    print(f"GOAL {says:<66} {value:8.2f} {unit:<2} (at most {most:g}): {met}")


def main() -> None:
    opportunities, people = (
        int(sys.argv[place]) if len(sys.argv) > place else usual for place, usual in ((1, 50_000), (2, 500))
    )
    tenth = opportunities // 20 * 2
    fill(people)
    took = seconds(lambda: fill_deals(0, tenth, people))
    REPS.extend(ranked_aes())
    print(f"{tenth:,} opportunities, {people:,} AEs, {connection.vendor}, filled in {took:.0f} s")
    small = compare((NAMES["floor"], bare), (NAMES["record"], measured))
    took = seconds(lambda: fill_deals(tenth, opportunities - tenth, people))
    print(f"{opportunities:,} opportunities, {people:,} AEs, the rest filled in {took:.0f} s")
    print(f"{'Totals made anew':<48} {seconds(lambda: rebuild_totals(at=AT)) * 1000:10.2f} ms, once")
    wrong = differences(period=PERIOD)
    print(f"{'Totals equal the record':<48} {'yes' if not wrong else f'NO: {wrong[:3]}'}")
    large = compare(
        (NAMES["floor"], bare),
        *([(NAMES["compiled"], compiled)] if connection.vendor == "postgresql" else []),
        (NAMES["record"], measured),
        (NAMES["totals"], by_totals),
        ("Kinds of leads of all AEs, by the record", mixed),
        (NAMES["mixes"], mixed_by_totals),
        ("Ranking, raw and adjusted, by the record", ranked(AT)),
        ("Ranking, raw and adjusted, through the totals", ranked(None)),
        ("Ranking made, kept, applied", kept),
        ("A reversal, and the totals refreshed", refreshed),
    )
    floor = min(large[name] for name in (NAMES["floor"], NAMES["compiled"]) if name in large)
    goal("measures by the record, of the quicker bare SQL", large[NAMES["record"]] / floor, 2)
    goal("measures through the totals", large[NAMES["totals"]] * 1000, 20, "ms")
    goal("figures in the totals that differ from the record", len(wrong), 0, "")
    times = large[NAMES["record"]] / small[NAMES["record"]]
    goal("measures by the record, of those with a tenth of the data", times, 12)


if __name__ == "__main__":
    main()
