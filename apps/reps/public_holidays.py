"""Public holidays by country and part of it, as the ``holidays`` library knows them.

They are proposals: what the company keeps becomes rows of its calendar, so that another version of the
library changes nothing that was agreed. No table of holidays is written by hand.
"""

import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import holidays
from holidays.registry import COUNTRIES

_LANGUAGES = ("en_GB", "en_US", "en")


@dataclass(frozen=True)
class Holiday:
    """A date with its name in English, or in the country's own words where there is no English."""

    on: date
    name: str


@lru_cache(maxsize=1)
def countries() -> tuple[tuple[str, str], ...]:
    """(ISO 3166 code, name) of every country that the library knows, by name."""
    names = {
        entry[1]: re.sub(r"(?<=[a-z])(?=[A-Z])", " ", entry[0])
        for entry in COUNTRIES.values()
        if len(entry[1]) == 2
    }
    return tuple(sorted(names.items(), key=lambda item: item[1]))


@lru_cache(maxsize=64)
def subdivisions(country: str) -> tuple[tuple[str, str], ...]:
    """(code, name) of the parts of a country that have holidays of their own; none for an unknown one."""
    if country not in dict(countries()):
        return ()
    known = holidays.country_holidays(country)
    names: dict[str, str] = {}
    for alias, code in getattr(known, "subdivisions_aliases", {}).items():
        # Several aliases stand for one part; the longest is its name, the others are codes.
        if len(alias) > len(names.get(code, "")):
            names[code] = alias
    found = [(code, f"{names[code]} ({code})" if code in names else code) for code in known.subdivisions]
    return tuple(sorted(found, key=lambda item: item[1]))


@lru_cache(maxsize=256)
def proposed(country: str, subdivision: str, first_year: int, last_year: int) -> tuple[Holiday, ...]:
    """Public holidays from one year through another, by date; none for a country that is not known.

    A subdivision that the country has not is left aside.
    """
    if country not in dict(countries()):
        return ()
    known = holidays.country_holidays(country)
    part = subdivision if subdivision in known.subdivisions else None
    language = next((one for one in _LANGUAGES if one in known.supported_languages), None)
    found = holidays.country_holidays(
        country, subdiv=part, years=range(first_year, last_year + 1), language=language
    )
    # A holiday of the first year may be observed in the year before.
    return tuple(
        Holiday(on, ", ".join(name.split("; "))[:80])
        for on, name in sorted(found.items())
        if first_year <= on.year <= last_year
    )
