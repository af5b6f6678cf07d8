"""What every kind's resource shares: read a batch of rows, judge each whole, write the good ones in bulk.

This drives django-import-export: ``Field`` and ``Widget`` read, ``import_data`` runs a batch, ``Result``
carries the refusals. Its model bulk writes are replaced by the services of ``leads`` and ``reps``, so that
an import obeys the rules that pages obey. (Its ``skip_unchanged`` needs a diff, a deep copy per row; here
a digest of what the source said last time decides.)
"""

import hashlib
import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar

import tablib
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from import_export.instance_loaders import BaseInstanceLoader
from import_export.resources import Resource
from import_export.results import Result

from apps.core.bulk import insert_rows
from apps.integrations.models import ImportedRow
from apps.integrations.resources.context import Context, RepKnown
from apps.integrations.resources.fields import MappedField
from apps.integrations.rules import cells
from apps.integrations.rules.kinds import Kind
from apps.integrations.rules.mappings import FileLayout

logger = logging.getLogger(__name__)


class Verdict(StrEnum):
    """What becomes of a row; each has exactly one."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    SKIPPED = "skipped"
    REFUSED = "refused"


@dataclass(frozen=True)
class Said:
    """A sentence about a row: ``severity`` as in ``models.Severity``, ``field`` where it belongs to one."""

    severity: str
    code: str
    says: str
    field: str = ""
    before: str = ""


@dataclass
class Record:
    """One row while it is imported. The fields of its kind are set on it as attributes."""

    number: int = 0
    known: ImportedRow | None = None
    said: list[Said] = field(default_factory=list)
    skip: bool = False
    same: bool = False
    digest: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    refers_to: str = ""
    key: str = ""

    def __str__(self) -> str:
        return f"row {self.number}"

    def warn(self, code: str, says: str, field: str = "") -> None:
        self.said.append(Said("warned", code, says, field))

    def get(self, name: str, fallback: Any = None) -> Any:
        return getattr(self, name, fallback)


class KnownRows(BaseInstanceLoader):
    """Finds what the source said before of each row, in one query a batch."""

    def __init__(self, resource: "KindResource", dataset: tablib.Dataset) -> None:
        super().__init__(resource, dataset)
        keys = {resource.key_of(row) for row in resource.rows_of_batch}
        found = ImportedRow.objects.filter(
            system=resource.context.mapping.system, kind=resource.kind.name, external_id__in=keys
        )
        self.known = {row.external_id: row for row in found}
        resource.load_for_batch(self.known)

    def get_instance(self, row: dict[str, Any]) -> Record | None:
        known = self.known.get(self.resource.key_of(row))
        return Record(known=known) if known is not None else None


def _plain(value: Any) -> Any:
    if isinstance(value, RepKnown):
        return value.external_id
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


class KindResource(Resource):
    """The rows of one file of one kind, batch by batch. Subclasses judge and write."""

    kind: ClassVar[Kind]

    class Meta:
        use_bulk = True
        batch_size = None
        skip_diff = True
        skip_html_diff = True
        report_skipped = True
        store_instance = True
        use_transactions = False
        using_db = "default"
        import_id_fields = ("external_id",)
        instance_loader_class = KnownRows

    def __init__(self, *, layout: FileLayout, context: Context, header: Sequence[str]) -> None:
        super().__init__()
        self.layout, self.context = layout, context
        self.header = list(header)
        self.fields = {
            known.name: MappedField(known, layout.fields[known.name], context)
            for known in self.kind.fields
            if known.name in layout.fields
            and all(column in header for column in layout.fields[known.name].columns)
        }
        self._ordered = list(self.fields.values())
        self.numbers: list[int] = []
        self.rows_of_batch: list[dict[str, Any]] = []
        self.seen = context.seen.setdefault(self.kind.name, {})
        self.create_instances: list[Record] = []
        self.update_instances: list[Record] = []

    # --- One batch --------------------------------------------------------------------------------

    def take(self, rows: Sequence[tuple[int, Sequence[Any]]], *, write: bool) -> Result:
        """Read and judge ``rows`` (number, cells), and write the good ones unless this is a dry run.

        The caller holds the transaction. Each row's ``Record`` is in the result, with its verdict.
        """
        self.numbers = [number for number, _ in rows]
        dataset = tablib.Dataset(*(cells for _, cells in rows), headers=self.header)
        self.rows_of_batch = [dict(zip(self.header, cells, strict=True)) for _, cells in rows]
        # Not ``import_data``: for a dry run it opens a transaction, which on SQLite is the one write lock.
        return self.import_data_inner(dataset, not write, False, False, False)

    def import_data_inner(self, dataset: tablib.Dataset, dry_run: bool, *args: Any, **kwargs: Any) -> Result:
        result = super().import_data_inner(dataset, dry_run, *args, **kwargs)
        if result.base_errors:
            # The library would go on without the batch: nothing may be lost in silence.
            raise result.base_errors[0].error
        return result

    # --- What the library calls for each row --------------------------------------------------------

    def get_import_fields(self) -> list[MappedField]:
        return self._ordered

    def _check_import_id_fields(self, headers: Sequence[str]) -> None:
        return

    def get_instance(self, instance_loader: KnownRows, row: dict[str, Any]) -> Record | None:
        return instance_loader.get_instance(row)

    def init_instance(self, row: dict[str, Any] | None = None) -> Record:
        return Record()

    def after_init_instance(self, instance: Record, new: bool, row: Any, **kwargs: Any) -> None:
        instance.number = self.numbers[kwargs["row_number"] - 1]

    def import_field(self, field: MappedField, instance: Record, row: dict, *_: Any, **__: Any) -> None:
        setattr(instance, field.attribute, field.clean(row))

    def import_instance(self, instance: Record, row: dict[str, Any], **kwargs: Any) -> None:
        super().import_instance(instance, row, **kwargs)
        instance.key = self.key_of(row)
        first = self.seen.setdefault(instance.key, instance.number)
        if first != instance.number:
            self.refuse("external_id", f"This id stands in row {first} already. Keep one of the two.")
        self._say_formulas(instance, row)
        self.judge(instance, row)
        if not instance.skip:
            instance.facts = self.facts_of(instance)
            instance.digest = self._digest(instance)
            self._compare(instance)
            self.settle(instance)

    def skip_row(self, instance: Record, original: Any, row: Any, errors: Any = None) -> bool:
        return not errors and (instance.skip or instance.same)

    def bulk_create(self, using_transactions: bool, dry_run: bool, *_: Any, **__: Any) -> None:
        records, self.create_instances = self.create_instances, []
        if records and not dry_run:
            self.write_new(records)
            self._remember(records)

    def bulk_update(self, using_transactions: bool, dry_run: bool, *_: Any, **__: Any) -> None:
        records, self.update_instances = self.update_instances, []
        if records and not dry_run:
            self.write_changed(records)
            self._remember(records)

    # --- What each kind says --------------------------------------------------------------------------

    def key_of(self, row: dict[str, Any]) -> str:
        """By what the row is known again at its source."""
        field = self.fields["external_id"]
        return str(field.raw(row) or "").strip()[:120]

    def load_for_batch(self, known: dict[str, ImportedRow]) -> None:
        """Read what the batch's rows will be compared with, in a bounded number of queries."""

    def judge(self, record: Record, row: dict[str, Any]) -> None:
        """Look at the row as a whole: refuse it, pass it over, or add warnings."""

    def settle(self, record: Record) -> None:
        """The row is good: let later rows refer to it."""

    def facts_of(self, record: Record) -> dict[str, Any]:
        """What the funnel record is made from; no personal data."""
        return {}

    def differences(self, record: Record) -> Iterable[Said]:
        """What has changed since the source last spoke; refuses what an import must not change."""
        return ()

    def write_new(self, records: list[Record]) -> None:
        raise NotImplementedError

    def write_changed(self, records: list[Record]) -> None:
        raise NotImplementedError

    # --- Helped along ---------------------------------------------------------------------------------

    def refuse(self, name: str, says: str) -> None:
        """Refuse the row for what stands in field ``name``."""
        raise ValidationError({name: ValidationError(says, code="refused")})

    def column_of(self, name: str) -> str:
        """The column(s) of a field, as the file calls them."""
        field = self.fields.get(name)
        return field.columns if field is not None else ""

    def text_of(self, name: str, row: dict[str, Any]) -> str:
        """What stands in the file for a field, cut to what is kept."""
        field = self.fields.get(name)
        return str(field.raw(row) or "")[:120] if field is not None and field.spec.columns else ""

    def check_not_ahead(self, record: Record, *names: str) -> None:
        """An event cannot have occurred after it is recorded."""
        for name in names:
            instant = record.get(name)
            if instant is None:
                continue
            if instant > self.context.at:
                self.refuse(name, "This lies in the future. Correct the date, or the format in the mapping.")
            self.context.see(instant)

    def _say_formulas(self, record: Record, row: dict[str, Any]) -> None:
        for mapped in self._ordered:
            if mapped.known.type == "text":
                value = record.get(mapped.attribute)
                if value and value[0] in "=@+-|" and cells.looks_like_formula(value):
                    record.warn(
                        "formula",
                        "This begins like a formula: it is kept as text, and made harmless when it goes out.",
                        mapped.attribute,
                    )

    def _digest(self, record: Record) -> str:
        values = {name: _plain(record.get(name)) for name in self.fields}
        text = json.dumps(values, sort_keys=True, ensure_ascii=True, default=str)
        return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()

    def _compare(self, record: Record) -> None:
        if record.known is None:
            return
        if record.known.digest == record.digest:
            record.same = True
            return
        record.said.extend(self.differences(record))

    def _remember(self, records: list[Record]) -> None:
        system, kind, run = self.context.mapping.system, self.kind.name, self.context.run_id
        rows = [
            ImportedRow(
                system=system,
                kind=kind,
                external_id=record.key,
                digest=record.digest,
                facts=record.facts,
                refers_to=record.refers_to,
                first_run_id=run,
                last_run_id=run,
            )
            for record in records
            if record.known is None
        ]
        insert_rows(rows)
        for record in records:
            if record.known is not None:
                record.known.digest, record.known.facts = record.digest, record.facts
                record.known.refers_to, record.known.last_run_id = record.refers_to, run
        known = [record.known for record in records if record.known is not None]
        ImportedRow.objects.bulk_update(known, ["digest", "facts", "refers_to", "last_run"], batch_size=500)

    def outcomes(self, result: Result) -> Iterable[tuple[int, Verdict, list[Said]]]:
        """For each row of the batch its number, its verdict and what is said of it."""
        refusals = {one.number: one for one in result.invalid_rows}
        for index, row_result in enumerate(result.rows, 1):
            number = self.numbers[index - 1]
            if row_result.errors:
                error = row_result.errors[0].error
                # A fault of ours, not of the row: the log says where, without what stands in the row.
                logger.error(
                    "import: row %s of kind %s failed with %s", number, self.kind.name, type(error).__name__
                )
                says = f"The row could not be taken for a reason nobody foresaw ({type(error).__name__})."
                yield number, Verdict.REFUSED, [Said("refused", "unforeseen", says)]
            elif index in refusals:
                yield number, Verdict.REFUSED, self._refusals(refusals[index].error)
            else:
                record: Record = row_result.instance
                yield number, self._verdict(record, row_result.is_new()), record.said

    @staticmethod
    def _verdict(record: Record, is_new: bool) -> Verdict:
        if record.skip:
            return Verdict.SKIPPED
        if record.same:
            return Verdict.SAME
        return Verdict.NEW if is_new else Verdict.CHANGED

    @staticmethod
    def _refusals(error: ValidationError) -> list[Said]:
        said = []
        for name, errors in error.error_dict.items():
            for one in errors:
                place = "" if name == NON_FIELD_ERRORS else name
                said.append(Said("refused", one.code or "invalid", one.messages[0], place))
        return said
