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
from apps.integrations.rules.mappings.drafting import Unmapped, columns_of, starter, with_choices
from apps.integrations.rules.mappings.read_as import with_dates
from apps.integrations.rules.mappings.reading import is_zone, parse, parse_text
from apps.integrations.rules.mappings.recognising import recognised
from apps.integrations.rules.mappings.suggesting import most_like, suggested, suggestions

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
    "Unmapped",
    "columns_of",
    "is_zone",
    "most_like",
    "parse",
    "parse_text",
    "recognised",
    "starter",
    "suggested",
    "suggestions",
    "with_choices",
    "with_dates",
]
