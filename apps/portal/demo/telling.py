"""The demo company's doors to other systems: a CRM that was told of deals, and a form with those who came by it.

Nothing is sent anywhere: the receivers that answer here are made up, and the endpoints are switched off at the end.
"""

from collections.abc import Mapping
from datetime import timedelta

from apps.accounts.models import Role, User
from apps.integrations.models import WebhookEndpoint
from apps.integrations.rules.webhooks import MOST_ATTEMPTS
from apps.integrations.services import (
    capture,
    capture_forms,
    capture_guard,
    webhook_outbox,
    webhook_sending,
    webhooks,
)
from apps.integrations.services.capture_forms import FormTerms
from apps.integrations.webhook_call import Answer
from apps.leads.models import EventKind, FunnelEvent, Source
from apps.portal.demo.life import Span
from apps.reps.models import RepRole, Team

_KINDS = {
    EventKind.QUALIFIED: "lead.qualified",
    EventKind.ACCEPTED: "hand_off.accepted",
    EventKind.REJECTED: "hand_off.rejected",
    EventKind.WON: "opportunity.won",
}
_CAME = (
    ("Jana Eklund", "jana.eklund@nordfrakt.example", "Nordfrakt", "Head of Logistics", 26),
    ("Tomas Reyes", "t.reyes@almanza-foods.example", "Almanza Foods", "Operations Director", 95),
)


def put_webhooks(span: Span) -> None:
    """A CRM that was told of the latest deals; one lead's messages it refused until they were given up."""
    revops = User.objects.filter(role=Role.REVOPS).order_by("pk").first()
    began = span.at - timedelta(days=9)
    crm, _ = webhooks.add_endpoint(
        name="CRM",
        url="https://crm.larkfield.example/hooks/portal",
        kinds=list(_KINDS.values()),
        with_history=True,
        at=began,
        actor=revops,
    )
    events = list(FunnelEvent.objects.filter(kind__in=_KINDS, recorded_at__lt=span.at).order_by("-pk")[:24])[
        ::-1
    ]
    if not events:
        return
    webhook_outbox.write_messages(events=events[:12], at=began)
    refused = f'"lead":{events[0].lead_id},'.encode()

    def answers(url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        took = 38 + sum(body[-40:]) % 90
        return Answer(422, "It answered with an error", took) if refused in body else Answer(204, "", took)

    for day in range(MOST_ATTEMPTS):
        webhook_sending.send_due(at=began + timedelta(hours=15 * day), call=answers)
    lately = span.at - timedelta(hours=3)
    webhook_outbox.write_messages(events=events[12:], at=lately)
    webhook_sending.send_due(at=lately, call=answers)
    _switch_off(crm, span)


def _switch_off(endpoint: WebhookEndpoint, span: Span) -> None:
    """Its receiver does not exist: nobody is to be asked for it."""
    webhooks.change_endpoint(
        endpoint=endpoint,
        name=endpoint.name,
        url=endpoint.url,
        kinds=endpoint.kinds,
        with_history=False,
        is_active=False,
        at=span.at,
    )


def put_form(span: Span) -> None:
    """A form on the company's site, and two who asked by it today."""
    team = Team.objects.filter(is_open=True, reps__role=RepRole.ISR).order_by("pk").first()
    if team is None:
        return
    marketing = User.objects.filter(role=Role.MARKETING).order_by("pk").first()
    made_at = span.at - timedelta(days=30)
    terms = FormTerms(
        name="Demo request",
        title="See it at work",
        words="Half an hour, on your own orders. No slides.",
        team=team,
        source="Demo request",
        campaign="Website",
        fields={"name": "required", "company": "asked", "title": "asked", "phone": "asked"},
        consent="You may call and write to me about this request. I can withdraw this at any time.",
        thanks="Thank you. We will call you within the hour.",
        origins=["https://www.larkfield.example"],
    )
    form = capture_forms.create_form(terms=terms, at=made_at, actor=marketing)
    for number, (name, email, company, title, minutes) in enumerate(_CAME):
        at = span.at - timedelta(minutes=minutes)
        filling = capture_guard.Filling(f"demo-{number}", at, form.consents.get(), "www.larkfield.example")
        filled = {"name": name, "email": email, "company": company, "title": title, "phone": ""}
        capture.capture_lead(
            form=form, filled=filled, agreed=True, filling=filling, source=Source.DEMO, at=at
        )
