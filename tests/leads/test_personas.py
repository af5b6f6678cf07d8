"""The persona that a title speaks of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.leads.models import Persona
from apps.leads.rules.personas import persona_of


@pytest.mark.parametrize(
    ("title", "persona"),
    [
        ("", Persona.UNKNOWN),
        ("   ", Persona.UNKNOWN),
        ("CEO", Persona.EXECUTIVE),
        ("C - Level", Persona.EXECUTIVE),
        ("Co-Founder & CTO", Persona.EXECUTIVE),
        ("Geschäftsführerin", Persona.EXECUTIVE),
        ("Managing Director", Persona.EXECUTIVE),
        ("President", Persona.EXECUTIVE),
        ("Vice President", Persona.VICE_PRESIDENT),
        ("VP, Sales", Persona.VICE_PRESIDENT),
        ("Head of IT", Persona.VICE_PRESIDENT),
        ("Director of Operations", Persona.DIRECTOR),
        ("Service Manager", Persona.MANAGER),
        ("Teamleiterin Einkauf", Persona.MANAGER),
        ("Team Lead", Persona.MANAGER),
        ("Executive Assistant to the CEO", Persona.SPECIALIST),
        ("Sales Coordinator", Persona.SPECIALIST),
        ("Buyer", Persona.SPECIALIST),
    ],
)
def test_follows_the_level_of_the_title(title: str, persona: Persona) -> None:
    assert persona_of(title) == persona


@given(st.text(max_size=60))
def test_every_title_has_one(title: str) -> None:
    assert persona_of(title) in Persona.values
