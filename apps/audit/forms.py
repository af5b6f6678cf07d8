"""What the pages and the API of the log take: filters, the format of a file, an anchor."""

from typing import Any

from django import forms

from apps.audit.models import ExportFormat
from apps.audit.selectors.log import GROUPS, Filters
from apps.audit.services.anchors import LARGEST


class FilterForm(forms.Form):
    """The filters as they stand in the address; what cannot be read is left out."""

    group = forms.ChoiceField(required=False, choices=[("", "Everything"), *GROUPS.items()])
    verb = forms.CharField(required=False, max_length=64)
    actor = forms.CharField(required=False, max_length=120)
    subject = forms.CharField(required=False, max_length=130)
    origin = forms.CharField(required=False, max_length=64)
    starts = forms.DateField(required=False)
    ends = forms.DateField(required=False)

    def filters(self) -> Filters:
        self.is_valid()
        return Filters(**{name: value for name, value in self.cleaned_data.items() if value})


class ExportForm(forms.Form):
    """In which format the log is taken along."""

    format = forms.ChoiceField(
        choices=ExportFormat.choices, error_messages={"invalid_choice": "Choose CSV or XLSX."}
    )


class AnchorForm(forms.Form):
    """An anchor that was exported earlier, if the chain is to be held against one."""

    anchor = forms.FileField(required=False, allow_empty_file=True)

    def clean_anchor(self) -> Any:
        given = self.cleaned_data["anchor"]
        if given and given.size > LARGEST:
            raise forms.ValidationError("An anchor is a small file: this one is none.")
        return given
