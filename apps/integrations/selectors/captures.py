"""What forms brought."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Max, Q

from apps.core.keyset import Page, page_of
from apps.integrations.models import Capture, CaptureForm

RECENT = timedelta(days=30)


@dataclass(frozen=True)
class FormRow:
    """A form and what came by it in the last thirty days."""

    form: CaptureForm
    sent: int
    new: int
    last_at: datetime | None


def forms_for(user: Any, *, now: datetime) -> list[FormRow]:
    """The forms whom the user keeps, by name. Two statements."""
    forms = list(CaptureForm.objects.visible_to(user).select_related("team"))
    recent = Capture.objects.filter(form__in=forms, at__gt=now - RECENT).order_by().values("form")
    counted: dict[int, dict[str, Any]] = {
        row["form"]: dict(row)
        for row in recent.annotate(sent=Count("pk"), new=Count("pk", filter=Q(outcome="new")), last=Max("at"))
    }
    found = [(one, counted.get(one.pk, {})) for one in forms]
    return [FormRow(one, row.get("sent", 0), row.get("new", 0), row.get("last")) for one, row in found]


def page_of_form(*, form: CaptureForm, after: str = "") -> Page:
    """Who came by a form, the latest first."""
    found = Capture.objects.filter(form=form).select_related("lead", "consent")
    return page_of(found, by=("-at", "-pk"), after=after, size=25)
