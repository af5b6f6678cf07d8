"""Conditions on leads as a query, and the values that a lead shows to them (``rules.conditions``)."""

import re
from collections.abc import Sequence
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Q

from apps.leads.countries import country_of, zones_by_country
from apps.leads.models import Lead, Score
from apps.leads.rules.conditions import FIELDS, NUMBER, Condition, match
from apps.leads.rules.scoring import tier_of_score

_COLUMNS = {"size": "employees", "motion": "is_inbound"}


def known_of(lead: Lead) -> dict[str, Any]:
    """What ``rules.conditions.match`` judges: the lead's values by field name."""
    return {
        "score": lead.score,
        "tier": str(tier_of_score(lead.score)),
        "size": lead.employees,
        "industry": lead.industry,
        "title": lead.title,
        "source": lead.source,
        "campaign": lead.campaign,
        "motion": "inbound" if lead.is_inbound else "outbound",
        "persona": str(lead.persona),
        "city": lead.city,
        "time_zone": lead.time_zone,
        "country": country_of(lead.time_zone),
    }


def matching(conditions: Sequence[Condition]) -> Q:
    """The leads for which all conditions hold; all leads where there is none."""
    found = Q()
    for condition in conditions:
        found &= _query(condition)
    return found


def _query(condition: Condition) -> Q:
    column = _COLUMNS.get(condition.field, condition.field)
    operator, value = condition.operator, condition.value
    if condition.field == "motion":
        return Q(is_inbound__in=_positive(condition, {"inbound": True, "outbound": False}))
    if condition.field == "tier":
        wanted = [letter for letter in Score.values if str(tier_of_score(letter)) in value]
        return Q(score__in=wanted) if operator == "in" else ~Q(score__in=wanted)
    if condition.field == "country":
        return _country(condition)
    if FIELDS[condition.field].kind == NUMBER:
        return _number(column, operator, value)
    if condition.field in ("score", "persona"):
        values = [int(one) for one in value] if condition.field == "persona" else list(value)
        return Q(**{f"{column}__in": values}) if operator == "in" else ~Q(**{f"{column}__in": values})
    unknown = Q(**{f"{column}__regex": r"^\s*$"})
    if operator in ("known", "unknown"):
        return unknown if operator == "unknown" else ~unknown
    shape = {"in": r"^\s*{}\s*$", "not_in": r"^\s*{}\s*$", "starts_with": r"^\s*{}"}.get(operator, "{}")
    # A regular expression, because SQLite folds the case of plain letters alone in its own comparisons.
    any_of = reduce(or_, (Q(**{f"{column}__iregex": shape.format(_escaped(str(one)))}) for one in value))
    return ~any_of & ~unknown if operator.startswith("not_") else any_of


def _country(condition: Condition) -> Q:
    """By the zones of the countries for which the condition holds."""
    by_country = zones_by_country()
    if condition.operator in ("known", "unknown"):
        known = Q(time_zone__in=[zone for zones in by_country.values() for zone in zones])
        return known if condition.operator == "known" else ~known
    held = [country for country in by_country if match([condition], {"country": country}).ok]
    return Q(time_zone__in=[zone for country in held for zone in by_country[country]])


def _positive(condition: Condition, meaning: dict[str, bool]) -> list[bool]:
    return [
        found for word, found in meaning.items() if (word in condition.value) is (condition.operator == "in")
    ]


def _number(column: str, operator: str, value: Sequence[Any]) -> Q:
    if operator in ("known", "unknown"):
        return Q(**{f"{column}__isnull": operator == "unknown"})
    if operator == "between":
        return Q(**{f"{column}__gte": value[0], f"{column}__lte": value[1]})
    return Q(**{f"{column}__{'gte' if operator == 'at_least' else 'lte'}": value[0]})


def _escaped(text: str) -> str:
    """Literal in the regular expressions of both databases (``re.escape`` escapes a space as well)."""
    return re.sub(r"([\\.^$*+?()\[\]{}|])", r"\\\1", text)
