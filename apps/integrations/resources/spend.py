"""Spend: what getting leads cost, by source, campaign and month."""

import hashlib
from collections.abc import Iterable
from typing import Any

from apps.core.money import in_words, to_minor
from apps.integrations.models import ImportedRow
from apps.integrations.resources.base import KindResource, Record, Said
from apps.integrations.rules.kinds import SPEND
from apps.scorecards.models import Spend
from apps.scorecards.services import spend


class SpendResource(KindResource):
    """One amount a row. Known again by source, campaign and month: two rows of the same are refused."""

    kind = SPEND

    def key_of(self, row: dict[str, Any]) -> str:
        names = ("source", "campaign", "month", "currency")
        parts = [str(self.fields[name].raw(row) or "").strip() for name in names if name in self.fields]
        return "/".join(parts)[:120]

    def load_for_batch(self, known: dict[str, ImportedRow]) -> None:
        return

    def source_key(self, key: str) -> str:
        digest = hashlib.blake2b(key.encode(), digest_size=16).hexdigest()
        return f"{self.context.mapping.system}:spend:{digest}"

    def judge(self, record: Record, row: dict[str, Any]) -> None:
        period = record.get("month")
        if period.start.day != 1 or (period.end - period.start).days > 31:
            self.refuse("month", "Spend is for one month. Write it as 2026-10.")
        record.money = record.get("currency") or self.context.mapping.team.currency  # type: ignore[attr-defined]
        try:
            record.minor = to_minor(record.get("amount"), record.get("money"))  # type: ignore[attr-defined]
        except ValueError as error:
            self.refuse("amount", str(error))
        if record.get("minor") <= 0:
            self.refuse("amount", "The amount must be more than zero.")

    def facts_of(self, record: Record) -> dict[str, Any]:
        return {"minor": record.get("minor"), "currency": record.get("money")}

    def differences(self, record: Record) -> Iterable[Said]:
        before = record.known.facts if record.known else {}
        if before.get("minor") == record.facts["minor"]:
            # Only the note differs, which belongs to the entry.
            record.same = True
            return
        held = Spend.objects.effective().filter(source_key__startswith=self.source_key(record.key)).exists()
        if not held:
            self.refuse("amount", "The entry was corrected here since. Correct it on the page of spend.")
        yield Said(
            "changed",
            "changed",
            "Will be changed.",
            "amount",
            in_words(before.get("minor", 0), record.get("money")),
        )

    def _new(self, record: Record) -> spend.NewSpend:
        return spend.NewSpend(
            record.get("source"),
            record.get("campaign") or "",
            record.get("month").start,
            record.get("minor"),
            record.get("money"),
            record.get("note") or "",
        )

    def write_new(self, records: list[Record]) -> None:
        for record in records:
            spend.enter_spend(
                new=self._new(record),
                source_key=self.source_key(record.key),
                at=self.context.at,
                actor=self.context.actor,
            )

    def write_changed(self, records: list[Record]) -> None:
        for record in records:
            beginning = self.source_key(record.key)
            held = Spend.objects.effective().filter(source_key__startswith=beginning).order_by("-pk")[0]
            spend.reverse_spend(
                spend=held, reason="Another amount in the file", at=self.context.at, actor=self.context.actor
            )
            number = Spend.objects.filter(source_key__startswith=beginning).count()
            spend.enter_spend(
                new=self._new(record),
                source_key=f"{beginning}:{number}",
                at=self.context.at,
                actor=self.context.actor,
            )
