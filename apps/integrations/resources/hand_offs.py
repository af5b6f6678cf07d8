"""Hand-offs: who made them, who was to accept them, what the answer was and what it was worth."""

from collections.abc import Iterable
from datetime import UTC
from typing import Any

from apps.core.money import in_words, to_minor
from apps.integrations.models import ImportedRow
from apps.integrations.resources.base import KindResource, Record, Said
from apps.integrations.resources.context import LeadKnown, RepKnown
from apps.integrations.rules.kinds import HAND_OFFS
from apps.leads.models import HandOff, Lead
from apps.leads.services import imports as leads
from apps.reps.models import RepRole


class HandOffResource(KindResource):
    """One hand-off a row."""

    kind = HAND_OFFS

    def load_for_batch(self, known: dict[str, ImportedRow]) -> None:
        """The hand-offs that are here, and the leads of those whose lead no file of this import names."""
        system = self.context.mapping.system
        found = HandOff.objects.filter(source_system=system, external_id__in=known) if known else ()
        self.present = {row.external_id: row for row in found}
        missing = {self.key_of(row) for row in self.rows_of_batch} - set(self.context.lead_of_hand_off)
        named = ImportedRow.objects.filter(system=system, kind="leads", refers_to__in=missing)
        by_lead = {row.external_id: row.refers_to for row in named} if missing else {}
        self._know_leads(by_lead)
        self.by_own_id: dict[str, LeadKnown] = {}
        if "lead" in self.fields:
            wanted = {str(self.fields["lead"].raw(row) or "").strip() for row in self.rows_of_batch} - {""}
            for lead in self._leads(wanted):
                self.by_own_id[lead.external_id] = _known(lead)

    def _leads(self, external_ids: Iterable[str]) -> Iterable[Lead]:
        return Lead.objects.select_related("owner").filter(
            source_system=self.context.mapping.system, external_id__in=list(external_ids)
        )

    def _know_leads(self, by_lead: dict[str, str]) -> None:
        for lead in self._leads(by_lead):
            self.context.lead_of_hand_off[by_lead[lead.external_id]] = _known(lead)

    def judge(self, record: Record, row: dict[str, Any]) -> None:
        self.check_not_ahead(record, "created", "decided")
        lead = self._lead_of(record)
        self._judge_answer(record)
        self._judge_amount(record)
        self._judge_people(record, lead)
        record.lead_id = lead.external_id  # type: ignore[attr-defined]
        if record.get("created") < lead.created:
            record.warn("before_lead", "It is older than its lead. Taken as it stands.", "created")

    def settle(self, record: Record) -> None:
        self.context.good_hand_offs.add(record.key)

    def _lead_of(self, record: Record) -> LeadKnown:
        own = record.get("lead") or ""
        if own:
            lead = self.context.leads.get(own) or self.by_own_id.get(own)
        else:
            lead = self.context.lead_of_hand_off.get(record.key)
        if lead is None:
            name = "lead" if own else "external_id"
            self.refuse(name, "No lead belongs to this hand-off. Import its lead too, or correct the id.")
            raise AssertionError
        return lead

    def _judge_answer(self, record: Record) -> None:
        accepted, decided = record.get("accepted"), record.get("decided")
        if accepted is not None and decided is None:
            self.refuse("decided", "There is an answer and no day of it. Fill in the day.")
        if accepted is None and decided is not None:
            self.refuse("accepted", "There is a day of the answer and no answer. Write TRUE or FALSE.")
        if decided is not None and decided < record.get("created"):
            self.refuse("decided", "The answer is older than the hand-off. Correct one of the two dates.")

    def _judge_amount(self, record: Record) -> None:
        amount = record.get("amount")
        record.minor = None  # type: ignore[attr-defined]
        if amount is None:
            return
        try:
            record.minor = to_minor(amount, self.context.mapping.team.currency)  # type: ignore[attr-defined]
        except ValueError as error:
            self.refuse("amount", str(error))
        if amount < 0:
            answer = {True: "accepted", False: "rejected", None: "waiting"}[record.get("accepted")]
            record.warn(
                "amount_below_zero",
                f"An amount below zero on a hand-off that is {answer}: taken as a correction, as it stands.",
                "amount",
            )

    def _judge_people(self, record: Record, lead: LeadKnown) -> None:
        sdr: RepKnown = record.get("sdr")
        ae: RepKnown = record.get("ae")
        if sdr.external_id == ae.external_id:
            self.refuse("ae", "Nobody hands off to themselves. Correct the SDR or the AE.")
        if sdr.role not in RepRole.sdr():
            record.warn("maker_no_sdr", "Who made it is no SDR: credited all the same.", "sdr")
        if lead.owner and lead.owner != sdr.external_id:
            record.warn(
                "owner_differs",
                f"The lead is owned by another rep ({lead.owner}): the credit goes to who made the hand-off.",
                "sdr",
            )

    def facts_of(self, record: Record) -> dict[str, Any]:
        decided = record.get("decided")
        return {
            "created": record.get("created").astimezone(UTC).isoformat(),
            "sdr": record.get("sdr").external_id,
            "ae": record.get("ae").external_id,
            "lead": record.get("lead_id"),
            "accepted": record.get("accepted"),
            "decided": decided.astimezone(UTC).isoformat() if decided else "",
            "minor": record.get("minor"),
        }

    _FIELD_OF_FACT = {"minor": "amount"}

    def differences(self, record: Record) -> Iterable[Said]:
        """An answer that was awaited is taken; whatever was recorded before is not rewritten."""
        before = record.known.facts if record.known else {}
        changed = [name for name, value in record.facts.items() if before.get(name) != value]
        row = self.present.get(record.key)
        if row is None:
            return
        awaited = before.get("accepted") is None and record.get("accepted") is not None
        if awaited and row.state == HandOff.State.PENDING:
            changed = [name for name in changed if name not in ("accepted", "decided", "minor")]
        elif awaited:
            self.refuse("accepted", f"It was {row.get_state_display().lower()} here since. Decide there.")
        for name in changed:
            field = self._FIELD_OF_FACT.get(name, name)
            was = self._shown(name, before.get(name))
            self.refuse(
                field if field in self.fields else "external_id",
                f"It was {was} at the last import. What is recorded is not rewritten by a file: "
                "reverse it on the hand-off's page, or correct the file.",
            )
        if awaited:
            yield Said("changed", "changed", "Answered since the last import.", "accepted", "no answer")
        else:
            # Only the comment differs, which belongs to the answer.
            record.same = True

    def _shown(self, name: str, value: Any) -> str:
        if name == "minor":
            return in_words(value, self.context.mapping.team.currency) if value is not None else "empty"
        return str(value)[:10] if name in ("created", "decided") and value else str(value or "empty")

    def _imported(self, record: Record, by_id: dict[str, Lead]) -> leads.ImportedHandOff:
        context = self.context
        sdr, ae = context.rep_row(record.get("sdr")), context.rep_row(record.get("ae"))
        if sdr is None or ae is None:
            raise AssertionError("A hand-off was judged without its people.")
        return leads.ImportedHandOff(
            external_id=record.key,
            lead=by_id[record.get("lead_id")],
            sdr=sdr,
            ae=ae,
            created_at=record.get("created"),
            accepted=record.get("accepted"),
            decided_at=record.get("decided"),
            amount_minor=record.get("minor"),
            currency=context.mapping.team.currency,
            comment=record.get("comment") or "",
        )

    def _pairs(self, records: list[Record]) -> list[leads.ImportedHandOff]:
        by_id = {lead.external_id: lead for lead in self._leads(record.get("lead_id") for record in records)}
        return [self._imported(record, by_id) for record in records]

    def write_new(self, records: list[Record]) -> None:
        leads.record_hand_offs(
            hand_offs=self._pairs(records),
            system=self.context.mapping.system,
            at=self.context.at,
            actor=self.context.actor,
        )

    def write_changed(self, records: list[Record]) -> None:
        pairs = [(self.present[one.external_id], one) for one in self._pairs(records)]
        leads.answer_hand_offs(
            answers=[(row, one) for row, one in pairs if row.state == HandOff.State.PENDING],
            system=self.context.mapping.system,
            at=self.context.at,
            actor=self.context.actor,
        )


def _known(lead: Lead) -> LeadKnown:
    owner = lead.owner.external_id if lead.owner else ""
    return LeadKnown(lead.external_id, 0, owner, lead.created_at)
