"""Opportunities: what may be sold to whom, by whom, how far it is and what it is worth."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from apps.core.money import in_words, to_minor
from apps.integrations.models import ImportedRow
from apps.integrations.resources.base import KindResource, Record, Said
from apps.integrations.resources.context import RepKnown
from apps.integrations.resources.lead_lookup import LeadLookup
from apps.integrations.rules.kinds import OPPORTUNITIES
from apps.leads.models import OpportunityStage
from apps.leads.services import import_deals

_CLOSED = ("won", "lost")
_AHEAD = ["stage_1", "stage_2", "won"]


class OpportunityResource(KindResource):
    """One opportunity a row."""

    kind = OPPORTUNITIES

    def load_for_batch(self, known: dict[str, ImportedRow]) -> None:
        self.present = import_deals.present_opportunities(
            system=self.context.mapping.system, external_ids=known
        )
        self.lookup = LeadLookup(self)

    def judge(self, record: Record, row: dict[str, Any]) -> None:
        self._judge_stage(record)
        self.check_not_ahead(record, "created", "stage_changed", "closed")
        for name in ("closed", "stage_changed"):
            instant = record.get(name)
            if instant is not None and instant < record.get("created"):
                self.refuse(name, "This is before it was opened. Correct one of the two dates.")
        self._judge_amount(record)
        self._judge_people(record)

    def _judge_stage(self, record: Record) -> None:
        """Won or lost may stand in a column of its own; what is not closed has no day of closing yet."""
        outcome = record.get("outcome")
        if outcome in _CLOSED:
            record.stage = outcome  # type: ignore[attr-defined]
        elif outcome == "open" and record.get("stage") in _CLOSED:
            self.refuse(
                "outcome", "It is open, and its stage says that it is closed. Correct one of the two."
            )
        if record.get("stage") not in _CLOSED:
            # Systems keep the day on which it is expected to close in the same column.
            record.closed = None  # type: ignore[attr-defined]
        elif record.get("closed") is None:
            if record.get("stage_changed") is None:
                name = "closed" if "closed" in self.fields else "stage"
                self.refuse(name, "It is won or lost and there is no day of it. Fill in the day.")
            record.closed = record.get("stage_changed")  # type: ignore[attr-defined]

    def _judge_amount(self, record: Record) -> None:
        amount = record.get("amount")
        record.money = record.get("currency") or self.context.mapping.team.currency  # type: ignore[attr-defined]
        record.minor = None  # type: ignore[attr-defined]
        if amount is None:
            if record.get("stage") == "won":
                record.warn(
                    "won_without_amount", "Won without an amount: taken, and it counts nothing.", "amount"
                )
            return
        try:
            record.minor = to_minor(amount, record.get("money"))  # type: ignore[attr-defined]
        except ValueError as error:
            self.refuse("amount", str(error))
        if amount < 0:
            record.warn(
                "amount_below_zero", "An amount below zero: taken as a correction, as it stands.", "amount"
            )

    def _judge_people(self, record: Record) -> None:
        owner: RepKnown = record.get("owner")
        sdr: RepKnown | None = record.get("sdr")
        if sdr is not None and sdr.external_id == owner.external_id:
            record.sdr = None  # type: ignore[attr-defined]
        if record.get("lead") and self.lookup.find(record) is None:
            record.warn(
                "lead_missing",
                "The lead it came from is neither here nor in the files: taken without.",
                "lead",
            )

    def facts_of(self, record: Record) -> dict[str, Any]:
        def said(instant: datetime | None) -> str:
            return instant.astimezone(UTC).isoformat() if instant else ""

        sdr: RepKnown | None = record.get("sdr")
        return {
            "created": said(record.get("created")),
            "owner": record.get("owner").external_id,
            "sdr": sdr.external_id if sdr else "",
            "stage": record.get("stage"),
            "closed": said(record.get("closed")),
            "minor": record.get("minor"),
            "currency": record.get("money"),
        }

    def differences(self, record: Record) -> Iterable[Said]:
        """Further on, and another amount, are taken while the portal stands where the file left it."""
        before = record.known.facts if record.known else {}
        row = self.present.get(record.key)
        if row is None:
            return
        if record.facts["minor"] is None:
            # An empty cell blanks nothing.
            record.minor = record.facts["minor"] = before.get("minor")  # type: ignore[attr-defined]
        for name in ("created", "owner", "sdr", "currency"):
            if before.get(name) != record.facts[name]:
                field = name if name in self.fields else "external_id"
                self.refuse(
                    field,
                    "Another than at the last import. What is recorded is not rewritten by a file: change it on "
                    "the opportunity's page, or correct the file.",
                )
        moved = before.get("stage") != record.facts["stage"]
        if moved or before.get("minor") != record.facts["minor"]:
            here = row.get_stage_display().lower()
            if not row.is_open:
                self.refuse(
                    "stage", f"It is {here} here: a file changes nothing of it. Decide on its own page."
                )
            if row.stage != before.get("stage") or row.amount_minor != before.get("minor"):
                self.refuse("stage", f"It is at {here} here and was changed since. Decide on its own page.")
        if moved:
            self._check_forward(before.get("stage", ""), record.facts["stage"])
            yield Said("changed", "changed", "Will be changed.", "stage", row.get_stage_display())
        elif before.get("closed") != record.facts["closed"]:
            self.refuse("closed", "Another day than at the last import. A recorded event keeps its day.")
        if before.get("minor") != record.facts["minor"]:
            was = before.get("minor")
            shown = in_words(was, row.currency) if was is not None else ""
            yield Said("changed", "changed", "Will be changed.", "amount", shown)

    def _check_forward(self, before: str, now: str) -> None:
        if now != "lost" and _AHEAD.index(now) < _AHEAD.index(before):
            self.refuse("stage", "It went back a stage there. Take the move back on the opportunity's page.")

    def _imported(self, record: Record) -> import_deals.ImportedOpportunity:
        context = self.context
        owner = context.rep_row(record.get("owner"))
        if owner is None:
            raise AssertionError("An opportunity was judged without its owner.")
        reason = (record.get("reason") or "other") if record.get("stage") == "lost" else ""
        return import_deals.ImportedOpportunity(
            external_id=record.key,
            name=record.get("name"),
            owner=owner,
            created_at=record.get("created"),
            stage=OpportunityStage(record.get("stage")),
            stage_at=record.get("stage_changed"),
            closed_at=record.get("closed"),
            amount_minor=record.get("minor"),
            currency=record.get("money"),
            company=record.get("company") or "",
            lead=self.lookup.row(record),
            sdr=context.rep_row(record.get("sdr")),
            kind=record.get("kind") or "new",
            reason=reason,
            expected_close_on=record.get("expected_close"),
            next_step=record.get("next_step") or "",
        )

    def write_new(self, records: list[Record]) -> None:
        import_deals.take_in_opportunities(
            opportunities=[self._imported(record) for record in records],
            system=self.context.mapping.system,
            at=self.context.at,
            actor=self.context.actor,
        )

    def write_changed(self, records: list[Record]) -> None:
        changes = []
        for record in records:
            before = record.known.facts if record.known else {}
            changes.append(
                import_deals.OpportunityChange(
                    self.present[record.key],
                    self._imported(record),
                    stage_moved=before.get("stage") != record.facts["stage"],
                    amount_changed=before.get("minor") != record.facts["minor"],
                )
            )
        import_deals.change_opportunities(
            changes=changes,
            system=self.context.mapping.system,
            at=self.context.at,
            actor=self.context.actor,
        )
