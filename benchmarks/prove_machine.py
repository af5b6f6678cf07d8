"""Play random weeks of pay against the plain model on PostgreSQL, for as many plays of as many steps as asked.

    python benchmarks/prove_machine.py [PLAYS] [STEPS] [--seed N]

Prints the seed first: the same seed plays the same weeks. A cent apart ends it with 1 and the whole play. DATABASE_URL
says beside which server the scratch database is made; sqlite:// plays on SQLite.
"""

import argparse
import os
import sys
import time
from collections import Counter
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "salesportal.settings.test")

from measure import start_django


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("plays", type=int, nargs="?", default=2_000)
    asked.add_argument("steps", type=int, nargs="?", default=50)
    asked.add_argument("--seed", type=int, default=Random().randrange(10**9))
    given = asked.parse_args()
    print(f"seed {given.seed}", flush=True)
    start_django()
    from hypothesis import HealthCheck, Phase, settings
    from hypothesis.stateful import run_state_machine_as_test

    from tests.cast import assemble
    from tests.compensation.pay_machine import PayMachine

    people, played = assemble(), Counter[str]()
    started = time.perf_counter()

    class Here(PayMachine):
        cast = people
        _hypothesis_internal_use_seed = given.seed

        def teardown(self) -> None:
            played["plays"] += 1
            played.update(self.done)
            if played["plays"] % 20 == 0:
                print(f"{played['plays']} plays, {time.perf_counter() - started:.0f} s", flush=True)
            super().teardown()

    sizes = settings(
        max_examples=given.plays,
        stateful_step_count=given.steps,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Here, settings=sizes)
    said = ", ".join(f"{count:,} {name}" for name, count in sorted(played.items()))
    print(f"none apart in {time.perf_counter() - started:.0f} s: {said}")


if __name__ == "__main__":
    main()
