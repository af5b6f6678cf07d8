"""A form that captures leads, as marketing might keep it."""

from typing import Any

from apps.integrations.services.capture_forms import FormTerms
from apps.reps.models import Team

SITE = "https://www.larkfield.example"
_numbers = iter(range(10_000))


def a_form(team: Team, **given: Any) -> FormTerms:
    return FormTerms(
        **{
            "name": f"Demo request {next(_numbers)}",
            "title": "See it at work",
            "team": team,
            "source": "Website form",
            "campaign": "Autumn",
            "fields": {"name": "required", "company": "asked", "title": "asked"},
            "consent": "You may call and write to me about this request.",
            "thanks": "Thank you. We will call you within the hour.",
            "origins": [SITE],
            **given,
        }
    )
