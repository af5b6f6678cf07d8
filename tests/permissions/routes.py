"""Who may take which route: the expectation of the permission table, by the product brief."""

from dataclasses import dataclass
from typing import Any

from tests.permissions.subjects import EVERYBODY, Seen, seen


@dataclass(frozen=True)
class Route:
    """``admits`` names parts of the cast; ``kind`` the object it opens; ``acts`` who may act on it.

    ``kwargs`` fills an address without an object of ours; ``public`` needs no sign-in.
    """

    admits: frozenset[str]
    kind: str | None = None
    acts: Seen | None = None
    argument: str = "pk"
    kwargs: dict[str, Any] | None = None
    public: bool = False


SDRS = "sdr teammate outsider"
AES = "ae second_ae"
REPS = f"{SDRS} {AES} am"
MANAGERS = "manager outside_manager"


def to(admits: str, kind: str | None = None, acts: Seen | None = None, **more: Any) -> Route:
    return Route(frozenset(admits.split()), kind, acts, **more)


PUBLIC = Route(EVERYBODY, public=True)
SIGNED_IN = Route(EVERYBODY)
LISTERS = f"{SDRS} {MANAGERS} marketing revops"
HAND_OFF_PEOPLE = f"{SDRS} {AES} {MANAGERS} marketing finance revops"
SELLERS = f"{AES} am"

ONLY_ITS_SDR = seen("sdr", "teammate", "outsider")
ONLY_ITS_AE = seen("ae", "second_ae", "")
ENROLLERS = seen("sdr manager revops", "teammate manager revops", "outsider outside_manager revops")
ITS_AE_AND_SDR = seen("sdr ae", "teammate second_ae", "outsider")
OWNER_AND_MANAGER = seen("ae manager", "second_ae manager", "outside_manager")

CARD_PEOPLE = f"{REPS} {MANAGERS} revops"
PAY_PEOPLE = f"{REPS} {MANAGERS} finance revops"

