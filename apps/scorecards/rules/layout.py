"""What the scorecard of each role shows, in which order, over how many months. Pure."""

from dataclasses import dataclass, replace

from apps.leads.rules.metrics import (
    ACCEPTED,
    BOOKED,
    PIPELINE,
    RECEIVED,
    SOURCED_PIPELINE,
    SOURCED_WON,
    TAKEN,
    WON,
    Part,
)


@dataclass(frozen=True)
class Layout:
    """The scorecard of a role.

    ``months`` is what its figures run over, ending with the card's month: three where deals take months, as
    in the ranking; one for an SDR. ``headline`` is the metric that the peers are spread by where there is no
    index; ``funnel`` are its steps (word, part), with leads worked before them where ``starts_with_leads``.
    ``quotas`` says which quota measure is the target of which metric.
    """

    months: int
    metrics: tuple[str, ...]
    headline: str
    funnel: tuple[tuple[str, Part], ...]
    is_ranked: bool = False
    starts_with_leads: bool = False
    quotas: tuple[tuple[str, str], ...] = ()


_QUOTAS = (
    ("revenue_won", "amount_won"),
    ("meetings_accepted", "meetings_accepted"),
    ("accepted_amount", "amount_accepted"),
)
"""Which quota measure (``reps.QuotaMeasure``) is the target of which metric."""

_SDR = Layout(
    months=1,
    metrics=(
        "meetings_accepted",
        "accepted_amount",
        "acceptance_rate",
        "meetings_booked",
        "no_show_rate",
        "touches",
        "leads_worked",
        "first_touch_minutes",
        "won_amount_sourced",
    ),
    headline="meetings_accepted",
    funnel=(
        ("Meetings booked", BOOKED),
        ("Accepted", ACCEPTED),
        ("Stage 2", SOURCED_PIPELINE),
        ("Won", SOURCED_WON),
    ),
    starts_with_leads=True,
    quotas=_QUOTAS,
)
_OUTBOUND = replace(
    _SDR,
    metrics=(*_SDR.metrics[:5], "visits_caused", "conversions_caused", *_SDR.metrics[5:]),
)
"""Outbound is judged by what it brings, not by how much of it there is (PRODUCT section 4)."""
_AE = Layout(
    months=3,
    metrics=(
        "revenue_won",
        "win_rate",
        "average_deal",
        "sales_cycle",
        "self_sourced_pipeline",
        "deals_won",
        "hand_offs_accepted",
        "hand_offs_rejected",
        "hand_off_acceptance_rate",
    ),
    headline="revenue_won",
    funnel=(
        ("Hand-offs received", RECEIVED),
        ("Accepted", TAKEN),
        ("Stage 2", PIPELINE),
        ("Won", WON),
    ),
    is_ranked=True,
    quotas=_QUOTAS,
)
_OWNER = Layout(
    months=3,
    metrics=("revenue_won", "deals_won", "win_rate", "average_deal"),
    headline="revenue_won",
    funnel=(("Stage 2", PIPELINE), ("Won", WON)),
    quotas=_QUOTAS,
)

LAYOUTS: dict[str, Layout] = {"isr": _SDR, "osr": _OUTBOUND, "ae": _AE, "am": _OWNER, "csm": _OWNER}

KEY_FIGURES: dict[str, tuple[str, ...]] = {
    "isr": ("meetings_accepted", "accepted_amount", "acceptance_rate"),
    "osr": ("meetings_accepted", "accepted_amount", "acceptance_rate"),
    "ae": ("revenue_won", "win_rate", "sales_cycle"),
    "am": ("revenue_won", "deals_won", "win_rate"),
    "csm": ("revenue_won", "deals_won", "win_rate"),
}
"""The three figures by which a manager finds whom to open, per role."""
