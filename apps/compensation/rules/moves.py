"""Who is on which plan when, and who would have been on another one: the question of a replay. Pure.

A move says whose days on a plan become days on another. Moves are asked in their order and the first that fits
decides, so that exceptions stand before the rule.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from apps.core.periods import Period


class Assigned(NamedTuple):
    """A rep is on a plan from ``starts_on`` up to, not including, ``ends_on``."""

    rep_id: int
    plan_id: int
    starts_on: date
    ends_on: date | None


class Who(StrEnum):
    """Whom a move takes along."""

    EVERYBODY = "everybody"
    PLAN = "plan"
    TEAM = "team"
    ROLE = "role"
    PEOPLE = "people"


@dataclass(frozen=True, slots=True)
class Person:
    """What moves ask about a rep; ``left_on`` is the first day no longer here."""

    rep_id: int
    team_id: int
    role: str
    hired_on: date
    left_on: date | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """``who`` goes to the plan ``plan_id``; ``ids`` are plans, teams, roles or reps, as ``who`` says."""

    who: Who
    ids: frozenset[int | str]
    plan_id: int

    def takes(self, person: Person, plan_id: int) -> bool:
        """Whether days of ``person`` on the plan ``plan_id`` are moved."""
        asked = {
            Who.PLAN: plan_id,
            Who.TEAM: person.team_id,
            Who.ROLE: person.role,
            Who.PEOPLE: person.rep_id,
        }
        return self.who is Who.EVERYBODY or asked[self.who] in self.ids


def moved(
    assigned: Iterable[Assigned], people: Mapping[int, Person], moves: Sequence[Move], window: Period
) -> list[Assigned]:
    """The assignments as ``moves`` would have had them, by rep and first day.

    An assignment that touches ``window`` is moved whole, also its days before it, so that what runs on over a
    year has the year behind it. Who was named one by one and was on no plan in the window is put on the plan
    for all of its days since the hire.
    """
    found: dict[int, list[Assigned]] = {}
    touched = set()
    for one in assigned:
        if one.starts_on < window.end and (one.ends_on is None or one.ends_on > window.start):
            touched.add(one.rep_id)
            person = people[one.rep_id]
            target = next((move.plan_id for move in moves if move.takes(person, one.plan_id)), None)
            if target is not None:
                one = one._replace(plan_id=target)
        found.setdefault(one.rep_id, []).append(one)
    for move in moves:
        if move.who is Who.PEOPLE:
            for rep_id in sorted({int(one) for one in move.ids} - touched):
                days = _here(people[rep_id], window)
                if days is not None:
                    touched.add(rep_id)
                    row = Assigned(rep_id, move.plan_id, days.start, days.end)
                    found.setdefault(rep_id, []).append(row)
    return [row for rep_id in sorted(found) for row in _joined(found[rep_id])]


def _here(person: Person, window: Period) -> Period | None:
    """The days of ``window`` on which the person was with the company."""
    start, end = max(window.start, person.hired_on), min(window.end, person.left_on or window.end)
    return Period(start, end) if start < end else None


def _joined(rows: list[Assigned]) -> list[Assigned]:
    """Rows of one rep with neighbours on one plan made one, so that bands do not begin anew between them."""
    found: list[Assigned] = []
    for row in sorted(rows, key=lambda one: one.starts_on):
        last = found[-1] if found else None
        if last is not None and last.plan_id == row.plan_id and last.ends_on == row.starts_on:
            found[-1] = last._replace(ends_on=row.ends_on)
        else:
            found.append(row)
    return found


def changed_reps(before: Iterable[Assigned], after: Iterable[Assigned], window: Period) -> set[int]:
    """Whom a scenario concerns: who moves, and everybody on a plan that somebody joins or leaves.

    The second share a pool or a budget with them, so their pay may move as well.
    """
    old, new = _within(before, window), _within(after, window)
    apart = old ^ new
    plans = {row.plan_id for row in apart}
    return {row.rep_id for row in apart} | {row.rep_id for row in old | new if row.plan_id in plans}


def _within(rows: Iterable[Assigned], window: Period) -> set[Assigned]:
    return {
        row
        for row in rows
        if row.starts_on < window.end and (row.ends_on is None or row.ends_on > window.start)
    }
