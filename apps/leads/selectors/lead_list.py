"""Leads as a list to search, within one's scope."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from apps.core.keyset import Page, page_of
from apps.leads.models import Lead, LeadStage, Score


@dataclass(frozen=True)
class Filters:
    """What the address narrows the list to; each is empty or one known value."""

    text: str = ""
    stage: str = ""
    score: str = ""
    channel: str = ""

    @classmethod
    def of(cls, asked: Mapping[str, str]) -> "Filters":
        stage, score, channel = asked.get("stage", ""), asked.get("score", ""), asked.get("channel", "")
        return cls(
            asked.get("q", "").strip()[:100],
            stage if stage in LeadStage.values else "",
            score if score in Score.values else "",
            channel if channel in ("inbound", "outbound") else "",
        )

    def __bool__(self) -> bool:
        return self != Filters()


def page(*, user: Any, filters: Filters, after: str) -> Page:
    """Fifty leads, the newest first. Two statements."""
    leads = Lead.objects.visible_to(user).select_related("owner", "team").defer("score_reasons")
    if filters.text:
        leads = leads.filter(_matching(filters.text))
    if filters.stage:
        leads = leads.filter(stage=filters.stage)
    if filters.score:
        leads = leads.filter(score=filters.score)
    if filters.channel:
        leads = leads.filter(is_inbound=filters.channel == "inbound")
    return page_of(leads, by=("-created_at", "-pk"), after=after)


def _matching(text: str) -> Q:
    """An address exactly, a number as ours or its source's, else the beginning of a name or a company."""
    if "@" in text:
        return Q(email=text.lower())
    if text.isdigit() and len(text) < 19:
        return Q(pk=int(text)) | Q(external_id=text)
    return Q(name__istartswith=text) | Q(company__istartswith=text) | Q(name__icontains=f" {text}")
