"""The settings pages of all apps on one page: what each is for, for those who may open it."""

from dataclasses import dataclass
from typing import Any

from django.urls import resolve, reverse

from apps.core.policies import policy_of
from apps.portal.navigation import known


@dataclass(frozen=True)
class Setting:
    """A page on which the company says how it works; ``says`` tells what is decided there."""

    label: str
    url_name: str
    icon: str
    says: str

    @property
    def url(self) -> str:
        return reverse(self.url_name)


@dataclass(frozen=True)
class Shelf:
    """Settings that belong together."""

    title: str
    settings: tuple[Setting, ...]


SHELVES = (
    Shelf(
        "What a lead is",
        (
            Setting(
                "Definitions of MQL and SQL",
                "leads:definitions",
                "doc",
                "Points and criteria, signed by marketing and by sales, in force from a date.",
            ),
            Setting(
                "Possible duplicates",
                "leads:duplicates",
                "link",
                "Leads that may be one person: merge them, or say that they are two.",
            ),
            Setting(
                "Do not contact",
                "leads:suppressions",
                "ban",
                "Addresses, numbers and companies that nobody may contact, through any door.",
            ),
            Setting(
                "Exploration budget",
                "leads:exploration",
                "globe",
                "How many meetings a quarter may go beyond the ideal customer profile, and what they bring.",
            ),
        ),
    ),
    Shelf(
        "How leads are worked",
        (
            Setting(
                "Cadences",
                "leads:cadences",
                "list",
                "Sequences of touches: channel, wait and condition of each step, and who is in them.",
            ),
            Setting(
                "Promises",
                "slas:policies",
                "clock",
                "Whom what is promised, how fast and how often; what follows when time runs out.",
            ),
            Setting(
                "Routing",
                "leads:routing",
                "route",
                "Which AE takes a meeting: rules in their order, tried on the past, explained on every lead.",
            ),
            Setting(
                "Contests of rejections",
                "leads:contest_terms",
                "flag",
                "How long an SDR may contest a rejection, and how long the judge may take.",
            ),
            Setting(
                "Follow-up rules",
                "leads:follow_up",
                "route",
                "What follows from a disposition, by attempts and age; when leaving is proposed.",
            ),
            Setting(
                "Limits a day", "leads:throttles", "pause", "The most that a rep, a team or anybody is given."
            ),
            Setting(
                "Booking", "leads:booking_rules", "cal", "How long meetings are, and how long a time is held."
            ),
            Setting(
                "Focus blocks", "leads:focus", "cal", "Which kind of work each hour of the week is kept for."
            ),
        ),
    ),
    Shelf(
        "How deals are closed and kept",
        (
            Setting(
                "Stage gates",
                "leads:gates",
                "filter",
                "What an opportunity must bring before it enters a stage, and who may override.",
            ),
            Setting(
                "Customers",
                "customers:handling",
                "handshake",
                "Who takes a customer over, when renewals open, the margin of a lifetime.",
            ),
        ),
    ),
    Shelf(
        "People and data",
        (
            Setting("People", "accounts:people", "people", "Who may sign in, and as what."),
            Setting("Reps and teams", "reps:list", "people", "Teams, tiers, hiring and leaving."),
            Setting(
                "Business calendars",
                "reps:calendars",
                "clock",
                "When the company, a team or a rep works: windows, breaks, holidays, single days.",
            ),
            Setting(
                "Bookable time",
                "leads:bookable_team",
                "cal",
                "When each AE can be booked: calendars, time off, meetings a day and a week.",
            ),
            Setting("Imports", "integrations:imports", "upload", "Files from other systems."),
            Setting(
                "Mappings", "integrations:mappings", "columns", "Which column of a file is which field here."
            ),
            Setting(
                "Forms",
                "integrations:capture_forms",
                "edit",
                "What visitors of your sites fill in, what they agree to, which sites may show it.",
            ),
            Setting(
                "Webhooks",
                "integrations:webhooks",
                "bolt",
                "Which other systems are told of what happens, how they answer, what was given up.",
            ),
            Setting(
                "Ranking of AEs",
                "scorecards:ranking_policies",
                "medal",
                "Five weighted metrics, who is compared with whom, what moves a tier; drafts tried on past months.",
            ),
            Setting("Plans", "compensation:plans", "money", "How each role is paid."),
        ),
    ),
    Shelf(
        "Credit and currencies",
        (
            Setting(
                "Rules that share credit",
                "leads:credit_rules",
                "people",
                "Hand-off and territory splits: who gets which part of what is recorded, from when.",
            ),
            Setting(
                "Credits by hand",
                "compensation:splits",
                "handshake",
                "Other splits of single events: asked for by one, approved by another.",
            ),
            Setting(
                "Terms of inquiries",
                "compensation:inquiry_terms",
                "question",
                "How fast questions about pay are answered, by whom, and who hears when they are late.",
            ),
            Setting(
                "Exchange rates",
                "compensation:rates",
                "globe",
                "By day and source; what pay in other currencies is converted at.",
            ),
            Setting(
                "Payments by customers",
                "compensation:payments",
                "money",
                "What pay on payment and held pay wait for.",
            ),
        ),
    ),
)


def _may_open(user: Any, setting: Setting) -> bool:
    policy = policy_of(resolve(setting.url).func)
    return policy is not None and policy.admits(user)


def shelves_for(user: Any) -> list[Shelf]:
    """The shelves with those settings that the user's role may open; empty shelves are left out."""
    found = [
        Shelf(
            shelf.title,
            tuple(one for one in shelf.settings if known(one.url_name) and _may_open(user, one)),
        )
        for shelf in SHELVES
    ]
    return [shelf for shelf in found if shelf.settings]
