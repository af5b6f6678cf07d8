"""A mapping: which file is what, which column is which field, and how its cells are spelt.

It is a readable JSON document (``docs/imports.md``). ``document`` says what it may hold, ``reading`` parses it
and names every problem by its place, ``recognising`` tells which file it fits, ``drafting`` begins and changes
one column by column. Nothing here opens a file.
"""

from apps.integrations.rules.mappings.document import (
    DELIMITERS,
    ENCODINGS,
    FORMAT,
    FieldFrom,
    FileLayout,
    Mapping,
    NotAMapping,
    Problem,
    TeamOf,
)
from apps.integrations.rules.mappings.drafting import columns_of, starter, suggested, with_choices
from apps.integrations.rules.mappings.reading import is_zone, parse, parse_text
from apps.integrations.rules.mappings.recognising import recognised

__all__ = [
    "DELIMITERS",
    "ENCODINGS",
    "FORMAT",
    "FieldFrom",
    "FileLayout",
    "Mapping",
    "NotAMapping",
    "Problem",
    "TeamOf",
    "columns_of",
    "is_zone",
    "parse",
    "parse_text",
    "recognised",
    "starter",
    "suggested",
    "with_choices",
]
