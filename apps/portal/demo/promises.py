"""The demo company's promises: the policies that every company starts with, and one that RevOps still considers."""

from datetime import timedelta

from apps.accounts.models import Role
from apps.portal.demo.founding import Company
from apps.portal.demo.life import Span
from apps.slas.models import BreachReason, Clock, ClockState
from apps.slas.rules.escalation import default_steps
from apps.slas.services.policies import Draft, create_policy, put_defaults
from apps.slas.services.verdicts import give_reason

_LARGE = Draft(
    name="Inbound, large companies",
    conditions=(
        {"field": "motion", "operator": "in", "value": ["inbound"]},
        {"field": "size", "operator": "at_least", "value": [250]},
    ),
    first_response_minutes=20,
    touch_count=5,
    touch_days=8,
    touch_channels=("call", "email"),
    disposition_minutes=10 * 480,
    ae_answer_minutes=120,
    steps=tuple(step.as_dict() for step in default_steps()),
    ae_fallback="reroute",
)


def put_policies(company: Company, span: Span) -> None:
    """Nothing is promised by the draft: it can be tried on the leads of the last weeks, then switched on."""
    put_defaults()
    create_policy(draft=_LARGE, place=1, at=span.at, actor=company.of_role(Role.REVOPS))
    # Who was late months ago was spoken to then: only steps of the last day are still to be taken.
    Clock.objects.filter(next_step_at__lt=span.at - timedelta(days=1)).update(next_step_at=None)
    _say_why(span)


_REASONS = (
    (BreachReason.CAPACITY, "The webinar's leads came all at once"),
    (BreachReason.AWAY, ""),
    (BreachReason.NOT_SEEN, ""),
    (BreachReason.CAPACITY, ""),
    (BreachReason.BAD_DATA, "The number rang at another company"),
    (BreachReason.CUSTOMER, ""),
    (BreachReason.ROUTED_LATE, ""),
)
_SAID = 40


def _say_why(span: Span) -> None:
    """Managers have said why of the latest but those of this week, which are still to be explained."""
    broken = Clock.objects.filter(
        state=ClockState.BREACHED, breached_at__lt=span.at - timedelta(days=5), team__manager__isnull=False
    ).select_related("team__manager")
    at = span.at - timedelta(hours=3)
    for number, clock in enumerate(broken.order_by("-breached_at", "-pk")[:_SAID]):
        assert clock.team is not None
        reason, note = _REASONS[number % len(_REASONS)]
        give_reason(clock=clock, reason=reason, note=note, at=at, actor=clock.team.manager)
