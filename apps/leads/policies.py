"""Who may take which of the funnel's routes. Which objects exist for whom is ``visible_to``'s to say."""

from typing import Any

from rules.predicates import Predicate, predicate

from apps.accounts.models import Role
from apps.accounts.policies import has_role
from apps.core.policies import Policy


@predicate
def is_own_queue(user: Any, lead: Any) -> bool:
    """Whether an SDR may act on the lead: it is the SDR's own, or lies unowned in the team's pool."""
    rep = getattr(user, "rep", None)
    if rep is None or lead is None:
        return False
    return lead.owner_id == rep.pk or (lead.owner_id is None and lead.team_id == rep.team_id)


_sdr: Predicate = has_role(Role.SDR)

WORK_QUEUE = Policy("leads.work_queue", "SDRs work the queue.", roles=_sdr)
WORK_LEAD = Policy("leads.work_lead", "Only the SDR who owns a lead works it.", roles=_sdr, on=is_own_queue)
CLOSE_CHANNEL = Policy(
    "leads.close_channel",
    "Whoever talks to a lead within their scope keeps a wish not to be contacted.",
    roles=has_role(Role.SDR, Role.AE, Role.AM, Role.CSM, Role.MANAGER, Role.MARKETING, Role.REVOPS),
)
REASSIGN = Policy(
    "leads.reassign",
    "Managers pass leads on within their teams; RevOps within all.",
    roles=has_role(Role.MANAGER, Role.REVOPS),
)
SEE_LEAD = Policy("leads.see_lead", "Each sees the leads within the own scope.")
SEE_EVENT = Policy("leads.see_event", "Each sees the events within the own scope.")
LIST_LEADS = Policy(
    "leads.list_leads",
    "SDRs, managers, marketing and RevOps search the leads within their scope.",
    roles=has_role(Role.SDR, Role.MANAGER, Role.MARKETING, Role.REVOPS),
)
TAKE_IN_LEAD = Policy(
    "leads.take_in_lead",
    "SDRs, managers and RevOps take in a lead by hand.",
    roles=has_role(Role.SDR, Role.MANAGER, Role.REVOPS),
)
SEE_TEAM_DAY = Policy(
    "leads.see_team_day",
    "Managers see their teams' day; RevOps sees every team's.",
    roles=has_role(Role.MANAGER, Role.REVOPS),
)
SEE_SWITCHES = Policy(
    "leads.see_switches",
    "SDRs see their own context switches, managers those of their teams, RevOps all.",
    roles=has_role(Role.SDR, Role.MANAGER, Role.REVOPS),
)
SEE_OUTREACH = Policy(
    "leads.see_outreach",
    "Managers see what their teams' outreach and answers brought; marketing and RevOps see everybody's.",
    roles=has_role(Role.MANAGER, Role.MARKETING, Role.REVOPS),
)
SEE_OUTREACH_EVENTS = Policy(
    "leads.see_outreach_events",
    "SDRs open the visits and conversions that they caused; managers, marketing and RevOps those of their scope.",
    roles=has_role(Role.SDR, Role.MANAGER, Role.MARKETING, Role.REVOPS),
)
RECORD_VISITS = Policy(
    "leads.record_visits",
    "Marketing and RevOps report visits to the site.",
    roles=has_role(Role.MARKETING, Role.REVOPS),
)


# --- Hand-offs, meetings --------------------------------------------------------------------------


@predicate
def is_its_ae(user: Any, subject: Any) -> bool:
    """Whether the hand-off or the meeting is this user's own to answer for."""
    return subject is not None and subject.ae.user_id == user.pk


@predicate
def is_in_it(user: Any, meeting: Any) -> bool:
    """Whether the user is the AE of a meeting, or the SDR who booked it."""
    if is_its_ae.test(user, meeting):
        return True
    hand_off = getattr(meeting, "for_hand_off", None)
    return hand_off is not None and hand_off.sdr.user_id == user.pk


