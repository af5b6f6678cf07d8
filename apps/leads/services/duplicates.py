"""Find the leads that a newcomer may be, and keep what only perhaps is one for a person to settle.

``rules.matching`` says who is one person; here it is asked of thousands at once, through the keys that each lead
keeps (``Lead.set_keys``), in a number of statements that does not depend on theirs.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q

from apps.audit import services as audit
from apps.core.bulk import insert_rows
from apps.core.errors import DomainError
from apps.leads.models import Account, Lead, LeadAddress, PossibleDuplicate
from apps.leads.rules.matching import (
    Likeness,
    Person,
    Verdict,
    address_key,
    compare,
    is_full_name,
    name_key,
)
from apps.leads.rules.suppression import normal_email, normal_phone

_BATCH = 5_000
MOST_PAIRS = 5
"""Of one newcomer: a switchboard's number says little, and nobody settles a hundred pairs."""
_MOST_ALIKE = 50
"""So many leads are looked at for each number or mailbox."""


class AlreadySettled(DomainError):
    """Somebody else settled the pair meanwhile."""

    code = "already_settled"


@dataclass(frozen=True)
class Newcomer:
    """Somebody to be looked up: as a plain person, with the account of the company where there is one."""

    person: Person
    account: Account | None = None

    @property
    def emails(self) -> list[str]:
        return [email for one in self.person.emails if (email := normal_email(one))]

    @property
    def named(self) -> tuple[int, str] | None:
        """Account and name: what finds a person without their address."""
        key = name_key(self.person.name)[:120]
        if self.account is None or not is_full_name(key):
            return None
        # An account that is not saved yet is known by what it is, not by an id.
        return (self.account.pk or -id(self.account), key)


@dataclass
class _Known:
    """A lead by all that it is known by. ``lead`` is the survivor where it was merged."""

    lead: Lead
    person: Person


@dataclass
class People:
    """Who is known, by the keys that newcomers are looked up with."""

    _by_email: dict[str, list[_Known]] = field(default_factory=lambda: defaultdict(list))
    _by_name: dict[tuple[int, str], list[_Known]] = field(default_factory=lambda: defaultdict(list))
    _by_phone: dict[str, list[_Known]] = field(default_factory=lambda: defaultdict(list))
    _by_mailbox: dict[str, list[_Known]] = field(default_factory=lambda: defaultdict(list))

    _leads: dict[int, Lead] = field(default_factory=dict)

    def leads(self) -> list[Lead]:
        """Everybody known, each once."""
        return list(self._leads.values())

    def add(self, lead: Lead, newcomer: Newcomer) -> None:
        """Let later newcomers of the same batch be compared with ``lead`` too."""
        known = _Known(lead, newcomer.person)
        self._leads[id(lead)] = lead
        for email in newcomer.emails:
            self._by_email[email].append(known)
            if key := address_key(email):
                self._by_mailbox[key].append(known)
        if newcomer.named:
            self._by_name[newcomer.named].append(known)
        if phone := normal_phone(newcomer.person.phone):
            self._by_phone[phone].append(known)

    def same(self, newcomer: Newcomer) -> list[tuple[Lead, Verdict]]:
        """Leads that surely are the newcomer, and those that an opt-out makes so; each once."""
        found: dict[int, tuple[Lead, Verdict]] = {}
        for known in self._strong(newcomer):
            verdict = compare(newcomer.person, known.person)
            if verdict.likeness is Likeness.SAME or (
                verdict.same_person_likely and known.lead.do_not_contact
            ):
                found.setdefault(id(known.lead), (known.lead, verdict))
        return list(found.values())

    def maybe(self, newcomer: Newcomer, *, besides: Iterable[Lead] = ()) -> list[tuple[Lead, str]]:
        """Leads that perhaps are the newcomer, with why; a few at most."""
        left_out = {id(lead) for lead in besides}
        found: dict[int, tuple[Lead, str]] = {}
        for known in (*self._strong(newcomer), *self._weak(newcomer)):
            if id(known.lead) in left_out or id(known.lead) in found:
                continue
            verdict = compare(newcomer.person, known.person)
            if verdict.likeness is Likeness.MAYBE:
                found[id(known.lead)] = (known.lead, verdict.why)
            if len(found) == MOST_PAIRS:
                break
        return list(found.values())

    def _strong(self, newcomer: Newcomer) -> list[_Known]:
        found = [known for email in newcomer.emails for known in self._by_email.get(email, ())]
        return found + (self._by_name.get(newcomer.named, []) if newcomer.named else [])

    def _weak(self, newcomer: Newcomer) -> list[_Known]:
        found = list(self._by_phone.get(normal_phone(newcomer.person.phone), ()))
        for email in newcomer.emails:
            found += self._by_mailbox.get(address_key(email), ())
        return found


def people_like(newcomers: Sequence[Newcomer], *, lock: bool = False) -> People:
    """Everybody in the portal whom any of ``newcomers`` may be.

    Eight statements at most (a batch), each through an index. With ``lock`` those who surely may be one
    are held until the transaction ends, so that what is decided about them is still so when it is written.
    """
    emails = {email for one in newcomers for email in one.emails}
    named = {one.named for one in newcomers} - {None}
    phones = {normal_phone(one.person.phone) for one in newcomers} - {""}
    mailboxes = {key for one in newcomers for email in one.emails if (key := address_key(email))}
    strong = _ids_by_email(emails) | _ids_by_name({one for one in named if one and one[0] > 0})
    weak = (_ids(Q(phone_key__in=phones), phones) | _ids(Q(address_key__in=mailboxes), mailboxes)) - strong
    return _people(strong, weak, lock)


