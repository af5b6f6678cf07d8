"""Secrets that sign webhooks: made when they are needed, shown once, never kept.

A secret is the keyed hash of a random salt under the installation's own key. So a copy of the database alone signs
nothing. Where the key was exchanged (``SECRET_KEY_FALLBACKS`` names the one before), the check tells which made it.
"""

import base64
import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

from django.conf import settings
from standardwebhooks import Webhook

from apps.core.errors import DomainError
from apps.integrations.models import WebhookEndpoint

OVERLAP = timedelta(hours=24)
"""So long both secrets sign after one was rotated: a receiver changes over without losing a message."""


class SecretLost(DomainError):
    """No key of this installation makes the secret that was shown."""

    code = "secret_lost"


def new_salt() -> tuple[str, str]:
    """A salt and the check of the secret that it gives."""
    salt = secrets.token_urlsafe(32)
    return salt, _check(_made(settings.SECRET_KEY, salt))


def secret_of(*, salt: str, check: str) -> str:
    """The secret as a receiver knows it (``whsec_…``). Raises ``SecretLost``."""
    for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        made = _made(key, salt)
        if hmac.compare_digest(_check(made), check):
            return made
    raise SecretLost("The secret was made with a key that this installation no longer has: rotate it.")


def signed(*, endpoint: WebhookEndpoint, message_id: str, body: str, at: datetime) -> dict[str, str]:
    """The headers of one attempt: id, timestamp, and a signature by each secret that holds at ``at``.

    Raises ``SecretLost``.
    """
    pairs = [(endpoint.secret_salt, endpoint.secret_check)]
    if endpoint.earlier_until is not None and at < endpoint.earlier_until:
        pairs.append((endpoint.earlier_salt, endpoint.earlier_check))
    signatures = [
        Webhook(secret_of(salt=pair[0], check=pair[1])).sign(message_id, at, body) for pair in pairs
    ]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def _made(key: str, salt: str) -> str:
    digest = hmac.new(key.encode(), f"webhook secret {salt}".encode(), hashlib.sha256).digest()
    return "whsec_" + base64.b64encode(digest).decode()


def _check(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()[:16]
