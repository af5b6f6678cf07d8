"""The demo company: a seeded, invented sales team with nine months behind it.

It is told through the same services that the pages call, with ``at`` in the past, so its record is as
true as a real one. Demo mode only; nothing outside this package leans on it.
"""
