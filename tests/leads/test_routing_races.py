"""Leads routed by several clients at once: weights are met within one lead, on both databases."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from apps.leads.models import Lead, PoolTurn, RoutingDecision, TurnPool
from apps.leads.rules.routing import kept
from apps.leads.services import routing
from apps.reps.models import Rep
from tests.cast import NOW, assemble
from tests.leads.test_hand_off_races import race
from tests.leads.test_routing_choice import HALF, ROBIN, TEN, in_force

CLIENTS = 4
LEADS = {"postgresql": 1_000, "sqlite": 240}
"""SQLite has one writer: its clients take turns, and fewer leads show as much."""
WEIGHTS = (7, 5, 3, 2, 1)


def route(lead: Lead) -> None:
    """One booking's part of routing: the lead is locked first, then the turn."""
    at = NOW + timedelta(seconds=1)
    for _ in range(20):
        # SQLite has one writer, and whoever waits is not served in turn: who waited too long tries again.
        with suppress(OperationalError), transaction.atomic():
            locked = Lead.objects.select_for_update(of=("self",)).select_related("team").get(pk=lead.pk)
            chosen = routing.choose(lead=locked, starts_at=TEN, ends_at=TEN + HALF, at=at)
            routing.keep(chosen=chosen, lead=locked, at=at)
            return


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_weights_are_met_within_one_lead_whoever_is_faster() -> None:
    cast, many = assemble(), LEADS[connection.vendor]
    team = cast.ae_team
    aes = [
        Rep.objects.create(name=f"AE {number}", team=team, role="ae", tier=2, hired_on=NOW.date())
        for number in range(len(WEIGHTS))
    ]
    in_force(
        {
            **ROBIN,
            "pool": {"reps": [one.pk for one in aes]},
            "weights": [
                {"rep": ae.pk, "weight": weight, "from_on": ""}
                for ae, weight in zip(aes, WEIGHTS, strict=True)
            ],
        }
    )
    leads = Lead.objects.bulk_create(
        [Lead(company=f"Company {n}", team=cast.sdr_team, created_at=NOW) for n in range(many)]
    )

    def client(mine: list[Lead]) -> Callable[[], Any]:
        def work() -> int:
            for lead in mine:
                route(lead)
            return len(mine)

        return work

    done = race([client(leads[place::CLIENTS]) for place in range(CLIENTS)])
    assert done == [many // CLIENTS] * CLIENTS
    taken = Counter(PoolTurn.objects.filter(kind="taken").values_list("rep", flat=True))
    for ae, weight in zip(aes, WEIGHTS, strict=True):
        assert abs(taken[ae.pk] - Fraction(weight * many, sum(WEIGHTS))) < 1
    # The standings are the sum of the ledger, and every decision saw the turns before it.
    standings = kept.standings_of(TurnPool.objects.get().standings)
    assert {pk: one.taken for pk, one in standings.items()} == dict(taken)
    seen = [
        sum(row[1] for row in one["turns"]["Mid-market"].values())
        for one in RoutingDecision.objects.order_by("pk").values_list("inputs", flat=True)
    ]
    assert all(second == first + 1 for first, second in pairwise(sorted(seen)))
