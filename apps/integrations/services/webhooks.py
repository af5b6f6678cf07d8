"""Say who is told of what: add an endpoint, change it, rotate its secret; send again what was given up.

An address may hold a token of the receiver's: it stands in no audit entry and no log, only its host does.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from django.conf import settings
from django.db import IntegrityError, transaction

from apps.audit import services as audit
from apps.core.errors import DomainError, InvalidInput
from apps.integrations.models import MessageState, WebhookEndpoint, WebhookMessage
from apps.integrations.rules import webhooks as rules
from apps.integrations.services import webhook_secrets

MOST_ENDPOINTS = 20


class UnableToSendAgain(DomainError):
    """The message waits or was delivered."""

    code = "unable_to_send_again"


class TooManyEndpoints(DomainError):
    """As many are told as may be."""

    code = "too_many_endpoints"


@transaction.atomic
def add_endpoint(
    *, name: str, url: str, kinds: Sequence[str], with_history: bool = False, at: datetime, actor: Any = None
) -> tuple[WebhookEndpoint, str]:
    """The endpoint and its secret, which nobody can be shown a second time.

    Raises ``InvalidInput`` (field ``name``, ``url`` or ``kinds``), ``TooManyEndpoints``.
    """
    if WebhookEndpoint.objects.count() >= MOST_ENDPOINTS:
        raise TooManyEndpoints(f"{MOST_ENDPOINTS} endpoints at most: change one that is switched off.")
    salt, check = webhook_secrets.new_salt()
    endpoint = WebhookEndpoint(
        name=_named(name),
        url=_address(url),
        kinds=_known(kinds),
        with_history=with_history,
        secret_salt=salt,
        secret_check=check,
        secret_made_at=at,
        created_by=actor if getattr(actor, "pk", None) else None,
        created_at=at,
    )
    _save(endpoint)
    _record("added", endpoint, at, actor)
    return endpoint, webhook_secrets.secret_of(salt=salt, check=check)


@transaction.atomic
def change_endpoint(
    *,
    endpoint: WebhookEndpoint,
    name: str,
    url: str,
    kinds: Sequence[str],
    with_history: bool,
    is_active: bool,
    at: datetime,
    actor: Any = None,
) -> WebhookEndpoint:
    """What waits for an endpoint that is switched off stays, and goes out when it is switched on again.

    What happens meanwhile is not kept for it. Raises ``InvalidInput``.
    """
    endpoint = WebhookEndpoint.objects.select_for_update().get(pk=endpoint.pk)
    before = (endpoint.url, endpoint.is_active)
    endpoint.name, endpoint.url, endpoint.kinds = _named(name), _address(url), _known(kinds)
    endpoint.with_history, endpoint.is_active = with_history, is_active
    if before != (endpoint.url, endpoint.is_active):
        # Somebody mended it: the next sweep tries at once.
        endpoint.rests_until, endpoint.hung_in_a_row = None, 0
    _save(endpoint)
    _record("changed", endpoint, at, actor)
    return endpoint


@transaction.atomic
def rotate_secret(
    *, endpoint: WebhookEndpoint, at_once: bool = False, at: datetime, actor: Any = None
) -> tuple[WebhookEndpoint, str]:
    """A new secret, shown once. The one before signs beside it for a day, unless it is to end ``at_once``."""
    endpoint = WebhookEndpoint.objects.select_for_update().get(pk=endpoint.pk)
    salt, check = webhook_secrets.new_salt()
    endpoint.earlier_salt, endpoint.earlier_check = endpoint.secret_salt, endpoint.secret_check
    endpoint.earlier_until = at if at_once else at + webhook_secrets.OVERLAP
    endpoint.secret_salt, endpoint.secret_check, endpoint.secret_made_at = salt, check, at
    endpoint.save()
    _record("secret_rotated", endpoint, at, actor, at_once=at_once)
    return endpoint, webhook_secrets.secret_of(salt=salt, check=check)


@transaction.atomic
def send_again(*, message: WebhookMessage, at: datetime, actor: Any = None) -> None:
    """Try a message anew that was given up, under the id it had. Raises ``UnableToSendAgain``."""
    changed = WebhookMessage.objects.filter(pk=message.pk, state=MessageState.DEAD).update(**_anew(at))
    if not changed:
        raise UnableToSendAgain("Only what was given up is sent again: this waits already, or was delivered.")
    audit.record(verb="integrations.webhook_message.sent_again", subject=message, at=at, actor=actor)


@transaction.atomic
def send_all_again(*, endpoint: WebhookEndpoint, at: datetime, actor: Any = None) -> int:
    """Try anew all that was given up for an endpoint; how many. They go out in the order of their facts."""
    dead = WebhookMessage.objects.filter(endpoint=endpoint, state=MessageState.DEAD)
    count = dead.update(**_anew(at))
    if count:
        WebhookEndpoint.objects.filter(pk=endpoint.pk).update(rests_until=None, hung_in_a_row=0)
        _record("all_sent_again", endpoint, at, actor, messages=count)
    return count


@transaction.atomic
def send_test(*, endpoint: WebhookEndpoint, at: datetime, actor: Any = None) -> WebhookMessage:
    """A message that tells of nothing, to see whether the endpoint answers. Raises ``UnableToSendAgain`` when it
    is switched off."""
    if not endpoint.is_active:
        raise UnableToSendAgain("It is switched off: nothing is sent to it.")
    name = new_message_id()
    body = {"type": rules.TEST, "timestamp": at.isoformat(), "data": {"endpoint": endpoint.pk}}
    message = WebhookMessage.objects.create(
        endpoint=endpoint,
        message_id=name,
        source_key=f"test:{name}",
        kind=rules.TEST,
        # On its own, so that it waits for nothing.
        subject=f"test:{name[-32:]}",
        body=json.dumps(body, separators=(",", ":")),
        created_at=at,
        due_at=at,
    )
    _record("tested", endpoint, at, actor)
    return message


def new_message_id() -> str:
    """The name of a new message, unlike any other in the world."""
    return f"msg_{uuid4().hex}"


def _anew(at: datetime) -> dict[str, Any]:
    return {
        "state": MessageState.WAITING,
        "due_at": at,
        "settled_at": None,
        "claimed_until": None,
        "attempts": 0,
    }


def _named(name: str) -> str:
    name = " ".join(name.split())
    if not name:
        raise InvalidInput("Give it a name.", field="name")
    return name[:80]


def _address(url: str) -> str:
    try:
        return rules.checked_url(url, allowed_hosts=frozenset(settings.WEBHOOK_HOSTS_ALLOWED))
    except rules.NotAnAddress as error:
        raise InvalidInput(str(error), field="url") from None


def _known(kinds: Sequence[str]) -> list[str]:
    chosen = set(kinds)
    if not chosen or not chosen <= rules.TOPICS.keys():
        raise InvalidInput("Choose what it is told of, one kind at least.", field="kinds")
    return [name for name in rules.TOPICS if name in chosen]


def _save(endpoint: WebhookEndpoint) -> None:
    try:
        with transaction.atomic():
            endpoint.save()
    except IntegrityError:
        raise InvalidInput("Another endpoint has this name.", field="name") from None


def _record(act: str, endpoint: WebhookEndpoint, at: datetime, actor: Any, **data: Any) -> None:
    said = {
        "name": endpoint.name,
        "host": urlsplit(endpoint.url).hostname,
        "kinds": endpoint.kinds,
        "is_active": endpoint.is_active,
        **data,
    }
    audit.record(verb=f"integrations.webhook_endpoint.{act}", subject=endpoint, at=at, actor=actor, data=said)