@predicate
def is_in_it_or_manages(user: Any, meeting: Any) -> bool:
    """Whether the user is in a meeting, or manages the AE or the SDR of it."""
    return meeting is not None and (is_in_it.test(user, meeting) or manages_a_side.test(user, meeting))


@predicate
def manages_a_side(user: Any, meeting: Any) -> bool:
    """Whether the user manages the AE or the SDR of a meeting, or is RevOps."""
    if user.role == Role.REVOPS:
        return True
    hand_off = getattr(meeting, "for_hand_off", None)
    sdr_manager = hand_off.sdr.team.manager_id if hand_off is not None else None
    return user.pk in (meeting.ae.team.manager_id, sdr_manager)


@predicate
def answers_for_it(user: Any, meeting: Any) -> bool:
    """Whether the user is the AE of a meeting, or manages a side of it."""
    return meeting is not None and (is_its_ae.test(user, meeting) or manages_a_side.test(user, meeting))


SEE_HAND_OFFS = Policy(
    "leads.see_hand_offs",
    "The AE and the SDR of a hand-off, their managers, marketing, finance and RevOps see it.",
    roles=has_role(Role.SDR, Role.AE, Role.MANAGER, Role.MARKETING, Role.FINANCE, Role.REVOPS),
)
DECIDE_HAND_OFF = Policy(
    "leads.decide_hand_off",
    "Only the AE to whom it was handed accepts or rejects.",
    roles=has_role(Role.AE),
    on=is_its_ae,
)
SEE_MEETINGS = Policy(
    "leads.see_meetings",
    "SDRs and AEs see their meetings, managers those of their teams.",
    roles=has_role(Role.SDR, Role.AE, Role.MANAGER, Role.REVOPS),
)
CLOSE_MEETING = Policy(
    "leads.close_meeting",
    "The AE of a meeting or the SDR who booked it says whether the customer came.",
    roles=has_role(Role.SDR, Role.AE),
    on=is_in_it,
)

MOVE_MEETING = Policy(
    "leads.move_meeting",
    "The AE of a meeting, the SDR who booked it and their managers move it or call it off.",
    roles=has_role(Role.SDR, Role.AE, Role.MANAGER),
    on=is_in_it_or_manages,
)
CORRECT_MEETING = Policy(
    "leads.correct_meeting",
    "The AE of a meeting or a manager of either side corrects what was said of it; an SDR may be paid by it.",
    roles=has_role(Role.AE, Role.MANAGER, Role.REVOPS),
    on=answers_for_it,
)
SET_BOOKING_RULES = Policy(
    "leads.set_booking_rules",
    "RevOps sets how long meetings are and how long a time is held.",
    roles=has_role(Role.REVOPS),
)

# --- Opportunities, accounts ------------------------------------------------------------------------


@predicate
def owns_or_manages(user: Any, opportunity: Any) -> bool:
    """Whether the user owns the opportunity or manages its owner's team."""
    if opportunity is None:
        return False
    owner = opportunity.owner
    return owner.user_id == user.pk or owner.team.manager_id == user.pk


@predicate
def manages_its_owner(user: Any, opportunity: Any) -> bool:
    """Whether the user manages the owner's team, or is RevOps."""
    if opportunity is None:
        return False
    return user.role == Role.REVOPS or opportunity.owner.team.manager_id == user.pk


_sellers = (Role.AE, Role.AM, Role.CSM)

