"""Promises: policies, the clocks that run for them, and what was done about each."""

from apps.slas.models.clocks import (
    BreachReason,
    CalendarCopy,
    Clock,
    ClockHolder,
    ClockKind,
    ClockPause,
    ClockRebase,
    ClockState,
    EscalationAct,
)
from apps.slas.models.policies import Policy

__all__ = [
    "BreachReason",
    "CalendarCopy",
    "Clock",
    "ClockHolder",
    "ClockKind",
    "ClockPause",
    "ClockRebase",
    "ClockState",
    "EscalationAct",
    "Policy",
]
