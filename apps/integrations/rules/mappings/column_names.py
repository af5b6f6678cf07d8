"""What columns are called elsewhere: names cut into plain words, and the words that each field goes by.

The table is one of synonyms, not of products: ``Deal - Won time``, ``won_time`` and ``WonTime`` are the same words.
"""
# ruff: noqa: E501 - a line of the table is one row

import re
import unicodedata

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")

_ALIKE = {
    "account": "company", "organisation": "company", "organization": "company", "org": "company",
    "firm": "company", "firma": "company", "employer": "company", "unternehmen": "company", "entreprise": "company",
    "mail": "email", "emailaddress": "email", "adresse": "address",
    "telephone": "phone", "tel": "phone", "mobile": "phone", "cell": "phone", "telefon": "phone",
    "assignee": "owner", "assigned": "owner", "salesperson": "owner", "rep": "owner", "seller": "owner", "agent": "owner",
    "executive": "owner", "besitzer": "owner",
    "status": "stage", "phase": "stage",
    "create": "created", "creation": "created", "added": "created", "add": "created", "erstellt": "created",
    "captured": "created", "registered": "created", "entered": "created",
    "value": "amount", "revenue": "amount", "worth": "amount", "betrag": "amount",
    "identifier": "id", "guid": "id", "uuid": "id", "key": "id", "code": "id",
    "src": "source", "quelle": "source", "origin": "source",
    "datum": "date", "timestamp": "date", "dt": "date",
    "vorname": "first name", "nachname": "last name", "surname": "last name", "forename": "first name",
    "firstname": "first name", "lastname": "last name", "fullname": "full name",
    "given": "first", "family": "last",
    "deal": "opportunity", "opp": "opportunity",
    "stadt": "city", "ville": "city", "town": "city",
    "position": "title", "function": "title",
    "workforce": "employees", "headcount": "employees", "staff": "employees", "employee": "employees",
    "sector": "industry", "branche": "industry", "vertical": "industry",
    "timezone": "time zone", "jobtitle": "job title", "leadsource": "source", "subject": "subject",
    "opt": "opt", "optout": "opt out", "unsubscribed": "opt out", "unsubscribe": "opt out",
    "result": "outcome", "disposition": "outcome",
    "comment": "note", "description": "note", "body": "note",
    "createdate": "created", "createddate": "created", "createdat": "created", "createdon": "created",
    "addtime": "created", "closedate": "close", "leadid": "lead id", "recordid": "id",
    "cost": "spend", "costs": "spend", "expense": "spend",
}  # fmt: skip

_NOISE = {
    "reps": {"employee", "employees", "owner", "user", "person", "record"},
    "quotas": {"team", "target"},
    "leads": {"lead", "contact", "person", "prospect", "record", "work", "primary", "business", "customer"},
    "opportunities": {"opportunity", "record"},
    "hand_offs": {"opportunity", "hand", "off", "record"},
    "touches": {"activity", "task", "event", "engagement", "record", "touch"},
    "time_off": {"absence", "leave", "holiday", "vacation", "record"},
    "spend": {"marketing", "ad"},
}
_DATE_WORDS = {"date", "time", "at", "on", "day"}
_SMALL = {"the", "of", "a", "in", "by", "is", "has", "hs"}

