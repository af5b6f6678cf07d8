"""The engine against a slow oracle of fractions, over random plans and deals: not a cent apart.

Here some thousands of cases; ``benchmarks/prove_oracle.py`` takes as many as one wants. A case that differs is
told with its seed, and ``check_case(seed)`` plays it again.
"""

import os
from collections import Counter
from random import Random

import pytest

from apps.compensation.rules.plan import parse_plan
from apps.compensation.rules.writing import write_plan
from tests.compensation import random_pay, slow_oracle
from tests.compensation.oracle_cases import Apart, check_case, check_split
from tests.compensation.plan_documents import component, graduated, plan

pytestmark = pytest.mark.once
CASES = int(os.environ.get("ORACLE_CASES", "3000"))
SPLITS = CASES * 3
# New cases each time, but the same ones where a change is judged by what it changed.
FIRST = 0 if os.environ.get("CI", "").lower() in ("1", "true") else Random().randrange(10**9)


def test_every_line_of_thousands_of_plans_is_the_oracle_s():
    lines = sum(check_case(seed) for seed in range(FIRST, FIRST + CASES))
    assert lines > CASES


def test_splits_make_the_whole_by_largest_remainder():
    rng = Random(FIRST)
    for _ in range(SPLITS):
        check_split(rng)


def test_the_cases_have_every_kind_of_component():
    seen: Counter[str] = Counter()
    for seed in range(300):
        for one in random_pay.plan(Random(seed))["components"]:
            seen.update(list(one))
            seen.update((one["pays"], one["rates"]["method"], one["measure"]["of"]))
            seen.update(factor.get("method", "of a kind") for factor in one.get("multipliers", ()))
    wanted = (
        "per_unit", "percent_of_amount", "percent_of_target", "target_by_band", "graduated", "whole", "grid",
        "count", "amount", "figure", "quota", "threshold", "multipliers", "split", "clawback", "bonus", "cap",
        "floor", "of a kind",
    )  # fmt: skip
    assert not [name for name in wanted if seen[name] < 10]


def test_what_is_written_back_pays_the_same():
    for seed in range(FIRST, FIRST + CASES // 10):
        rules = parse_plan(random_pay.plan(Random(seed)))
        assert parse_plan(write_plan(rules)) == rules


@pytest.mark.parametrize("cent", [1, -1])
def test_a_cent_would_be_noticed(monkeypatch, cent):
    """The comparison itself can fail."""
    real = slow_oracle.rounded
    monkeypatch.setattr(slow_oracle, "rounded", lambda value: real(value) + cent)
    with pytest.raises(Apart, match="seed"):
        sum(check_case(seed) for seed in range(50))


def test_the_oracle_is_right_about_a_case_worked_out_by_hand():
    document = plan(component(graduated("4", "1000", "6"), cap="100.00"))
    deals = [
        slow_oracle.Deal(1, "won", "owned", amount=800_00),
        slow_oracle.Deal(2, "won", "owned", amount=1_700_00),
    ]
    # 800 × 4 %; 200 × 4 % + 1,500 × 6 %; 130.00 in all, capped at 100.00.
    assert slow_oracle.pay_of(document, deals, {}) == {
        ("only", "event:1", "EUR"): 32_00,
        ("only", "event:2", "EUR"): 98_00,
        ("only", "cap", "EUR"): -30_00,
    }