SEE_OPPORTUNITIES = Policy(
    "leads.see_opportunities",
    "Owners, the SDR who sourced it, their managers, finance and RevOps see an opportunity.",
    roles=has_role(Role.SDR, *_sellers, Role.MANAGER, Role.FINANCE, Role.REVOPS),
)
OPEN_OPPORTUNITY = Policy(
    "leads.open_opportunity", "AEs, AMs and CSMs open what they found alone.", roles=has_role(*_sellers)
)
MOVE_OPPORTUNITY = Policy(
    "leads.move_opportunity",
    "The owner of an opportunity or the owner's manager moves it and changes its amount.",
    roles=has_role(*_sellers, Role.MANAGER),
    on=owns_or_manages,
)
TAKE_WIN_BACK = Policy(
    "leads.take_win_back",
    "A win that may have paid somebody is taken back by the owner's manager or RevOps.",
    roles=has_role(Role.MANAGER, Role.REVOPS),
    on=manages_its_owner,
)
UNDO_MOVE = Policy(
    "leads.undo_move",
    "The owner takes back an own move within an hour, the owner's manager at any time.",
    roles=has_role(*_sellers, Role.MANAGER),
    on=owns_or_manages,
)
ANSWER_GATE = Policy(
    "leads.answer_gate",
    "The owner of an opportunity or the owner's manager says by what evidence a criterion is met.",
    roles=has_role(*_sellers, Role.MANAGER),
    on=owns_or_manages,
)
SEE_GATES = Policy(
    "leads.see_gates",
    "Everybody in sales reads what each stage asks.",
    roles=has_role(Role.SDR, *_sellers, Role.MANAGER, Role.REVOPS),
)
WRITE_GATES = Policy("leads.write_gates", "RevOps writes what each stage asks.", roles=has_role(Role.REVOPS))
SEE_OVERRIDES = Policy(
    "leads.see_overrides",
    "Sellers see what was let through of their own, managers of their teams', RevOps all.",
    roles=has_role(*_sellers, Role.MANAGER, Role.REVOPS),
)
SEE_ACCOUNTS = Policy(
    "leads.see_accounts",
    "Sellers see the accounts they look after or sold to, managers their teams', the others all.",
    roles=has_role(*_sellers, Role.MANAGER, Role.FINANCE, Role.MARKETING, Role.REVOPS),
)
ASSIGN_ACCOUNT = Policy(
    "leads.assign_account",
    "A manager or RevOps names the AM or CSM who looks after a won account.",
    roles=has_role(Role.MANAGER, Role.REVOPS),
)

# --- Definitions, lead quality -----------------------------------------------------------------------

SEE_DEFINITIONS = Policy("leads.see_definitions", "Everybody reads what MQL and SQL mean here.")
DRAFT_DEFINITION = Policy(
    "leads.draft_definition",
    "Marketing and RevOps draft a version of a definition.",
    roles=has_role(Role.MARKETING, Role.REVOPS),
)
SIGN_DEFINITION = Policy(
    "leads.sign_definition",
    "Marketing signs for marketing, a manager signs for sales.",
    roles=has_role(Role.MARKETING, Role.MANAGER),
)
SEE_QUALITY = Policy(
    "leads.see_quality",
    "Marketing, managers and RevOps see what became of the leads of each source.",
    roles=has_role(Role.MARKETING, Role.MANAGER, Role.REVOPS),
)

# --- Cadences, follow-up, limits, focus blocks --------------------------------------------------------


@predicate
def may_steer(user: Any, lead: Any) -> bool:
    """Whether the user may put the lead into a cadence or out of it: its SDR, or whoever manages it."""
    if lead is None:
        return False
    return user.role != Role.SDR or is_own_queue.test(user, lead)


@predicate
def may_steer_enrolment(user: Any, enrolment: Any) -> bool:
    """The same of an enrolment's lead."""
    return enrolment is not None and may_steer.test(user, enrolment.lead)


_managing: Predicate = has_role(Role.MANAGER, Role.REVOPS)
_working: Predicate = has_role(Role.SDR, Role.MANAGER, Role.REVOPS)
_in_sales: Predicate = has_role(Role.SDR, *_sellers, Role.MANAGER, Role.REVOPS)

