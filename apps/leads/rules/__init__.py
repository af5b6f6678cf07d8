"""Decisions of the funnel on plain values: no Django, no clock, no I/O."""
