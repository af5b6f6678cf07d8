"""The terms of inquiries: how fast, who answers, who hears when a promise runs out; and the hours that count.

The latest row holds. What was promised when an inquiry was asked stays promised.
"""

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from apps.accounts.models import Role, User
from apps.audit import services as audit
from apps.compensation.models import Inquiry, InquiryTerms
from apps.compensation.rules.inquiry_clock import MOST_MINUTES, MOST_REOPEN_DAYS, Targets
from apps.core.errors import InvalidInput
from apps.reps.models import Rep
from apps.reps.rules.hours import WEEKDAYS, Hours
from apps.reps.selectors import company_calendar, hours_for, hours_of

Answered = InquiryTerms.Answered
ROLES_OF = {
    Answered.REVOPS.value: (Role.REVOPS,),
    Answered.FINANCE.value: (Role.FINANCE,),
    Answered.BOTH.value: (Role.REVOPS, Role.FINANCE),
}


@dataclass(frozen=True)
class Terms:
    """What holds for the next inquiry. ``rota`` are user ids, ``lead_id`` the finance lead's, if one is named."""

    targets: Targets = field(default_factory=Targets)
    answered_by: str = Answered.REVOPS.value
    rota: tuple[int, ...] = ()
    lead_id: int | None = None

    @property
    def in_words(self) -> str:
        by = Answered(self.answered_by).label
        return f"{self.targets.in_words}; answered by {by}"


def terms_in_force() -> Terms:
    """The latest that were set, or the usual ones. One statement."""
    row = InquiryTerms.objects.first()
    if row is None:
        return Terms()
    return Terms(
        Targets(row.first_answer_minutes, row.outcome_minutes, row.warn_percent, row.reopen_days),
        row.answered_by,
        tuple(row.rota),
        row.lead_id,
    )


@transaction.atomic
def set_terms(*, terms: Terms, at: datetime, actor: Any) -> InquiryTerms:
    """Set the terms for what is asked from now on. Raises ``InvalidInput`` naming the field."""
    _refuse(terms)
    before, targets = terms_in_force(), terms.targets
    row = InquiryTerms.objects.create(
        first_answer_minutes=targets.first_answer_minutes,
        outcome_minutes=targets.outcome_minutes,
        warn_percent=targets.warn_percent,
        reopen_days=targets.reopen_days,
        answered_by=terms.answered_by,
        rota=list(terms.rota),
        lead_id=terms.lead_id,
        set_at=at,
        set_by=actor if getattr(actor, "pk", None) else None,
    )
    audit.record(
        verb="compensation.inquiry_terms.set",
        subject=row,
        at=at,
        actor=actor,
        data={
            "before": before.in_words,
            "after": terms.in_words,
            "rota": list(terms.rota),
            "lead": terms.lead_id,
        },
    )
    return row


def _refuse(terms: Terms) -> None:
    targets = terms.targets
    for name in ("first_answer_minutes", "outcome_minutes"):
        if not 1 <= getattr(targets, name) <= MOST_MINUTES:
            raise InvalidInput(f"Write a time from 1 minute to {MOST_MINUTES // 60} hours.", field=name)
    if targets.outcome_minutes < targets.first_answer_minutes:
        raise InvalidInput("An outcome comes no sooner than a first answer.", field="outcome_minutes")
    if not 1 <= targets.warn_percent <= 100:
        raise InvalidInput("Write a whole number from 1 to 100.", field="warn_percent")
    if not 0 <= targets.reopen_days <= MOST_REOPEN_DAYS:
        raise InvalidInput(f"Write a whole number from 0 to {MOST_REOPEN_DAYS}.", field="reopen_days")
    if terms.answered_by not in Answered.values:
        raise InvalidInput("Choose who answers.", field="answered_by")
    known = set(answerers().values_list("pk", flat=True))
    if missing := [pk for pk in terms.rota if pk not in known]:
        raise InvalidInput(f"Person {missing[0]} is not of RevOps or finance.", field="rota")
    leads = User.objects.filter(is_active=True, role=Role.FINANCE)
    if terms.lead_id is not None and not leads.filter(pk=terms.lead_id).exists():
        raise InvalidInput("The finance lead is of finance.", field="lead")


def answerers(answered_by: str = Answered.BOTH.value) -> Any:
    """Users who may answer inquiries, by name."""
    return User.objects.filter(is_active=True, role__in=ROLES_OF[answered_by]).order_by("name", "pk")


def leads_of(terms: Terms) -> list[int]:
    """Who hears when a promise runs out: the finance lead while there is one, else all of finance."""
    finance = User.objects.filter(is_active=True, role=Role.FINANCE).order_by("pk")
    found = list(finance.values_list("pk", flat=True))
    return [terms.lead_id] if terms.lead_id in found else found


# --- Hours ------------------------------------------------------------------------------------------


def hours_of_clock(rep: Rep) -> Hours:
    """The company's calendar, else the asker's; ``calendar`` and ``team__calendar`` joined in."""
    calendar = company_calendar()
    return hours_of(calendar) if calendar is not None else hours_for(rep)


def plain(hours: Hours) -> dict[str, Any]:
    """As an inquiry keeps the hours; ``hours_in`` reads them."""
    kept = {
        "zone": hours.zone,
        "weekly": dict(zip(WEEKDAYS, hours.weekly, strict=True)),
        "holidays": sorted(day.isoformat() for day in hours.holidays),
        "overrides": {day.isoformat(): windows for day, windows in hours.overrides},
        "breaks": dict(zip(WEEKDAYS, hours.breaks, strict=True))
        | {day.isoformat(): windows for day, windows in hours.dated_breaks},
    }
    found: dict[str, Any] = json.loads(json.dumps(kept))
    return found


def hours_in(inquiry: Inquiry) -> Hours:
    """The hours that were copied when the clock began."""
    kept = inquiry.hours
    return Hours.of(kept["zone"], kept["weekly"], kept["holidays"], kept["overrides"], kept["breaks"])
