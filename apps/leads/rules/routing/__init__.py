"""Which AE takes a meeting, and why: pure, exact, and the same answer again from the same inputs.

PRODUCT section 6. ``candidates`` holds what every method judges, ``best_ranked`` the default, ``turns`` the
weighted round robin, ``policies`` the rules of a policy as they are written, ``deciding`` asks them in order, and
``kept`` writes a decision down so that it can be read and decided again.
"""

from apps.leads.rules.routing.best_ranked import choose, order_of_asking
from apps.leads.rules.routing.candidates import Candidate, Considered, Decision

__all__ = ["Candidate", "Considered", "Decision", "choose", "order_of_asking"]
