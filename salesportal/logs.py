"""How a line of log looks: JSON, one event a line, and nothing that names a person.

A request is logged by its path alone (a query string may hold what somebody searched for), without address
or browser; a user by number. An error is logged by its type and where it was raised: messages of a database
quote the row that they refuse.
"""

import traceback
from types import TracebackType
from typing import Any

import structlog

Event = dict[str, Any]

PERSONAL = frozenset({"ip", "user_agent", "email", "name", "password", "token"})


def _without_personal_data(_logger: Any, _method: str, event: Event) -> Event:
    for key in PERSONAL & event.keys():
        del event[key]
    if isinstance(event.get("request"), str):
        event["request"] = event["request"].partition("?")[0]
    return event


def _where(frames: TracebackType | None) -> list[str]:
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(frames)]


def _errors_without_messages(_logger: Any, _method: str, event: Event) -> Event:
    raised = event.pop("exc_info", None)
    if isinstance(raised, BaseException):
        raised = (type(raised), raised, raised.__traceback__)
    if isinstance(raised, tuple) and raised[0] is not None:
        event["error"] = f"{raised[0].__module__}.{raised[0].__qualname__}"
        event["raised_at"] = _where(raised[2])[-12:]
    event.pop("exception", None)
    event.pop("stack_info", None)
    return event


def _take_record_error(_logger: Any, _method: str, event: Event) -> Event:
    """A record of the standard library carries its error apart; bring it to where the others are."""
    record = event.get("_record")
    if record is not None and record.exc_info:
        event["exc_info"] = record.exc_info
        # The formatter would write the message and the traceback behind the line.
        record.exc_info = record.exc_text = None
    return event


_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    _without_personal_data,
]


def configure(level: str) -> dict[str, Any]:
    """The value of Django's ``LOGGING`` for lines of ``level`` and above; sets structlog up as well."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": _SHARED,
                "processors": [
                    _take_record_error,
                    _errors_without_messages,
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    structlog.processors.JSONRenderer(),
                ],
            }
        },
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            # Django's own handlers would write to the terminal and mail the error with its request.
            "django": {"handlers": [], "level": "NOTSET", "propagate": True},
            # Told by the request middleware already, with the request's number.
            "django.request": {"handlers": [], "level": "CRITICAL", "propagate": False},
            "kombu.connection": {"level": "ERROR"},
        },
    }
