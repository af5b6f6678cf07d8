"""What stands for a rep, their team and time zones in the queue's prepared statements (``core.prepared``)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.core.prepared import AT
from apps.leads.rules.queue import Zones

REP, TEAM = -101, -102
ZONES = ("marker",)


@dataclass(frozen=True)
class Given:
    """What is put in for the markers."""

    rep: int
    team: int
    at: datetime
    zones: Zones

    @property
    def values(self) -> dict[Any, Any]:
        return {REP: self.rep, TEAM: self.team, AT: self.at, ZONES: self.zones.names}
