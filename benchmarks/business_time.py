"""Due times by the million: what one costs a day ahead, a quarter ahead, with breaks and with pauses.

    .venv/bin/python benchmarks/business_time.py [DUE_TIMES]

Computes DUE_TIMES (1,000,000 when not said) due times per round, from starts spread over two years, in a
calendar with two windows a day, weekly breaks, twelve holidays a year and an override, in a zone with DST.
The floor is the same number of bisections over a list of that calendar's length, with the instant made from
the result. Prints medians of interleaved rounds, figures per million, the ratio of a target 90 days out to
one of a day (goal: at most 2), and what it costs to lay a calendar out for twelve years. No database.
"""

import random
import statistics
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from measure import ROUNDS, seconds

from apps.reps.rules.business_time import WEEKDAYS, Hours, due_at, open_minutes
from apps.reps.rules.open_time import CHUNK, OpenTime, instant_of, micros

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
DAY_MINUTES = 450
HOURS = Hours.of(
    "Europe/Berlin",
    {day: [["09:00", "12:30"], ["13:30", "17:45"]] for day in WEEKDAYS[:5]},
    [f"{year}-{month:02}-{month + 5:02}" for year in range(2024, 2036) for month in range(1, 13)],
    {"2026-12-24": [["09:00", "12:00"]]},
    {day: [["15:00", "15:15"]] for day in WEEKDAYS[:5]},
)


def starts(count: int) -> list[datetime]:
    rng = random.Random(1)
    return [BEGIN + timedelta(seconds=rng.randrange(2 * 365 * 86_400)) for _ in range(count)]


def floor(found: list[datetime]) -> None:
    chunk = OpenTime(HOURS).chunk_at(micros(BEGIN))
    opens, used = chunk.opens, chunk.used
    for start in found:
        moment = micros(start)
        bisect_right(opens, moment)
        bisect_left(used, moment)
        instant_of(moment)


def due(found: list[datetime], days: int, pauses: int = 0) -> None:
    minutes = days * DAY_MINUTES
    hour, half = timedelta(hours=1), timedelta(minutes=30)
    for start in found:
        due_at(HOURS, start, minutes, [(start + hour * n, start + hour * n + half) for n in range(pauses)])


def elapsed(found: list[datetime]) -> None:
    ninety = timedelta(days=90)
    for start in found:
        open_minutes(HOURS, start, start + ninety)


def lay_out() -> None:
    time = OpenTime(HOURS)
    for year in range(9):
        time.chunk_at(micros(BEGIN) + year * CHUNK)


def main(count: int) -> None:
    found = starts(count)
    works: list[tuple[str, Callable[[], object]]] = [
        ("Two bisections and an instant (floor)", lambda: floor(found)),
        ("Due time, target of 1 working day", lambda: due(found, 1)),
        ("Due time, target of 90 working days", lambda: due(found, 90)),
        ("Due time, 1 working day, 2 pauses", lambda: due(found, 1, pauses=2)),
        ("Open minutes of 90 days", lambda: elapsed(found)),
    ]
    took: dict[str, list[float]] = {name: [] for name, _ in works}
    lay_out_took = []
    for _, work in works:
        work()
    for _ in range(ROUNDS):
        for name, work in works:
            took[name].append(seconds(work))
        lay_out_took.append(seconds(lay_out))
    medians = {name: statistics.median(times) for name, times in took.items()}
    base = medians[works[0][0]]
    print(f"{count:,} computations a round, {ROUNDS} rounds")
    for name, _ in works:
        spread = max(took[name]) / min(took[name])
        per_million = medians[name] * 1_000_000 / count
        print(
            f"{name:<42} {per_million:7.2f} s per million {medians[name] / base:7.2f} x the floor  spread {spread:.2f}"
        )
    near, far = (medians[f"Due time, target of {days}"] for days in ("1 working day", "90 working days"))
    print(f"90 days against 1 day: {far / near:.2f} (goal: at most 2)")
    print(f"A calendar laid out for 12.6 years: {statistics.median(lay_out_took) * 1000:.1f} ms")
    spread = max(took[works[0][0]]) / min(took[works[0][0]])
    if spread > 1.5:
        print(f"NOISY: the floor spread by {spread:.2f} between rounds; do not quote these ratios.")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
