"""The panel of one lead, wherever it stands: beside a list, or as a page of its own.

Not views: what the views of this package share to answer with the same fragments.
"""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from apps.accounts.zones import zone_of
from apps.leads.forms.meetings import WishesForm
from apps.leads.forms.work import BookForm, CloseForm, QualifyForm, TouchForm
from apps.leads.models import BookingRules, Lead
from apps.leads.rules import calling
from apps.leads.selectors import lead as selectors
from apps.leads.selectors import offers
from apps.leads.services.booking_rules import booking_rules
from apps.leads.services.holds import standing_hold
from apps.leads.services.preferences import wishes_of, zone_of_customer
from apps.leads.services.qualifications import definition_in_force
from apps.leads.services.slots import LENGTHS
from apps.leads.views.listing import list_context, number_in
from apps.reps.selectors import rep_of

ACTS = ("qualify", "book")


def asked_lead(request: HttpRequest) -> Lead | None:
    """The lead that the address opens beside the list; ``None`` for none, or one out of scope."""
    pk = number_in(request.GET.get("lead"))
    return selectors.leads_for(request.user).filter(pk=pk).first()


def behind(request: HttpRequest) -> str:
    """The path of the list that the panel stands beside; "" on the lead's own page."""
    path = urlsplit(request.headers.get("HX-Current-URL", "")).path
    lists = (reverse("leads:queue"), reverse("leads:team_day"))
    return path if any(path.startswith(one) for one in lists) else ""


def context_of(
    request: HttpRequest,
    lead: Lead,
    *,
    act: str,
    now: datetime | None = None,
    touch_form: TouchForm | None = None,
    qualify_form: QualifyForm | None = None,
    book_form: BookForm | None = None,
    close_form: CloseForm | None = None,
    wishes_form: WishesForm | None = None,
    minutes: int | None = None,
) -> dict[str, Any]:
    """What ``leads/_panel.html`` shows."""
    now = now or timezone.now()
    zone = zone_of(request.user)
    dossier = selectors.dossier_of(lead=lead, user=request.user, now=now, zone=zone)
    act = act if act in ACTS and dossier.can_work else ""
    context: dict[str, Any] = {
        "lead": lead,
        "dossier": dossier,
        "act": act,
        "now": now,
        "lead_pk": lead.pk,
        "request_key": uuid4().hex,
        "touch_form": touch_form,
        "close_form": close_form or CloseForm(),
        "wishes": _wishes_context(lead, dossier, wishes_form),
    }
    if act == "qualify":
        context |= _qualify_context(lead, dossier, now, qualify_form)
    elif act == "book":
        context |= _book_context(request, lead, now, book_form, minutes)
    elif dossier.can_work:
        context |= {
            "callback_times": offers.callback_times(lead=lead, now=now, zone=zone),
            "callback_zone": str(callback_zone(request, lead)),
        }
    return context


def callback_zone(request: HttpRequest, lead: Lead) -> Any:
    """The zone in which a callback's time is typed: the customer's, or the viewer's where it is not known."""
    return calling.zone_named(lead.time_zone) or zone_of(request.user)


def _book_context(
    request: HttpRequest, lead: Lead, now: datetime, form: BookForm | None, minutes: int | None
) -> dict[str, Any]:
    """The times offered for the length asked for, and what is held."""
    asked = minutes or number_in(request.POST.get("minutes") or request.GET.get("minutes"))
    usual = booking_rules().meeting_minutes
    minutes = asked if asked in LENGTHS else usual
    held = standing_hold(lead=lead, sdr=request.user.rep, at=now)
    return {
        "offer": offers.offer_for(lead=lead, now=now, zone=zone_of(request.user), minutes=minutes),
        "book_form": form,
        "lengths": BookingRules.Minutes.choices,
        # What is held for another length is not what would be booked.
        "hold": held if held and held.ends_at - held.starts_at == timedelta(minutes=minutes) else None,
        "books_again": lead.hand_offs.filter(state="pending").select_related("ae").first(),
    }