ROUTES: dict[str, Route] = {
    # --- The frame, sign-in, jobs ---------------------------------------------------------------
    "portal:home": SIGNED_IN,
    "portal:search": SIGNED_IN,
    "portal:places": SIGNED_IN,
    "portal:setup": SIGNED_IN,
    "portal:styleguide": SIGNED_IN,
    "portal:styleguide_explained": SIGNED_IN,
    "account_login": PUBLIC,
    "account_logout": SIGNED_IN,
    "account_change_password": SIGNED_IN,
    "account_reset_password": PUBLIC,
    "account_reset_password_done": PUBLIC,
    "account_reset_password_from_key": Route(
        EVERYBODY, public=True, kwargs={"uidb36": "1", "key": "no-such-key"}
    ),
    "account_reset_password_from_key_done": PUBLIC,
    "healthz": PUBLIC,
    "healthz-jobs": PUBLIC,
    "jobs:list": SIGNED_IN,
    "jobs:detail": Route(EVERYBODY, "job"),
    "jobs:card": Route(EVERYBODY, "job"),
    "jobs:cancel": Route(EVERYBODY, "job"),
    "jobs:resume": Route(EVERYBODY, "job"),
    # --- The SDR's day ---------------------------------------------------------------------------
    "leads:queue": to(SDRS),
    "leads:queue_list": to(SDRS),
    "leads:home": to(SDRS),
    "leads:focus_report": to(f"{SDRS} {MANAGERS} revops"),
    "leads:outreach": to(f"{MANAGERS} marketing revops"),
    "leads:outreach_events": to(f"{SDRS} {MANAGERS} marketing revops"),
    "leads:inbound": to(f"{MANAGERS} marketing revops"),
    "api:visits": to("marketing revops"),
    "api:visits_batch": to("marketing revops"),
    "leads:next": to(SDRS),
    "leads:team_day": to(f"{MANAGERS} revops"),
    "leads:member_queue": to(f"{MANAGERS} revops", "rep"),
    "leads:member_queue_list": to(f"{MANAGERS} revops", "rep"),
    "leads:undo_touch": to(SDRS, "touch"),
    "leads:leads": to(LISTERS),
    "leads:new": to(f"{SDRS} {MANAGERS} revops"),
    "leads:lead": Route(EVERYBODY, "lead"),
    "leads:explain": Route(EVERYBODY, "lead"),
    "leads:timeline": Route(EVERYBODY, "lead"),
    "leads:release": to(SDRS, "lead", ONLY_ITS_SDR),
    "leads:hold": to(SDRS, "lead", ONLY_ITS_SDR),
    "leads:reassign": to(f"{MANAGERS} revops"),
    "leads:take_back": to(f"{MANAGERS} revops", "reassignment"),
    "leads:touch": to(SDRS, "lead", ONLY_ITS_SDR),
    "leads:qualify": to(SDRS, "lead", ONLY_ITS_SDR),
    "leads:book": to(SDRS, "lead", ONLY_ITS_SDR),
    "leads:proposal": to(SDRS, "lead", ONLY_ITS_SDR),
    "leads:proposal_undo": to(SDRS, "lead", ONLY_ITS_SDR),
    "leads:close_channel": to(f"{REPS} {MANAGERS} marketing revops", "lead"),
    "leads:reopen_channel": to(f"{REPS} {MANAGERS} marketing revops", "lead"),
    "leads:event": Route(EVERYBODY, "event"),
    "leads:cadences": to(f"{SDRS} {SELLERS} {MANAGERS} revops"),
    "leads:cadence_new": to(f"{MANAGERS} revops"),
    "leads:cadence_matches": to(f"{MANAGERS} revops"),
    "leads:cadence": to(f"{SDRS} {SELLERS} {MANAGERS} revops", "cadence"),
    "leads:cadence_edit": to(f"{MANAGERS} revops", "cadence"),
    "leads:cadence_retire": to(f"{MANAGERS} revops", "cadence"),
    "leads:cadence_activate": to(f"{MANAGERS} revops", "cadence"),
    "leads:cadence_candidates": to(f"{MANAGERS} revops", "cadence"),
    "leads:cadence_remove": to(f"{MANAGERS} revops", "cadence"),
    "leads:enrol": to(f"{SDRS} {MANAGERS} revops", "lead", ENROLLERS),
    "leads:enrolment": to(f"{SDRS} {SELLERS} {MANAGERS} revops", "enrolment"),
    "leads:enrolment_pause": to(f"{SDRS} {MANAGERS} revops", "enrolment"),
    "leads:enrolment_resume": to(f"{SDRS} {MANAGERS} revops", "enrolment"),
    "leads:enrolment_remove": to(f"{SDRS} {MANAGERS} revops", "enrolment"),
    "leads:follow_up": to(f"{SDRS} {SELLERS} {MANAGERS} revops"),
    "leads:follow_up_preview": to(f"{SDRS} {SELLERS} {MANAGERS} revops"),
    "leads:follow_up_edit": to("revops"),
    "leads:throttles": to(f"{SDRS} {MANAGERS} revops"),
    "leads:throttle_company": to("revops"),
    "leads:throttle_team": to(f"{MANAGERS} revops", "team"),
    "leads:throttle_rep": to(f"{MANAGERS} revops", "rep"),
    "leads:focus": to(f"{SDRS} {MANAGERS} revops"),
    "leads:focus_company": to(f"{SDRS} {MANAGERS} revops"),
    "leads:focus_company_usual": to("revops"),
    "leads:focus_company_day": to("revops", kwargs={"weekday": 0}),
    "leads:focus_rep": to(f"{SDRS} {MANAGERS} revops", "rep"),
    "leads:focus_rep_begin": to(f"{SDRS} {MANAGERS} revops", "rep"),
    "leads:focus_rep_reset": to(f"{SDRS} {MANAGERS} revops", "rep"),
    "leads:focus_rep_day": to(f"{SDRS} {MANAGERS} revops", "rep", kwargs={"weekday": 0}),
    "leads:duplicates": to(LISTERS),
    "leads:duplicate": to(LISTERS, "duplicate"),
    "leads:merge": to(LISTERS, "lead"),
    "leads:merge_undo": to(LISTERS, "merge"),
    "leads:suppressions": to(f"{MANAGERS} marketing revops"),
    "leads:suppression_new": to(f"{MANAGERS} revops"),
    "leads:suppression_lift": to(f"{MANAGERS} revops", "suppression"),
    "leads:exploration": to(LISTERS),
    "leads:exploration_company": to("revops"),
    "leads:exploration_rep": to(f"{MANAGERS} revops", "rep"),
    "api:leads": to(f"{SDRS} {MANAGERS} revops"),
    "api:suppressions": to(f"{MANAGERS} marketing revops"),
    # --- The AE's side ---------------------------------------------------------------------------
    "leads:inbox": to(HAND_OFF_PEOPLE),
    "leads:hand_off": to(HAND_OFF_PEOPLE, "hand_off"),
    "leads:hand_off_accept": to(AES, "hand_off", ONLY_ITS_AE),
    "leads:hand_off_reject": to(AES, "hand_off", ONLY_ITS_AE),
    "leads:meetings": to(f"{SDRS} {AES} {MANAGERS} revops"),
    "leads:meeting_close": to(f"{SDRS} {AES}", "meeting", ITS_AE_AND_SDR),
    "leads:opportunities": to(f"{SDRS} {SELLERS} {MANAGERS} finance revops"),
    "leads:opportunity_new": to(SELLERS),
    "leads:opportunity": to(f"{SDRS} {SELLERS} {MANAGERS} finance revops", "opportunity"),
    "leads:opportunity_move": to(f"{SELLERS} {MANAGERS}", "opportunity", OWNER_AND_MANAGER),
    "leads:opportunity_lose": to(f"{SELLERS} {MANAGERS}", "opportunity", OWNER_AND_MANAGER),
    "leads:opportunity_amount": to(f"{SELLERS} {MANAGERS}", "opportunity", OWNER_AND_MANAGER),
    "leads:opportunity_take_back": to(f"{MANAGERS} revops", "opportunity"),
    "leads:accounts": to(f"{SELLERS} {MANAGERS} finance marketing revops"),
    "leads:account": to(f"{SELLERS} {MANAGERS} finance marketing revops", "account"),
    "leads:account_assign": to(f"{MANAGERS} revops", "account"),
    "leads:definitions": SIGNED_IN,
    "leads:definition_draft": to("marketing revops"),
    "leads:definition": Route(EVERYBODY, "definition"),
    "leads:close_rates": SIGNED_IN,
    "leads:close_rates_behind": SIGNED_IN,
    "leads:definition_edit": to("marketing revops", "definition"),
    "leads:definition_withdraw": to("marketing revops", "definition"),
    "leads:definition_sign": to(f"marketing {MANAGERS}", "definition"),
    "leads:quality": to(f"marketing {MANAGERS} revops"),
    # --- Promises, people, audit -----------------------------------------------------------------
    "slas:board": to(f"{MANAGERS} revops"),
    "slas:live": to(f"{MANAGERS} revops"),
    "slas:policies": to(f"{MANAGERS} revops"),
    "slas:policy_new": to("revops"),
    "slas:policy": to(f"{MANAGERS} revops", "promise_policy"),
    "slas:policy_edit": to("revops", "promise_policy"),
    "slas:policy_move": to("revops", "promise_policy"),
    "slas:policy_dry_run": to("revops", "promise_policy"),
    "slas:policy_switch_on": to("revops", "promise_policy"),
    "slas:policy_retire": to("revops", "promise_policy"),
    "slas:clock": to(f"{REPS} {MANAGERS} revops", "clock"),
    "slas:clock_pause": to(f"{MANAGERS} revops", "clock"),
    "slas:clock_resume": to(f"{MANAGERS} revops", "clock"),
    "slas:clock_reason": to(f"{REPS} {MANAGERS} revops", "clock"),
    "slas:rebase": to(f"{MANAGERS} revops"),
    "slas:reasons": to(f"{REPS} {MANAGERS} revops"),
    "slas:forecast": to(f"{SDRS} {MANAGERS} revops"),
    "slas:forecast_move": to(f"{MANAGERS} revops"),
    "accounts:people": to("revops"),
    "accounts:profile": SIGNED_IN,
    "accounts:notifications": SIGNED_IN,
    "accounts:notifications_read": SIGNED_IN,
    "accounts:notification_preferences": SIGNED_IN,
    "accounts:notification_open": Route(EVERYBODY, "notification"),
    "accounts:notification_read": Route(EVERYBODY, "notification"),
    "accounts:person_new": to("revops"),
    "accounts:person": to("revops", "user"),
    "accounts:person_role": to("revops", "user"),
    "accounts:person_deactivate": to("revops", "user"),
    "accounts:person_reactivate": to("revops", "user"),
    "accounts:person_link": to("revops", "user"),
    "reps:list": to(f"{MANAGERS} finance revops"),
    "reps:calendars": SIGNED_IN,
    "reps:calendar": Route(EVERYBODY, "calendar"),
    "reps:calendar_new": to("revops"),
    "reps:calendar_edit": to("revops", "calendar"),
    "reps:calendar_holidays": to("revops", "calendar"),
    "reps:calendar_days": to("revops", "calendar"),
    "reps:calendar_give": to("revops", "calendar"),
    "reps:calendar_default": to("revops", "calendar"),
    "reps:calendar_remove": to("revops", "calendar"),
    "audit:log": to("revops"),
    # --- Scorecards, ranking, target -------------------------------------------------------------
    "scorecards:own": to(REPS),
    "scorecards:list": to(f"{MANAGERS} revops"),
    "scorecards:scorecard": to(CARD_PEOPLE, "scorecard"),
    "scorecards:sign": to(f"{REPS} {MANAGERS}", "scorecard"),
    "scorecards:scorecard_of": to(CARD_PEOPLE, "rep", argument="rep", kwargs={"period": "2026-10"}),
    "scorecards:note": to(f"{REPS} {MANAGERS}", "rep", argument="rep", kwargs={"period": "2026-10"}),
    "scorecards:events": to(
        CARD_PEOPLE, "rep", argument="rep", kwargs={"period": "2026-10", "key": "touches"}
    ),
    "scorecards:ranking": to(f"{AES} {MANAGERS} revops"),
    "scorecards:standing": to(f"{AES} {MANAGERS} revops", "standing"),
    "scorecards:recompute": to(f"{MANAGERS} revops"),
    "scorecards:team_target": SIGNED_IN,
    "scorecards:team_target_events": to(
        f"{MANAGERS} revops", "team", argument="team", kwargs={"period": "2026-10", "key": "won"}
    ),
    "scorecards:metrics": SIGNED_IN,
    # --- Imports ---------------------------------------------------------------------------------
    "integrations:imports": to("revops"),
    "integrations:upload": to("revops"),
    "integrations:import": to("revops", "import"),
    "integrations:import_live": to("revops", "import"),
    "integrations:import_check": to("revops", "import"),
    "integrations:import_commit": to("revops", "import"),
    "integrations:import_rows": to("revops", "import"),
    "integrations:import_messages": to("revops", "import"),
    "integrations:import_refused": to("revops", "import", kwargs={"position": 0}),
    "integrations:mappings": to("revops"),
    "integrations:mapping_upload": to("revops"),
    "integrations:mapping_new": to("revops"),
    "integrations:mapping": to("revops", kwargs={"key": "shipped:leads_basic"}),
    "integrations:mapping_edit": to("revops", kwargs={"key": "shipped:leads_basic"}),
    "integrations:mapping_file": to("revops", kwargs={"key": "shipped:leads_basic"}),
    # --- The API ---------------------------------------------------------------------------------
    "api:schema": SIGNED_IN,
    "api:queue": to(SDRS),
    "api:undo_touch": to(SDRS, "touch"),
    "api:next": to(SDRS),
    "api:lead": Route(EVERYBODY, "lead"),
    "api:timeline": Route(EVERYBODY, "lead"),
    "api:release": to(SDRS, "lead", ONLY_ITS_SDR),
    "api:proposal": to(SDRS, "lead", ONLY_ITS_SDR),
    "api:touches": to(SDRS),
    "api:hand_offs": to(HAND_OFF_PEOPLE),
    "api:accept": to(AES, "hand_off", ONLY_ITS_AE),
    "api:reject": to(AES, "hand_off", ONLY_ITS_AE),
    "api:opportunities": to(f"{SDRS} {SELLERS} {MANAGERS} finance revops"),
    "api:job": Route(EVERYBODY, "job"),
    # --- Pay -------------------------------------------------------------------------------------
    "compensation:own": to(f"{REPS} {MANAGERS}"),
    "compensation:statements": to(f"{MANAGERS} finance revops"),
    "compensation:statement": to(PAY_PEOPLE, "statement"),
    "compensation:statement_csv": to(PAY_PEOPLE, "statement"),
    "compensation:component_lines": to(PAY_PEOPLE, "statement", kwargs={"component": "accepted_meetings"}),
    "compensation:line": to(PAY_PEOPLE, "line"),
    "compensation:runs": to(f"{MANAGERS} finance revops"),
    "compensation:run_start": to("revops"),
    "compensation:run": to(f"{MANAGERS} finance revops", "run"),
    "compensation:run_compute": to("revops", "run"),
    "compensation:run_submit": to("revops", "run"),
    "compensation:run_approve": to("finance", "run"),
    "compensation:run_send_back": to("finance", "run"),
    "compensation:run_lock": to("finance", "run"),
    "compensation:run_pay": to("finance", "run"),
    "compensation:run_download": to("finance", "run"),
    "compensation:downloads": to("finance revops"),
    "compensation:plans": to(PAY_PEOPLE),
    "compensation:plan_version": to(PAY_PEOPLE, "plan_version"),
    "compensation:plan_approve": to("finance revops", "plan_version", seen(*["finance"] * 3)),
}
