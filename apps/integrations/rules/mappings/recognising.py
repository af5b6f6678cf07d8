"""Which file of an export a file is."""

from collections.abc import Sequence
from fnmatch import fnmatch

from apps.integrations.rules.mappings.document import FileLayout, Mapping


def recognised(mapping: Mapping, name: str, header: Sequence[str]) -> tuple[FileLayout | None, list[str]]:
    """The layout that a file of this name and header has, and the columns that it lacks.

    A name that one layout expects settles it, so that a lost column is named as lost. Otherwise the
    layout whose columns are all there is taken; failing that none, with what the nearest one lacks.
    """

    def lacks(layout: FileLayout) -> list[str]:
        return [column for column in layout.needed_columns if column not in header]

    by_name = [
        layout
        for layout in mapping.files
        if any(fnmatch(name.casefold(), pattern.casefold()) for pattern in layout.name_like)
    ]
    if len(by_name) == 1:
        return by_name[0], lacks(by_name[0])
    whole = [layout for layout in (by_name or mapping.files) if not lacks(layout)]
    if whole:
        # The one that uses most of the file: a layout of three columns fits many files.
        return max(whole, key=lambda layout: len(set(layout.needed_columns))), []
    nearest = min(
        by_name or mapping.files,
        key=lambda layout: len(lacks(layout)) / max(1, len(layout.needed_columns)),
    )
    return None, lacks(nearest)
