"""Who owns an inquiry: by rule when it is asked, by hand with a reason afterwards; never whom it concerns."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Count, Q

from apps.accounts.models import User
from apps.audit import services as audit
from apps.compensation.models import Inquiry, InquiryAct
from apps.compensation.rules.inquiries import RUNNING, choose_owner
from apps.compensation.services import inquiry_news as news
from apps.compensation.services.inquiry_rows import UnableToHandle, held, reason_of, refuse_unless_running
from apps.compensation.services.inquiry_terms import ROLES_OF, Answered, Terms, answerers
from apps.core.errors import DomainError, InvalidInput


class NobodyToAnswer(DomainError):
    """There is nobody in RevOps or finance whom it does not concern."""

    code = "nobody_to_answer"


def owner_for(*, concerned: frozenset[int], terms: Terms) -> tuple[User, str]:
    """Who gets it and why, in words. Two statements. Raises ``NobodyToAnswer``."""
    everybody = {user.pk: user for user in answerers()}
    of_role = [pk for pk, user in everybody.items() if user.role in ROLES_OF[terms.answered_by]]
    rota = [pk for pk in terms.rota if pk in everybody]
    counts = Inquiry.objects.filter(owner__in=list(everybody)).order_by().values("owner")
    counted = counts.annotate(now=Count("pk", filter=Q(state__in=RUNNING)), ever=Count("pk"))
    owned = {row["owner"]: (row["now"], row["ever"]) for row in counted}
    who = Answered(terms.answered_by).label
    for candidates, because in (
        (rota, "Whose turn it is in the rota: the fewest to answer, and the fewest so far."),
        (of_role, f"{who}: the fewest inquiries to answer, and the fewest so far."),
        (list(everybody), f"Nobody else of {who} is free of it: the fewest to answer of RevOps and finance."),
    ):
        found = choose_owner(candidates=candidates, concerned=concerned, owned=owned)
        if found is not None:
            return everybody[found], because
    raise NobodyToAnswer("Nobody in RevOps or finance could answer this: tell your administrator.")


def possible_owners(inquiry: Inquiry) -> list[User]:
    """Who could take it over (rep fetched along). One statement."""
    return [user for user in answerers() if not inquiry.concerns(user) and user.pk != inquiry.owner_id]


@transaction.atomic
def reassign(*, inquiry: Inquiry, owner: User, reason: str, at: datetime, actor: Any) -> Inquiry:
    """Give a running inquiry to another person, with a reason; its clock goes on as it is.

    Raises ``InvalidInput`` naming the field, ``UnableToHandle`` for somebody whom it concerns.
    """
    reason = reason_of(reason, field="reason", says="Say why: the thread keeps it.")
    inquiry = held(inquiry)
    refuse_unless_running(inquiry)
    if owner.pk == inquiry.owner_id:
        raise InvalidInput(f"{owner.name} owns it already.", field="owner")
    if inquiry.concerns(owner):
        raise UnableToHandle("Nobody answers an inquiry about their own pay.", field="owner")
    if not answerers().filter(pk=owner.pk).exists():
        raise InvalidInput("Choose somebody of RevOps or finance.", field="owner")
    before = inquiry.owner_id
    inquiry.owner, inquiry.owner_because = owner, reason[:300]
    inquiry.save(update_fields=["owner", "owner_because"])
    InquiryAct.objects.create(
        inquiry=inquiry,
        round=inquiry.round,
        kind=InquiryAct.Kind.ASSIGNED,
        by=actor,
        at=at,
        words=f"To {owner.name}: {reason}"[:500],
    )
    audit.record(
        verb="compensation.inquiry.assigned",
        subject=inquiry,
        at=at,
        actor=actor,
        data={"from": before, "to": owner.pk},
    )
    news.tell_owner(inquiry=inquiry, at=at, actor=actor)
    return inquiry
