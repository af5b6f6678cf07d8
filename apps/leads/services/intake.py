"""Take people in: who is known already, who is new, and what either means (PRODUCT sections 3 and 4).

A known person who comes again is not a second lead: they *asked again*, what they bring fills what was empty,
and whoever works them has them next. Only when all that is known of them is finished do they begin anew, as a
lead that names the earlier one. Who has opted out stays so, whichever address they come by.

Two intakes of one person at the same moment make one lead: before anybody is looked up, everything by which a
person is told apart is held until the transaction ends (``core.locks``). No constraint can do it, because none
of those things is unique: people share numbers and names, and one may come again after being finished.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from apps.core import locks
from apps.core.bulk import insert_rows, update_rows
from apps.core.errors import InvalidInput
from apps.core.periods import day_of
from apps.leads.models import (
    Account,
    EventKind,
    FunnelEvent,
    Lead,
    LeadAddress,
    LeadStage,
    Opportunity,
    Source,
)
from apps.leads.rules.suppression import OPEN, Closed, Contact, normal_email
from apps.leads.services import duplicates, queue, scoring, suppressions
from apps.leads.services.accounts import Accounts, accounts_of
from apps.leads.services.arrivals import Arrival, Incoming, Outcome, Received
from apps.leads.services.duplicates import Newcomer
from apps.leads.services.record import Credit, NewEvent, record_events, sourced
from apps.leads.signals import leads_arrived
from apps.reps.models import Rep, Team

__all__ = ["Arrival", "Incoming", "Outcome", "Received", "asks_again", "receive", "take_in", "take_in_many"]

_FILLED = ("name", "title", "email", "phone", "company", "industry", "employees", "city", "time_zone", "source",
           "campaign", "predictive")  # fmt: skip
"""What a newcomer may fill in on a lead where it is empty."""
_ASKED_FIELDS = (
    *_FILLED, "name_key", "phone_key", "address_key", "account", *scoring.SCORE_FIELDS, *suppressions.CLOSED_FIELDS,
    "stage", "stage_reason", "mql_at", "is_inbound", "inquired_at", "next_touch_at", "reentry_on", "next_channel",
    "proposal", "proposal_reason", "due_at", "warn_at", "claimed_by", "claimed_until",
    "queue_bucket", "queue_sort_at", "queue_ready_at",
)  # fmt: skip
_WITH_AN_AE = (LeadStage.HANDED_OFF, LeadStage.SAL)


def take_in(
    *,
    incoming: Incoming,
    team: Team,
    at: datetime,
    source: Source,
    source_key: str,
    owner: Rep | None = None,
    actor: Any = None,
) -> tuple[Lead, bool]:
    """The lead and whether it is new. The same ``source_key`` is the same lead, and so is the same person
    while one of their leads is still worked or with an AE.

    Raises ``InvalidInput`` without a company and without an e-mail address.
    """
    return take_in_many(arrivals=[Arrival(incoming, team, at, source, source_key, owner, actor)])[0]


def take_in_many(*, arrivals: Sequence[Arrival]) -> list[tuple[Lead, bool]]:
    """Take many in, in their order; for each the lead and whether it is new. All of them or none."""
    return [(one.lead, one.is_new) for one in receive(arrivals=arrivals)]


@transaction.atomic
def receive(*, arrivals: Sequence[Arrival]) -> list[Received]:
    """Like ``take_in_many``, saying of each what became of it.

    Set-based: some twenty statements for up to some thousands. Raises what ``take_in`` raises.
    """
    if any(not one.incoming.company.strip() and not normal_email(one.email) for one in arrivals):
        raise InvalidInput("A lead needs a company or an e-mail address.", field="company")
    locks.hold(name for one in arrivals for name in one.incoming.names)
    taken_before = _taken_before(arrivals)
    fresh = [one for one in arrivals if one.source_key not in taken_before]
    desk = _Desk.open(fresh) if fresh else None
    found: list[Received] = []
    for one in arrivals:
        lead = taken_before.get(one.source_key)
        if lead is None:
            assert desk is not None, "only what was taken in before needs no desk"
            received = desk.take(one)
            taken_before[one.source_key] = received.lead
        else:
            received = Received(lead, Outcome.OPTED_OUT if lead.do_not_contact else Outcome.KNOWN)
        found.append(received)
    if desk is not None:
        desk.write()
    return found


_REMEMBERED = (EventKind.COLLECTED, EventKind.ASKED)


def _taken_before(arrivals: Sequence[Arrival]) -> dict[str, Lead]:
    """By source key: the lead that the same message, row or click brought before."""
    keys = {f"{one.source_key}:{kind}" for one in arrivals for kind in _REMEMBERED}
    events = FunnelEvent.objects.filter(source_key__in=keys, lead__isnull=False)
    return {
        event.source_key.rpartition(":")[0]: event.lead.merged_into or event.lead
        for event in events.select_related("lead", "lead__merged_into")
        if event.lead
    }


@dataclass
class _Desk:
    """One batch at the door: what is known of everybody in it, and what is to be written."""

    people: duplicates.People
    accounts: Accounts
    closed: dict[Contact, Closed]
    bought: set[int]
    judges: dict[Any, scoring.InForce]
    fresh: list[tuple[Arrival, Lead, Lead | None]] = field(default_factory=list)
    asked: list[tuple[Arrival, Lead]] = field(default_factory=list)
    touched: dict[int, Lead] = field(default_factory=dict)
    addresses: dict[tuple[int, str], tuple[Lead, str, datetime]] = field(default_factory=dict)
    pairs: list[tuple[Lead, Lead, str]] = field(default_factory=list)

    @classmethod
    def open(cls, arrivals: Sequence[Arrival]) -> "_Desk":
        accounts = accounts_of([one.incoming.employer for one in arrivals])
        newcomers = [Newcomer(one.incoming.person, accounts.find(one.incoming.employer)) for one in arrivals]
        people = duplicates.people_like(newcomers, lock=True)
        closed = suppressions.closed_for(
            [_contact(one, newcomer.account) for one, newcomer in zip(arrivals, newcomers, strict=True)]
        )
        with_an_ae = {lead.pk for lead in people.leads() if lead.stage in _WITH_AN_AE}
        open_deals = Opportunity.objects.filter(lead__in=with_an_ae).open() if with_an_ae else ()
        days = {day_of(one.at, settings.COMPANY_TIME_ZONE) for one in arrivals}
        return cls(
            people=people,
            accounts=accounts,
            closed=closed,
            bought=_finished_sales(people.leads(), {deal.lead_id for deal in open_deals}),
            judges={day: scoring.table_in_force(day) for day in sorted(days)},
        )

    # --- One arrival ----------------------------------------------------------------------------------

    def take(self, one: Arrival) -> Received:
        """Who this is, and what it means; nothing is written yet."""
        account = self.accounts.find(one.incoming.employer)
        newcomer = Newcomer(one.incoming.person, account)
        same = [lead for lead, _ in self.people.same(newcomer)]
        closed = self.closed.get(_contact(one, account), OPEN)
        known = self._to_go_on_with(same)
        if known is not None:
            return self._ask_again(one, known, closed)
        earlier = max(same, key=lambda lead: (lead.created_at, lead.pk or 0), default=None)
        return self._begin(one, closed, earlier, same)

    def _to_go_on_with(self, same: Sequence[Lead]) -> Lead | None:
        """The lead that the person goes on as; none when all of theirs are finished."""
        opted_out = [lead for lead in same if lead.do_not_contact]
        live = [
            lead
            for lead in same
            if lead.is_workable or (lead.stage in _WITH_AN_AE and lead.pk not in self.bought)
        ]
        return max(opted_out or live, key=lambda lead: (lead.created_at, lead.pk or 0), default=None)

    def _begin(self, one: Arrival, closed: Closed, earlier: Lead | None, same: list[Lead]) -> Received:
        account = self.accounts.make(one.incoming.employer)
        newcomer = Newcomer(one.incoming.person, account)
        lead = _new_lead(one, account, self._judge(one), closed)
        self.pairs += [(lead, other, why) for other, why in self.people.maybe(newcomer, besides=same)]
        self.people.add(lead, newcomer)
        self.fresh.append((one, lead, earlier))
        outcome = Outcome.OPTED_OUT if lead.do_not_contact else Outcome.NEW
        return Received(lead, outcome, is_new=True, earlier=earlier)

    def _ask_again(self, one: Arrival, lead: Lead, closed: Closed) -> Received:
        self._fill(one, lead)
        suppressions.close(lead=lead, closed=closed)
        if one.incoming.is_inbound:
            asks_again(lead=lead, at=one.at)
            self.asked.append((one, lead))
        self.touched[id(lead)] = lead
        if lead.do_not_contact:
            return Received(lead, Outcome.OPTED_OUT)
        if lead.stage in _WITH_AN_AE:
            return Received(lead, Outcome.WITH_AN_AE)
        return Received(lead, Outcome.ASKED_AGAIN if one.incoming.is_inbound else Outcome.KNOWN)

    def _fill(self, one: Arrival, lead: Lead) -> None:
        """What the newcomer brings fills what is empty; another address is kept beside the first."""
        incoming, email = one.incoming, normal_email(one.email)
        if lead.account is None:
            lead.account = self.accounts.make(incoming.employer)
        for name in _FILLED:
            value = email if name == "email" else getattr(incoming, name)
            if getattr(lead, name) in ("", None) and value not in ("", None):
                setattr(lead, name, value)
        if email and email != lead.email:
            self.addresses.setdefault((id(lead), email), (lead, email, one.at))
        lead.set_keys()
        self.people.add(lead, Newcomer(incoming.person, lead.account))

    def _judge(self, one: Arrival) -> scoring.InForce:
        return self.judges[day_of(one.at, settings.COMPANY_TIME_ZONE)]

    # --- All of them ----------------------------------------------------------------------------------

    def write(self) -> None:
        """Accounts, leads, addresses, pairs and events; then those who asked again are scored anew."""
        self.accounts.save()
        leads = [lead for _, lead, _ in self.fresh]
        for lead in (*leads, *self.touched.values()):
            # Its id was not known when the account was put on the lead.
            lead.account = lead.account
        insert_rows(leads)
        instants = [one.at for one, _, _ in self.fresh] + [one.at for one, _ in self.asked]
        at = max(instants, default=None)
        if at is not None:
            record_events(events=[*self._collected(), *self._asked()], at=at)
            duplicates.keep_pairs(pairs=self.pairs, at=at)
        self._write_touched(at)
        self._write_addresses()
        if leads:
            leads_arrived.send(sender=Lead, leads=leads, at=max(one.at for one, *_ in self.fresh))

    def _collected(self) -> Iterable[NewEvent]:
        for one, lead, earlier in self.fresh:
            beginning = {"earlier": earlier.pk} if earlier is not None and earlier.pk else {}
            yield _event(EventKind.COLLECTED, one, lead, sourced(one.owner), **beginning)
            if lead.mql_at:
                yield _event(EventKind.MQL, one, lead, sourced(one.owner), **scoring.mql_data(lead))

    def _asked(self) -> Iterable[NewEvent]:
        for one, lead in self.asked:
            said = {"source": one.incoming.source, "campaign": one.incoming.campaign}
            yield NewEvent(
                kind=EventKind.ASKED,
                occurred_at=one.at,
                recorded_at=one.at,
                source=one.source,
                source_key=f"{one.source_key}:{EventKind.ASKED}",
                lead=lead,
                credits=sourced(lead.owner),
                actor=one.actor,
                data=said,
            )

    def _write_touched(self, at: datetime | None) -> None:
        """Score those who asked again by all that they did, settle their places, and write them."""
        leads = list(self.touched.values())
        if not leads:
            return
        judged_at = {id(lead): one for one, lead in self.asked}
        intents = scoring.intent_of(leads)
        qualified: list[tuple[Arrival, Lead]] = []
        for lead in leads:
            one = judged_at.get(id(lead))
            if one is not None:
                intent = intents.get(lead.pk, scoring.NO_INTENT)
                if scoring.apply_score(lead=lead, in_force=self._judge(one), at=one.at, intent=intent):
                    qualified.append((one, lead))
            queue.settle(lead)
        update_rows(leads, _ASKED_FIELDS)
        if qualified and at is not None:
            events = [
                _event(EventKind.MQL, one, lead, sourced(lead.owner), **scoring.mql_data(lead))
                for one, lead in qualified
            ]
            record_events(events=events, at=at)

    def _write_addresses(self) -> None:
        rows = {(lead.pk, email): LeadAddress(lead=lead, email=email, added_at=at)
                for lead, email, at in self.addresses.values()}  # fmt: skip
        if not rows:
            return
        emails = {email for _, email in rows}
        known = set(LeadAddress.objects.filter(email__in=emails).values_list("lead_id", "email"))
        insert_rows([row for key, row in rows.items() if key not in known])


def asks_again(*, lead: Lead, at: datetime) -> None:
    """Somebody known asks by themselves: whoever works them has them next. The caller settles and saves.

    Recycled, they are back now; opted out or with an AE, only the date is kept.
    """
    lead.inquired_at = max(lead.inquired_at, at) if lead.inquired_at else at
    if not lead.is_workable:
        return
    if lead.stage == LeadStage.RECYCLED:
        lead.stage, lead.stage_reason = LeadStage.WORKING, ""
        lead.is_inbound, lead.reentry_on = True, None
    lead.proposal = lead.proposal_reason = ""
    if lead.touch_count or lead.stage == LeadStage.WORKING or not lead.is_inbound:
        lead.next_touch_at = min(lead.next_touch_at, at) if lead.next_touch_at else at


def _contact(one: Arrival, account: Account | None) -> Contact:
    return Contact((one.email,), (one.incoming.phone,), account.domain if account else "")


def _finished_sales(leads: Iterable[Lead], still_open: set[int | None]) -> set[int]:
    """Leads that an AE accepted and whose deal is won or lost: the person begins anew."""
    return {lead.pk for lead in leads if lead.stage == LeadStage.SAL and lead.pk not in still_open}


def _event(kind: EventKind, one: Arrival, lead: Lead, shares: list[Credit], **data: Any) -> NewEvent:
    known = {"source": lead.source, "campaign": lead.campaign, "score": lead.score}
    return NewEvent(
        kind=kind,
        occurred_at=one.at,
        recorded_at=one.at,
        source=one.source,
        source_key=f"{one.source_key}:{kind}",
        lead=lead,
        credits=shares,
        actor=one.actor,
        data={**known, **data},
    )


def _new_lead(one: Arrival, account: Account | None, in_force: scoring.InForce, closed: Closed) -> Lead:
    """Scored and in its place in the queue, not saved yet."""
    known = {name: getattr(one.incoming, name) for name in _FILLED}
    lead = Lead(
        **known | {"email": normal_email(one.email)},
        account=account,
        is_inbound=one.incoming.is_inbound,
        team=one.team,
        owner=one.owner,
        created_at=one.at,
    )
    lead.set_keys()
    suppressions.close(lead=lead, closed=closed)
    scoring.apply_score(lead=lead, in_force=in_force, at=one.at)
    queue.settle(lead)
    return lead
