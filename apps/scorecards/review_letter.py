"""The weekly pack as an e-mail, in text and HTML: what its reader sees of it, with links to the rest."""

from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse

from apps.accounts.notification_kinds import Letter
from apps.accounts.zones import zone_called
from apps.core.periods import day_of
from apps.scorecards.models import WeeklyReview
from apps.scorecards.presentation_review import shown_lists
from apps.scorecards.selectors.review_items import items_of

ROWS = 5
"""Of each list; the rest is a link away."""


def letter_for(notification: Any) -> Letter | None:
    """The letter to the notification's person; ``None`` where they may not read the pack any more."""
    pk = notification.key.removeprefix("review:")
    person = notification.user
    review = (
        WeeklyReview.objects.visible_to(person).select_related("team").filter(pk=pk).first()
        if pk.isdigit()
        else None
    )
    if review is None:
        return None
    today = day_of(notification.at, settings.COMPANY_TIME_ZONE)
    items = [one for one in items_of(review, today=today) if one.is_open]
    lists = shown_lists(review, person, most=ROWS)
    for one in lists:
        top = max((count for _, count, *_ in one["bars"]), default=0)
        one["parts"] = [
            {
                "word": word,
                "count": count,
                "missing": missing,
                "width": round(100 * count / top) if top else 0,
            }
            for word, count, _, missing in one["bars"]
        ]
    context = {
        "review": review,
        "person": person,
        "lists": lists,
        "items": items,
        "zone": str(zone_called(person.time_zone)),
        "company": settings.COMPANY_NAME,
        "base": settings.PORTAL_URL.rstrip("/"),
        "url": settings.PORTAL_URL.rstrip("/") + reverse("scorecards:review", args=[review.pk]),
        "meeting_url": settings.PORTAL_URL.rstrip("/")
        + reverse("scorecards:review_meeting", args=[review.pk]),
        "choices_url": settings.PORTAL_URL.rstrip("/") + reverse("accounts:notification_preferences"),
    }
    return Letter(
        subject=f"{settings.COMPANY_NAME}: weekly review of {review.team.name}, week {review.number}",
        text=render_to_string("scorecards/mail/review.txt", context),
        html=render_to_string("scorecards/mail/review.html", context),
    )
