"""What others may want to know of jobs. (This app stands below the log, so it tells and does not write there.)"""

from django.dispatch import Signal

# Sent with ``job``, ``act`` ("cancelled" or "resumed"), ``by`` and ``at``, inside the transaction of the act.
job_steered = Signal()
