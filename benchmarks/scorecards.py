"""Closing a month's scorecards against its floor: the bare SQL that gives the same figures of every rep.

    .venv/bin/python benchmarks/scorecards.py [LEADS] [REPS]

The budget: 2,000 cards of a month closed, with the ranking before them, within a minute; ten times the data at most
twelve times the time of what is read of it.

Fills a scratch database with LEADS (100,000 when not said) that went from an SDR to an owner over twelve months,
twelve events each with their credits and a promise each, of REPS people (2,000) in teams of twenty: inbound and
outbound SDRs, AEs, AMs and CSMs. First with a tenth of them. Prints the bare SQL (counts and amounts by month and
kind, what was found alone, cycles, leads worked, medians to the first touch, promises kept), the same read by the
cards' selectors, the cards worked out with targets, peers and index, and the month closed as the job does it, in
lots, rolled back; all in one run. The scratch database is ``benchmarks.measure``'s.
"""

import sys
from datetime import UTC, date, datetime

from measure import compare, seconds, start_django

start_django()

from django.db import connection, transaction  # noqa: E402
from filling import drawn, filling, insert, instant, numbers  # noqa: E402

from apps.compensation.selectors.measures import measure  # noqa: E402
from apps.core.periods import month_of  # noqa: E402
from apps.leads.models import EventCredit, FunnelEvent, HandOff, Lead, Opportunity  # noqa: E402
from apps.leads.rules.metrics import metric  # noqa: E402
from apps.reps.models import BusinessCalendar, Rep, RepRole, Team  # noqa: E402
from apps.scorecards.rules.layout import LAYOUTS  # noqa: E402
from apps.scorecards.selectors import cards_of  # noqa: E402
from apps.scorecards.services.cards import freeze_month  # noqa: E402
from apps.scorecards.services.ranking_totals import rebuild_totals  # noqa: E402
from apps.slas.models import Clock, Policy  # noqa: E402
from apps.slas.selectors import attainment_of_reps  # noqa: E402

MONTH = month_of(date(2025, 12, 1))
MONTHS = [MONTH.previous().previous(), MONTH.previous(), MONTH]
AT = datetime(2026, 1, 2, 5, tzinfo=UTC)
BEGIN = "2025-01-01 00:00:00"
STEPS = 12
OUTSIDE = "Europe/Berlin"

SECONDS = {
    "sqlite": "(CAST(strftime('%%s', {later}) AS INTEGER) - CAST(strftime('%%s', {earlier}) AS INTEGER))",
    "postgresql": "EXTRACT(EPOCH FROM {later} - {earlier})::bigint",
}
NO_REVERSAL = (
    "NOT EXISTS (SELECT 1 FROM leads_funnelevent r WHERE r.reverses_id = {}.id AND r.reverses_id IS NOT NULL)"
)
BUCKET = "CASE WHEN e.occurred_at < %s THEN 0 WHEN e.occurred_at < %s THEN 1 ELSE 2 END"
WITHIN = f"e.occurred_at >= %s AND e.occurred_at < %s AND {NO_REVERSAL.format('e')}"
SUMS = f"""
SELECT c.rep_id, {BUCKET}, e.kind, c.capacity, e.currency, SUM(c.share), SUM(e.amount_minor * c.share),
       SUM(CASE WHEN e.hand_off_id IS NOT NULL THEN c.share ELSE 0 END),
       SUM(CASE WHEN e.kind = 'won' THEN {{cycle}} * c.share ELSE 0 END),
       SUM(CASE WHEN e.kind = 'stage_1' AND c.capacity = 'owned' AND NOT EXISTS (
               SELECT 1 FROM leads_eventcredit s
               WHERE s.event_id = e.id AND s.capacity = 'sourced' AND s.rep_id <> c.rep_id)
           THEN e.amount_minor * c.share ELSE 0 END)
FROM leads_eventcredit c
JOIN leads_funnelevent e ON e.id = c.event_id
LEFT JOIN leads_funnelevent o ON e.kind = 'won' AND o.opportunity_id = e.opportunity_id
     AND o.kind = 'stage_1' AND {NO_REVERSAL.format("o")}
WHERE {WITHIN}
GROUP BY 1, 2, 3, 4, 5
"""
LEADS_WORKED = f"""
SELECT c.rep_id, {BUCKET}, COUNT(DISTINCT e.lead_id)
FROM leads_eventcredit c JOIN leads_funnelevent e ON e.id = c.event_id
WHERE e.kind = 'touched' AND c.capacity = 'sourced' AND {WITHIN}
GROUP BY 1, 2
"""
FIRST_TOUCH = f"""
SELECT rep_id, bucket, AVG(took) FROM (
    SELECT rep_id, bucket, took,
           ROW_NUMBER() OVER (PARTITION BY rep_id, bucket ORDER BY took) AS place,
           COUNT(*) OVER (PARTITION BY rep_id, bucket) AS all_of_them
    FROM (
        SELECT c.rep_id, {BUCKET} AS bucket, {{took}} AS took
        FROM leads_eventcredit c JOIN leads_funnelevent e ON e.id = c.event_id
        JOIN leads_funnelevent a ON a.lead_id = e.lead_id AND a.kind = 'mql'
        WHERE e.kind = 'touched' AND c.capacity = 'sourced' AND {WITHIN} AND NOT EXISTS (
            SELECT 1 FROM leads_funnelevent b WHERE b.kind = 'touched' AND b.lead_id = e.lead_id
            AND b.occurred_at < e.occurred_at)
    ) AS touched
) AS ordered WHERE place IN ((all_of_them + 1) / 2, (all_of_them + 2) / 2) GROUP BY rep_id, bucket
"""
PROMISES = """
SELECT rep_id, kind, SUM(CASE WHEN state = 'met' THEN 1 ELSE 0 END), COUNT(*) FROM slas_clock
WHERE (state = 'met' AND met_at >= %s AND met_at < %s)
   OR (state = 'breached' AND breached_at >= %s AND breached_at < %s)
GROUP BY rep_id, kind
"""

