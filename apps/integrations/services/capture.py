"""Take in what somebody sent by a form, with the text that they agreed to; offer times and note the one they choose.

Whoever is known already is not said to be: the answer is the same for everybody (``docs/lead-capture.md``).
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction

from apps.audit import services as audit
from apps.core.errors import DomainError
from apps.integrations.models import Capture, CaptureForm
from apps.integrations.services import enrichment
from apps.integrations.services.capture_guard import Filling
from apps.leads.models import HandOff, Lead, Source
from apps.leads.rules.preferences import Wish
from apps.leads.selectors.offers import Offer, OfferedDay, offer_for
from apps.leads.services import intake, preferences
from apps.leads.services.arrivals import Arrival, Incoming
from apps.leads.services.booking_rules import booking_rules

MOST_TIMES = 24


class TimeTaken(DomainError):
    """The time that was chosen is not free any more."""

    code = "time_taken"


def capture_lead(
    *,
    form: CaptureForm,
    filled: Mapping[str, Any],
    agreed: bool,
    filling: Filling,
    source: Source = Source.PAGE,
    at: datetime,
) -> Capture:
    """The capture, whose lead is new or known. The same filling with the same address again is the same capture.

    ``filled`` is checked by the caller; raises ``InvalidInput`` where neither company nor address is given.
    """
    incoming = enrichment.filled(
        Incoming(**filled, source=form.source, campaign=form.campaign, is_inbound=True)
    )
    who = hashlib.blake2b(incoming.email.strip().lower().encode(), digest_size=6).hexdigest()
    key = f"capture:{form.pk}:{filling.name}:{who}"
    arrival = Arrival(incoming=incoming, team=form.team, at=at, source=source, source_key=key)
    with transaction.atomic():
        # It holds everything by which the person is told apart until the end: a second click waits here.
        received = intake.receive(arrivals=[arrival])[0]
        known = Capture.objects.filter(key=key).select_related("lead__team", "form").first()
        if known is not None:
            return known
        made = Capture.objects.create(
            form=form,
            lead=received.lead,
            at=at,
            key=key,
            outcome=received.outcome.value,
            consent=filling.consent,
            agreed=agreed,
            site=filling.site,
        )
        audit.record(
            verb="integrations.capture.made",
            subject=made,
            at=at,
            data={
                "form": form.pk,
                "lead": received.lead.pk,
                "consent": filling.consent.version,
                "agreed": agreed,
            },
        )
    return made


def times_for(*, capture: Capture, at: datetime) -> Sequence[OfferedDay]:
    """The soonest times at which somebody is free for the lead; none for whom nobody may book."""
    offer = _offer(capture, at)
    left, days = MOST_TIMES, []
    for one in offer.days if offer else ():
        if left <= 0:
            break
        days.append(OfferedDay(one.day, one.times[:left]))
        left -= len(one.times)
    return days


def _offer(capture: Capture, at: datetime) -> Offer | None:
    if not capture.form.offers_times or not _may_choose(capture.lead):
        return None
    zone = ZoneInfo(settings.COMPANY_TIME_ZONE)
    return offer_for(lead=capture.lead, now=at, zone=zone, minutes=booking_rules().meeting_minutes)


def _may_choose(lead: Lead) -> bool:
    """Worked by nobody but SDRs, open to be contacted: what an AE has is not moved by whoever sends a form."""
    if not lead.is_workable or lead.do_not_contact or lead.merged_into_id is not None:
        return False
    return not lead.hand_offs.filter(state=HandOff.State.PENDING).exists()


def choose_time(*, capture: Capture, starts_at: datetime, at: datetime) -> None:
    """Note a time as the first that the lead asked for: whoever books sees it first, and the meeting says so.

    It is asked for, not yet taken: an AE is given nobody who was not qualified. The same time again changes nothing.
    Raises ``TimeTaken``.
    """
    offer = _offer(capture, at)
    times = [time for day in offer.days for time in day.times] if offer else []
    # What was asked for before stands apart from the other times.
    times += [time for one in offer.asked for time in one.times] if offer else []
    if starts_at not in {time.starts_at for time in times}:
        raise TimeTaken("This time was just taken: choose another.", field="starts_at")
    ends_at = starts_at + timedelta(minutes=booking_rules().meeting_minutes)
    wish = Wish(starts_at, ends_at)
    others = [
        one
        for one in preferences.wishes_of(capture.lead)
        if one != wish and (one.ends_at is None or one.ends_at > at)
    ]
    preferences.prefer(lead=capture.lead, wishes=[wish, *others][: preferences.MOST], at=at)
