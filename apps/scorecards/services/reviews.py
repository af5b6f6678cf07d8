"""Make a week's pack, set when a team meets, ask for reasons that are missing, and give one."""

from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Max

from apps.audit import services as audit
from apps.core import locks
from apps.core.errors import DomainError, InvalidInput
from apps.core.periods import Period, day_of
from apps.reps.models import Team
from apps.scorecards.models import ReviewReason, ReviewSetting, WeeklyReview, WhyNot
from apps.scorecards.rules.review import week_of
from apps.scorecards.selectors.review_pack import Owed, fingerprint, owed_in, pack_of, setting_of
from apps.scorecards.services import review_notices

MAKE_KIND = "scorecards.make_review"


class UnableToMakeReview(DomainError):
    """The week is not over."""

    code = "unable_to_make_review"


class NothingOwed(DomainError):
    """Nobody is asked for this reason, or not in this week."""

    code = "nothing_owed"


@dataclass(frozen=True)
class Made:
    """The pack, and whether this call made it."""

    review: WeeklyReview
    is_new: bool


@transaction.atomic
def make_review(*, team: Team, week: Period, at: datetime, actor: Any = None) -> Made:
    """Freeze the pack of ``team`` for ``week`` as the record stands at ``at``, and send it to the team.

    Once: whoever comes later is given the one that was made. Raises ``UnableToMakeReview`` while the week runs.
    """
    if week != week_of(week.start):
        raise InvalidInput("A pack is made for a week from Monday to Sunday.")
    locks.hold([f"review:{team.pk}:{week.start}"])
    present = WeeklyReview.objects.filter(team=team, week_on=week.start).first()
    if present is not None:
        return Made(present, False)
    if at < week.bounds(settings.COMPANY_TIME_ZONE)[1]:
        raise UnableToMakeReview(f"The week of {week.name} is not over: its pack is made afterwards.")
    setting = setting_of(team)
    copy = pack_of(team=team, week=week, as_of=at)
    review = WeeklyReview.objects.create(
        team=team,
        week_on=week.start,
        made_at=at,
        made_by=actor,
        meeting_at=setting.meeting_of(week),
        minutes=setting.minutes,
        copy=copy,
        fingerprint=fingerprint(copy),
    )
    audit.record(
        verb="scorecards.review.made",
        subject=review,
        at=at,
        actor=actor,
        data={"team": team.pk, "week": week.start.isoformat(), "fingerprint": review.fingerprint},
    )
    review_notices.tell_made(review=review, at=at)
    return Made(review, True)


@transaction.atomic
def ask_for_reasons(*, team: Team, week: Period, at: datetime, actor: Any = None) -> int:
    """Ask whoever owes a reason for ``week``: by itself once each, and again each time a person (``actor``) wants it.

    How many people were to be asked.
    """
    owed = owed_in(team=team, week=week, at=at)
    occasion = f"{at:%Y-%m-%dT%H:%M}" if actor is not None else ""
    asked = review_notices.ask(team=team, week=week, owed=owed, occasion=occasion, at=at)
    if asked and actor is not None:
        audit.record(
            verb="scorecards.review.asked",
            subject=team,
            at=at,
            actor=actor,
            data={"week": week.start.isoformat(), "people": asked, "reasons": len(owed)},
        )
    return asked


@transaction.atomic
def give_reason(
    *, team: Team, week: Period, subject: str, reason: str, note: str = "", at: datetime, actor: Any
) -> ReviewReason:
    """Say why a lead of ``week`` went cold, or a touch did not take place. The same again changes nothing.

    A correction is the next revision. A pack that was made stays as it was: the reason stands beside it.
    Raises ``InvalidInput`` naming the field, ``NothingOwed`` for what nobody asks.
    """
    reason, note = reason.strip(), note.strip()
    if reason not in WhyNot.values:
        raise InvalidInput("Choose the reason.", field="reason")
    if reason == WhyNot.OTHER and not note:
        raise InvalidInput("Say in a few words what the reason was.", field="note")
    if len(note) > 300:
        raise InvalidInput("Write at most 300 characters.", field="note")
    locks.hold([f"reason:{subject}"])
    newest = ReviewReason.objects.filter(subject=subject, team=team).order_by("-revision").first()
    if newest is not None and (newest.reason, newest.note) == (reason, note):
        return newest
    if newest is None:
        owed = _owed(team, week, subject, at)
        section, lead = str(owed.section), owed.row["lead"]
    else:
        section, lead = newest.section, newest.lead_id
    top = ReviewReason.objects.filter(subject=subject).aggregate(top=Max("revision"))["top"] or 0
    try:
        with transaction.atomic():
            given = ReviewReason.objects.create(
                subject=subject,
                revision=top + 1,
                section=section,
                team=team,
                week_on=week.start,
                lead_id=lead,
                reason=reason,
                note=note,
                given_by=actor,
                given_at=at,
            )
    except IntegrityError:
        raise NothingOwed("Somebody else gave this reason a moment ago: reload to see it.") from None
    audit.record(
        verb="scorecards.review.reason_given",
        subject=given,
        at=at,
        actor=actor,
        data={"of": subject, "reason": reason, "revision": given.revision},
    )
    return given


