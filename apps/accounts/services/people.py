"""Make a user, change the role, let somebody go and come back. Each act is recorded."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from apps.accounts.models import Role, User
from apps.audit import services as audit
from apps.core.errors import DomainError, InvalidInput


class UnableToChangePerson(DomainError):
    """Nobody changes the own role or lets the own self go: the portal would lose its last admin."""

    code = "unable_to_change_person"


@transaction.atomic
def create_person(
    *, name: str, email: str, role: Role, time_zone: str, at: datetime, password: str = "", actor: Any = None
) -> User:
    """A user with ``role``. Without a ``password`` there is none that works: the person sets one by mail.

    Raises ``InvalidInput`` at the field: an address that is taken, a password that is too weak.
    """
    email = email.strip().lower()
    person = User(name=name.strip(), email=email, role=role, time_zone=_known_zone(time_zone))
    if User.objects.filter(email__iexact=email).exists():
        raise InvalidInput("Somebody signs in with this address already.", field="email")
    if password:
        try:
            validate_password(password, person)
        except ValidationError as error:
            raise InvalidInput(" ".join(error.messages), field="password") from error
    person.set_password(password or None)
    try:
        with transaction.atomic():
            person.save(force_insert=True)
    except IntegrityError as error:
        raise InvalidInput("Somebody signs in with this address already.", field="email") from error
    audit.record(verb="accounts.person.created", subject=person, at=at, actor=actor, data={"role": role})
    return person


@transaction.atomic
def change_role(*, person: User, role: Role, at: datetime, actor: Any) -> User:
    """Give ``person`` another role; it holds from the person's next request on."""
    _refuse_own(person, actor, "role")
    person = User.objects.select_for_update().get(pk=person.pk)
    if person.role == role:
        return person
    before = person.role
    person.role = role
    person.save(update_fields=["role"])
    audit.record(
        verb="accounts.person.role_changed",
        subject=person,
        at=at,
        actor=actor,
        data={"from": before, "to": role},
    )
    return person


@transaction.atomic
def deactivate(*, person: User, at: datetime, actor: Any) -> User:
    """Let ``person`` go: sign-in is refused, and open sessions end with their next request."""
    _refuse_own(person, actor, "sign-in")
    if User.objects.filter(pk=person.pk, is_active=True).update(is_active=False):
        audit.record(verb="accounts.person.deactivated", subject=person, at=at, actor=actor)
    person.refresh_from_db()
    return person


@transaction.atomic
def reactivate(*, person: User, at: datetime, actor: Any) -> User:
    """Let ``person`` sign in again."""
    if User.objects.filter(pk=person.pk, is_active=False).update(is_active=True):
        audit.record(verb="accounts.person.reactivated", subject=person, at=at, actor=actor)
    person.refresh_from_db()
    return person


@transaction.atomic
def change_own_zone(*, person: User, time_zone: str, at: datetime) -> User:
    """The zone in which ``person`` reads instants. Raises ``InvalidInput`` for one that is not known."""
    person.time_zone = _known_zone(time_zone)
    person.save(update_fields=["time_zone"])
    audit.record(
        verb="accounts.person.zone_changed", subject=person, at=at, actor=person, data={"to": time_zone}
    )
    return person


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:
        raise InvalidInput("Choose a time zone from the list.", field="time_zone") from error
    return name


def _refuse_own(person: User, actor: Any, what: str) -> None:
    if getattr(actor, "pk", None) == person.pk:
        raise UnableToChangePerson(f"Nobody changes the own {what}: ask another RevOps colleague.")
