"""Who may contest a rejection, judge that, and see how AEs answer. Who answers a hand-off is in ``policies``."""

from typing import Any

from rules.predicates import predicate

from apps.accounts.models import Role
from apps.accounts.policies import has_role
from apps.core.policies import Policy

SEE_HAND_OFFS_MADE = Policy(
    "leads.see_hand_offs_made",
    "SDRs see what became of the hand-offs they made, managers of their teams', marketing and RevOps of all.",
    roles=has_role(Role.SDR, Role.MANAGER, Role.MARKETING, Role.REVOPS),
)


@predicate
def is_its_sdr(user: Any, hand_off: Any) -> bool:
    """Whether the user handed it over."""
    return hand_off is not None and hand_off.sdr.user_id == user.pk


@predicate
def contests_it(user: Any, contest: Any) -> bool:
    """Whether the user is the SDR of the contested hand-off."""
    return contest is not None and is_its_sdr.test(user, contest.hand_off)


@predicate
def is_a_side(user: Any, contest: Any) -> bool:
    """Whether the user is the SDR or the AE of the contested hand-off."""
    return contest is not None and user.pk in (contest.hand_off.sdr.user_id, contest.hand_off.ae.user_id)


@predicate
def is_its_judge(user: Any, contest: Any) -> bool:
    """Whether the contest was given to this user to judge."""
    return contest is not None and contest.judge_id == user.pk


CONTEST = Policy(
    "leads.contest",
    "Only the SDR who handed it over contests a rejection.",
    roles=has_role(Role.SDR),
    on=is_its_sdr,
)
SEE_CONTESTS = Policy(
    "leads.see_contests",
    "Both sides of a contest, who continues after it, their managers, its judge, marketing and RevOps see it.",
    roles=has_role(Role.SDR, Role.AE, Role.MANAGER, Role.MARKETING, Role.REVOPS),
)
STATE_IN_CONTEST = Policy(
    "leads.state_in_contest",
    "The SDR and the AE of a contest add one statement each.",
    roles=has_role(Role.SDR, Role.AE),
    on=is_a_side,
)
WITHDRAW_CONTEST = Policy(
    "leads.withdraw_contest",
    "Only the SDR who contests a rejection withdraws that.",
    roles=has_role(Role.SDR),
    on=contests_it,
)
JUDGE_CONTEST = Policy(
    "leads.judge_contest",
    "Only the judge who was named, a manager of neither side or RevOps, decides a contest.",
    roles=has_role(Role.MANAGER, Role.REVOPS),
    on=is_its_judge,
)
PASS_CONTEST_ON = Policy("leads.pass_contest_on", "RevOps names another judge.", roles=has_role(Role.REVOPS))
SET_CONTEST_TERMS = Policy(
    "leads.set_contest_terms",
    "RevOps sets how long contesting and judging may take.",
    roles=has_role(Role.REVOPS),
)
SEE_ANSWER_PATTERNS = Policy(
    "leads.see_answer_patterns",
    "Managers see how their teams' AEs answer, marketing and RevOps all, an AE the own row.",
    roles=has_role(Role.AE, Role.MANAGER, Role.MARKETING, Role.REVOPS),
)