_OF_FIELD: dict[str, tuple[str, ...]] = {
    "external_id": ("id", "record id", "number id"),
    "name": ("name", "full name", "contact name", "contact", "person"),
    "role": ("role", "job role", "profile"),
    "hired_on": ("hired", "hire", "start", "started", "joined"),
    "left_on": ("left", "terminated", "termination", "end", "leaving"),
    "period": ("period", "month", "quarter"),
    "created": ("created", "opened", "open", "received", "inquiry"),
    "stage": ("stage", "lifecycle stage", "lead stage", "stage reason"),
    "stage_changed": ("stage changed", "stage since", "stage change", "last stage change", "converted"),
    "reason": (
        "reason", "lost reason", "loss reason", "disqualified reason", "unqualified reason", "closed lost reason",
        "disqualification reason", "reason lost", "lead disqualification reason",
    ),
    "do_not_contact": (
        "not call", "do not call", "do not contact", "opt out", "opted out", "email opt out", "opted out email",
        "opted out of email", "email opted out", "unsubscribed", "gdpr opt out",
    ),
    "owner": ("owner", "owner id", "owner name", "owner email", "owner to", "company owner", "responsible", "alias owner"),
    "hand_off": ("converted opportunity id", "opportunity id"),
    "title": ("title", "job title", "job"),
    "email": ("email", "email address", "email 1"),
    "phone": ("phone", "phone number", "phone 1"),
    "company": ("company", "company name"),
    "industry": ("industry",),
    "employees": ("employees", "number employees", "no employees", "company size", "size"),
    "city": ("city", "mailing city", "company city"),
    "time_zone": ("time zone", "zone"),
    "source": ("source", "original source", "lead source", "traffic source", "source channel", "channel"),
    "campaign": ("campaign", "campaign name", "utm campaign", "last campaign"),
    "is_inbound": ("inbound",),
    "sdr": ("sdr", "created id", "created by", "sourced", "booked", "created", "bdr", "setter", "lead owner", "sourced by"),
    "ae": ("ae", "owner", "owner id", "company owner", "closer"),
    "lead": (
        "lead id", "contact id", "lead", "contact", "person id", "who id", "associated contact id", "contact ids",
        "associated contact ids",
    ),
    "person": ("email", "email address", "contact email", "person email", "lead email", "to email", "recipient"),
    "accepted": ("accepted", "acceptance"),
    "decided": ("decided", "decision", "accepted decision", "answered"),
    "amount": ("amount", "amount company currency", "spend", "total", "contract amount"),
    "currency": ("currency", "currency iso id", "currency of amount", "currency amount"),
    "closed": ("close", "closed", "closing", "won", "won lost", "actual close"),
    "outcome": ("won", "won lost", "closed won", "outcome"),
    "expected_close": ("expected close", "forecast close", "close target"),
    "comment": ("note",),
    "note": ("note", "subject"),
    "next_step": ("next step",),
    "occurred": ("date", "due", "created", "done", "completed", "marked done", "activity", "call", "occurred", "start"),
    "rep": ("owner", "owner id", "owner to", "owner name", "owner to user", "user", "employees", "employee", "person", "name", "done by"),
    "channel": ("channel", "type", "activity type", "task subtype", "subtype", "method", "medium"),
    "disposition": ("outcome", "call outcome", "call result", "stage"),
    "starts_on": ("start", "from", "first", "begin", "begins", "starts"),
    "ends_on": ("back", "return", "returns", "first back"),
    "last_day": ("end", "last", "until", "ends", "through", "to"),
    "kind": ("type", "kind", "reason", "opportunity type"),
    "month": ("month", "period"),
    "year": ("year",),
    "quarter": ("quarter",),
    "converted_leads": ("quota", "lead quota", "converted leads"),
    "meetings_accepted": ("meetings", "accepted meetings"),
    "amount_accepted": ("quota amount", "accepted amount"),
    "pipeline": ("pipeline",),
    "amount_won": ("amount won", "won amount", "bookings", "sales quota"),
}  # fmt: skip

_OF_KIND: dict[tuple[str, str], tuple[str, ...]] = {
    ("reps", "name"): ("name", "full name", "employees", "user", "person"),
    ("opportunities", "name"): ("name", "opportunity name", "opportunity", "title", "subject"),
    ("opportunities", "owner"): ("owner", "owner id", "owner name", "owner email", "closer", "ae"),
    ("opportunities", "external_id"): ("id", "opportunity id", "record id"),
    ("opportunities", "kind"): ("type", "opportunity type", "kind"),
    ("opportunities", "created"): ("created", "opened"),
    ("opportunities", "sdr"): ("sdr", "bdr", "sourced", "setter"),
    ("hand_offs", "created"): ("created", "handed"),
    ("spend", "source"): ("source", "channel", "lead source", "platform", "network", "medium"),
    ("spend", "amount"): ("amount", "spend", "total", "spend amount", "budget"),
}  # fmt: skip

FIRST_NAME = ("first", "name")
LAST_NAME = ("last", "name")


def words_of(column: str) -> tuple[str, ...]:
    """The plain words of a column's name: ``Lead_Owner__c`` is ``lead owner``, ``E-Mail`` is ``email``."""
    text = unicodedata.normalize("NFKD", column.removesuffix("__c"))
    text = "".join(char for char in text if not unicodedata.combining(char))
    text = _CAMEL.sub(" ", text).lower().replace("e-mail", "email")
    words: list[str] = []
    for word in re.findall(r"[a-z]+|\d+", text):
        words.extend(_ALIKE.get(word, word).split())
    return tuple(word for word in words if word not in _SMALL)


def names_of(kind: str, field: str) -> list[frozenset[str]]:
    """The names that a field goes by, each as its words."""
    listed = _OF_KIND.get((kind, field)) or _OF_FIELD.get(field, (field.replace("_", " "),))
    return [frozenset(words_of(one)) for one in listed]


def likeness(column: str, *, kind: str, field: str, is_date: bool, label: str = "") -> float:
    """From 0 to 1: how much a column's name is one that the field goes by."""
    whole = words_of(column)
    if not whole:
        return 0.0
    names = names_of(kind, field)
    own = [frozenset(words_of(field)), frozenset(words_of(label))] if label else [frozenset(words_of(field))]
    if frozenset(whole) in names or frozenset(whole) in own:
        return 1.0
    noise = _NOISE.get(kind, set())
    dates = _DATE_WORDS if is_date else set()
    words = [word for word in whole if word not in noise and word not in dates]
    words = words or [word for word in whole if word not in noise] or list(whole)
    found = frozenset(words)
    if any(name and found == name - dates for name in [*names, *own]) or found in names:
        # Of two that fit alike the plainer one: an owner's name rather than the owner's id.
        return 0.95 - len(whole) / 1000
    best = 0.0
    for name in names:
        if name and name < found:
            head = 0.1 if words[-1] in name else 0.0
            best = max(best, 0.35 + 0.35 * len(name) / len(found) + head)
    return best
