"""What is promised, and each running promise as a row."""

from apps.slas.models.clocks import Clock, ClockKind, ClockState
from apps.slas.models.policies import Policy

__all__ = ["Clock", "ClockKind", "ClockState", "Policy"]
