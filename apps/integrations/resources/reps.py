"""Reps: who is in the team. A role decides pay and queue, so an import does not change one."""

from collections.abc import Iterable
from typing import Any

from apps.integrations.models import ImportedRow
from apps.integrations.resources.base import KindResource, Record, Said
from apps.integrations.resources.context import RepKnown
from apps.integrations.rules.kinds import REPS
from apps.reps.models import Rep, RepRole
from apps.reps.services import imports as reps


class RepResource(KindResource):
    """One rep a row."""

    kind = REPS

    def load_for_batch(self, known: dict[str, ImportedRow]) -> None:
        found = Rep.objects.filter(source_system=self.context.mapping.system, external_id__in=known)
        self.present = {rep.external_id: rep for rep in found}

    def judge(self, record: Record, row: dict[str, Any]) -> None:
        left = record.get("left_on")
        if left is not None and left <= record.get("hired_on"):
            self.refuse("left_on", "This is not after the day of hiring. Correct one of the two.")

    def settle(self, record: Record) -> None:
        rep = self.present.get(record.key)
        self.context.add_rep(
            RepKnown(record.key, record.get("name"), record.get("role"), rep.pk if rep else None)
        )

    def facts_of(self, record: Record) -> dict[str, Any]:
        return {"role": record.get("role")}

    def differences(self, record: Record) -> Iterable[Said]:
        rep = self.present.get(record.key)
        if rep is None or record.known is None:
            return
        if record.known.facts.get("role") != record.get("role"):
            self.refuse("role", f"The rep is {rep.role} here. Change a role on the person, not by import.")
        for name in ("name", "hired_on", "left_on"):
            if getattr(rep, name) != record.get(name):
                yield Said("changed", "changed", "Will be changed.", name, str(getattr(rep, name) or ""))

    def _imported(self, record: Record) -> reps.ImportedRep:
        return reps.ImportedRep(
            external_id=record.key,
            name=record.get("name"),
            role=RepRole(record.get("role")),
            hired_on=record.get("hired_on"),
            left_on=record.get("left_on"),
        )

    def write_new(self, records: list[Record]) -> None:
        context = self.context
        reps.take_in_reps(
            reps=[self._imported(record) for record in records],
            team=context.team,
            system=context.mapping.system,
            at=context.at,
            actor=context.actor,
        )

    def write_changed(self, records: list[Record]) -> None:
        reps.change_reps(
            changes=[(self.present[record.key], self._imported(record)) for record in records],
            at=self.context.at,
            actor=self.context.actor,
        )
