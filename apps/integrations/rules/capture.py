"""What a form may ask, which sites may show it, and when somebody was too quick or too late. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

MIN_FILLING = timedelta(seconds=3)
"""Nobody types an address faster; programs do."""
MAX_FILLING = timedelta(hours=12)
MOST_ORIGINS = 20

ASKED, REQUIRED = "asked", "required"


@dataclass(frozen=True)
class Asked:
    """A field of a form: what it is called, how long it may be, what browsers may fill it with."""

    name: str
    label: str
    longest: int
    autocomplete: str
    kind: str = "text"


FIELDS = {
    one.name: one
    for one in (
        Asked("name", "Your name", 120, "name"),
        Asked("email", "Work e-mail", 254, "email", "email"),
        Asked("phone", "Phone", 40, "tel", "tel"),
        Asked("company", "Company", 160, "organization"),
        Asked("title", "Your role", 120, "organization-title"),
        Asked("industry", "Industry", 80, "off"),
        Asked("employees", "Employees", 9, "off", "number"),
        Asked("city", "City", 80, "address-level2"),
    )
}
"""The address is always asked, and required: by it somebody is known again."""


class NotAllowed(ValueError):
    """Why fields or sites cannot be as given, as a sentence."""


def checked_fields(fields: Mapping[str, str]) -> dict[str, str]:
    """The fields in their order, each asked or required; the address always required."""
    if not fields.keys() <= FIELDS.keys() or not set(fields.values()) <= {ASKED, REQUIRED}:
        raise NotAllowed("Choose among the fields, each asked or required.")
    return {name: REQUIRED if name == "email" else fields[name] for name in FIELDS
            if name in fields or name == "email"}  # fmt: skip


_LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_ORIGIN = re.compile(rf"(?P<scheme>https?)://(?P<host>({_LABEL}\.)*{_LABEL})(:(?P<port>[1-9]\d{{0,4}}))?")
_MACHINE = ("localhost", "127.0.0.1")


def checked_origins(origins: Sequence[str]) -> list[str]:
    """Origins as a content security policy names them: ``https://www.larkfield.example``, nothing behind it.

    Anything else could widen the policy: no path, no star, no blank, no semicolon.
    """
    found: list[str] = []
    for origin in filter(None, (one.strip().rstrip("/").lower() for one in origins)):
        parts = _ORIGIN.fullmatch(origin)
        plain = parts is None or (parts["scheme"] == "http" and parts["host"] not in _MACHINE)
        if parts is None or plain or int(parts["port"] or 1) > 65_535 or len(origin) > 200:
            raise NotAllowed(f"“{origin[:60]}” is no site: write https://www.example.com, without a path.")
        if origin not in found:
            found.append(origin)
    if len(found) > MOST_ORIGINS:
        raise NotAllowed(f"{MOST_ORIGINS} sites at most.")
    return found


def pace(*, opened_at: datetime, sent_at: datetime) -> str:
    """``quick``, ``late``, or "" for how long somebody took who opened a form and sent it."""
    took = sent_at - opened_at
    if took < MIN_FILLING:
        return "quick"
    return "late" if took > MAX_FILLING else ""


def host_of(address: str, origins: Sequence[str]) -> str:
    """The host of a page that shows a form, as the browser names it, if it is one of those that may."""
    parts = _ORIGIN.match(address.lower())
    if parts is None or parts.group() not in origins:
        return ""
    return parts.group().partition("://")[2][:120]
