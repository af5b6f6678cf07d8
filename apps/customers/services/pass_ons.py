"""Pass a won account on: begun by the win, written by its AE, accepted by an AM or CSM (PRODUCT section 6)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import Count, Q
from django.urls import reverse

from apps.accounts.services.notifications import NewNotification, notify
from apps.audit import services as audit
from apps.core.errors import DomainError, InvalidInput
from apps.customers.models import Handling, PassOn, Promise
from apps.customers.notification_kinds import PASS_ON
from apps.customers.services.contracts import Terms, make_contract, void_contract
from apps.customers.services.handling import handling
from apps.leads.models import EventKind, FunnelEvent, Opportunity, Source
from apps.leads.services.accounts import assign_owner
from apps.leads.services.record import NewEvent, owned, record_event, reverse_event
from apps.reps.models import Rep, RepRole

MOST_PROMISES = 12


class UnableToPassOn(DomainError):
    """It was written, accepted or made void meanwhile, or there is nobody to take it."""

    code = "unable_to_pass_on"


@dataclass(frozen=True)
class Item:
    """Something that was promised, and by when."""

    words: str
    due_on: date | None = None


@dataclass(frozen=True)
class Chosen:
    """Who takes the account, and by which rule, in words."""

    rep: Rep
    because: str


# --- Whom to -----------------------------------------------------------------------------------------


def receivers(*, giver: Rep, on: date) -> list[tuple[Rep, int]]:
    """The AMs and CSMs who are here, with their number of accounts; the giver's team first. One statement."""
    here = Q(left_on__isnull=True) | Q(left_on__gt=on)
    found = (
        Rep.objects.filter(here, role__in=(RepRole.AM, RepRole.CSM), hired_on__lte=on)
        .select_related("team", "user")
        .annotate(account_count=Count("accounts", distinct=True))
    )
    rows = sorted(found, key=lambda rep: (rep.team_id != giver.team_id, rep.account_count, rep.name, rep.pk))
    return [(rep, rep.account_count) for rep in rows]


def choose_receiver(*, pass_on: PassOn, on: date) -> Chosen | None:
    """By the company's rule: who looked after it before, else the fewest accounts. ``None``: nobody is here."""
    found = receivers(giver=pass_on.giver, on=on)
    if not found:
        return None
    if handling().receiver_rule == Handling.Rule.EARLIER and pass_on.account.owner_id is not None:
        for rep, _ in found:
            if rep.pk == pass_on.account.owner_id:
                return Chosen(rep, f"{rep.name} looks after {pass_on.account.name} already.")
    rep, count = found[0]
    where = f" of {rep.team.name}" if rep.team_id == pass_on.giver.team_id else ""
    return Chosen(rep, f"{rep.name} has the fewest accounts{where}: {count}.")


# --- The way from hand to hand -----------------------------------------------------------------------


@transaction.atomic
def begin_pass_on(*, opportunity: Opportunity, at: datetime, actor: Any = None) -> PassOn | None:
    """A win of new business is to be passed on: its AE is asked for what was promised. Once for each win.

    ``None`` where it has no account. Won again after it was taken back, it begins anew.
    """
    if opportunity.account_id is None:
        return None
    found, made = PassOn.objects.get_or_create(
        opportunity=opportunity,
        defaults={
            "account_id": opportunity.account_id,
            "giver_id": opportunity.owner_id,
            "created_at": at,
        },
    )
    if not made and found.state == PassOn.State.VOID:
        PassOn.objects.filter(pk=found.pk).update(
            state=PassOn.State.TO_WRITE, created_at=at, question="", offered_at=None, accepted_at=None
        )
        found.refresh_from_db()
    elif not made:
        return found
    audit.record(verb="customers.pass_on.begun", subject=found, at=at, actor=actor)
    _tell(opportunity.owner.user_id, found, f"{opportunity.name} is won: write what was promised", at)
    return found


