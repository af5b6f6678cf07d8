"""Reads over policies: what each says, what runs by it, and how its promises were kept lately."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q

from apps.audit.models import AuditEntry
from apps.slas.models import Clock, ClockState, Policy
from apps.slas.rules import in_words
from apps.slas.rules.promises import Terms
from apps.slas.selectors import Attainment
from apps.slas.services.policies import terms_in_force, terms_of

RECENT_DAYS = 30


@dataclass(frozen=True)
class Line:
    """A policy with its figures: the clocks that run by it, and its promises decided in the last 30 days.

    ``number`` is its place in the order, 0 for a retired one; the figures are of the reader's scope.
    """

    policy: Policy
    terms: Terms
    number: int
    running: int
    attained: Attainment

    @property
    def whom(self) -> list[str]:
        return [one.in_words for one in self.terms.conditions]

    @property
    def promises(self) -> list[str]:
        return in_words.promises_of(self.terms)

    @property
    def steps(self) -> list[str]:
        return in_words.steps_of(self.terms)


def policies(*, user: Any, now: datetime) -> list[Line]:
    """All of them: those that have a place first, in order, then the retired. Three statements."""
    return _lines(list(Policy.objects.all()), user, now)


def promised() -> list[tuple[str, list[str]]]:
    """Each policy in force, in order: its name, and what it promises in words. One statement."""
    return [(terms.name, in_words.promises_of(terms)) for terms in terms_in_force()]


def policy_line(*, policy: Policy, user: Any, now: datetime) -> Line:
    """One of them."""
    return _lines([policy], user, now)[0]


def _lines(found: list[Policy], user: Any, now: datetime) -> list[Line]:
    visible = Clock.objects.visible_to(user).filter(policy__in=[one.pk for one in found]).order_by()
    running = visible.filter(state=ClockState.RUNNING).values_list("policy").annotate(count=Count("pk"))
    counts = dict(running)
    attained: dict[int, Attainment] = {}
    since = now - timedelta(days=RECENT_DAYS)
    met = Q(state=ClockState.MET, met_at__gte=since, met_at__lt=now)
    breached = Q(state=ClockState.BREACHED, breached_at__gte=since, breached_at__lt=now)
    for pk, state, count in (
        visible.filter(met | breached).values_list("policy", "state").annotate(count=Count("pk"))
    ):
        kept = Attainment(count, 0) if state == ClockState.MET else Attainment(0, count)
        attained[pk] = attained.get(pk, Attainment()) + kept
    found.sort(key=lambda one: (one.state == Policy.State.RETIRED, one.position, one.pk))
    return [
        Line(
            policy=one,
            terms=terms_of(one),
            number=0 if one.state == Policy.State.RETIRED else one.position,
            running=counts.get(one.pk, 0),
            attained=attained.get(one.pk, Attainment()),
        )
        for one in found
    ]


# --- History ----------------------------------------------------------------------------------------

_WORDS = {
    "created": "Written",
    "changed": "Changed",
    "moved": "Moved",
    "switched_on": "Switched on",
    "retired": "Retired",
}
_LATEST = 50


@dataclass(frozen=True)
class Happening:
    """One act on a policy: what it was, and what it changed as (heading, before, after)."""

    entry: AuditEntry
    word: str
    changes: list[tuple[str, str, str]]
    says: str


def history(policy: Policy) -> list[Happening]:
    """What was done to the policy, the latest first; from the audit log. One statement."""
    entries = AuditEntry.objects.filter(
        subject_type=Policy._meta.label, subject_id=str(policy.pk), verb__startswith="slas.policy."
    )
    return [_happening(entry) for entry in entries.select_related("actor").order_by("-pk")[:_LATEST]]


def _happening(entry: AuditEntry) -> Happening:
    act = entry.verb.rpartition(".")[2]
    says = ""
    if act == "moved":
        says = f"from number {entry.data['from']} to number {entry.data['to']}"
    elif act in ("created", "switched_on"):
        says = f"as number {entry.data['place']}"
    changes = [(word, was, now) for word, (was, now) in entry.data.get("changed", {}).items()]
    return Happening(entry, _WORDS.get(act, act), changes, says)


# --- What an act will do ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Effect:
    """What goes on as promised when a policy is switched on, changed or retired: running clocks, in the company.

    ``running`` are those of all policies, ``own`` those that this one started.
    """

    running: int
    own: int


def effect(policy: Policy) -> Effect:
    """In figures: the clocks that run, of all and of this policy. One statement."""
    rows = (
        Clock.objects.filter(state=ClockState.RUNNING).order_by().values_list("policy").annotate(Count("pk"))
    )
    counts = dict(rows)
    return Effect(running=sum(counts.values()), own=counts.get(policy.pk, 0))
