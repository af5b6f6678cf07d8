"""The mappings there are: those that come with the portal and those that people saved."""

import json
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from django.db import transaction

from apps.audit import services as audit
from apps.core.errors import DomainError
from apps.integrations.models import ImportMapping
from apps.integrations.rules import mappings as rules

SHIPPED_FOLDER = Path(__file__).resolve().parents[1] / "mappings"


class UnusableMapping(DomainError):
    """The document is no mapping; ``problems`` names each place."""

    code = "unusable_mapping"
    status = 400

    def __init__(self, problems: tuple[rules.Problem, ...], where: str = "") -> None:
        beginning = f"{where}: " if where else ""
        super().__init__(beginning + "\n".join(map(str, problems)), field="document")
        self.problems = problems


class MappingNameTaken(DomainError):
    """The name belongs to a mapping that comes with the portal."""

    code = "mapping_name_taken"


@dataclass(frozen=True)
class Known:
    """A mapping to choose. ``key`` is ``shipped:<file>`` or ``saved:<id>``."""

    key: str
    name: str
    document: dict[str, Any]
    saved: ImportMapping | None = None

    @property
    def is_shipped(self) -> bool:
        return self.saved is None


@cache
def shipped() -> tuple[Known, ...]:
    """The mappings that come with the portal, by name."""
    found = []
    for path in sorted(SHIPPED_FOLDER.glob("*.json")):
        document = json.loads(path.read_text(encoding="utf-8"))
        found.append(Known(f"shipped:{path.stem}", document["name"], document))
    return tuple(sorted(found, key=lambda one: one.name))


def every() -> list[Known]:
    """Saved ones first: who saved one wants it."""
    saved = [Known(f"saved:{one.pk}", one.name, one.document, one) for one in ImportMapping.objects.all()]
    return [*saved, *shipped()]


def find(key: str) -> Known | None:
    known = shipped() if key.startswith("shipped:") else every()
    return next((one for one in known if one.key == key), None)


def parsed(document: Any) -> rules.Mapping:
    """The checked mapping. Raises ``UnusableMapping``."""
    try:
        return rules.parse(document)
    except rules.NotAMapping as error:
        raise UnusableMapping(error.problems) from None


def load(*, text: str, where: str = "") -> dict[str, Any]:
    """The document written in ``text``, checked. Raises ``UnusableMapping`` naming line or place."""
    try:
        rules.parse_text(text)
    except rules.NotAMapping as error:
        raise UnusableMapping(error.problems, where) from None
    return json.loads(text)


@transaction.atomic
def save_mapping(*, document: Any, at: datetime, actor: Any = None) -> ImportMapping:
    """Save under the document's own name, as the next version of the one that has it.

    Raises ``UnusableMapping`` with every problem, ``MappingNameTaken`` for the name of a shipped one.
    """
    mapping = parsed(document)
    if any(one.name.casefold() == mapping.name.casefold() for one in shipped()):
        raise MappingNameTaken(
            "A mapping of this name comes with the portal. Save yours under another name.", field="name"
        )
    saved = ImportMapping.objects.select_for_update().filter(name=mapping.name).first()
    if saved is None:
        saved = ImportMapping(name=mapping.name)
    elif saved.document != document:
        saved.version += 1
    saved.document, saved.saved_at = document, at
    saved.saved_by = actor if getattr(actor, "pk", None) else None
    saved.save()
    audit.record(
        verb="integrations.mapping.saved", subject=saved, at=at, actor=actor, data={"version": saved.version}
    )
    return saved