KINDS = (
    "collected", "mql", "touched", "touched", "touched", "booked", "handed_off", "held", "accepted", "stage_1",
    "stage_2", "won",
)  # fmt: skip
OTHERWISE = {7: "no_show", 8: "rejected", 11: "lost"}
OWNED_FROM = 6


def fill(people: int) -> None:
    calendar = BusinessCalendar.objects.create(name="Benchmark hours")
    teams = [
        Team.objects.create(pk=number + 1, name=f"Benchmark team {number}", calendar=calendar)
        for number in range(max(people // 20, 2))
    ]
    half = people // 2
    Rep.objects.bulk_create(
        [
            Rep(
                pk=number + 1,
                name=f"Rep {number}",
                # SDRs and owners sit apart.
                team=teams[number % (len(teams) // 2) * 2 + (number >= half)],
                role=role_of(number, half),
                tier=2 if role_of(number, half) == RepRole.AE else None,
                hired_on=date(2024, 1, 1),
            )
            for number in range(people)
        ]
    )


def role_of(number: int, half: int) -> RepRole:
    if number < half:
        return RepRole.ISR if number % 4 else RepRole.OSR
    return (RepRole.AE, RepRole.AE, RepRole.AE, RepRole.AM, RepRole.CSM)[number % 5]


def fill_leads(first: int, leads: int, people: int) -> None:
    """So many leads, numbered from ``first``, from collected to closed within a month."""
    half = people // 2
    begin, sdr, owner = instant(BEGIN, "0"), f"1 + i % {half}", f"{half} + 1 + i % {people - half}"
    rows = numbers(leads, first)
    amount = f"10000 + {drawn(5, 8_990_000)}"
    with filling(Lead, HandOff, Opportunity, FunnelEvent, EventCredit, Clock):
        insert(Lead, {"id": "i + 1", "company": "'Lead ' || i", "team_id": "1", "created_at": begin}, rows)
        given = {"id": "i + 1", "lead_id": "i + 1", "sdr_id": sdr, "ae_id": owner, "created_at": begin}
        insert(HandOff, given | {"state": "'accepted'", "decided_at": begin}, rows)
        deal = {"id": "i + 1", "name": "'Deal ' || i", "hand_off_id": "i + 1", "owner_id": owner}
        insert(
            Opportunity,
            deal | {"amount_minor": amount, "opened_at": begin, "stage_changed_at": begin},
            rows,
        )
        policy = Policy.objects.earliest("pk")
        start = drawn(3, 330 * 86_400)
        due = instant(BEGIN, f"({start} + 1800)")
        kept = f"{drawn(9, 10)} < 8"
        clock = {
            "id": "i + 1", "kind": "'first_response'", "lead_id": "i + 1", "policy_id": str(policy.pk), "rep_id": sdr,
            "started_at": instant(BEGIN, start), "target_minutes": "30", "warn_at": due, "due_at": due,
            "state": f"CASE WHEN {kept} THEN 'met' ELSE 'breached' END",
            "met_at": f"CASE WHEN {kept} THEN {due} END", "answered_at": f"CASE WHEN {kept} THEN {due} END",
            "breached_at": f"CASE WHEN {kept} THEN NULL ELSE {due} END",
        }  # fmt: skip
        insert(Clock, clock, rows)
        _events(first, leads, amount, start)
        events = _of_leads(first, leads)
        credit = {"event_id": "e + 1", "rep_id": sdr, "capacity": "'sourced'"}
        insert(EventCredit, credit, events)
        credit = {"event_id": "e + 1", "rep_id": owner, "capacity": "'owned'"}
        insert(EventCredit, credit, f"{events} WHERE step >= {OWNED_FROM}")


def _events(first: int, leads: int, amount: str, start: str) -> None:
    kinds = " ".join(f"WHEN {step} THEN '{kind}'" for step, kind in enumerate(KINDS) if step not in OTHERWISE)
    others = " ".join(
        f"WHEN {step} THEN CASE WHEN {drawn(step, 10)} < 6 THEN '{KINDS[step]}' ELSE '{other}' END"
        for step, other in OTHERWISE.items()
    )
    at = instant(BEGIN, f"({start} + step * (36000 + {drawn(4, 150_000)}))")
    event = {
        "id": "e + 1",
        "kind": f"CASE step {kinds} {others} END",
        "occurred_at": at,
        "recorded_at": at,
        "lead_id": "i + 1",
        "hand_off_id": f"CASE WHEN step >= {OWNED_FROM} THEN i + 1 END",
        "opportunity_id": "CASE WHEN step >= 9 THEN i + 1 END",
        "amount_minor": f"CASE WHEN step >= 8 THEN {amount} END",
        "currency": "CASE WHEN step >= 8 THEN 'EUR' ELSE '' END",
        "source": "'import'",
        "source_key": "'benchmark:' || e",
    }
    insert(FunnelEvent, event, _of_leads(first, leads))


def _of_leads(first: int, leads: int) -> str:
    """The steps of each lead: the event's number ``e``, the lead's ``i``, and the step."""
    every = numbers(STEPS * leads, STEPS * first)
    return f"(SELECT i AS e, i / {STEPS} AS i, i % {STEPS} AS step FROM {every}) AS n"


def bare() -> None:
    """Every figure that the cards are made of, in four statements."""
    (start, second), (_, third), (_, end) = (month.bounds(OUTSIDE) for month in MONTHS)
    span = [second, third, start, end]
    took = SECONDS[connection.vendor]
    statements = (
        (SUMS.replace("{cycle}", took.format(later="e.occurred_at", earlier="o.occurred_at")), span),
        (LEADS_WORKED, span),
        (FIRST_TOUCH.replace("{took}", took.format(later="e.occurred_at", earlier="a.occurred_at")), span),
        (PROMISES, [third, end, third, end]),
    )
    with connection.cursor() as cursor:
        for statement, params in statements:
            cursor.execute(statement, params)
            cursor.fetchall()


def reps() -> list[Rep]:
    return list(Rep.objects.select_related("calendar", "team__calendar").order_by("team_id", "pk"))


def measured() -> None:
    """The same figures by the cards' selectors: each kind of card over its months, and the promises."""
    found = reps()
    for layout in set(LAYOUTS.values()):
        own = [rep for rep in found if LAYOUTS[rep.role] is layout]
        metrics = [metric(key) for key in layout.metrics]
        parts = [part for _, part in layout.funnel]
        measure(reps=own, periods=MONTHS, metrics=metrics, parts=parts, as_of=AT)
    start, end = MONTH.bounds(OUTSIDE)
    attainment_of_reps(reps=found, start=start, end=end)


def worked_out() -> None:
    cards_of(reps=reps(), month=MONTH, as_of=AT)


def closed() -> None:
    with transaction.atomic():
        done = freeze_month(month=MONTH, at=AT)
        assert done.frozen == Rep.objects.count()
        transaction.set_rollback(True)


NAMES = {
    "floor": "Bare SQL of all figures",
    "measured": "The same figures by the cards' selectors",
    "cards": "The cards worked out",
    "closed": "The month closed: ranking, cards, kept",
}


def goal(says: str, value: float, most: float, unit: str = "x") -> None:
    """One row of the budget, held against its goal."""
    met = "met" if value <= most else "NOT MET"
    print(f"GOAL {says:<66} {value:8.2f} {unit:<2} (at most {most:g}): {met}")


def main() -> None:
    leads, people = (
        int(sys.argv[place]) if len(sys.argv) > place else usual
        for place, usual in ((1, 100_000), (2, 2_000))
    )
    tenth = leads // 10
    fill(people)
    took = seconds(lambda: fill_leads(0, tenth, people))
    print(
        f"{tenth:,} leads, {STEPS * tenth:,} events, {people:,} reps, {connection.vendor}, filled in {took:.0f} s"
    )
    small = compare((NAMES["floor"], bare), (NAMES["measured"], measured))
    took = seconds(lambda: fill_leads(tenth, leads - tenth, people))
    rebuild_totals(at=AT)
    print(f"{leads:,} leads, {STEPS * leads:,} events, the rest filled in {took:.0f} s")
    large = compare(
        (NAMES["floor"], bare),
        (NAMES["measured"], measured),
        (NAMES["cards"], worked_out),
        (NAMES["closed"], closed),
    )
    goal("the figures by the selectors, of the bare SQL", large[NAMES["measured"]] / large[NAMES["floor"]], 3)
    goal(f"{people:,} scorecards closed", large[NAMES["closed"]], 60, "s")
    times = large[NAMES["measured"]] / small[NAMES["measured"]]
    goal("the figures, of those with a tenth of the data", times, 12)


if __name__ == "__main__":
    main()
