"""How every benchmark here measures: interleaved rounds, medians, ratios taken in one run.

Machines are noisy, so only the ratio of two things measured side by side counts. A result whose floor
itself spreads by more than half between rounds is called noisy and is not to be quoted.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROUNDS = 5


def start_django() -> None:
    """Use a scratch database of its own, unless DATABASE_URL names one that may be filled."""
    repository = Path(__file__).resolve().parents[1]
    sys.path.insert(0, str(repository))
    os.environ.setdefault("PORTAL_VAR_DIR", tempfile.mkdtemp(prefix="portal-benchmark-"))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "salesportal.settings.local")
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def compare(floor: tuple[str, Callable[[], object]], *others: tuple[str, Callable[[], object]]) -> None:
    """Print the median of each and its ratio to the floor, over interleaved rounds."""
    found: dict[str, list[float]] = {name: [] for name, _ in (floor, *others)}
    for _, work in (floor, *others):
        work()
    for _ in range(ROUNDS):
        for name, work in (floor, *others):
            found[name].append(seconds(work))
    base = statistics.median(found[floor[0]])
    spread = max(found[floor[0]]) / max(min(found[floor[0]]), 1e-9)
    for name, _ in (floor, *others):
        median = statistics.median(found[name])
        print(f"{name:<48} {median * 1000:10.2f} ms   {median / base:8.2f} x the floor")
    if spread > 1.5:
        print(f"NOISY: the floor spread by {spread:.2f} between rounds; do not quote these ratios.")
