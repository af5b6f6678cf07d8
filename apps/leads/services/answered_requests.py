"""A write that is asked for more than once under one key: done once, and answered alike each time.

Whoever is first writes the key, before and apart from the work, so that the work keeps its own transactions and their
order of locks. A twin at the same moment waits for that answer. What is refused leaves no key: nothing was done, and
asking again is asked anew. A key whose worker died is taken over after a minute: booking names the state that it
wants, so what was done already is found rather than done twice.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from apps.core.errors import KeyReused
from apps.leads.models import AnsweredRequest

ABANDONED = timedelta(minutes=1)
KEPT = timedelta(days=1)


@dataclass(frozen=True)
class Answer:
    """What was answered: the status of HTTP and the body as JSON ("" for none)."""

    status: int
    body: str


def begin(*, key: str, asked: str, at: datetime) -> AnsweredRequest | Answer | None:
    """The request under ``key`` for whoever is to do it; its answer, where it has one; ``None`` while another does it.

    ``asked`` is a hash over all that it asks. Raises ``KeyReused`` where the key was used for something else.
    """
    try:
        with transaction.atomic():
            return AnsweredRequest.objects.create(key=key, asked=asked, begun_at=at)
    except IntegrityError:
        found = AnsweredRequest.objects.filter(key=key).first()
    if found is None:
        # Refused meanwhile, and so forgotten: whoever asks again is the first.
        return None
    if found.asked != asked:
        raise KeyReused("This Idempotency-Key was used for another request: send a new key.")
    if found.status is not None:
        return Answer(found.status, found.body)
    abandoned = AnsweredRequest.objects.filter(
        pk=found.pk, status__isnull=True, begun_at=found.begun_at, begun_at__lte=at - ABANDONED
    )
    return found if abandoned.update(begun_at=at) else None


def answered(*, request: AnsweredRequest, status: int, body: str) -> Answer:
    """Keep the answer for whoever asks again."""
    AnsweredRequest.objects.filter(pk=request.pk).update(status=status, body=body)
    return Answer(status, body)


def refused(*, request: AnsweredRequest) -> None:
    """Forget the key: nothing was done."""
    AnsweredRequest.objects.filter(pk=request.pk, status__isnull=True).delete()


def forget_old_requests(*, at: datetime) -> int:
    """Forget what is older than a day; how many."""
    return AnsweredRequest.objects.filter(begun_at__lt=at - KEPT).delete()[0]
