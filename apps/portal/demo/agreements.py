"""What the company agreed on as MQL and SQL: AN first, then BANT, and drafts of what may come next.

With two frameworks in the history there is something to compare; the drafts wait for a signature.
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from apps.accounts.models import Role
from apps.leads.models import Definition
from apps.leads.rules.agreements import Terms
from apps.leads.rules.frameworks import FRAMEWORKS, Criterion
from apps.leads.rules.keywords import Keywords
from apps.leads.rules.points import Band, Counted, PointTable
from apps.leads.services import definitions
from apps.leads.services.definitions import Side
from apps.portal.demo.founding import Company
from apps.portal.demo.life import Span

INDUSTRIES = ("Logistics", "Manufacturing", "Healthcare", "Retail", "Energy", "Software")


@dataclass(frozen=True)
class _Version:
    kind: Definition.Kind
    terms: Terms
    effective_on: date
    note: str
    signed_by: tuple[Side, ...] = ()


def put_definitions(company: Company, span: Span) -> None:
    """AN to the fourth month, BANT since; an ANUM draft waits for sales, an MQL draft for both."""
    signers = {
        Side.MARKETING: company.of_role(Role.MARKETING),
        Side.SALES: company.desks[0].teams["Mid-market AEs"].manager,
    }
    for one in _versions(span):
        _put(one, company.of_role(Role.REVOPS), signers, span)


def _versions(span: Span) -> list[_Version]:
    before, middle, ahead = span.start - timedelta(days=60), span.month_start(4), span.month_start(11)
    bant, an, anum = (FRAMEWORKS[key] for key in ("bant", "an", "anum"))
    dated = Criterion("Timeframe", "By which date do they decide, and where is that date written?")
    both = (Side.MARKETING, Side.SALES)
    first = PointTable.default(INDUSTRIES)
    return [
        _Version(
            Definition.Kind.MQL,
            Terms("Points for fit and intent", 30, table=first),
            before,
            "The first agreement in writing.",
            both,
        ),
        _Version(
            Definition.Kind.MQL,
            Terms("More weight on what they do", 35, table=_next_table(first)),
            ahead,
            "Lists made up a third of the MQLs and hardly any of the wins. Page visits said more.",
        ),
        _Version(
            Definition.Kind.SQL,
            Terms("AN", an.needed, an.key, an.criteria, an.expected),
            before,
            "Few questions, so that nobody waits for a meeting.",
            both,
        ),
        _Version(
            Definition.Kind.SQL,
            Terms("BANT, three of four", 3, bant.key, (*bant.criteria[:3], dated), bant.expected),
            middle,
            "AEs sat in meetings with people who had no budget and no date.",
            both,
        ),
        _Version(
            Definition.Kind.SQL,
            Terms("ANUM, all four", 4, anum.key, anum.criteria, (20, 30)),
            ahead,
            "Budgets are set after the talk with us, so urgency says more than a figure that is set aside.",
            (Side.MARKETING,),
        ),
    ]


def _next_table(first: PointTable) -> PointTable:
    bands = (Band(0, 9, 0), *first.employees[1:])
    lists = tuple(replace(row, points=2) if "purchased" in row.words else row for row in first.sources)
    return replace(
        first,
        employees=bands,
        industries=(*INDUSTRIES, "Construction"),
        titles=(*first.titles, Keywords(("buyer", "procurement"), 7)),
        sources=lists,
        visits=Counted(4, 24),
    )


def _put(one: _Version, author: Any, signers: dict[Side, Any], span: Span) -> None:
    at = span.instant(min(one.effective_on, span.today) - timedelta(days=9), 11, 20)
    drafted = definitions.draft_definition(
        kind=one.kind,
        terms=one.terms,
        effective_on=one.effective_on,
        note=one.note,
        at=at,
        actor=author,
    )
    for number, side in enumerate(one.signed_by, 1):
        signed_at = at + timedelta(hours=25 * number)
        definitions.sign_definition(
            definition=drafted, side=side, today=signed_at.date(), at=signed_at, actor=signers[side]
        )
