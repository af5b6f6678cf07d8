"""Touches: who tried to reach whom, when, over which channel, and what came of it."""

from collections.abc import Iterable
from datetime import UTC
from typing import Any

from apps.integrations.models import ImportedRow
from apps.integrations.resources.base import KindResource, Record, Said
from apps.integrations.resources.lead_lookup import LeadLookup, refuse_without_lead
from apps.integrations.rules.kinds import TOUCHES
from apps.leads.services import import_touches


class TouchResource(KindResource):
    """One touch a row."""

    kind = TOUCHES

    def load_for_batch(self, known: dict[str, ImportedRow]) -> None:
        self.lookup = LeadLookup(self)

    def judge(self, record: Record, row: dict[str, Any]) -> None:
        self.check_not_ahead(record, "occurred")
        lead = self.lookup.find(record)
        if lead is None:
            refuse_without_lead(self, record, ("lead", "person"))
            return
        if record.get("occurred") < lead.created:
            record.warn("before_lead", "It is older than its lead. Taken as it stands.", "occurred")

    def facts_of(self, record: Record) -> dict[str, Any]:
        return {
            "occurred": record.get("occurred").astimezone(UTC).isoformat(),
            "rep": record.get("rep").external_id,
            "channel": record.get("channel"),
            "disposition": record.get("disposition"),
        }

    def differences(self, record: Record) -> Iterable[Said]:
        """A touch is recorded as it was: only its note may be told otherwise, and that is left as it is."""
        before = record.known.facts if record.known else {}
        for name, value in record.facts.items():
            if before.get(name) != value:
                self.refuse(
                    name,
                    f"It was {str(before.get(name))[:30]} at the last import. A touch that is recorded is not "
                    "rewritten by a file: correct the file.",
                )
        record.same = True
        return ()

    def write_new(self, records: list[Record]) -> None:
        import_touches.take_in_touches(
            touches=[self._imported(record) for record in records],
            system=self.context.mapping.system,
            at=self.context.at,
            actor=self.context.actor,
        )

    def _imported(self, record: Record) -> import_touches.ImportedTouch:
        lead, rep = self.lookup.row(record), self.context.rep_row(record.get("rep"))
        if lead is None or rep is None:
            raise AssertionError("A touch was judged without its lead or its rep.")
        return import_touches.ImportedTouch(
            external_id=record.key,
            lead=lead,
            rep=rep,
            occurred_at=record.get("occurred"),
            channel=record.get("channel"),
            disposition=record.get("disposition"),
            note=record.get("note") or "",
        )
