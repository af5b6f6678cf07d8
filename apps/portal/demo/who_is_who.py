"""People who came twice, some who want no more mail, and the bets outside the profile of this quarter."""

from datetime import timedelta

from apps.accounts.models import Role
from apps.core.periods import quarter_of
from apps.leads.models import Lead, LeadStage, Source, Suppression
from apps.leads.services import duplicates, exploration, intake, merges, suppressions
from apps.leads.services.intake import Arrival, Incoming
from apps.portal.demo.founding import Company
from apps.portal.demo.life import Span
from apps.portal.demo.people import SIGN_IN_NAMES

_CLOSED = (
    ("domain", "rivalbase.example", "", Suppression.Reason.COMPETITOR, "They sell what we sell."),
    ("email", "legal@sternwick.example", "", Suppression.Reason.LEGAL, "Letter of their counsel."),
    ("phone", "+49 40 5550 1234", "call", Suppression.Reason.REGISTER, ""),
    ("phone", "+44 20 7946 0102", "call", Suppression.Reason.REGISTER, ""),
    ("email", "press@hallowmark.example", "email", Suppression.Reason.OTHER, "By letter only."),
)
_BETS = 6
"""Agreed for everybody; who signs in as an outbound SDR has a budget of their own."""


def tell(company: Company, span: Span) -> None:
    """Write it all, as of the present instant."""
    at, revops = span.at - timedelta(hours=3), company.of_role(Role.REVOPS)
    for days, (kind, value, channel, reason, note) in enumerate(_CLOSED, 2):
        when = at - timedelta(days=9 * days)
        suppressions.suppress(
            kind=kind, value=value, channel=channel, reason=reason, note=note, at=when, actor=revops
        )
    lifted = Suppression.objects.get(value="press@hallowmark.example")
    suppressions.lift(suppression=lifted, because="They subscribed to the letter again.", at=at, actor=revops)
    quarter = quarter_of(span.today).start
    exploration.set_budget(rep=None, from_on=quarter, per_quarter=_BETS, at=at, actor=revops)
    for worker in company.desks[0].outbound:
        if worker.rep.name in SIGN_IN_NAMES:
            exploration.set_budget(rep=worker.rep, from_on=quarter, per_quarter=2, at=at, actor=revops)
    _twice(company, span)


def _twice(company: Company, span: Span) -> None:
    """Three pairs for a person to settle, and one lead that was merged into another."""
    desk = company.desks[0]
    known = list(
        Lead.objects.filter(
            team=desk.teams["Inbound SDRs"],
            stage__in=(LeadStage.MQL, LeadStage.WORKING),
            do_not_contact=False,
        )
        .exclude(phone="")
        .order_by("-created_at", "-pk")[:4]
    )
    at = span.at - timedelta(minutes=50)
    arrivals = [
        Arrival(_again(lead, place), desk.teams["Inbound SDRs"], at, Source.DEMO, f"demo:twice:{place}")
        for place, lead in enumerate(known)
    ]
    found = [lead for lead, _ in intake.take_in_many(arrivals=arrivals)]
    duplicates.keep_pairs(
        pairs=[(one, other, "Same phone number") for one, other in zip(known, found, strict=True)], at=at
    )
    if known and known[-1].pk != found[-1].pk:
        worker = desk.inbound[0]
        merges.merge(
            survivor=known[-1], absorbed=found[-1], why="Same phone number", at=at + timedelta(minutes=9),
            actor=worker.user,
        )  # fmt: skip


def _again(lead: Lead, place: int) -> Incoming:
    """The same person from a private address, or from the firm's other domain."""
    mailbox = lead.email.partition("@")[0]
    first = lead.name.split()[0]
    return Incoming(
        name=first if place % 2 else lead.name,
        email=f"{mailbox}{place}@post.example",
        phone=lead.phone,
        company=lead.company if place % 2 == 0 else "",
        source="Webinar",
        time_zone=lead.time_zone,
    )
