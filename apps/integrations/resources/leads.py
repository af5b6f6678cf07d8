"""Leads: who they are, where they stand, and the hand-off that some became."""

from collections.abc import Iterable, Sequence
from datetime import UTC
from typing import Any

from import_export.results import Result

from apps.integrations.models import ImportedRow
from apps.integrations.resources.base import KindResource, Record, Said
from apps.integrations.resources.context import LeadKnown, RepKnown
from apps.integrations.rules.kinds import LEADS
from apps.leads.models import Lead, LeadStage
from apps.leads.rules.matching import is_full_name, name_key
from apps.leads.services import imports as leads
from apps.leads.services import suppressions
from apps.leads.services.accounts import accounts_of
from apps.leads.services.arrivals import Incoming
from apps.leads.services.duplicates import Newcomer, people_like
from apps.reps.models import RepRole

_STAGES = {
    "mcl": LeadStage.MCL,
    "mql": LeadStage.MQL,
    "working": LeadStage.WORKING,
    "sql": LeadStage.SQL,
    # Until its hand-off is read, which says how it went on.
    "converted": LeadStage.SQL,
    "recycled": LeadStage.RECYCLED,
    "disqualified": LeadStage.DISQUALIFIED,
}


class LeadResource(KindResource):
    """One lead a row."""

    kind = LEADS

    def take(self, rows: Sequence[tuple[int, Sequence[Any]]], *, write: bool) -> Result:
        self.opted_out: list[Lead] = []
        result = super().take(rows, write=write)
        if write:
            suppressions.close_leads(leads=self.opted_out, at=self.context.at, actor=self.context.actor)
        return result

    def load_for_batch(self, known: dict[str, ImportedRow]) -> None:
        system = self.context.mapping.system
        found = Lead.objects.filter(source_system=system, external_id__in=known) if known else ()
        self.present = {lead.external_id: lead for lead in found}
        newcomers = [self._newcomer(row) for row in self.rows_of_batch] if self._tells_who() else []
        employers = [one.employer for one in newcomers]
        self.accounts = accounts_of(employers)
        self.people = people_like(
            [Newcomer(one.person, self.accounts.find(one.employer)) for one in newcomers]
        )

    def _tells_who(self) -> bool:
        return bool(self.fields.keys() & {"email", "name"})

    def _newcomer(self, row: dict[str, Any]) -> Incoming:
        """As much of a raw row as tells who it is; judging reads the row again, field by field."""

        def raw(name: str) -> str:
            return str(self.fields[name].raw(row) or "").strip() if name in self.fields else ""

        return Incoming(name=raw("name"), email=raw("email"), company=raw("company"))

    def judge(self, record: Record, row: dict[str, Any]) -> None:
        self.check_not_ahead(record, "created", "stage_changed")
        owner: RepKnown | None = record.get("owner")
        if owner is not None and owner.role not in RepRole.sdr():
            record.warn("owner_no_sdr", "The owner is no SDR: the lead is theirs all the same.", "owner")
        record.stage = record.get("stage") or "mcl"  # type: ignore[attr-defined]
        self._judge_hand_off(record)
        self._judge_reason(record)
        if not record.skip:
            self._judge_person(record)

    def _judge_hand_off(self, record: Record) -> None:
        hand_off, stage = record.get("hand_off") or "", record.get("stage")
        record.refers_to = hand_off
        if hand_off:
            before = self.context.lead_of_hand_off.get(hand_off)
            if before is not None and before.external_id != record.key:
                self.refuse("hand_off", f"Row {before.row} names this hand-off too. Keep one of the two.")
            if stage != "converted":
                record.warn(
                    "converted_elsewhere",
                    "It names a hand-off although its stage does not say so: the hand-off decides.",
                    "hand_off",
                )

    def _judge_reason(self, record: Record) -> None:
        reason = record.get("reason") or ""
        opted_out = bool(record.get("do_not_contact"))
        if reason and record.get("stage") not in ("disqualified", "recycled"):
            record.warn(
                "reason_not_disqualified",
                "A reason on a lead that is not disqualified: the stage holds, the reason is left out.",
                "reason",
            )
            reason = ""
        if record.get("stage") == "disqualified" and not reason and "reason" in self.fields:
            record.warn("no_reason", "Disqualified without a reason: taken without one.", "reason")
        record.reason = reason  # type: ignore[attr-defined]
        record.do_not_contact = opted_out  # type: ignore[attr-defined]

    def _judge_person(self, record: Record) -> None:
        """One person is one lead: in the file, and with those who are here."""
        who = Incoming(
            name=record.get("name") or "",
            email=record.get("email") or "",
            company=record.get("company") or "",
        )
        newcomer = Newcomer(who.person, self.accounts.find(who.employer))
        if self._is_above(record, who):
            return
        own = self.present.get(record.key)
        same = [lead for lead, _ in self.people.same(newcomer) if own is None or lead.pk != own.pk]
        field = "email" if who.email else "name"
        if any(lead.do_not_contact for lead in same):
            says = "This person has opted out here. Do-not-contact wins."
            self._pass_over(record, "opted_out", says, field)
        elif worked := next((lead for lead in same if lead.is_workable), None):
            says = f"Already here and worked as lead {worked.pk}: passed over."
            if record.get("do_not_contact"):
                # The row is passed over, its opt-out is not.
                self.opted_out.append(worked)
                says = f"Already here as lead {worked.pk}, which is closed now: the file says do not contact."
            self._pass_over(record, "known_email", says, field)

    def _is_above(self, record: Record, who: Incoming) -> bool:
        """Whether a row above is this person: the same address, or the same full name at the same company."""
        employer, name = who.employer, name_key(who.name)
        by_name = (f"{name}@{employer.domain}", f"{name}@{employer.key}" if not who.email else "")
        keys = [("email_twice", "The same e-mail address as", "email", who.email)] if who.email else []
        keys += [
            ("name_twice", "The same name and company as", "name", key)
            for key in by_name
            if is_full_name(name) and not key.endswith("@") and key
        ]
        for code, words, field, key in keys:
            first = self.context.emails.setdefault(key, record.number)
            if first != record.number:
                says = f"{words} in row {first}: one person is one lead, so it is passed over."
                self._pass_over(record, code, says, field)
                return True
        return False

    def settle(self, record: Record) -> None:
        owner: RepKnown | None = record.get("owner")
        known = LeadKnown(
            external_id=record.key,
            row=record.number,
            owner=owner.external_id if owner else "",
            created=record.get("created"),
            file=self.context.position,
        )
        if record.refers_to:
            self.context.lead_of_hand_off[record.refers_to] = known
        if self.context.keeps_leads:
            self.context.leads[record.key] = known
            if record.get("email"):
                self.context.leads_by_email.setdefault(record.get("email"), known)

    @staticmethod
    def _pass_over(record: Record, code: str, says: str, field: str) -> None:
        record.skip = True
        record.said.append(Said("skipped", code, says, field))

    def facts_of(self, record: Record) -> dict[str, Any]:
        owner: RepKnown | None = record.get("owner")
        return {
            "created": record.get("created").astimezone(UTC).isoformat(),
            "stage": record.get("stage"),
            "owner": owner.external_id if owner else "",
        }

    def differences(self, record: Record) -> Iterable[Said]:
        lead, known = self.present.get(record.key), record.known
        if lead is None or known is None:
            return
        before, now = known.facts, record.facts
        if before.get("created") != now["created"]:
            self.refuse(
                "created",
                "Another day than at the last import. A recorded event keeps its day: reverse it there.",
            )
        moved = before.get("stage") != now["stage"]
        if known.refers_to and known.refers_to != record.refers_to:
            self.refuse("hand_off", "Another hand-off than at the last import. Decide on the lead's page.")
        if moved:
            self._check_move(record, lead, before)
        if before.get("owner") != now["owner"] and not lead.is_workable:
            self.refuse("owner", "The lead is closed here: its owner is not changed by an import.")
        yield from self._described(record, lead, moved)

    def _check_move(self, record: Record, lead: Lead, before: dict[str, Any]) -> None:
        """A stage follows the file only while the portal stands where the file left it."""
        stood = _STAGES.get(before.get("stage", ""), LeadStage.MCL)
        if lead.stage != stood or lead.stage not in LeadStage.workable():
            self.refuse(
                "stage",
                f"It was {stood.label.lower()} at the last import and is {lead.get_stage_display().lower()} "
                "here now. Decide on the lead's page.",
            )

    def _described(self, record: Record, lead: Lead, moved: bool) -> Iterable[Said]:
        if moved:
            yield Said("changed", "changed", "Will be changed.", "stage", lead.get_stage_display())
        for name in leads.DESCRIPTION:
            before = getattr(lead, name)
            if before != self._value(record, name, lead):
                shown = "" if before is None else str(before)
                yield Said("changed", "changed", "Will be changed.", name, shown)

    def _value(self, record: Record, name: str, lead: Lead | None = None) -> Any:
        """What describes the lead: an empty cell does not blank what people have filled in here."""
        value = record.get(name)
        if value in (None, ""):
            if lead is not None:
                return getattr(lead, name)
            return getattr(Incoming, name)
        return value

    def _imported(self, record: Record, lead: Lead | None = None) -> leads.ImportedLead:
        context = self.context
        changed = record.get("stage_changed")
        return leads.ImportedLead(
            external_id=record.key,
            created_at=record.get("created"),
            stage=_STAGES[record.get("stage")],
            stage_at=changed or context.as_of or context.at,
            stage_is_dated=changed is not None,
            reason=record.get("reason"),
            do_not_contact=record.get("do_not_contact"),
            owner=context.rep_row(record.get("owner")),
            incoming=Incoming(**{name: self._value(record, name, lead) for name in leads.DESCRIPTION}),
        )

    def write_new(self, records: list[Record]) -> None:
        context = self.context
        leads.take_in_leads(
            leads=[self._imported(record) for record in records],
            team=context.team,
            system=context.mapping.system,
            at=context.at,
            actor=context.actor,
        )

    def write_changed(self, records: list[Record]) -> None:
        context = self.context
        changes = []
        for record in records:
            lead = self.present[record.key]
            before = record.known.facts if record.known else {}
            changes.append(
                leads.LeadChange(
                    lead=lead,
                    now=self._imported(record, lead),
                    stage_moved=before.get("stage") != record.facts["stage"],
                    owner_changed=before.get("owner") != record.facts["owner"],
                )
            )
        leads.change_leads(
            changes=changes,
            team=context.team,
            system=context.mapping.system,
            at=context.at,
            actor=context.actor,
        )
