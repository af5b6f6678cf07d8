"""Hold the engine of pay against its slow oracle, and shares against the whole, for as many cases as asked.

    python benchmarks/prove_oracle.py [CASES] [SPLITS] [--seed N]

No database. Prints the seed first: the same seed plays the same cases. Exits with 1 at the first cent apart.
"""

import argparse
import os
import sys
import time
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "salesportal.settings.test")


def main() -> None:
    import django

    django.setup()
    from tests.compensation.oracle_cases import Apart, check_case, check_split

    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("cases", type=int, nargs="?", default=100_000)
    asked.add_argument("splits", type=int, nargs="?", default=1_000_000)
    asked.add_argument("--seed", type=int, default=Random().randrange(10**9))
    given = asked.parse_args()
    print(f"seed {given.seed}")
    try:
        started = time.perf_counter()
        lines = sum(check_case(seed) for seed in range(given.seed, given.seed + given.cases))
        print(
            f"{given.cases:,} plans × deals, {lines:,} lines: none apart ({time.perf_counter() - started:.0f} s)"
        )
        started, rng = time.perf_counter(), Random(given.seed)
        for _ in range(given.splits):
            check_split(rng)
        print(f"{given.splits:,} splits: each makes its whole ({time.perf_counter() - started:.0f} s)")
    except Apart as apart:
        sys.exit(str(apart))


if __name__ == "__main__":
    main()
