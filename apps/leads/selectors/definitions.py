"""The versions of what MQL and SQL mean: where each stands, what it changed, and what judged a lead."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from apps.leads.models import Definition, EventKind, FunnelEvent, Lead
from apps.leads.rules.agreements import Change, Terms, changes
from apps.leads.services.definitions import Side, terms_of

STATES = ("draft", "coming", "in_force", "past", "withdrawn")


@dataclass(frozen=True)
class Standing:
    """A version, and where it stands: one of ``STATES``. ``waits_for`` are sides that have not signed a draft."""

    definition: Definition
    state: str
    waits_for: tuple[Side, ...] = ()

    @property
    def terms(self) -> Terms:
        return terms_of(self.definition)


@dataclass(frozen=True)
class Agreement:
    """One kind (MQL or SQL): what holds, what comes, what waits for a signature, and all versions."""

    kind: Definition.Kind
    versions: list[Standing]

    @property
    def in_force(self) -> Standing | None:
        return next((one for one in self.versions if one.state == "in_force"), None)

    @property
    def coming(self) -> list[Standing]:
        return [one for one in self.versions if one.state == "coming"]

    @property
    def drafts(self) -> list[Standing]:
        return [one for one in self.versions if one.state == "draft"]


@dataclass(frozen=True)
class Version:
    """One version with the one it follows (in force before it, or now) and what it changes."""

    standing: Standing
    follows: Standing | None
    changes: list[Change]
    siblings: list[Standing]


def _in_order(definition: Definition) -> tuple[date, int]:
    return definition.effective_on, definition.version


def standings(day: date) -> list[Standing]:
    """Every version, newest first in each kind. One statement."""
    people = ("marketing_signed_by", "sales_signed_by", "drafted_by")
    definitions = list(Definition.objects.select_related(*people))
    in_force: dict[str, int] = {}
    for one in sorted(definitions, key=_in_order, reverse=True):
        if one.is_signed and one.withdrawn_at is None and one.effective_on <= day:
            in_force.setdefault(one.kind, one.pk)
    return [_standing(one, day, in_force.get(one.kind)) for one in definitions]


def _standing(one: Definition, day: date, in_force: int | None) -> Standing:
    if one.withdrawn_at is not None:
        return Standing(one, "withdrawn")
    if not one.is_signed:
        waits = tuple(side for side in Side if getattr(one, f"{side}_signed_by_id") is None)
        return Standing(one, "draft", waits)
    if one.effective_on > day:
        return Standing(one, "coming")
    return Standing(one, "in_force" if one.pk == in_force else "past")


def agreements(day: date) -> list[Agreement]:
    """Both kinds with all their versions. One statement."""
    found = standings(day)
    return [
        Agreement(kind, [one for one in found if one.definition.kind == kind]) for kind in Definition.Kind
    ]


def version(pk: int, day: date) -> Version | None:
    """One version beside the one it follows; ``None`` when there is none of that number. One statement."""
    found = standings(day)
    standing = next((one for one in found if one.definition.pk == pk), None)
    if standing is None:
        return None
    siblings = [one for one in found if one.definition.kind == standing.definition.kind]
    follows = predecessor(standing, siblings)
    changed = changes(follows.terms, standing.terms) if follows else []
    return Version(standing, follows, changed, siblings)


def predecessor(standing: Standing, siblings: Sequence[Standing]) -> Standing | None:
    """The agreed version that would hold on the day it begins, were it not for this one."""
    own = standing.definition
    agreed = [one for one in siblings if one.state in ("coming", "in_force", "past")]
    before = [
        one for one in agreed if one.definition.pk != own.pk and _in_order(one.definition) < _in_order(own)
    ]
    return max(before, key=lambda one: _in_order(one.definition), default=None)


def made_mql_by(lead: Lead) -> str:
    """The version that made the lead an MQL, in a sentence, where another one scored it since; else "".

    At most one statement. ``lead`` comes with its ``mql_definition``.
    """
    made = _made_mql(lead) if lead.mql_at is not None else None
    scored = lead.mql_definition.version if lead.mql_definition else 0
    if made is None or made == scored:
        return ""
    return f"It became an MQL by {f'version {made}' if made else 'the points built in'}, and was scored again since."


def _made_mql(lead: Lead) -> int | None:
    """The number of the version that made the lead an MQL: 0 for the points built in, ``None`` if unknown."""
    events: Iterable[dict] = (
        FunnelEvent.objects.filter(lead=lead, kind=EventKind.MQL)
        .effective()
        .order_by("occurred_at")
        .values_list("data", flat=True)[:1]
    )
    for data in events:
        if "definition" in data:
            return data["definition"] or 0
    return None
