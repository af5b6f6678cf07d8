"""A few random weeks of pay against the plain model; a play that differs is printed with what plays it again.

``PAY_PLAYS`` and ``PAY_STEPS`` make it longer; ``benchmarks/prove_machine.py`` plays the full 2,000 × 50.
"""

import os

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.compensation.pay_machine import PayMachine

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


def test_random_weeks_are_paid_as_the_model_says(cast, monkeypatch):
    from apps.compensation.services import computation

    monkeypatch.setattr(computation, "REPS_PER_BATCH", 1)
    people = cast

    class Here(PayMachine):
        cast = people

    plays, steps = int(os.environ.get("PAY_PLAYS", "12")), int(os.environ.get("PAY_STEPS", "25"))
    # A play is not made smaller: that takes longer than to read it.
    sizes = settings(
        max_examples=plays,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Here, settings=sizes)
