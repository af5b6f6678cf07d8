"""Quotas: what the team, or one rep, is asked for in a period; several measures may stand in one row."""

from collections.abc import Iterable
from typing import Any

from apps.core.money import in_words, to_minor
from apps.core.periods import NotAPeriod, Period, parse_period
from apps.integrations.models import ImportedRow
from apps.integrations.resources.base import KindResource, Record, Said
from apps.integrations.rules.kinds import MEASURES, QUOTAS, SUMMED_MEASURES
from apps.reps.services import imports as reps


class QuotaResource(KindResource):
    """One period a row. Known again by whose it is and its period: a quota has no id of its own."""

    kind = QUOTAS

    def key_of(self, row: dict[str, Any]) -> str:
        names = ("rep", "period", "year", "quarter", "month")
        parts = [str(self.fields[name].raw(row) or "").strip() for name in names if name in self.fields]
        return "/".join(parts)[:120]

    def load_for_batch(self, known: dict[str, ImportedRow]) -> None:
        return

    def judge(self, record: Record, row: dict[str, Any]) -> None:
        period = self._period(record)
        targets: dict[str, int] = {}
        for measure in MEASURES:
            value = record.get(measure)
            if value is None:
                continue
            if measure in SUMMED_MEASURES:
                try:
                    targets[measure] = to_minor(value, self.context.mapping.team.currency)
                except ValueError as error:
                    self.refuse(measure, str(error))
            else:
                targets[measure] = value
            if targets[measure] < 0:
                self.refuse(measure, "A target is not below zero. Correct it.")
        if not targets:
            mapped = [self.column_of(measure) for measure in MEASURES if measure in self.fields]
            says = f"No target stands in {' or '.join(mapped)}, so there is nothing to import."
            record.skip = True
            record.said.append(Said("skipped", "no_target", says))
            return
        record.facts = {"period": period.code, "targets": targets}

    def _period(self, record: Record) -> Period:
        if record.get("period") is not None:
            return record.get("period")
        year, quarter, month = record.get("year"), record.get("quarter"), record.get("month")
        if year is None:
            self.refuse("year", "A quota needs a period. Fill in the year.")
        text = f"{year:04d}"
        if quarter is not None:
            text += f"Q{quarter}"
        elif month is not None:
            text += f"-{month:02d}"
        try:
            return parse_period(text)
        except NotAPeriod:
            self.refuse(
                "quarter" if quarter is not None else "month" if month is not None else "year",
                f"{text} is no period. Write a quarter from 1 to 4, or a month from 1 to 12.",
            )
            raise

    def facts_of(self, record: Record) -> dict[str, Any]:
        return record.facts

    def differences(self, record: Record) -> Iterable[Said]:
        before = record.known.facts.get("targets", {}) if record.known else {}
        for measure, target in record.facts["targets"].items():
            if before.get(measure) != target:
                yield Said("changed", "changed", "Will be changed.", measure, self._shown(measure, before))

    def _shown(self, measure: str, targets: dict[str, int]) -> str:
        if measure not in targets:
            return ""
        if measure in SUMMED_MEASURES:
            return in_words(targets[measure], self.context.mapping.team.currency)
        return str(targets[measure])

    def write_new(self, records: list[Record]) -> None:
        context = self.context
        reps.set_quotas(
            quotas=[
                reps.ImportedQuota(
                    period=parse_period(record.facts["period"]),
                    measure=measure,
                    rep=context.rep_row(record.get("rep")),
                    count=None if measure in SUMMED_MEASURES else target,
                    minor=target if measure in SUMMED_MEASURES else None,
                )
                for record in records
                for measure, target in record.facts["targets"].items()
            ],
            team=context.team,
            at=context.at,
            actor=context.actor,
        )

    def write_changed(self, records: list[Record]) -> None:
        self.write_new(records)
