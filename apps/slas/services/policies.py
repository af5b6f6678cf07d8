"""The policies that a company starts with."""

from django.db import transaction

from apps.slas.models import Policy

_A_DAY = 480

DEFAULTS = (
    # name, scores, channel, first response, AE's answer: business minutes
    ("Inbound, score A", "A", "inbound", 30, 240),
    ("Inbound, score B", "B", "inbound", 60, 240),
    ("Inbound, other scores", "", "inbound", _A_DAY, _A_DAY),
    ("Outbound", "", "outbound", None, _A_DAY),
)


@transaction.atomic
def put_defaults() -> int:
    """Create the defaults where there is no policy at all; how many. Safe to repeat."""
    if Policy.objects.exists():
        return 0
    made = Policy.objects.bulk_create(
        [
            Policy(
                name=name,
                position=position,
                scores=scores,
                channel=channel,
                first_response_minutes=first_response,
                ae_answer_minutes=ae_answer,
            )
            for position, (name, scores, channel, first_response, ae_answer) in enumerate(DEFAULTS, 1)
        ]
    )
    return len(made)
