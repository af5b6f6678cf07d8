"""A wish not to be contacted: kept from the lead's own page, taken back when it was a mistake."""

from datetime import datetime
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from apps.core.errors import InvalidInput
from apps.core.policies import guarded, visible_or_404
from apps.leads import policies
from apps.leads.forms.work import CloseForm
from apps.leads.models import Channel
from apps.leads.selectors import lead as selectors
from apps.leads.services import wishes
from apps.leads.views import panel


@require_POST
@guarded(policies.CLOSE_CHANNEL)
def close_channel(request: HttpRequest, pk: int) -> HttpResponse:
    """Close one channel to them, or all, with the reason."""
    lead = visible_or_404(selectors.leads_for(request.user), pk=pk)
    form = CloseForm(request.POST)
    if not form.is_valid():
        return panel.show(request, lead, status=422, close_form=form)
    at = timezone.now()
    channel = form.cleaned_data["channel"]
    wishes.keep(lead=lead, **form.cleaned_data, at=at, actor=request.user)
    closed = f"{Channel(channel).label} is closed" if channel else "Nobody contacts them any more"
    undo = f"{reverse('leads:reopen_channel', args=[lead.pk])}?{urlencode({'kept_at': at.isoformat()})}"
    messages.success(request, f"{closed}: for everybody, over every door.", extra_tags=f"undo={undo}")
    return panel.after_act(request, lead)


@require_POST
@guarded(policies.CLOSE_CHANNEL)
def reopen_channel(request: HttpRequest, pk: int) -> HttpResponse:
    """Take back what one closed oneself, ``kept_at`` that instant."""
    lead = visible_or_404(selectors.leads_for(request.user), pk=pk)
    try:
        kept_at = datetime.fromisoformat(request.GET.get("kept_at", ""))
    except ValueError:
        raise InvalidInput("Say which wish is taken back.", field="kept_at") from None
    if kept_at.tzinfo is None:
        raise InvalidInput("Say which wish is taken back.", field="kept_at")
    wishes.take_back(lead=lead, kept_at=kept_at, at=timezone.now(), actor=request.user)
    messages.info(request, "Taken back: they may be contacted as before.")
    return panel.into_panel(request, panel.after_act(request, lead))
