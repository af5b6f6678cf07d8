"""The head of the chain as a small file to be kept elsewhere, and reading one back.

Whoever can write to the database can cut the chain off, or make all of it anew; not what was noted outside of it.
"""

import json
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from apps.audit.models import Seal
from apps.audit.rules.verdicts import Anchor
from apps.audit.services.entries import record
from apps.core.errors import DomainError, InvalidInput

FORMAT = "sales-portal-anchor/1"
LARGEST = 64 * 1024


class UnableToAnchor(DomainError):
    """There is no seal yet."""

    code = "unable_to_anchor"


@transaction.atomic
def export_anchor(*, at: datetime, actor: Any = None) -> tuple[Seal, str]:
    """The newest seal and its anchor as JSON; that it was taken is recorded."""
    last = Seal.objects.order_by("-number").first()
    if last is None:
        raise UnableToAnchor(
            "Nothing is sealed yet, so there is no anchor to take: try again in two minutes."
        )
    said = {
        "format": FORMAT,
        "company": settings.COMPANY_NAME,
        "seal": last.number,
        "hash": last.hash,
        "sealed_at": last.sealed_at.astimezone(UTC).isoformat(),
        "exported_at": at.astimezone(UTC).isoformat(),
    }
    record(
        verb="audit.anchor.exported",
        subject=last,
        at=at,
        actor=actor,
        data={"seal": last.number, "hash": last.hash},
    )
    return last, json.dumps(said, indent=2) + "\n"


def read_anchor(content: bytes) -> Anchor:
    """The anchor in a file. Raises ``InvalidInput`` for anything else."""
    try:
        said = json.loads(content[: LARGEST + 1])
        number, hashed = said["seal"], said["hash"]
        known = said["format"] == FORMAT and type(number) is int and len(bytes.fromhex(hashed)) == 32
    except (ValueError, TypeError, KeyError, RecursionError):
        known = False
    if not known:
        raise InvalidInput(
            "This is no anchor of the portal: choose the file as it was exported.", field="anchor"
        )
    return Anchor(number, hashed, "the anchor")
