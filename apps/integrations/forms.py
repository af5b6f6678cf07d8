"""Forms of the import pages: files and a mapping, a mapping's text, columns to fields."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile

from apps.integrations.readers import MEGABYTE, max_bytes
from apps.integrations.rules import mappings as rules
from apps.integrations.rules.kinds import KINDS
from apps.integrations.selectors.previews import DELIMITERS, ENCODINGS, FilePreview
from apps.integrations.services import mappings
from apps.integrations.services.imports import MAX_FILES

LARGEST_MAPPING = MEGABYTE


class _Files(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Several files at once."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("widget", _Files(attrs={"accept": ".csv,.txt,.tsv,.xlsx,.xlsm"}))
        # An empty file is named by the check, which knows what it was meant to be.
        super().__init__(allow_empty_file=True, **options)

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile]:
        given = (data if isinstance(data, (list, tuple)) else [data]) or [None]
        files = [super(FilesField, self).clean(one, initial) for one in given]
        if len(files) > MAX_FILES:
            raise ValidationError(f"Choose {MAX_FILES} files at most.")
        for one in files:
            if one.size > max_bytes():
                raise ValidationError(
                    f"{one.name} is larger than {max_bytes() // MEGABYTE} MB. Split it by date."
                )
        return files


class UploadForm(forms.Form):
    """What to import, and how to read it."""

    uploads = FilesField(
        label="Files",
        help_text="CSV or XLSX, up to 20 MB each, in any order.",
        error_messages={"required": "Choose one file at least."},
    )
    mapping = forms.ChoiceField(label="Mapping", required=False)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["mapping"].choices = [  # type: ignore[attr-defined]
            ("", "Find the one that knows these files"),
            *((known.key, known.name) for known in mappings.every()),
        ]


class MappingChoiceForm(forms.Form):
    """Another mapping for files that are here."""

    mapping = forms.ChoiceField(label="Mapping", widget=forms.Select(attrs={"class": "form-select"}))

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["mapping"].choices = [  # type: ignore[attr-defined]
            (known.key, known.name) for known in mappings.every()
        ]


class ReadingForm(forms.Form):
    """How each file is read: ``e<position>`` encoding, ``d<position>`` delimiter, ``t<position>-<place>`` dates."""

    def __init__(
        self, *args: Any, files: Sequence[FilePreview], with_dates: bool = True, **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self.shown, self.with_dates = files, with_dates
        for file in files:
            if file.is_text:
                at = file.position
                self._choose(f"e{at}", f"Encoding of {file.name}", ENCODINGS, file.encoding)
                self._choose(f"d{at}", f"Delimiter of {file.name}", DELIMITERS, file.delimiter)
            for column in file.dates if with_dates else ():
                name, label = f"t{file.position}-{column.place}", f"Dates of {column.name}"
                self._choose(name, label, column.options, column.chosen)

    def _choose(self, name: str, label: str, choices: Sequence[tuple[str, str]], initial: str) -> None:
        self.fields[name] = forms.TypedChoiceField(
            label=label,
            choices=choices,
            initial=initial,
            required=False,
            # A tab is a choice, so nothing may be stripped.
            coerce=str,
            widget=forms.Select(attrs={"class": "form-select", "aria-label": label}),
        )

    @property
    def readings(self) -> dict[int, dict[str, Any]]:
        """What was chosen, as ``ImportFile.reading``."""
        chosen = self.cleaned_data
        found: dict[int, dict[str, Any]] = {}
        for file in self.shown:
            at = file.position
            dates = {
                column.name: form
                for column in (file.dates if self.with_dates else ())
                if (form := chosen.get(f"t{at}-{column.place}") or column.chosen)
            }
            found[at] = {"dates": dates}
            if file.is_text:
                found[at] |= {
                    "encoding": chosen.get(f"e{at}") or file.encoding,
                    "delimiter": chosen.get(f"d{at}") or file.delimiter,
                }
        return found


class MappingTextForm(forms.Form):
    """A mapping as its readable text; each problem stands at the text, with its place."""

    document = forms.CharField(
        label="Mapping as text",
        widget=forms.Textarea(attrs={"rows": 24, "spellcheck": "false", "class": "mono"}),
        max_length=LARGEST_MAPPING,
    )

    @property
    def changed(self) -> dict[str, Any]:
        """The document as it is to be saved."""
        return self.cleaned_data["document"]

    def clean_document(self) -> dict[str, Any]:
        try:
            return mappings.load(text=self.cleaned_data["document"])
        except mappings.UnusableMapping as error:
            raise ValidationError([str(problem) for problem in error.problems]) from None


class MappingFileForm(forms.Form):
    """A mapping's file, taken in as it is."""

    file = forms.FileField(
        label="Mapping file",
        help_text="JSON, as it was downloaded here or written by hand.",
        widget=forms.FileInput(attrs={"accept": ".json"}),
    )

    def clean_file(self) -> dict[str, Any]:
        file = self.cleaned_data["file"]
        if file.size > LARGEST_MAPPING:
            raise ValidationError("A mapping has 1 MB at most.")
        try:
            return mappings.load(text=file.read().decode("utf-8-sig"))
        except UnicodeDecodeError:
            raise ValidationError("The file is not written in UTF-8.") from None
        except mappings.UnusableMapping as error:
            raise ValidationError([str(problem) for problem in error.problems]) from None


class ColumnsForm(forms.Form):
    """Each column of each file and the field that it goes to; and the mapping's name.

    ``layouts`` lists (index in the document, kind, columns); the fields are called ``c<index>-<place>``.
    """

    name = forms.CharField(label="Save as", max_length=80)

    def __init__(
        self, *args: Any, document: dict[str, Any], columns: list[tuple[int, list[str]]], **options: Any
    ) -> None:
        options.setdefault("initial", {"name": document.get("name", "")})
        super().__init__(*args, **options)
        self.document, self.columns = document, columns
        for index, names in columns:
            layout = document["files"][index]
            kind = KINDS[layout["kind"]]
            options_of_kind = [("", "Leave out"), *((field.name, field.label) for field in kind.fields)]
            for place, column in enumerate(names):
                goes_to = fields_of_column(layout, column)
                self.fields[f"c{index}-{place}"] = forms.ChoiceField(
                    label=f"{column} goes to",
                    choices=options_of_kind,
                    required=False,
                    initial=goes_to[0] if goes_to else "",
                    widget=forms.Select(attrs={"class": "form-select", "aria-label": f"{column} goes to"}),
                )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        changed = {**self.document, "name": cleaned.get("name", "").strip()}
        for index, names in self.columns:
            chosen = {column: cleaned.get(f"c{index}-{place}", "") for place, column in enumerate(names)}
            kept = {
                column: field
                for column, field in chosen.items()
                # A column that several fields read is shown by the first: unchanged means all of them stay.
                if field != (fields_of_column(self.document["files"][index], column) or [""])[0]
            }
            changed = rules.with_choices(changed, index, kept)
        try:
            rules.parse(changed)
        except rules.NotAMapping as error:
            raise ValidationError([str(problem) for problem in error.problems]) from None
        self.changed = changed
        return cleaned


def fields_of_column(layout: dict[str, Any], column: str) -> list[str]:
    """The fields that read a column, in the document's order."""
    return [name for name, spec in layout.get("fields", {}).items() if column in rules.columns_of(spec)]
