"""The few places of each role, in the order of the rail. What each place counts is in ``counts``."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.urls import NoReverseMatch, get_script_prefix, get_urlconf, reverse

from apps.accounts.models import Role


@dataclass(frozen=True)
class Place:
    """A page one goes to.

    ``key`` follows ``g`` on the keyboard and is unique within a role; ``count`` names the figure in
    ``counts.counts_for`` that stands beside the word, if any.
    """

    label: str
    url_name: str
    icon: str
    key: str
    count: str = ""

    @property
    def url(self) -> str:
        return address_of(self.url_name)


def _place(label: str, url_name: str, icon: str, key: str, count: str = "") -> Place:
    return Place(label, url_name, icon, key, count)


_MEETINGS = _place("Meetings", "leads:meetings", "cal", "m", "meetings")
_OPPORTUNITIES = _place("Opportunities", "leads:opportunities", "flag", "o", "opportunities")
_OWN_SCORECARD = _place("My scorecard", "scorecards:own", "chart", "s")
_OWN_PAY = _place("My pay", "compensation:own", "money", "p", "plans_to_sign")
_CAPACITY = _place("Capacity", "scorecards:capacity", "people", "k")
_COACHING = _place("Coaching", "scorecards:coaching", "star", "a", "support")
_OWN_TRAINING = _place("My training", "scorecards:own_training", "star", "i")
_TEAM_TARGET = _place("Team target", "scorecards:team_target", "target", "t")
_SCORECARDS = _place("Scorecards", "scorecards:list", "chart", "s")
_RANKING = _place("Ranking", "scorecards:ranking", "medal", "r")
_OWN_STANDING = _place("My standing", "scorecards:own_standing", "medal", "r")
_DEFINITIONS = _place("Definitions", "leads:definitions", "doc", "d")
_RUNS = _place("Payout runs", "compensation:runs", "money", "p", "runs")
_REPLAYS = _place("Replays", "compensation:replays", "play", "y")
_CREDITS = _place("Credits by hand", "compensation:splits", "people", "c", "splits")
_INQUIRIES = _place("Inquiries", "compensation:inquiries", "question", "q", "inquiries")
_ACCOUNTS = _place("Accounts", "leads:accounts", "building", "a")

_HAND_OFFS_MADE = _place("Hand-offs", "leads:hand_offs_made", "inbox", "h", "contestable")
_CONTESTS = _place("Contests", "leads:contests", "flag", "n", "contests")
_CUSTOMERS = _place("Customers", "customers:home", "handshake", "c", "customers")

_HAND_OFFS = _place("Hand-offs", "leads:inbox", "inbox", "h", "hand_offs")
_LEADS = _place("Leads", "leads:leads", "list", "l")
_MOTIONS = _place("Inbound, outreach", "leads:inbound", "bolt", "b")
_SETUP = _place("Setup", "portal:setup", "cog", "u")
_PROMISES = _place("Promises", "slas:board", "clock", "c")

_REVIEW = _place("Weekly review", "scorecards:reviews", "doc", "w", "review_actions")
_LEAD_ROI = _place("Leads: cost, return", "scorecards:lead_roi", "money", "x")
_COMPLAINTS = _place("Complaints", "scorecards:complaints", "flag", "c", "complaints")

_OWN_TIME = _place("My time", "leads:bookable_own", "clock", "t")

_ACCOUNT_OWNER = (
    _CUSTOMERS,
    _ACCOUNTS,
    _OPPORTUNITIES,
    _OWN_TIME,
    _OWN_SCORECARD,
    _OWN_TRAINING,
    _OWN_PAY,
    _INQUIRIES,
)

PLACES: dict[str, tuple[Place, ...]] = {
    Role.SDR: (
        _place("My day", "leads:queue", "queue", "d", "queue"),
        _MEETINGS,
        _HAND_OFFS_MADE,
        _place("My numbers", "scorecards:own", "chart", "s"),
        _OWN_TRAINING,
        _OWN_PAY,
        _INQUIRIES,
        _TEAM_TARGET,
        _REVIEW,
        _SETUP,
    ),
    Role.AE: (
        _HAND_OFFS,
        _MEETINGS,
        _OWN_TIME,
        _OPPORTUNITIES,
        _CUSTOMERS,
        _OWN_SCORECARD,
        _OWN_STANDING,
        _OWN_TRAINING,
        _OWN_PAY,
        _INQUIRIES,
    ),
    Role.AM: _ACCOUNT_OWNER,
    Role.CSM: _ACCOUNT_OWNER,
    Role.MANAGER: (
        _place("Team day", "leads:team_day", "people", "d", "team_day"),
        _PROMISES,
        _LEADS,
        _MOTIONS,
        _HAND_OFFS,
        _CONTESTS,
        _OPPORTUNITIES,
        _place("Customers", "customers:home", "handshake", "e", "customers"),
        _SCORECARDS,
        _COACHING,
        _CAPACITY,
        _RANKING,
        _TEAM_TARGET,
        _REVIEW,
        _place("Team payouts", "compensation:runs", "money", "p"),
        _INQUIRIES,
        _REPLAYS,
        _SETUP,
    ),
    Role.MARKETING: (
        _place("Lead quality", "leads:quality", "chart", "q"),
        _LEAD_ROI,
        _COMPLAINTS,
        _REVIEW,
        _LEADS,
        _MOTIONS,
        _place("How AEs answer", "leads:answer_patterns", "inbox", "h"),
        _DEFINITIONS,
        _TEAM_TARGET,
        _SETUP,
    ),
    Role.FINANCE: (
        _RUNS,
        _place("Plans", "compensation:plans", "doc", "n", "plans_to_approve"),
        _place("Statements", "compensation:statements", "doc", "s"),
        _place("Accruals", "compensation:accruals", "chart", "a"),
        _INQUIRIES,
        _CREDITS,
        _place("Payments", "compensation:payments", "handshake", "m"),
        _place("Exchange rates", "compensation:rates", "globe", "x"),
        _place("Downloads", "compensation:downloads", "download", "d"),
        _REPLAYS,
        _place("Who stays", "customers:retention", "chart", "w"),
        _place("Audit", "audit:log", "history", "o"),
    ),
    Role.REVOPS: (
        _place("Imports", "integrations:imports", "upload", "i", "imports"),
        _place("Plans", "compensation:plans", "doc", "l", "plans_to_approve"),
        _REPLAYS,
        _RUNS,
        _INQUIRIES,
        _RANKING,
        _SCORECARDS,
        _place("Capacity", "scorecards:capacity", "people", "e"),
        _place("Coaching", "scorecards:coaching", "star", "h", "support"),
        _TEAM_TARGET,
        _REVIEW,
        _LEAD_ROI,
        _place("Leads", "leads:leads", "list", "k"),
        _PROMISES,
        _CONTESTS,
        _place("Jobs", "jobs:list", "cog", "j", "jobs"),
        _place("Audit", "audit:log", "history", "a"),
        _SETUP,
    ),
}


def address_of(url_name: str) -> str:
    """The address of that name; "" where there is none yet."""
    return _address(url_name, get_urlconf() or settings.ROOT_URLCONF, get_script_prefix())


@lru_cache(maxsize=512)
def _address(url_name: str, urlconf: str, _script_prefix: str) -> str:
    # A page asks for the same ten addresses some thirty times.
    try:
        return reverse(url_name, urlconf)
    except NoReverseMatch:
        return ""


def known(url_name: str) -> bool:
    """Whether the address exists yet."""
    return bool(address_of(url_name))


def places_for(user: Any) -> list[Place]:
    """The places of the user's role that exist; nothing for somebody who is not signed in."""
    return [place for place in PLACES.get(getattr(user, "role", ""), ()) if known(place.url_name)]