@transaction.atomic
def offer_pass_on(
    *,
    pass_on: PassOn,
    promises: Sequence[Item],
    terms: Terms,
    at: datetime,
    today: date,
    contacts: str = "",
    note: str = "",
    receiver: Rep | None = None,
    actor: Any = None,
) -> PassOn:
    """Write what was promised, put the win under contract, and offer the account to its receiver.

    ``receiver`` is chosen by the rule where none is named. Raises ``InvalidInput`` naming the field,
    ``UnableToPassOn`` when it is not to be written any more or nobody is there to take it.
    """
    pass_on = _locked(pass_on)
    if pass_on.state != PassOn.State.TO_WRITE:
        raise UnableToPassOn(f"This pass-on is {pass_on.get_state_display().lower()} already.")
    items = _checked(promises, contacts, note)
    chosen = (
        choose_receiver(pass_on=pass_on, on=today)
        if receiver is None
        else Chosen(receiver, f"{pass_on.giver.name} chose {receiver.name}.")
    )
    if chosen is None:
        raise UnableToPassOn("There is no AM or CSM yet who could take the account.")
    if chosen.rep.role not in (RepRole.AM, RepRole.CSM):
        raise InvalidInput(f"{chosen.rep.name} is neither an AM nor a CSM.", field="receiver")
    contract = getattr(pass_on.opportunity, "contract", None)
    if contract is None or contract.voided_at is not None:
        make_contract(opportunity=pass_on.opportunity, terms=terms, at=at, actor=actor)
    pass_on.promises.all().delete()
    Promise.objects.bulk_create(
        Promise(pass_on=pass_on, position=place, words=one.words.strip(), due_on=one.due_on)
        for place, one in enumerate(items)
    )
    _set(
        pass_on,
        state=PassOn.State.OFFERED,
        receiver=chosen.rep,
        chosen_because=chosen.because[:200],
        contacts=contacts.strip(),
        note=note.strip(),
        question="",
        offered_at=at,
    )
    audit.record(
        verb="customers.pass_on.offered",
        subject=pass_on,
        at=at,
        actor=actor,
        data={"to_rep": chosen.rep.pk, "promises": len(items)},
    )
    _tell(chosen.rep.user_id, pass_on, f"{pass_on.account.name} is passed on to you", at)
    return pass_on


@transaction.atomic
def accept_pass_on(
    *, pass_on: PassOn, at: datetime, actor: Any = None, source: Source = Source.PAGE
) -> PassOn:
    """Take the account over: it is the receiver's from now on, and the record says so. Accepted once.

    Raises ``UnableToPassOn`` unless it waits for its receiver.
    """
    pass_on = _locked(pass_on)
    if pass_on.state != PassOn.State.OFFERED or pass_on.receiver is None:
        raise UnableToPassOn(f"This pass-on is {pass_on.get_state_display().lower()}.")
    accepts_again = FunnelEvent.objects.filter(
        account=pass_on.account, opportunity=pass_on.opportunity, kind=EventKind.PASSED_ON
    ).count()
    assign_owner(account=pass_on.account, rep=pass_on.receiver, at=at, actor=actor)
    _set(
        pass_on,
        state=PassOn.State.ACCEPTED,
        accepted_at=at,
        accepted_by=actor if getattr(actor, "pk", None) else None,
    )
    record_event(
        event=NewEvent(
            kind=EventKind.PASSED_ON,
            occurred_at=at,
            source=source,
            source_key=f"pass_on:{pass_on.pk}:accepted:{accepts_again + 1}",
            account=pass_on.account,
            opportunity=pass_on.opportunity,
            credits=owned(pass_on.receiver),
            actor=actor,
            data={"from_rep": pass_on.giver_id, "to_rep": pass_on.receiver.pk},
        ),
        at=at,
    )
    audit.record(verb="customers.pass_on.accepted", subject=pass_on, at=at, actor=actor)
    _tell(pass_on.giver.user_id, pass_on, f"{pass_on.receiver.name} took over {pass_on.account.name}", at)
    return pass_on


