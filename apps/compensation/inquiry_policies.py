"""Who may ask about pay, answer, agree on a change and approve it (PRODUCT section 9, "Inquiry")."""

from typing import Any

from rules.predicates import Predicate

from apps.accounts.models import Role
from apps.accounts.policies import REP_ROLES, has_role
from apps.core.policies import Policy

_ANSWERERS = has_role(Role.REVOPS, Role.FINANCE)
_PAID = has_role(*REP_ROLES, Role.MANAGER)


def _is_own(user: Any, statement: Any) -> bool:
    return statement.rep.user_id == user.pk


ASK_INQUIRY = Policy(
    "compensation.ask_inquiry",
    "Who is paid by a statement asks about it, and nobody else.",
    roles=_PAID,
    on=Predicate(_is_own, name="is_own"),
)
SEE_INQUIRIES = Policy(
    "compensation.see_inquiries",
    "RevOps and finance see all inquiries, managers their teams', reps their own; with their files.",
    roles=has_role(*REP_ROLES, Role.MANAGER, Role.FINANCE, Role.REVOPS),
)


def _asked(user: Any, inquiry: Any) -> bool:
    return inquiry.asked_by_id == user.pk


def _takes_part(user: Any, inquiry: Any) -> bool:
    return inquiry.asked_by_id == user.pk or (
        user.role in (Role.REVOPS, Role.FINANCE) and not inquiry.concerns(user)
    )


def _is_not_concerned(user: Any, inquiry: Any) -> bool:
    return not inquiry.concerns(user)


REPLY_TO_INQUIRY = Policy(
    "compensation.reply_to_inquiry",
    "Who asked, RevOps and finance write in an inquiry; managers read along.",
    roles=has_role(*REP_ROLES, Role.MANAGER, Role.FINANCE, Role.REVOPS),
    on=Predicate(_takes_part, name="takes_part"),
)
FOLLOW_INQUIRY = Policy(
    "compensation.follow_inquiry",
    "Who asked withdraws an inquiry, accepts what came of it, or opens it again.",
    roles=_PAID,
    on=Predicate(_asked, name="asked"),
)
ANSWER_INQUIRY = Policy(
    "compensation.answer_inquiry",
    "RevOps and finance answer inquiries and propose changes of pay; nobody one about their own pay.",
    roles=_ANSWERERS,
    on=Predicate(_is_not_concerned, name="is_not_concerned"),
)


def _neither_proposed_nor_concerned(user: Any, adjustment: Any) -> bool:
    return adjustment.proposed_by_id != user.pk and not adjustment.inquiry.concerns(user)


APPROVE_ADJUSTMENT = Policy(
    "compensation.approve_adjustment",
    "RevOps or finance approves or declines a change of pay; not who proposed it, asked for it or is paid by it.",
    roles=_ANSWERERS,
    on=Predicate(_neither_proposed_nor_concerned, name="neither_proposed_nor_concerned"),
)


def _proposed(user: Any, adjustment: Any) -> bool:
    return adjustment.proposed_by_id == user.pk


WITHDRAW_ADJUSTMENT = Policy(
    "compensation.withdraw_adjustment",
    "Who proposed a change of pay withdraws it before it is decided.",
    roles=_ANSWERERS,
    on=Predicate(_proposed, name="proposed"),
)
SET_INQUIRY_TERMS = Policy(
    "compensation.set_inquiry_terms",
    "RevOps and finance set how fast inquiries are answered, and by whom.",
    roles=_ANSWERERS,
)
