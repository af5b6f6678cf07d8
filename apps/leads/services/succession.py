"""Who continues with the customer after an upheld contest, where the judge wants another AE than who rejected it.

Routing names them, as for any meeting, among those who are neither on a side of the contest nor of the judge's own
team: so no judge hands out deals. The decision is kept with every candidate and why; ``HandOff.ae`` stays whose
answer it was.
"""

from datetime import UTC, datetime, timedelta

from django.db.models import Q

from apps.core.errors import DomainError
from apps.leads.models import Contest, HandOff, Meeting, RoutingDecision
from apps.leads.selectors.offers import offer_for
from apps.leads.services import assigning, invitations, judges, routing
from apps.reps.models import Rep

CAUSE = RoutingDecision.Cause.CONTEST
_REJECTED_IT, _ON_A_SIDE, _THE_JUDGES = (
    "Rejected it",
    "Is on a side of the contest",
    "Is of the judge’s own team",
)
_USUAL = timedelta(minutes=30)


class NobodyElse(DomainError):
    """No other AE may take the lead and has a time in the weeks to come."""

    code = "nobody_else"


def passed_over(contest: Contest) -> dict[int, str]:
    """AEs (ids) who cannot continue with it whatever their calendars, and why. One statement."""
    hand_off = contest.hand_off
    people = judges.sides_of(hand_off).people
    found = Rep.objects.aes().filter(
        Q(pk=hand_off.ae_id) | Q(user__in=people) | Q(team__manager=contest.judge_id)
    )
    return {
        pk: _REJECTED_IT if pk == hand_off.ae_id else _ON_A_SIDE if user in people else _THE_JUDGES
        for pk, user in found.values_list("pk", "user_id")
    }


def name_successor(*, contest: Contest, at: datetime) -> str:
    """Give the deal of an upheld contest to another AE, by routing; what followed for the meeting, in words.

    Who is free at the time of the meeting that the rejection cancelled gets the meeting too, if that is still to
    come. Else it goes by the soonest time at which one of the others is free, and the meeting needs a new time.
    Lead, hand-off and contest are locked. Raises ``NobodyElse``.
    """
    hand_off, without = contest.hand_off, passed_over(contest)
    taken = _with_its_meeting(hand_off, without, at)
    chosen = taken or _by_the_soonest_time(hand_off, without, at)
    if chosen.ae is None:
        raise NobodyElse(_NOBODY, field="decision")
    hand_off.successor = chosen.ae
    hand_off.save(update_fields=["successor"])
    because = f"the contest was upheld, and another than {hand_off.ae.name} was to continue"
    routing.keep(chosen=chosen, lead=hand_off.lead, at=at, hand_off=hand_off, because=because)
    if taken is not None:
        return "The meeting stands again."
    return "The meeting needs a new time." if hand_off.meeting is not None else ""


_NOBODY = "No other AE may take this and has a time in the weeks to come: uphold it for the same AE, or wait."


def _with_its_meeting(hand_off: HandOff, without: dict[int, str], at: datetime) -> routing.Chosen | None:
    """Let routing choose for the cancelled meeting's own time, and book it; ``None`` where that cannot be."""
    meeting = hand_off.meeting
    if meeting is None or meeting.state != Meeting.State.CANCELLED or meeting.starts_at <= at:
        return None

    def make(ae: Rep) -> Meeting:
        meeting.ae, meeting.state, meeting.state_changed_at = ae, Meeting.State.BOOKED, at
        meeting.invite_sequence += 1
        meeting.save(update_fields=["ae", "state", "state_changed_at", "invite_sequence"])
        return meeting

    # It stood before it was rejected, however soon it is.
    asked = assigning.Asked(
        hand_off.lead, meeting.starts_at, meeting.ends_at, at,
        sdr=hand_off.sdr, cause=CAUSE, with_notice=False,
    )  # fmt: skip
    try:
        assigned = assigning.assign(asked=asked, make=make, passed_over=without)
    except assigning.NobodyFree:
        meeting.refresh_from_db()
        return None
    invitations.invite(meeting=meeting, at=at)
    return assigned.chosen


def _by_the_soonest_time(hand_off: HandOff, without: dict[int, str], at: datetime) -> routing.Chosen:
    """Routing's choice at the first time at which one of the others is free. Raises ``NobodyElse``."""
    length = _USUAL if hand_off.meeting is None else hand_off.meeting.ends_at - hand_off.meeting.starts_at
    starts_at = soonest(hand_off=hand_off, without=without, at=at)
    if starts_at is None:
        raise NobodyElse(_NOBODY, field="decision")
    return routing.choose(
        lead=hand_off.lead,
        starts_at=starts_at,
        ends_at=starts_at + length,
        at=at,
        sdr=hand_off.sdr,
        without=without,
        cause=CAUSE,
    )


def soonest(*, hand_off: HandOff, without: dict[int, str], at: datetime) -> datetime | None:
    """The first time at which one of the AEs whom routing may name is free, but for those in ``without``."""
    others = [one for one in assigning.receiving_aes(lead=hand_off.lead, at=at) if one.pk not in without]
    if not others:
        return None
    minutes = 30 if hand_off.meeting is None else hand_off.meeting.minutes
    offer = offer_for(lead=hand_off.lead, now=at, zone=UTC, minutes=minutes, aes=others)
    times = [
        *(one for day in offer.days for one in day.times),
        *(one for of in offer.asked for one in of.times),
    ]
    return min((one.starts_at for one in times), default=None)