@transaction.atomic
def send_back(*, pass_on: PassOn, question: str, at: datetime, actor: Any = None) -> PassOn:
    """Ask for more before taking it over: it is to be written again. Raises ``InvalidInput`` without a question."""
    if not 0 < len(question.strip()) <= 300:
        raise InvalidInput("Say in at most 300 characters what is missing.", field="question")
    pass_on = _locked(pass_on)
    if pass_on.state != PassOn.State.OFFERED:
        raise UnableToPassOn(f"This pass-on is {pass_on.get_state_display().lower()}.")
    _set(pass_on, state=PassOn.State.TO_WRITE, question=question.strip())
    audit.record(verb="customers.pass_on.sent_back", subject=pass_on, at=at, actor=actor)
    _tell(pass_on.giver.user_id, pass_on, f"{pass_on.account.name} came back with a question", at)
    return pass_on


@transaction.atomic
def keep_promise(*, promise: Promise, kept: bool, at: datetime, actor: Any = None) -> Promise:
    """Note that a promise was kept, or that it was not after all. The same again changes nothing."""
    promise = Promise.objects.select_for_update(of=("self",)).get(pk=promise.pk)
    if (promise.kept_at is not None) == kept:
        return promise
    promise.kept_at = at if kept else None
    promise.kept_by = actor if kept and getattr(actor, "pk", None) else None
    promise.save(update_fields=["kept_at", "kept_by"])
    verb = "customers.promise.kept" if kept else "customers.promise.open_again"
    audit.record(verb=verb, subject=promise.pass_on, at=at, actor=actor, data={"position": promise.position})
    return promise


@transaction.atomic
def void_pass_on(*, opportunity: Opportunity, at: datetime, actor: Any = None) -> None:
    """The win was taken back: pass-on and contract are void, and that it was passed on is reversed.

    Who looks after the account stays: a manager names another one where that is right.
    """
    void_contract(opportunity=opportunity, at=at, actor=actor)
    found = PassOn.objects.filter(opportunity=opportunity).exclude(state=PassOn.State.VOID)
    for pass_on in found.select_for_update(of=("self",)):
        passed = FunnelEvent.objects.filter(opportunity=opportunity, kind=EventKind.PASSED_ON).effective()
        for event in passed:
            reverse_event(event=event, reason="The win was taken back", at=at, actor=actor)
        _set(pass_on, state=PassOn.State.VOID)
        audit.record(verb="customers.pass_on.voided", subject=pass_on, at=at, actor=actor)


def _locked(pass_on: PassOn) -> PassOn:
    rows = PassOn.objects.select_for_update(of=("self",)).select_related(
        "account", "opportunity__owner", "opportunity__contract", "giver__team", "receiver__team"
    )
    return rows.get(pk=pass_on.pk)


def _set(pass_on: PassOn, **fields: Any) -> None:
    for name, value in fields.items():
        setattr(pass_on, name, value)
    pass_on.save(update_fields=list(fields))


def _checked(promises: Sequence[Item], contacts: str, note: str) -> list[Item]:
    items = [one for one in promises if one.words.strip()]
    if not items:
        raise InvalidInput(
            "Say what was promised; “nothing beyond the offer” is an answer too.", field="promises"
        )
    if len(items) > MOST_PROMISES:
        raise InvalidInput(f"Keep to {MOST_PROMISES} promises.", field="promises")
    if any(len(one.words.strip()) > 200 for one in items):
        raise InvalidInput("Keep each promise to 200 characters.", field="promises")
    for name, text in (("contacts", contacts), ("note", note)):
        if len(text.strip()) > 1000:
            raise InvalidInput("Keep this to 1,000 characters.", field=name)
    return items


def _tell(user: int | None, pass_on: PassOn, title: str, at: datetime) -> None:
    if user is None:
        return
    told = NewNotification(
        user, PASS_ON, f"pass_on:{pass_on.pk}:{at:%Y%m%d%H%M%S}:{pass_on.state}", title,
        url=reverse("customers:pass_on", args=[pass_on.pk]),
    )  # fmt: skip
    notify(notifications=[told], at=at)