SEE_CADENCES = Policy("leads.see_cadences", "Everybody in sales reads the cadences.", roles=_in_sales)
EDIT_CADENCES = Policy(
    "leads.edit_cadences", "Managers and RevOps write, order and retire cadences.", roles=_managing
)
ENROL_MANY = Policy(
    "leads.enrol_many",
    "Managers and RevOps put many leads within their scope into a cadence, or take them out.",
    roles=_managing,
)
ENROL_LEAD = Policy(
    "leads.enrol_lead",
    "The SDR of a lead, the manager and RevOps put it into a cadence.",
    roles=_working,
    on=may_steer,
)
STEER_ENROLMENT = Policy(
    "leads.steer_enrolment",
    "The SDR of a lead, the manager and RevOps pause, resume and end its cadence.",
    roles=_working,
    on=may_steer_enrolment,
)
SEE_FOLLOW_UP = Policy(
    "leads.see_follow_up", "Everybody in sales reads what follows from a disposition.", roles=_in_sales
)
EDIT_FOLLOW_UP = Policy(
    "leads.edit_follow_up",
    "RevOps publishes the rules of what follows from a disposition.",
    roles=has_role(Role.REVOPS),
)
SEE_THROTTLES = Policy(
    "leads.see_throttles",
    "SDRs see their own daily limits, managers those of their teams, RevOps all.",
    roles=_working,
)
SET_THROTTLES = Policy(
    "leads.set_throttles", "Managers set the daily limits of their teams, RevOps all.", roles=_managing
)
SET_COMPANY_THROTTLES = Policy(
    "leads.set_company_throttles",
    "RevOps sets the daily limits of the company.",
    roles=has_role(Role.REVOPS),
)
SEE_FOCUS = Policy(
    "leads.see_focus",
    "SDRs see the company's focus blocks and their own, managers those of their teams, RevOps all.",
    roles=_working,
)
SET_FOCUS = Policy(
    "leads.set_focus",
    "SDRs set their own focus blocks, managers those of their teams, RevOps all.",
    roles=_working,
)
SET_COMPANY_FOCUS = Policy(
    "leads.set_company_focus", "RevOps sets the company's focus blocks.", roles=has_role(Role.REVOPS)
)

# --- Duplicates, do-not-contact, exploration ------------------------------------------------------------

SETTLE_DUPLICATES = Policy(
    "leads.settle_duplicates",
    "SDRs, managers, marketing and RevOps merge leads of one person, both within their scope, and undo it.",
    roles=has_role(Role.SDR, Role.MANAGER, Role.MARKETING, Role.REVOPS),
)
SEE_SUPPRESSIONS = Policy(
    "leads.see_suppressions",
    "Managers, marketing and RevOps see whom nobody may contact.",
    roles=has_role(Role.MANAGER, Role.MARKETING, Role.REVOPS),
)
EDIT_SUPPRESSIONS = Policy(
    "leads.edit_suppressions",
    "Managers and RevOps close an address, a number or a company, and lift that again.",
    roles=_managing,
)
SEE_EXPLORATION = Policy(
    "leads.see_exploration",
    "SDRs see their own exploration budget, managers those of their teams, marketing and RevOps all.",
    roles=has_role(Role.SDR, Role.MANAGER, Role.MARKETING, Role.REVOPS),
)
SET_EXPLORATION = Policy(
    "leads.set_exploration",
    "Managers set the exploration budgets of their teams, RevOps all.",
    roles=_managing,
)
SET_COMPANY_EXPLORATION = Policy(
    "leads.set_company_exploration",
    "RevOps sets the company's exploration budget.",
    roles=has_role(Role.REVOPS),
)

# --- Routing --------------------------------------------------------------------------------------------

SEE_ROUTING = Policy(
    "leads.see_routing",
    "Managers and RevOps see how AEs are chosen, and whose turn it is.",
    roles=_managing,
)
EDIT_ROUTING = Policy(
    "leads.edit_routing",
    "RevOps writes, replays, switches on and ends routing policies.",
    roles=has_role(Role.REVOPS),
)
SEE_LEAD_ROUTING = Policy(
    "leads.see_lead_routing",
    "Whoever sees a lead, or a hand-off of it, sees why its AE was chosen.",
)