def _owed(team: Team, week: Period, subject: str, at: datetime) -> Owed:
    found = next(
        (one for one in owed_in(team=team, week=week, at=at) if one.row.get("subject") == subject), None
    )
    if found is None:
        raise NothingOwed("Nobody is asked for this reason any more: reload to see what is.")
    return found


@dataclass(frozen=True)
class Terms:
    """When a team meets and what is agreed, as the form gives it."""

    is_on: bool
    weekday: int
    starts_at: time
    minutes: int
    ask_hours_before: int
    made_hours_before: int
    agreed_mqls: int | None


@transaction.atomic
def set_review(*, team: Team, terms: Terms, at: datetime, actor: Any) -> ReviewSetting:
    """Set when ``team`` meets. Packs that were made stay. Raises ``InvalidInput`` naming the field."""
    if not 0 <= terms.weekday <= 6:
        raise InvalidInput("Choose a day of the week.", field="weekday")
    if not 10 <= terms.minutes <= 240:
        raise InvalidInput("A review takes 10 to 240 minutes.", field="minutes")
    if not 0 <= terms.made_hours_before <= terms.ask_hours_before:
        raise InvalidInput("The pack is made after the reasons are asked for.", field="made_hours_before")
    if terms.ask_hours_before > 168:
        raise InvalidInput("Ask at most a week (168 hours) before.", field="ask_hours_before")
    if terms.agreed_mqls is not None and terms.agreed_mqls < 0:
        raise InvalidInput("Write a number from 0 on, or nothing.", field="agreed_mqls")
    present = ReviewSetting.objects.select_for_update().filter(team=team).first() or ReviewSetting(team=team)
    before = {name: str(getattr(present, name)) for name in Terms.__dataclass_fields__}
    for name in Terms.__dataclass_fields__:
        setattr(present, name, getattr(terms, name))
    present.save()
    after = {name: str(getattr(present, name)) for name in Terms.__dataclass_fields__}
    changed = {name: [before[name], after[name]] for name in after if before[name] != after[name]}
    audit.record(verb="scorecards.review.set", subject=team, at=at, actor=actor, data={"changed": changed})
    return present


def weeks_to_make(*, team: Team, at: datetime) -> list[Period]:
    """Whole weeks without a pack whose hour has come: the last one, and up to three more since the newest pack."""
    setting = setting_of(team)
    if not setting.is_on:
        return []
    newest = (
        WeeklyReview.objects.filter(team=team).order_by("-week_on").values_list("week_on", flat=True).first()
    )
    last = week_of(day_of(at, settings.COMPANY_TIME_ZONE)).previous()
    weeks = [last]
    while newest is not None and len(weeks) < 4 and weeks[0].previous().start > newest:
        weeks.insert(0, weeks[0].previous())
    return [week for week in weeks if (newest is None or week.start > newest) and setting.made_at(week) <= at]


def week_to_ask(*, team: Team, at: datetime) -> Period | None:
    """The last whole week, once it is time to ask for its reasons and before its pack is made."""
    setting = setting_of(team)
    week = week_of(day_of(at, settings.COMPANY_TIME_ZONE)).previous()
    due = setting.is_on and max(setting.asks_at(week), week.bounds(settings.COMPANY_TIME_ZONE)[1]) <= at
    return week if due and at < setting.made_at(week) else None
