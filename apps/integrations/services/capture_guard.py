"""Keep programs out of forms without asking anybody else: a signed ticket that has an age, a limit by address.

The ticket also names one filling of the form, so that a second click is the same capture.
"""

import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.core import signing
from django.core.cache import cache

from apps.core.errors import DomainError, InvalidInput
from apps.integrations.models import Capture, CaptureForm, ConsentText
from apps.integrations.rules import capture as rules

_FILLING, _ANSWER = "integrations.capture.filling", "integrations.capture.answer"
WINDOW = timedelta(minutes=10)
ANSWER_LASTS = timedelta(hours=1)


class TooMany(DomainError):
    """One address sent more than it may."""

    code = "too_many"
    status = 429


class TooQuick(InvalidInput):
    """Nobody fills a form in so fast."""

    code = "too_quick"


class AnswerOver(DomainError):
    """The page that answered a capture was left too long."""

    code = "answer_over"
    status = 410


@dataclass(frozen=True)
class Filling:
    """One opening of a form: its own name, when it was, the text that was shown, the site that showed it."""

    name: str
    opened_at: datetime
    consent: ConsentText
    site: str = ""


def consent_of(form: CaptureForm) -> ConsentText:
    """The text as it stands now; a form has one from its first day."""
    return form.consents.order_by("-version")[0]


def ticket(*, form: CaptureForm, consent: ConsentText, site: str = "", at: datetime) -> str:
    """What a form carries from its opening to its sending."""
    said = {"n": secrets.token_urlsafe(9), "t": at.timestamp(), "c": consent.pk, "s": site}
    return signing.dumps(said, salt=f"{_FILLING}.{form.pk}")


def read_ticket(*, form: CaptureForm, words: str, at: datetime) -> Filling:
    """The filling that a ticket names. Raises ``InvalidInput`` (field ``ticket``) with what to do."""
    try:
        said = signing.loads(words, salt=f"{_FILLING}.{form.pk}")
    except signing.BadSignature:
        raise InvalidInput("The form was not opened here: send it once more.", field="ticket") from None
    opened_at = datetime.fromtimestamp(said["t"], tz=UTC)
    match rules.pace(opened_at=opened_at, sent_at=at):
        case "quick":
            raise TooQuick("That was very quick: send it once more.", field="ticket")
        case "late":
            raise InvalidInput("The form was open for very long: send it once more.", field="ticket")
    consent = ConsentText.objects.get(pk=said["c"], form=form)
    return Filling(str(said["n"]), opened_at, consent, str(said["s"]))


def count(*, form: CaptureForm, address: str, at: datetime) -> None:
    """Count one sending from ``address``, of which a keyed hash is kept for ten minutes. Raises ``TooMany``."""
    who = hmac.new(settings.SECRET_KEY.encode(), f"{form.pk} {address}".encode(), "sha256").hexdigest()[:32]
    window = int(at.timestamp() // WINDOW.total_seconds())
    key = f"capture:{who}:{window}"
    cache.add(key, 0, timeout=int(WINDOW.total_seconds()))
    try:
        sent = cache.incr(key)
    except ValueError:
        sent = 1  # it lapsed between the two
    if sent > settings.CAPTURE_PER_ADDRESS:
        raise TooMany("Too many were sent from where you are. Try again in ten minutes, or call us.")


def answer_ticket(*, capture: Capture, at: datetime) -> str:
    """What the page of thanks carries: whose capture it answers, for an hour."""
    return signing.dumps({"c": capture.pk, "t": at.timestamp()}, salt=_ANSWER)


def read_answer(*, form: CaptureForm, words: str, at: datetime) -> Capture:
    """The capture that a page of thanks answers. Raises ``AnswerOver``."""
    try:
        said = signing.loads(words, salt=_ANSWER)
    except signing.BadSignature:
        said = {}
    capture = Capture.objects.select_related("lead__team", "form").filter(pk=said.get("c"), form=form).first()
    if capture is None or at - datetime.fromtimestamp(said["t"], tz=UTC) > ANSWER_LASTS:
        raise AnswerOver("This page is over. We have what you sent; for another time, send the form again.")
    return capture
