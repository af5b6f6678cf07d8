"""Play random weeks of pay against the plain model on PostgreSQL, for as many plays of as many steps as asked.

    python benchmarks/prove_machine.py [PLAYS] [STEPS] [--seed N] [--seconds N] [--done FILE]

Every 20 plays have a seed of their own, N and those that follow: the same seed plays the same weeks, and what several
runs played of different seeds adds up. With --seconds no seed is begun after so long. With --done the seeds that were
played are kept in FILE: another run goes on behind them until PLAYS are there, whenever that is. A cent apart ends it
with 1, the seed and the whole play. DATABASE_URL says beside which server the scratch database is made; sqlite:// plays
on SQLite.
"""

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "salesportal.settings.test")

from measure import start_django

PLAYS_OF_A_SEED = 20


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("plays", type=int, nargs="?", default=2_000)
    asked.add_argument("steps", type=int, nargs="?", default=50)
    asked.add_argument("--seed", type=int, default=0)
    asked.add_argument("--seconds", type=float, default=float("inf"))
    asked.add_argument("--done", type=Path)
    given = asked.parse_args()
    before = _played(given.done, given.steps)
    start_django()
    played, started = Counter[str](), time.perf_counter()
    play, seed = _player(played, given.steps), given.seed
    left = given.plays - sum(before.values())
    while left > 0 and time.perf_counter() - started < given.seconds:
        if seed not in before:
            print(f"seed {seed}", flush=True)
            count = min(left, PLAYS_OF_A_SEED)
            play(seed, count)
            left -= count
            if given.done:
                with given.done.open("a") as kept:
                    kept.write(f"{seed} {count} {given.steps}\n")
            print(f"{played['plays']} plays, {time.perf_counter() - started:.0f} s", flush=True)
        seed += 1
    said = ", ".join(f"{count:,} {name}" for name, count in sorted(played.items()))
    print(f"none apart in {time.perf_counter() - started:.0f} s: {said}; the next seed is {seed}")
    if before:
        print(f"{sum(before.values()) + played['plays']:,} plays with those before")


def _played(done: Path | None, steps: int) -> dict[int, int]:
    """How many plays of so many steps each seed has had, by the file that keeps them."""
    if done is None or not done.exists():
        return {}
    rows = [tuple(map(int, line.split())) for line in done.read_text().splitlines()]
    return {seed: plays for seed, plays, of in rows if of == steps}


def _player(played: Counter[str], steps: int) -> Callable[[int, int], None]:
    """What plays so many weeks of a seed, with one company for all of them; what was done is added to ``played``."""
    from hypothesis import HealthCheck, Phase, settings
    from hypothesis.stateful import run_state_machine_as_test

    from tests.cast import assemble
    from tests.compensation.pay_machine import PayMachine

    people = assemble()

    def play(seed: int, plays: int) -> None:
        class Here(PayMachine):
            cast = people
            _hypothesis_internal_use_seed = seed

            def teardown(self) -> None:
                played["plays"] += 1
                played.update(self.done)
                super().teardown()

        sizes = settings(
            max_examples=plays,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        run_state_machine_as_test(Here, settings=sizes)

    return play


if __name__ == "__main__":
    main()
