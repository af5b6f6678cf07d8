"""What a page says back: toasts, long work, steps, empty lists; and addresses with a changed query."""

from collections.abc import Iterable
from typing import Any

from django.http import QueryDict
from django.template import Context
from django.urls import NoReverseMatch, reverse

from apps.portal.templatetags.components.library import register


@register.simple_tag(takes_context=True)
def query_string(context: Context, **changes: Any) -> str:
    """The present address's query with ``changes``; ``None`` or "" removes a key.

    A page cursor (``after``) belongs to one filter and order, so any other change drops it.
    """
    request = context.get("request")
    query = request.GET.copy() if request is not None else QueryDict(mutable=True)
    if "after" not in changes:
        query.pop("after", None)
    for name, value in changes.items():
        if value is None or value == "":
            query.pop(name, None)
        else:
            query[name] = str(value)
    return "?" + query.urlencode()


_TOASTS = {"success": "check", "info": "check", "warning": "alert", "error": "stop", "debug": "info"}


@register.inclusion_tag("components/_toast.html")
def toast(message: Any) -> dict[str, Any]:
    """One Django message. ``extra_tags="undo=/some/address/"`` gives it an Undo that posts there (key z)."""
    extra = str(getattr(message, "extra_tags", "") or "")
    undo = next((part[5:] for part in extra.split() if part.startswith("undo=")), "")
    level = getattr(message, "level_tag", "info") or "info"
    return {"text": message, "icon": _TOASTS.get(level, "info"), "bad": level == "error", "undo": undo}


def _address(name: str, **arguments: Any) -> str:
    try:
        return reverse(name, kwargs=arguments)
    except NoReverseMatch:
        return ""


@register.inclusion_tag("components/_job_card.html", takes_context=True)
def job_card(
    context: Context, job: Any, title: str = "", inset: bool = False, done_url: str = ""
) -> dict[str, Any]:
    """Long work: count, bar, time left, cancel or resume; it polls itself until the work has ended.

    ``title`` says what is done, in words; ``done_url`` is where its outcome stands; ``inset`` is for use
    inside a card. Addresses are those of the jobs app (card, cancel, resume, by ``pk``) where it has them.
    """
    now = context.get("now") or getattr(context.get("frame"), "now", None)
    seconds = job.seconds_left(now) if now is not None else None
    return {
        "job": job,
        "title": title or getattr(job, "title", "") or job.kind,
        "inset": inset,
        "left": _rough(seconds) if seconds is not None else "",
        "active": job.is_active,
        "poll_url": _address("jobs:card", pk=job.pk),
        "cancel_url": _address("jobs:cancel", pk=job.pk),
        "resume_url": _address("jobs:resume", pk=job.pk),
        "done_url": done_url,
        "csrf_token": context.get("csrf_token"),
    }


def _rough(seconds: int) -> str:
    """A guess is told as roughly as it is known."""
    if seconds < 90:
        return f"about {max(5, round(seconds / 5) * 5)} s left"
    minutes = round(seconds / 60)
    return f"about {minutes} min left" if minutes < 90 else f"about {round(minutes / 60)} h left"


@register.inclusion_tag("components/_stepper.html")
def stepper(steps: Iterable[tuple[str, str, str]]) -> dict[str, Any]:
    """Steps of a process: (word, note, state) with state done, now, next or failed."""
    names = ("word", "note", "state")
    return {
        "steps": [dict(zip(names, step, strict=True)) if isinstance(step, tuple) else step for step in steps]
    }


@register.inclusion_tag("components/_empty.html")
def empty_state(
    title: str, text: str = "", icon: str = "inbox", action: str = "", url: str = ""
) -> dict[str, Any]:
    """What a list says when nothing is in it, and what to do next."""
    return {"title": title, "text": text, "icon": icon, "action": action, "url": url}
