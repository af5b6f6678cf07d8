"""What the rows of one pass over an import may refer to: the team, reps, hand-offs of leads, ids seen.

Filled from the database and from the rows already passed over, so that a dry run, which writes nothing,
resolves what a later file says of an earlier one.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from apps.core.errors import DomainError
from apps.integrations.rules.mappings import Mapping
from apps.reps.models import Rep, Team


@dataclass(frozen=True)
class RepKnown:
    """A rep of the portal (``pk``) or one that an earlier row brings (``pk`` is ``None`` in a dry run)."""

    external_id: str
    name: str
    role: str
    pk: int | None = None


@dataclass(frozen=True)
class LeadKnown:
    """What a hand-off needs of its lead; ``row`` and ``file`` say where this import has it (else 0)."""

    external_id: str
    row: int
    owner: str
    created: datetime
    file: int = 0


@dataclass
class Context:
    """One pass: ``at`` is now, dates without a time begin in ``zone``, ``as_of`` is the export's instant."""

    mapping: Mapping
    at: datetime
    zone: str
    actor: Any = None
    run_id: int | None = None
    as_of: datetime | None = None
    newest: datetime | None = None
    position: int = 0
    reps: dict[tuple[str, str], RepKnown] = field(default_factory=dict)
    lead_of_hand_off: dict[str, LeadKnown] = field(default_factory=dict)
    good_hand_offs: set[str] = field(default_factory=set)
    leads: dict[str, LeadKnown] = field(default_factory=dict)
    leads_by_email: dict[str, LeadKnown] = field(default_factory=dict)
    seen: dict[str, dict[str, int]] = field(default_factory=dict)
    emails: dict[str, int] = field(default_factory=dict)
    days_off: dict[str, list[tuple[date, date]]] = field(default_factory=dict)
    _team: Team | None = None
    _models: dict[str, Rep] = field(default_factory=dict)

    def load_reps(self) -> None:
        """The reps of the mapping's source, by id; and everybody by name and by e-mail address."""
        for rep in Rep.objects.select_related("user").order_by("pk"):
            known = RepKnown(rep.external_id or f"rep:{rep.pk}", rep.name, rep.role, rep.pk)
            if rep.source_system == self.mapping.system and rep.external_id:
                self.reps["external_id", rep.external_id.casefold()] = known
            self.reps.setdefault(("name", rep.name.casefold()), known)
            if rep.user is not None:
                self.reps["email", rep.user.email.casefold()] = known

    def add_rep(self, known: RepKnown) -> None:
        self.reps["external_id", known.external_id.casefold()] = known
        self.reps["name", known.name.casefold()] = known

    @property
    def keeps_leads(self) -> bool:
        """Whether other rows name their lead, by its id or its address, so that every lead of the files is kept."""
        layouts = (self.mapping.layout_of(kind) for kind in ("hand_offs", "opportunities", "touches"))
        return any(layout is not None and layout.fields.keys() & {"lead", "person"} for layout in layouts)

    def rep(self, text: str, by: str) -> RepKnown | None:
        return self.reps.get((by, text.casefold()))

    def see(self, instant: datetime) -> None:
        """Remember the newest instant of the files: an export is as new as what it holds."""
        if instant <= self.at and (self.newest is None or instant > self.newest):
            self.newest = instant

    # --- For writing --------------------------------------------------------------------------------

    @property
    def team(self) -> Team:
        """The mapping's team, made by then."""
        if self._team is None:
            team = Team.objects.select_related("calendar").filter(name=self.mapping.team.name).first()
            if team is None:
                raise DomainError(f"There is no team {self.mapping.team.name}: import the reps first.")
            self._team = team
        return self._team

    def rep_row(self, known: RepKnown | None) -> Rep | None:
        """The rep as a row, read once a pass."""
        if known is None:
            return None
        if known.external_id not in self._models:
            system = {"source_system": self.mapping.system, "external_id": known.external_id}
            lookup = {"pk": known.pk} if known.pk is not None else system
            self._models[known.external_id] = Rep.objects.select_related("team").get(**lookup)
        return self._models[known.external_id]
