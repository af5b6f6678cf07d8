"""Acts on many enrolments at once, as a manager chooses them in a list."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from apps.core.errors import InvalidInput
from apps.leads.models import Enrolment
from apps.leads.services import enrolments


@transaction.atomic
def remove_many(*, chosen: Sequence[Enrolment], reason: str, at: datetime, actor: Any) -> int:
    """Take these out of their cadences; how many still were in. Those that ended meanwhile are passed over.

    Raises ``InvalidInput`` without a reason; then nobody is removed.
    """
    if not chosen:
        raise InvalidInput("Choose at least one lead.", field="enrolment")
    removed = 0
    # In one order, so that two who do this at once wait for each other and cannot block each other.
    for one in sorted(chosen, key=lambda one: one.lead_id):
        try:
            enrolments.remove(enrolment=one, reason=reason, at=at, actor=actor)
        except enrolments.EnrolmentMovedOn:
            continue
        removed += 1
    return removed
