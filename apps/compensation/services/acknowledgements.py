"""A rep's name under the exact version of a plan; and asking for it again."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, transaction

from apps.audit import services as audit
from apps.compensation.models import PlanAcknowledgement, PlanAssignment, PlanVersion
from apps.compensation.selectors.acknowledgements import Standing, waiting
from apps.compensation.services import plan_news
from apps.core.errors import DomainError, InvalidInput
from apps.reps.models import Rep

REMIND_EVERY_DAYS = 3
"""How long a rep is left in peace between two reminders by itself."""


class UnableToAcknowledge(DomainError):
    """It is not approved, does not pay this rep, or is not what was read."""

    code = "unable_to_acknowledge"


@transaction.atomic
def acknowledge(
    *, version: PlanVersion, rep: Rep, typed_name: str, fingerprint: str, at: datetime, actor: Any
) -> PlanAcknowledgement:
    """Keep that ``rep`` has read ``version`` and typed their own name under it.

    ``fingerprint`` is that of what was on the page. The same again gives the signature that is there. Raises
    ``InvalidInput`` for another name, ``UnableToAcknowledge`` when the version is not theirs to sign.
    """
    if rep.user_id != actor.pk:
        raise UnableToAcknowledge("Only the rep whom the plan pays acknowledges it.")
    signed = PlanAcknowledgement.objects.filter(version=version, rep=rep).first()
    if signed is not None:
        return signed
    if not version.is_approved:
        raise UnableToAcknowledge("This version is not approved yet: there is nothing to acknowledge.")
    if not PlanAssignment.objects.filter(plan=version.plan_id, rep=rep).exists():
        raise UnableToAcknowledge("You are not on this plan.")
    if fingerprint != version.fingerprint:
        raise UnableToAcknowledge("This is not the version that you read: open it again.")
    name = " ".join(typed_name.split())
    if name.casefold() != " ".join(rep.name.split()).casefold():
        raise InvalidInput(f"Type your name as it stands here: {rep.name}.", field="typed_name")
    try:
        with transaction.atomic():
            signed = PlanAcknowledgement.objects.create(
                version=version, rep=rep, user=actor, typed_name=name, version_fingerprint=fingerprint, at=at
            )
    except IntegrityError:
        return PlanAcknowledgement.objects.get(version=version, rep=rep)
    audit.record(
        verb="compensation.plan.acknowledged",
        subject=version,
        at=at,
        actor=actor,
        data={"rep": rep.pk, "fingerprint": fingerprint},
    )
    return signed


def remind(*, standings: Iterable[Standing], today: date, at: datetime) -> int:
    """Ask again for the names that are missing; each rep once a day. How many were asked."""
    return plan_news.tell_to_sign(waiting=standings, occasion=f"reminded:{today.isoformat()}", at=at)


def remind_by_itself(*, today: date, at: datetime) -> int:
    """The daily round: everybody whose name is missing is asked again every few days."""
    slot = today.toordinal() // REMIND_EVERY_DAYS
    return plan_news.tell_to_sign(waiting=waiting(today=today), occasion=f"round:{slot}", at=at)
