"""Addresses, numbers and domains in the one form in which they are compared; whom a suppression closes.

PRODUCT section 4: do-not-contact and opt-outs always win. Pure: nothing here knows where suppressions are kept.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

PHONE_DIGITS = 9
"""Of a number, so many last digits tell it apart: ``030 123456789`` and ``+49 30 123456789`` are one."""
_FEWEST_DIGITS = 6
"""A shorter number is an extension or a remnant: it names nobody."""

_EXTENSION = re.compile(r"(?:\b(?:ext|extension|durchwahl|apt)\b|;ext=|(?<=\d)\s*x(?=\s*\d)|#).*$")
_DOMAIN = re.compile(r"[^\s@/.]+(?:\.[^\s@/.]+)+")


def normal_email(text: str) -> str:
    """Lower case, without the blanks around it; "" for what is no address.

    Plus-tags stay: ``hanna+fair@`` may be another mailbox than ``hanna@``, and only some providers make
    them one. Two addresses too many are put right by a person; two people made one are not.
    """
    found = text.strip().strip("<>").strip().lower()
    local, at, domain = found.rpartition("@")
    return found if at and local and domain and not re.search(r"\s", found) else ""


def normal_phone(text: str) -> str:
    """The digits by which a number is compared, at most ``PHONE_DIGITS``; "" for what is no number."""
    plain = _EXTENSION.sub("", text.lower()).replace("(0)", "")
    digits = re.sub(r"\D", "", plain)
    return digits[-PHONE_DIGITS:] if len(digits) >= _FEWEST_DIGITS else ""


def normal_domain(text: str) -> str:
    """``www.Acme.example`` or ``https://acme.example/de`` as ``acme.example``; "" for what is no domain."""
    found = text.strip().lower()
    found = found.partition("://")[2] or found
    found = found.rpartition("@")[2].partition("/")[0].partition(":")[0].strip(".")
    found = found.removeprefix("www.") if found.count(".") > 1 else found
    return found if _DOMAIN.fullmatch(found) else ""


def domain_of(email: str) -> str:
    """The domain of an address, "" without one."""
    return normal_email(email).rpartition("@")[2]


EMAIL, PHONE, DOMAIN = "email", "phone", "domain"
_NORMAL = {EMAIL: normal_email, PHONE: normal_phone, DOMAIN: normal_domain}


def normal(kind: str, text: str) -> str:
    """``text`` in the form in which values of ``kind`` are kept and compared; "" for what is none."""
    return _NORMAL[kind](text)


@dataclass(frozen=True)
class Contact:
    """By what somebody can be reached: every address and number known, and the company's domain."""

    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    domain: str = ""

    @property
    def names(self) -> frozenset[tuple[str, str]]:
        """Everything that a suppression may name, as (kind, normalised value)."""
        emails = [normal_email(one) for one in self.emails]
        found = {(EMAIL, one) for one in emails}
        found |= {(PHONE, normal_phone(one)) for one in self.phones}
        found |= {(DOMAIN, one) for email in emails for one in _with_parents(domain_of(email))}
        found |= {(DOMAIN, one) for one in _with_parents(normal_domain(self.domain))}
        return frozenset((kind, value) for kind, value in found if value)


def _with_parents(domain: str) -> list[str]:
    """``de.acme.example`` and ``acme.example``: closing a company closes its subdomains."""
    parts = domain.split(".")
    return [".".join(parts[start:]) for start in range(len(parts) - 1)]


@dataclass(frozen=True)
class Closed:
    """What is closed for somebody: everything, or some channels."""

    everything: bool = False
    channels: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.everything or bool(self.channels)


OPEN = Closed()


def closed_by(channels: Iterable[str]) -> Closed:
    """From the channels of the suppressions in force that name somebody; "" means every channel."""
    found = set(channels)
    return Closed("" in found, tuple(sorted(found - {""})))
