"""Bets outside the profile: how many, counted in their quarter, and never one too many."""

import threading
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connections

from apps.core.errors import InvalidInput
from apps.leads.models import HandOff, Lead, Source
from apps.leads.rules.exploration import Agreed, Budget, in_force
from apps.leads.services import booking, exploration, intake, qualifications
from apps.leads.services.qualifications import Answer
from tests.cast import NOW, Cast, assemble
from tests.leads.scenes import handed_off

Q4 = date(2026, 10, 1)


class TestRule:
    def test_ones_own_wins_over_everybodys_and_the_later_over_the_earlier(self) -> None:
        company = [Agreed(None, date(2026, 1, 1), 6), Agreed(None, Q4, 4), Agreed(None, date(2027, 1, 1), 9)]
        assert in_force(company, rep_id=1, day=NOW.date()) == company[1]
        own = Agreed(1, date(2026, 4, 1), 2)
        assert in_force([*company, own], rep_id=1, day=NOW.date()) == own
        assert in_force([*company, own], rep_id=2, day=NOW.date()) == company[1]
        assert in_force([], rep_id=1, day=NOW.date()) is None

    def test_without_a_budget_nothing_is_refused(self) -> None:
        assert Budget(None, 100).left is None
        assert not Budget(None, 100).is_spent
        assert Budget(3, 5).left == 0


class TestBudget:
    def test_counts_the_bets_of_the_quarter(self, cast: Cast) -> None:
        rep = cast.rep(cast.sdr)
        exploration.set_budget(rep=None, from_on=Q4, per_quarter=2, at=NOW, actor=cast.revops)
        handed_off(cast, industry="Media")
        handed_off(cast, "Corvane Systems", slot=1)
        HandOff.objects.update(created_at=NOW)
        assert exploration.budget_of(rep=rep, day=NOW.date()) == Budget(2, 1)
        assert exploration.budget_of(rep=rep, day=NOW.date() + timedelta(days=70)) == Budget(2, 0)
        assert exploration.budget_of(rep=cast.rep(cast.teammate), day=NOW.date()) == Budget(2, 0)

    def test_the_one_too_many_is_refused_with_the_figures_and_the_quarter(self, cast: Cast) -> None:
        exploration.set_budget(rep=cast.rep(cast.sdr), from_on=Q4, per_quarter=1, at=NOW, actor=cast.manager)
        handed_off(cast, industry="Media")
        with pytest.raises(exploration.OverBudget, match=r"1 of 1 .* Q4 2026"):
            handed_off(cast, "Corvane Systems", slot=1, as_exploration=True)
        assert handed_off(cast, "Nordline Freight", slot=1).is_exploration is False

    def test_a_budget_begins_with_a_quarter(self, cast: Cast) -> None:
        for from_on, per_quarter in ((date(2026, 10, 2), 1), (Q4, -1), (Q4, 10_000)):
            with pytest.raises(InvalidInput):
                exploration.set_budget(rep=None, from_on=from_on, per_quarter=per_quarter, at=NOW, actor=None)

    def test_is_changed_and_taken_away(self, cast: Cast) -> None:
        rep = cast.rep(cast.sdr)
        for number in (1, 3, 3):
            exploration.set_budget(rep=rep, from_on=Q4, per_quarter=number, at=NOW, actor=cast.revops)
        assert exploration.budget_of(rep=rep, day=NOW.date()).per_quarter == 3
        exploration.set_budget(rep=rep, from_on=Q4, per_quarter=None, at=NOW, actor=cast.revops)
        assert exploration.budget_of(rep=rep, day=NOW.date()).per_quarter is None


def _qualified(cast: Cast, number: int) -> Lead:
    sdr = cast.rep(cast.sdr)
    lead, _ = intake.take_in(
        incoming=intake.Incoming(email=f"p{number}@firm{number}.example", company=f"Firm {number}", source="Webinar"),
        team=cast.sdr_team, at=NOW, source=Source.PAGE, source_key=f"form:{number}", owner=sdr,
    )  # fmt: skip
    answers = {
        key: Answer("met", "Yes", "On the call", "They")
        for key in ("budget", "authority", "need", "timeframe")
    }
    qualifications.qualify(lead=lead, rep=sdr, answers=answers, at=NOW)
    return lead


@pytest.mark.django_db(transaction=True)
def test_two_bookings_at_once_never_make_one_too_many() -> None:
    cast = assemble()
    sdr = cast.rep(cast.sdr)
    for round_number in range(5):
        leads = [_qualified(cast, round_number * 2 + place) for place in (0, 1)]
        exploration.set_budget(rep=sdr, from_on=Q4, per_quarter=round_number + 1, at=NOW, actor=cast.revops)
        slot = booking.offered_slots(lead=leads[0], at=NOW)[round_number * 2].starts_at
        together = threading.Barrier(2)
        refused: list[exploration.OverBudget] = []

        def book(lead: Lead, starts_at: Any, together: Any = together, refused: list = refused) -> None:
            together.wait()
            try:
                booking.book_meeting(lead=lead, sdr=sdr, starts_at=starts_at, at=NOW, as_exploration=True)
            except exploration.OverBudget as error:
                refused.append(error)
            finally:
                connections.close_all()

        threads = [
            threading.Thread(target=book, args=(lead, slot + timedelta(minutes=30 * place)))
            for place, lead in enumerate(leads)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(refused) == 1
        assert HandOff.objects.filter(is_exploration=True).count() == round_number + 1
