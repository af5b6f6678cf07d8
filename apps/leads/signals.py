"""Past-tense facts of the funnel, sent inside the transaction that makes them true.

``slas`` listens to start and stop clocks; nothing below ``leads`` does.
"""

from django.dispatch import Signal

events_recorded = Signal()
"""``events``: the ``FunnelEvent`` rows just written, credits included; ``at``: when."""

hand_off_created = Signal()
"""``hand_off``; ``at``."""

leads_arrived = Signal()
"""``leads`` have just been taken in, in one batch; ``at``: when the last of them came."""

leads_closed = Signal()
"""``leads`` are nobody's to answer any more: they opted out, or were merged into another lead; ``at``."""

leads_reopened = Signal()
"""``leads`` are to be worked again: a merge was undone, a suppression lifted; ``at``."""

owners_changed = Signal()
"""``owners``: the new owner's id (or ``None``, the pool) by lead id; ``at``."""
