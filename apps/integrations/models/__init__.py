"""Imports and mappings; webhooks; forms that capture leads."""

from apps.integrations.models.capture import Capture, CaptureForm, ConsentText
from apps.integrations.models.imports import (
    ImportedRow,
    ImportFile,
    ImportMapping,
    ImportMessage,
    ImportRun,
    RunState,
    Severity,
)
from apps.integrations.models.webhooks import MessageState, WebhookAttempt, WebhookEndpoint, WebhookMessage

__all__ = [
    "Capture",
    "CaptureForm",
    "ConsentText",
    "ImportFile",
    "ImportMapping",
    "ImportMessage",
    "ImportRun",
    "ImportedRow",
    "MessageState",
    "RunState",
    "Severity",
    "WebhookAttempt",
    "WebhookEndpoint",
    "WebhookMessage",
]
