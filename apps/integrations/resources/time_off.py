"""Time off: who is away from when to when."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from apps.integrations.models import ImportedRow
from apps.integrations.resources.base import KindResource, Record, Said
from apps.integrations.resources.context import RepKnown
from apps.integrations.rules.kinds import TIME_OFF
from apps.reps.models import TimeOff
from apps.reps.services import imports as reps

_MOST_DAYS = 730


class TimeOffResource(KindResource):
    """One absence a row. Known again by whose it is and its first day."""

    kind = TIME_OFF

    def key_of(self, row: dict[str, Any]) -> str:
        parts = [
            str(self.fields[name].raw(row) or "").strip()
            for name in ("rep", "starts_on")
            if name in self.fields
        ]
        return "/".join(parts)[:120]

    def load_for_batch(self, known: dict[str, ImportedRow]) -> None:
        pks = {one.pk for one in self.context.reps.values() if one.pk is not None}
        self.present: dict[int, list[TimeOff]] = {}
        for row in TimeOff.objects.filter(rep__in=pks):
            self.present.setdefault(row.rep_id, []).append(row)

    def judge(self, record: Record, row: dict[str, Any]) -> None:
        ends_on: date | None = record.get("ends_on")
        if ends_on is None and record.get("last_day") is not None:
            ends_on = record.get("last_day") + timedelta(days=1)
        name = "ends_on" if "ends_on" in self.fields else "last_day"
        if ends_on is None:
            self.refuse(name, "This is missing. Fill it in.")
            raise AssertionError
        starts_on: date = record.get("starts_on")
        if ends_on <= starts_on:
            self.refuse(name, "It ends before it begins. Correct one of the two days.")
        if (ends_on - starts_on).days > _MOST_DAYS:
            self.refuse(name, "Time off is at most two years long.")
        record.back_on = ends_on  # type: ignore[attr-defined]
        record.kind_of = record.get("kind") or "holiday"  # type: ignore[attr-defined]
        rep: RepKnown = record.get("rep")
        taken = [(one.starts_on, one.ends_on) for one in self.present.get(rep.pk or 0, ())]
        taken += self.context.days_off.setdefault(rep.external_id, [])
        for start, end in taken:
            if start != starts_on and start < ends_on and end > starts_on:
                self.refuse(
                    "starts_on", f"Other time off lies there, from {start:%d %b %Y}. Correct one of the two."
                )

    def settle(self, record: Record) -> None:
        days = self.context.days_off[record.get("rep").external_id]
        days.append((record.get("starts_on"), record.get("back_on")))

    def facts_of(self, record: Record) -> dict[str, Any]:
        return {"ends_on": record.get("back_on").isoformat(), "kind": record.get("kind_of")}

    def differences(self, record: Record) -> Iterable[Said]:
        before = record.known.facts if record.known else {}
        for name, field in (("ends_on", "last_day"), ("kind", "kind")):
            if before.get(name) != record.facts[name]:
                shown = field if field in self.fields else name
                yield Said("changed", "changed", "Will be changed.", shown, str(before.get(name, "")))

    def write_new(self, records: list[Record]) -> None:
        found = []
        for record in records:
            rep = self.context.rep_row(record.get("rep"))
            if rep is None:
                raise AssertionError("Time off was judged without its rep.")
            kind = TimeOff.Kind(record.get("kind_of"))
            found.append(reps.ImportedTimeOff(rep, record.get("starts_on"), record.get("back_on"), kind))
        reps.set_time_off(time_off=found, at=self.context.at, actor=self.context.actor)

    def write_changed(self, records: list[Record]) -> None:
        self.write_new(records)
