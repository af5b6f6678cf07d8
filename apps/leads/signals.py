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

hand_off_decided = Signal()
"""``hand_off`` has just got its answer (``hand_off.state``), also by a judge; ``at``."""

answer_undoing = Signal()
"""The answer of ``hand_off`` is about to be taken back, with its ``events``; ``at``. Whoever has built on them
raises ``services.hand_offs.UnableToDecide``."""

answer_undone = Signal()
"""``hand_off`` waits again: its answer (``was``, a state) was taken back within the minute; ``at``."""

meeting_closed = Signal()
"""``meeting`` has come to an outcome (``meeting.state``: held, no-show or cancelled), or to another one than was
said ``before`` ("" when it was booked); ``hand_off``, or ``None``; ``at``."""

meeting_moved = Signal()
"""``meeting`` is the new time of ``hand_off`` (or ``None``) after ``before``, perhaps with another AE; ``at``."""