def pairs_of(leads: Sequence[Lead]) -> list[tuple[Lead, Lead, str]]:
    """Of new leads, not saved yet: (lead, other, why) for those that perhaps are one, known or of the batch."""
    newcomers = [Newcomer(lead.as_person(), lead.account) for lead in leads]
    people = people_like(newcomers)
    pairs: list[tuple[Lead, Lead, str]] = []
    for lead, newcomer in zip(leads, newcomers, strict=True):
        pairs += [(lead, other, why) for other, why in people.maybe(newcomer)]
        people.add(lead, newcomer)
    return pairs


def _ids_by_email(emails: set[str]) -> set[int]:
    found: set[int] = set()
    for part in _parts(emails):
        found.update(Lead.objects.filter(email__in=part).order_by().values_list("pk", flat=True))
        found.update(LeadAddress.objects.filter(email__in=part).order_by().values_list("lead", flat=True))
    return found


def _ids_by_name(named: set[tuple[int, str]]) -> set[int]:
    found: set[int] = set()
    for part in _parts(named):
        accounts, keys = {account for account, _ in part}, {key for _, key in part}
        rows = Lead.objects.filter(account__in=accounts, name_key__in=keys).exclude(name_key="").order_by()
        wanted = set(part)
        found.update(
            pk
            for pk, account, key in rows.values_list("pk", "account", "name_key")
            if (account, key) in wanted
        )
    return found


def _ids(condition: Q, values: set[str]) -> set[int]:
    if not values:
        return set()
    rows = Lead.objects.filter(condition, merged_into__isnull=True).order_by("-pk")
    return set(rows.values_list("pk", flat=True)[: _MOST_ALIKE * len(values)])


def _people(strong: set[int], weak: set[int], lock: bool) -> People:
    rows = _load(strong, lock) + _load(weak, False)
    survivors = {lead.pk: lead for lead in rows}
    missing = {lead.merged_into_id for lead in rows if lead.merged_into_id} - set(survivors)
    survivors |= {lead.pk: lead for lead in _load(missing, lock)}
    addresses: dict[int, list[str]] = defaultdict(list)
    for part in _parts(strong | weak):
        for pk, email in LeadAddress.objects.filter(lead__in=part).values_list("lead_id", "email"):
            addresses[pk].append(email)
    people = People()
    for lead in rows:
        target = survivors.get(lead.merged_into_id, lead) if lead.merged_into_id else lead
        person = lead.as_person(addresses[lead.pk])
        people.add(target, Newcomer(person, lead.account))
    return people


def _load(ids: set[int | None] | set[int], lock: bool) -> list[Lead]:
    found: list[Lead] = []
    for part in _parts(ids):
        leads = Lead.objects.filter(pk__in=part).select_related("account", "owner", "team").order_by("pk")
        found.extend(leads.select_for_update(of=("self",)) if lock else leads)
    return found


def _parts(values: Iterable[Any]) -> Iterable[list[Any]]:
    ordered = sorted(values)
    return (ordered[start : start + _BATCH] for start in range(0, len(ordered), _BATCH))


# --- Pairs for a person to settle -----------------------------------------------------------------------


def keep_pairs(*, pairs: Iterable[tuple[Lead, Lead, str]], at: datetime) -> list[PossibleDuplicate]:
    """Keep pairs (lead, lead, why) that are not on the list yet, settled or not. Two statements."""
    wanted: dict[tuple[int, int], str] = {}
    for one, other, why in pairs:
        first, second = sorted((one.pk, other.pk))
        if first != second:
            wanted.setdefault((first, second), why)
    if not wanted:
        return []
    seconds = {second for _, second in wanted}
    known = set(PossibleDuplicate.objects.filter(second__in=seconds).values_list("first_id", "second_id"))
    rows = [
        PossibleDuplicate(first_id=first, second_id=second, why=why, found_at=at)
        for (first, second), why in wanted.items()
        if (first, second) not in known
    ]
    insert_rows(rows)
    return rows


@transaction.atomic
def tell_apart(*, pair: PossibleDuplicate, at: datetime, actor: Any = None) -> PossibleDuplicate:
    """They are two people: the pair is not asked about again. Raises ``AlreadySettled``."""
    settle_pair(pair=pair, outcome=PossibleDuplicate.Outcome.DIFFERENT, at=at, actor=actor)
    audit.record(verb="leads.duplicate.told_apart", subject=pair, at=at, actor=actor)
    return pair


def settle_pair(*, pair: PossibleDuplicate, outcome: str, at: datetime, actor: Any = None) -> None:
    """Write the outcome once; the caller is in a transaction. Raises ``AlreadySettled``."""
    by = actor if getattr(actor, "pk", None) else None
    written = (
        PossibleDuplicate.objects.open()
        .filter(pk=pair.pk)
        .update(outcome=outcome, settled_at=at, settled_by=by)
    )
    if not written:
        raise AlreadySettled("Somebody settled this pair meanwhile: reload the page.")
    pair.outcome, pair.settled_at, pair.settled_by = outcome, at, by
