"""What the pages of inquiries ask for: the question, what is said, the outcome, a change of pay, the terms."""

import secrets
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile

from apps.accounts.models import Role, User
from apps.compensation.rules.attachments import ACCEPT, ALLOWED_WORDS, LARGEST, MEGABYTE, MOST_FILES, Checked
from apps.compensation.rules.inquiry_clock import Targets
from apps.compensation.services import inquiry_files
from apps.compensation.services.inquiry_rows import MOST_REASON, MOST_TEXT
from apps.compensation.services.inquiry_terms import Answered, Terms, answerers
from apps.compensation.services.pay_adjustments import Basis
from apps.core.errors import InvalidInput
from apps.core.money import exponent, to_minor

_DIGITS = 16


class _Files(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Several files at once, each looked into; gives ``rules.attachments.Checked``."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("widget", _Files(attrs={"accept": ACCEPT, "multiple": True}))
        options.setdefault("label", "Files")
        options.setdefault(
            "help_text", f"{ALLOWED_WORDS}; up to {MOST_FILES}, {LARGEST // MEGABYTE} MB each."
        )
        super().__init__(required=False, allow_empty_file=True, max_length=None, **options)

    def clean(self, data: Any, initial: Any = None) -> list[Checked]:
        given = data if isinstance(data, (list, tuple)) else [data]
        uploads = [one for one in given if isinstance(one, UploadedFile)]
        try:
            return inquiry_files.read(uploads)
        except InvalidInput as error:
            raise ValidationError(error.message) from error


def _words(label: str, most: int, required: str, rows: int = 4, **options: Any) -> forms.CharField:
    return forms.CharField(
        label=label,
        max_length=most,
        widget=forms.Textarea(attrs={"rows": rows}),
        error_messages={"required": required},
        **options,
    )


class _WithFiles(forms.Form):
    """A hidden key, so that a second click says nothing twice; and files."""

    key = forms.CharField(max_length=40, required=False, widget=forms.HiddenInput)
    files = FilesField()  # type: ignore[assignment]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["key"].initial = secrets.token_hex(12)

    def source_key(self, user: Any) -> str:
        key = self.cleaned_data.get("key") or ""
        return f"page:{user.pk}:{key}" if key else ""


class AskForm(_WithFiles):
    """What is questioned; without a line, something that is missing or the whole statement."""

    about = forms.ChoiceField(
        label="What is it about",
        choices=[("missing", "Something is missing"), ("statement", "The statement as a whole")],
        widget=forms.RadioSelect,
        error_messages={"required": "Choose what it is about."},
    )
    expected = forms.CharField(
        label="I expected pay for", max_length=200, required=False, help_text="A deal, a meeting, a lead."
    )
    expected_amount = forms.DecimalField(
        label="How much you expected",
        required=False,
        min_value=Decimal(0),
        max_digits=_DIGITS,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        error_messages={"invalid": "Write an amount, such as 120.00."},
    )
    text = _words("Your question", MOST_TEXT, "Write what you question, and why.", 5)

    field_order = ["about", "expected", "expected_amount", "text", "files", "key"]

    def __init__(self, *args: Any, currency: str, of_line: bool, **options: Any) -> None:
        super().__init__(*args, **options)
        self.currency = currency
        if of_line:
            del self.fields["about"], self.fields["expected"]

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if found.get("about") == "missing" and not found.get("expected", "").strip():
            self.add_error("expected", "Say for what you expected pay.")
        if found.get("about") == "statement":
            found["expected"], found["expected_amount"] = "", None
        found["expected_minor"] = _minor(self, "expected_amount", found.get("expected_amount"), self.currency)
        return found


def _minor(form: forms.Form, field: str, amount: Decimal | None, currency: str) -> int | None:
    if amount is None:
        return None
    try:
        return to_minor(amount, currency)
    except ValueError:
        places = exponent(currency)
        form.add_error(
            field, f"{currency} has {places} decimals." if places else f"{currency} has no decimals."
        )
        return None


class ReplyForm(_WithFiles):
    text = _words("Reply", MOST_TEXT, "Write something: the other side reads it.")

    field_order = ["text", "files", "key"]


class AskBackForm(_WithFiles):
    text = _words(
        "Ask back",
        MOST_TEXT,
        "Write what you need to know.",
        help_text="It stands still until who asked replies.",
    )

    field_order = ["text", "files", "key"]


class OutcomeForm(forms.Form):
    """Explained, corrected elsewhere, or declined."""

    outcome = forms.ChoiceField(
        label="Outcome",
        choices=[
            ("explained", "Explained: nothing changes"),
            ("corrected", "The data was corrected"),
            ("declined", "Declined"),
        ],
        widget=forms.RadioSelect,
        error_messages={"required": "Choose what comes of it."},
    )
    link = forms.CharField(
        label="What was corrected",
        max_length=400,
        required=False,
        help_text="The address of its page in the portal: an event, a split of credit, a quota.",
    )
    text = _words("In words", 2_000, "Say why: who asked reads it.")
    files = FilesField()  # type: ignore[assignment]

    field_order = ["outcome", "link", "text", "files"]

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if found.get("outcome") == "corrected" and not found.get("link"):
            self.add_error("link", "Paste the address of the page that shows what was corrected.")
        return found


class AdjustmentForm(forms.Form):
    """How much more or less, in which component, and why."""

    amount = forms.DecimalField(
        label="Amount",
        max_digits=_DIGITS,
        help_text="Below zero takes pay back.",
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        error_messages={"invalid": "Write an amount, such as 120.00.", "required": "Write an amount."},
    )
    currency = forms.ChoiceField(label="Currency")
    component = forms.ChoiceField(label="Component")
    reason = _words(
        "Why", MOST_REASON, "Say why: who approves it reads it.", 3,
        help_text="Who approves it reads this, and it stands on the statement.",
    )  # fmt: skip

    def __init__(self, *args: Any, basis: Basis, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["currency"].choices = [(one, one) for one in basis.currencies]  # type: ignore[attr-defined]
        self.fields["component"].choices = list(basis.components.items())  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if found.get("currency"):
            found["amount_minor"] = _minor(self, "amount", found.get("amount"), found["currency"])
        return found


class AssignForm(forms.Form):
    """To whom, and why."""

    owner = forms.TypedChoiceField(
        label="To", coerce=int, error_messages={"required": "Choose who answers it."}
    )
    reason = _words("Why", MOST_REASON, "Say why: the thread keeps it.", 2)

    def __init__(self, *args: Any, people: list[User], **options: Any) -> None:
        super().__init__(*args, **options)
        self._people = {user.pk: user for user in people}
        self.fields["owner"].choices = [  # type: ignore[attr-defined]
            ("", "Choose"),
            *((user.pk, f"{user.name}, {user.get_role_display()}") for user in people),
        ]

    def chosen(self) -> User:
        return self._people[self.cleaned_data["owner"]]


class ReasonForm(forms.Form):
    """Why it is opened again, or a change is taken back."""

    reason = _words("Why", MOST_REASON, "Say why: the others read it.", 3)


class DeclineChangeForm(forms.Form):
    """Why a change is not approved."""

    words = _words("Why not", MOST_REASON, "Say why: who proposed it reads it.", 3)


class TermsForm(forms.Form):
    """How fast, by whom, and who hears when it is late."""

    first_answer_hours = forms.DecimalField(
        label="First answer within",
        min_value=Decimal(0),
        decimal_places=2,
        max_digits=6,
        help_text="hours of business time",
    )
    outcome_hours = forms.DecimalField(
        label="Outcome within",
        min_value=Decimal(0),
        decimal_places=2,
        max_digits=6,
        help_text="hours of business time",
    )
    warn_percent = forms.IntegerField(
        label="Remind after", min_value=1, max_value=100, help_text="percent of that time"
    )
    reopen_days = forms.IntegerField(
        label="May be opened again for", min_value=0, max_value=365, help_text="days after its outcome"
    )
    answered_by = forms.ChoiceField(label="Who answers", choices=Answered.choices, widget=forms.RadioSelect)
    rota = forms.TypedMultipleChoiceField(
        label="Rota", coerce=int, required=False, widget=forms.CheckboxSelectMultiple,
        help_text="Whose turn it is by the fewest to answer. Nobody ticked: everybody of those who answer.",
    )  # fmt: skip
    lead = forms.TypedChoiceField(
        label="Finance lead", coerce=int, required=False, empty_value=None,
        help_text="Told when a promise runs out.",
    )  # fmt: skip

    def __init__(self, *args: Any, terms: Terms, **options: Any) -> None:
        targets = terms.targets
        options.setdefault(
            "initial",
            {
                "first_answer_hours": Decimal(targets.first_answer_minutes) / 60,
                "outcome_hours": Decimal(targets.outcome_minutes) / 60,
                "warn_percent": targets.warn_percent,
                "reopen_days": targets.reopen_days,
                "answered_by": terms.answered_by,
                "rota": list(terms.rota),
                "lead": terms.lead_id or "",
            },
        )
        super().__init__(*args, **options)
        people = list(answerers())
        self.fields["rota"].choices = [(user.pk, user.name) for user in people]  # type: ignore[attr-defined]
        self.fields["lead"].choices = [  # type: ignore[attr-defined]
            ("", "All of finance"),
            *((user.pk, user.name) for user in people if user.role == Role.FINANCE),
        ]

    def terms(self) -> Terms:
        found = self.cleaned_data
        return Terms(
            Targets(
                int(found["first_answer_hours"] * 60),
                int(found["outcome_hours"] * 60),
                found["warn_percent"],
                found["reopen_days"],
            ),
            found["answered_by"],
            tuple(found["rota"]),
            found["lead"],
        )

    def errors_of(self, error: InvalidInput) -> None:
        """Put a service's refusal at its field."""
        field = error.field.replace("_minutes", "_hours")
        self.add_error(field if field in self.fields else None, error.message)