def _wishes_context(lead: Lead, dossier: selectors.Dossier, form: WishesForm | None) -> dict[str, Any]:
    """The preferred times in words, and the form where the viewer may change them."""
    wishes, zone = wishes_of(lead), zone_of_customer(lead)
    if form is None and dossier.can_work:
        form = WishesForm(initial=WishesForm.initial_of(wishes, zone), zone=zone)
    return {"words": [wish.in_words(zone) for wish in wishes], "form": form, "zone": offers.city_of(zone)}


def _qualify_context(
    lead: Lead, dossier: selectors.Dossier, now: datetime, form: QualifyForm | None
) -> dict[str, Any]:
    definition = definition_in_force(now)
    if definition is None:
        return {"definition": None, "form": None}
    return {
        "definition": definition,
        "form": form
        or QualifyForm(criteria=definition.criteria, initial=_known_answers(lead, dossier, definition)),
    }


def _known_answers(lead: Lead, dossier: selectors.Dossier, definition: Any) -> dict[str, str]:
    """What was answered before, so that only what changed is typed again."""
    known = {f"{criterion['key']}-said_by": lead.name for criterion in definition.criteria}
    if dossier.qualification is not None:
        for one in dossier.qualification.answers.all():
            known |= {
                f"{one.criterion}-verdict": one.verdict,
                f"{one.criterion}-answer": one.answer,
                f"{one.criterion}-evidence": one.evidence,
                f"{one.criterion}-said_by": one.said_by or lead.name,
            }
    return known


def show(
    request: HttpRequest,
    lead: Lead,
    *,
    act: str = "",
    status: int = 200,
    with_list: bool = False,
    **forms: Any,
) -> HttpResponse:
    """The lead as asked for: the panel's content by htmx (``with_list`` renews the list too), else a page."""
    context = context_of(request, lead, act=act, **forms)
    if not getattr(request, "htmx", False):
        return render(request, "leads/lead.html", context, status=status)
    path = behind(request)
    if not path:
        response = render(request, "leads/_lead_page.html", context | {"messages_oob": True}, status=status)
        response["HX-Push-Url"] = _address(reverse("leads:lead", args=[lead.pk]), {}, None, context["act"])
        return response
    if with_list and path == reverse("leads:queue"):
        context = list_context(request, rep_of(request.user)) | context | {"with_list": True}
    response = render(request, "leads/_panel.html", context | {"messages_oob": True}, status=status)
    if status == 200:
        response["HX-Push-Url"] = _address(path, asked_of_list(request), lead.pk, context["act"])
    return response


def asked_of_list(request: HttpRequest) -> dict[str, str]:
    """The filters of the list behind the panel."""
    query = dict(parse_qsl(urlsplit(request.headers.get("HX-Current-URL", "")).query))
    return {name: value for name, value in query.items() if name in ("bucket", "score", "channel")}


def _address(path: str, kept: dict[str, str], lead_pk: int | None, act: str) -> str:
    query = QueryDict(mutable=True)
    query.update(kept)
    if lead_pk is not None:
        query["lead"] = str(lead_pk)
    if act:
        query["act"] = act
    return f"{path}?{query.urlencode()}" if query else path


def after_act(request: HttpRequest, lead: Lead, act: str = "") -> HttpResponse:
    """Where an act that worked leads: the renewed panel and list, or the lead's page."""
    fresh = selectors.leads_for(request.user).get(pk=lead.pk)
    if getattr(request, "htmx", False):
        return show(request, fresh, act=act, with_list=True)
    return redirect(_address(reverse("leads:lead", args=[lead.pk]), {}, None, act))


def into_panel(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """For an act that a toast asks for: it swaps nothing itself, so the answer says where it goes."""
    if getattr(request, "htmx", False):
        response["HX-Retarget"] = "#panel"
        response["HX-Reswap"] = "innerHTML"
    return response
