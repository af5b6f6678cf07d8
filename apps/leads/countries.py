"""In which country a lead is, as far as its time zone says so.

By the tables of the tz database that come with the ``tzdata`` package: ``zone.tab`` names the country of each zone,
``iso3166.tab`` the countries, ``tzdata.zi`` what older names of zones mean now. A zone of no one country (``UTC``,
``CET``) says nothing. Constant tables, read once a process: conditions are judged by them as by any other list.
"""

from functools import lru_cache
from importlib.resources import files

_USUAL = {"GB": "United Kingdom"}
"""Where the table has a name that nobody would type."""


@lru_cache(maxsize=1)
def country_names() -> dict[str, str]:
    """ISO 3166 code → English name."""
    return {code: _USUAL.get(code, name) for code, name in _rows("iso3166.tab")}


@lru_cache(maxsize=1)
def zones_by_country() -> dict[str, tuple[str, ...]]:
    """Name of a country → its time zones, older names of them included."""
    found: dict[str, list[str]] = {}
    for zone, country in _country_by_zone().items():
        found.setdefault(country, []).append(zone)
    return {country: tuple(sorted(zones)) for country, zones in found.items()}


def country_of(time_zone: str) -> str:
    """``Europe/Berlin`` → ``Germany``; "" where the zone is not known or of no one country."""
    return _country_by_zone().get(time_zone, "")


def country_called(text: str) -> str:
    """The country by its name or ISO code, whatever the case; "" for none."""
    wanted = text.strip().casefold()
    for code, name in country_names().items():
        if wanted in (code.casefold(), name.casefold()):
            return name
    return ""


@lru_cache(maxsize=1)
def _country_by_zone() -> dict[str, str]:
    names = country_names()
    found = {row[2]: names[row[0]] for row in _rows("zone.tab")}
    for line in _text("tzdata.zi").splitlines():
        # "L Europe/Kyiv Europe/Kiev": the second name means the first. "CET" means the clocks of Brussels, not Belgium.
        kind, *words = line.split(" ")
        if kind == "L" and words[0] in found and "/" in words[1]:
            found.setdefault(words[1], found[words[0]])
    return found


def _rows(table: str) -> list[list[str]]:
    lines = [line for line in _text(table).splitlines() if line and not line.startswith("#")]
    return [line.split("\t") for line in lines]


def _text(table: str) -> str:
    return (files("tzdata") / "zoneinfo" / table).read_text(encoding="utf-8")
