"""The few words that a plan chooses from: what pays, the unit of edges, whose events, over which period. Pure."""

from enum import StrEnum


class Pays(StrEnum):
    """What a component pays by."""

    PER_UNIT = "per_unit"
    PERCENT_OF_AMOUNT = "percent_of_amount"
    PERCENT_OF_TARGET = "percent_of_target"
    """The target incentive, times attainment, times the rate: event by event."""

    TARGET_BY_BAND = "target_by_band"
    """The share of the target incentive that the reached band names: once for the period."""


class BandsIn(StrEnum):
    """What the edges of the bands are measured in."""

    UNITS = "units"
    PERCENT_OF_QUOTA = "percent_of_quota"


class Scope(StrEnum):
    """Whose events count."""

    OWN = "own"
    TEAM = "team"
    """Everybody's in the rep's team; each is paid on the team's result (a shared target)."""

    TEAM_POOL = "team_pool"
    """Everybody's in the rep's team; what they earn is divided among those on the plan."""

    MANAGED = "managed"
    """Those of the reps whose manager this is (an override)."""


class Basis(StrEnum):
    """Over which period bands, quota and limits run on."""

    RUN = "run"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"
    QUARTER_TO_DATE = "quarter_to_date"
    YEAR_TO_DATE = "year_to_date"
    """As the year, against the quota of the days gone by; earlier months are trued up."""
