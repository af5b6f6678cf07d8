"""Who is to look after an account."""

from typing import Any

from django import forms
from django.db.models import QuerySet

from apps.reps.models import Rep


class AssignForm(forms.Form):
    """One of the AMs and CSMs whom the user may name."""

    owner = forms.ModelChoiceField(
        queryset=Rep.objects.none(),
        label="Looked after by",
        empty_label="Choose an AM or CSM",
        error_messages={
            "required": "Choose who looks after it.",
            "invalid_choice": "Choose one of the AMs and CSMs listed.",
        },
    )

    def __init__(self, *args: Any, keepers: QuerySet[Rep], **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["owner"].queryset = keepers.order_by("name", "pk")  # type: ignore[attr-defined]
