"""Form fields with label, hint and errors tied together, and the alert above a form."""

from typing import Any

from django.forms import (
    BaseForm,
    BoundField,
    CheckboxInput,
    CheckboxSelectMultiple,
    FileInput,
    RadioSelect,
    Select,
    Textarea,
)

from apps.portal.templatetags.components.library import register


@register.inclusion_tag("components/_field.html")
def field(
    bound: BoundField, hint: str = "", label: str = "", affix: str = "", after: str = ""
) -> dict[str, Any]:
    """A Django form field with its label, hint and errors, tied together for screen readers.

    ``affix`` and ``after`` stand inside the frame before or behind the input ("€", "%").
    """
    widget = bound.field.widget
    kind, classes = "input", "form-control"
    if isinstance(widget, CheckboxInput):
        kind, classes = "check", ""
    elif isinstance(widget, (RadioSelect, CheckboxSelectMultiple)):
        kind, classes = "choices", ""
    elif isinstance(widget, FileInput):
        kind, classes = "file", ""
    elif isinstance(widget, Select):
        classes = "form-select"
    elif isinstance(widget, Textarea):
        kind = "textarea"
    errors = list(bound.errors)
    attributes: dict[str, Any] = {}
    if classes:
        own = widget.attrs.get("class", "")
        attributes["class"] = " ".join(filter(None, [classes, own, "is-invalid" if errors else ""]))
    if label:
        # A library's placeholder repeats its own label, which is not the one shown.
        attributes["placeholder"] = False
    described = [f"{bound.auto_id}_helptext"] if hint or bound.help_text else []
    described += [f"{bound.auto_id}_error"] if errors else []
    if described and bound.auto_id:
        attributes["aria-describedby"] = " ".join(described)
    return {
        "field": bound,
        "kind": kind,
        "control": bound.as_widget(attrs=attributes) if kind != "choices" else "",
        "errors": errors,
        "hint": hint or bound.help_text,
        "label": label or bound.label,
        "optional": not bound.field.required and kind not in ("check",),
        "affix": affix,
        "after": after,
    }


@register.inclusion_tag("components/_form_errors.html")
def form_errors(form: BaseForm) -> dict[str, Any]:
    """The alert above a form: what is wrong with it as a whole, and how many fields need a change."""
    return {
        "whole": list(form.non_field_errors()),
        "count": sum(1 for name in form.errors if name != "__all__"),
    }
