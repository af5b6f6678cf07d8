"""What somebody said of how one file is read, laid over what the mapping says."""

from collections.abc import Mapping as AnyMapping
from dataclasses import replace

from apps.integrations.rules.looks import day_and_month_swapped
from apps.integrations.rules.mappings.document import FileLayout, Mapping


def with_dates(layout: FileLayout, dates: AnyMapping[str, str], mapping: Mapping) -> FileLayout:
    """The layout with the dates of these columns read as chosen (column → format).

    The mapping's own formats are tried after it, but none that would take the day for the month.
    """
    if not dates:
        return layout
    fields = {}
    for name, spec in layout.fields.items():
        known = layout.kind.field(name)
        chosen = [dates[column] for column in spec.columns if column in dates]
        if known is not None and known.type in ("day", "instant") and chosen:
            against = {day_and_month_swapped(form) for form in chosen} - set(chosen)
            rest = [form for form in (spec.dates or mapping.dates) if form not in against]
            spec = replace(spec, dates=tuple(dict.fromkeys([*chosen, *rest])))
        fields[name] = spec
    return replace(layout, fields=fields)
