"""The company's follow-up policy: which version is in force, the next version, and what follows for one lead."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from apps.audit import services as audit
from apps.core.errors import DomainError, InvalidInput
from apps.core.periods import day_of
from apps.leads.models import FollowUpPolicy, Lead
from apps.leads.rules.dispositions import NextStep, Rules, RulesInvalid, next_step


class PolicyMovedOn(DomainError):
    """Somebody else published a version at the same instant."""

    code = "policy_moved_on"


class InvalidRules(InvalidInput):
    """A row of follow-up rules that cannot be used: ``row`` counts from 0, ``row_field`` is its key."""

    code = "invalid_rules"

    def __init__(self, error: RulesInvalid) -> None:
        super().__init__(str(error), field="rules" if error.row is not None else error.field)
        self.row, self.row_field, self.row_message = error.row, error.field, error.message


def rules_in_force(at: datetime) -> tuple[FollowUpPolicy | None, Rules]:
    """The version in force at ``at`` with its rules; none and the built-in ones where there is none."""
    policy = FollowUpPolicy.objects.filter(effective_at__lte=at).order_by("-version").first()
    if policy is None:
        return None, Rules.default()
    return policy, rules_of(policy)


def rules_of(policy: FollowUpPolicy) -> Rules:
    """The rules that a version keeps."""
    return Rules.parse(policy.rules, agreed_touches=policy.agreed_touches, recycle_days=policy.recycle_days)


@transaction.atomic
def publish(
    *,
    rules: Sequence[dict[str, Any]],
    agreed_touches: int,
    recycle_days: int,
    at: datetime,
    actor: Any,
    note: str = "",
) -> FollowUpPolicy:
    """Put the next version in force from ``at``; touches logged before keep the version that judged them.

    Raises ``InvalidRules`` naming row and field, and ``PolicyMovedOn`` when somebody was quicker.
    """
    try:
        parsed = Rules.parse(rules, agreed_touches=agreed_touches, recycle_days=recycle_days)
    except RulesInvalid as error:
        raise InvalidRules(error) from None
    newest = FollowUpPolicy.objects.order_by("-version").first()
    version = newest.version + 1 if newest else 1
    try:
        with transaction.atomic():
            policy = FollowUpPolicy.objects.create(
                version=version,
                agreed_touches=agreed_touches,
                recycle_days=recycle_days,
                rules=parsed.as_rows(),
                effective_at=at,
                created_by=actor if getattr(actor, "pk", None) else None,
                note=note.strip()[:200],
            )
    except IntegrityError:
        raise PolicyMovedOn("Somebody else just published a version: look at it first.") from None
    audit.record(
        verb="leads.follow_up.published",
        subject=policy,
        at=at,
        actor=actor,
        data={"version": version, "agreed_touches": agreed_touches, "recycle_days": recycle_days},
    )
    return policy


def age_days(*, lead: Lead, at: datetime) -> int:
    """How many of the company's calendar days ago the lead came."""
    zone = settings.COMPANY_TIME_ZONE
    return max(0, (day_of(at, zone) - day_of(lead.created_at, zone)).days)


def what_follows(
    *, lead: Lead, disposition: str, at: datetime, rules: Rules, bad: Collection[str] = ()
) -> NextStep:
    """What follows if the next touch of ``lead`` comes to ``disposition``: for its button and its logging.

    ``bad``: channels whose number or address proved bad (``services.touches`` knows them).
    """
    return next_step(
        disposition,
        attempts=lead.attempts + 1,
        age_days=age_days(lead=lead, at=at),
        rules=rules,
        closed={*lead.closed_channels, *bad},
        postponed_to=lead.postponed_to,
    )
