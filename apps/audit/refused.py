"""What was refused is on record as well: a change of closed rows by any path, a step of pay that may not be, a door.

Three ways lead here. The database's own refusals (append-only tables, locked runs) are seen by a wrapper around every
statement, so that the ORM, bulk writes and raw SQL are alike; what services refuse is told by the door that translates
it (``core.errors.note_refusal``); a denial (403) by the middleware. Each is noted at once and written when its scope
ends, past the transaction that was undone. No message is kept but the database's, whose words are constants of the
migrations.
"""

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.db import DatabaseError, connection, transaction
from django.http import HttpRequest
from django.utils import timezone

from apps.audit.origin import SAFE, current_origin, refusals_here
from apps.core.errors import DomainError
from apps.core.policies import policy_of

logger = logging.getLogger(__name__)

WRITE_REFUSED = "records.write.refused"
STEP_REFUSED = "records.step.refused"
DOOR_CLOSED = "access.refused"
FILE_TAKEN = "access.file_taken"
MOST = 20
"""So many of one scope are kept: a loop that runs into the same refusal fills no log."""

_TABLE = re.compile(r"\b(?:INTO|UPDATE|FROM|TRUNCATE(?: TABLE)?|COPY)\s+\"?(\w+)", re.IGNORECASE)
# Services refuse a step. A rule that cannot work something out refuses nobody: rules touch no database, and whoever
# asked them says what follows.
_MONEY = ("apps.compensation.services.",)


@dataclass(frozen=True)
class Refusal:
    """Something that was refused (or, of a GET, taken along), as it will stand in the log."""

    verb: str
    subject_type: str
    subject_id: str
    data: dict[str, Any]
    origin: str = field(default_factory=current_origin)


def watch(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
    """Around each statement: what the database refuses by a trigger of ours is noted."""
    try:
        return execute(sql, params, many, context)
    except DatabaseError as error:
        said = _said_by_a_trigger(error)
        if said:
            _note_write(str(sql), said)
        raise


def _said_by_a_trigger(error: DatabaseError) -> str:
    """What our trigger said; "" for any other error. Databases quote rows in others: those are not looked at."""
    cause = error.__cause__
    if getattr(cause, "sqlstate", None) == "23001":
        return str(getattr(cause, "diag").message_primary or "")  # noqa: B009 - of the driver
    if getattr(cause, "sqlite_errorname", None) == "SQLITE_CONSTRAINT_TRIGGER":
        return str(cause)
    return ""


def _note_write(sql: str, said: str) -> None:
    found = _TABLE.search(sql)
    table = found.group(1) if found else ""
    labels = {model._meta.db_table: model._meta.label for model in apps.get_models()}
    statement = sql.split(None, 1)[0].upper()[:16]
    note(
        Refusal(
            WRITE_REFUSED, labels.get(table, table)[:64], "", {"statement": statement, "said": said[:200]}
        )
    )


def told_of(error: DomainError) -> None:
    """What the services of pay refuse; input that can never be right is no refusal."""
    kind = type(error)
    if kind.__module__.startswith(_MONEY) and error.status != 400:
        data = {"code": error.code, "refusal": kind.__name__}
        note(Refusal(STEP_REFUSED, kind.__module__.split(".")[1], "", data))


def note_denial(request: HttpRequest) -> None:
    """A signed-in person was refused a door that changes something, or any of pay."""
    match = request.resolver_match
    if match is None or not getattr(request.user, "is_authenticated", False):
        return
    policy = policy_of(match.func)
    about_pay = policy is not None and policy.name.startswith(("compensation.", "audit."))
    if request.method in SAFE and not about_pay:
        return
    data = {"route": match.view_name, "method": request.method, "key": str(match.kwargs.get("pk", ""))}
    note(Refusal(DOOR_CLOSED, "accounts.User", str(request.user.pk), data))


def note_file(request: HttpRequest) -> None:
    """A file was sent for a GET, which itself writes nothing: that it was taken is on record all the same."""
    match = request.resolver_match
    if match is None or not getattr(request.user, "is_authenticated", False):
        return
    data = {"route": match.view_name, **{name: str(value) for name, value in match.kwargs.items()}}
    note(Refusal(FILE_TAKEN, "accounts.User", str(request.user.pk), data))


def note(refusal: Refusal) -> None:
    """Keep ``refusal`` for the end of the scope; without one it is written at once, if anything can be."""
    noted = refusals_here()
    if noted is None:
        if connection.in_atomic_block:
            logger.warning("refused outside of any scope: %s %s", refusal.verb, refusal.subject_type)
        else:
            write([refusal], None)
    elif len(noted) < MOST and refusal not in noted:
        noted.append(refusal)


def forget() -> None:
    """Drop what was noted so far in this scope, but for what the database refused."""
    noted = refusals_here()
    if noted is not None:
        noted[:] = [one for one in noted if one.verb == WRITE_REFUSED]


def write(refusals: list[Refusal], actor: Any) -> None:
    """Write the entries, in a transaction of their own. A database that is away must not hide the refusal itself."""
    from apps.audit.models import AuditEntry

    at = timezone.now()
    try:
        with transaction.atomic():
            AuditEntry.objects.bulk_create(
                AuditEntry(
                    at=at,
                    actor=actor if getattr(actor, "pk", None) else None,
                    verb=one.verb,
                    subject_type=one.subject_type,
                    subject_id=one.subject_id,
                    data=one.data,
                    origin=one.origin,
                )
                for one in refusals
            )
    except DatabaseError:
        logger.exception("refusals could not be recorded")
