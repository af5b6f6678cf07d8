"""One pass over an import's files: all rows read and judged in batches, written or (dry run) not.

Kinds go in their own order, whatever the order in which files were given. A batch is one transaction of
the caller; where a pass was interrupted, the batches before are passed over again without writing, so that
later rows find what they refer to.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Mapping as AnyMapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from apps.integrations.readers import Cell, Fault, Row, Source, UnreadableFiles, open_source
from apps.integrations.resources import RESOURCES, Context, KindResource, Verdict
from apps.integrations.resources.base import Said
from apps.integrations.rules import mappings as mapping_rules
from apps.integrations.rules.kinds import order_of
from apps.integrations.rules.mappings import FileLayout, Mapping
from apps.leads.models import HandOff
from apps.reps.models import Team

BATCH = 2_000


@dataclass
class Opened:
    """A file that was opened and recognised. ``position`` is its place among those given."""

    position: int
    path: Path
    source: Source
    layout: FileLayout

    @property
    def name(self) -> str:
        return self.source.name


@dataclass
class Tally:
    """What became of a file's rows. Every row has one verdict; a taken one may be warned as well."""

    rows: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    warned: int = 0
    codes: Counter[str] = field(default_factory=Counter)

    def as_json(self) -> dict[str, Any]:
        figures = {verdict.value: self.verdicts[verdict.value] for verdict in Verdict}
        return {"rows": self.rows, **figures, "warned": self.warned, "codes": dict(self.codes)}

    @classmethod
    def of(cls, figures: dict[str, Any]) -> "Tally":
        verdicts = Counter({verdict.value: figures.get(verdict.value, 0) for verdict in Verdict})
        return cls(figures.get("rows", 0), verdicts, figures.get("warned", 0), Counter(figures.get("codes")))


class Listener:
    """Hears what a pass finds. The base class does nothing."""

    def said(self, opened: Opened, row: int, said: Said, column: str, value: str, personal: bool) -> None:
        """A sentence about a row."""

    def refused(self, opened: Opened, row: int, cells: Sequence[Cell], said: Sequence[Said]) -> None:
        """A whole row that is not taken, with every reason."""

    def rows(self, opened: Opened, batch: Sequence[Row]) -> None:
        """The rows of a batch, as they stand in the file."""

    def file_done(self, opened: Opened, tally: Tally, notes: Sequence[str]) -> None:
        """All rows of a file were passed over."""

    def batch(self, opened: Opened, row: int, tallies: dict[int, Tally]) -> None:
        """A batch up to ``row`` is done; called inside the batch's transaction."""

    def progress(self, done: int) -> None:
        """Rows done so far, over all files; after the batch's transaction."""


Readings = AnyMapping[int, AnyMapping[str, Any]]
"""How somebody said that a file (by its position) is read: ``encoding``, ``delimiter``, ``dates`` by column."""


def open_files(
    *, mapping: Mapping, files: Sequence[tuple[Path, str]], readings: Readings | None = None
) -> list[Opened]:
    """Every file opened and recognised, in the order of import.

    ``readings`` go before what the mapping says of encoding, delimiter and dates. Raises ``UnreadableFiles``
    with what is wrong with any of them as a whole, so that it is all said at once.
    """
    faults: list[Fault] = []
    found: list[Opened] = []
    for position, (path, name) in enumerate(files):
        try:
            found.append(_open_file(mapping, position, path, name, (readings or {}).get(position, {})))
        except UnreadableFiles as error:
            faults.extend(error.faults)
    team = Team.objects.filter(name=mapping.team.name).first()
    if team is not None and team.currency != mapping.team.currency:
        faults.append(
            Fault(
                "Mapping",
                f"The team {team.name} works in {team.currency} and the mapping says "
                f"{mapping.team.currency}. Correct the mapping, or name another team in it.",
            )
        )
    if faults:
        raise UnreadableFiles(faults)
    return sorted(found, key=lambda one: (order_of(one.layout.kind.name), one.position))


def _open_file(
    mapping: Mapping, position: int, path: Path, name: str, reading: AnyMapping[str, Any]
) -> Opened:
    # The encoding and the delimiter may be a layout's own, so a look at the header comes first.
    layout = _layout_by_name(mapping, name)
    encoding = reading.get("encoding") or (layout or mapping.files[0]).encoding
    delimiter = reading.get("delimiter") or (layout or mapping.files[0]).delimiter
    source = open_source(
        path, name, encoding=encoding, delimiter=delimiter, sheet=layout.sheet if layout else ""
    )
    found, missing = mapping_rules.recognised(mapping, name, source.header)
    if found is None:
        kinds = ", ".join(layout.kind.label.lower() for layout in mapping.files)
        raise UnreadableFiles(
            [
                Fault(
                    name,
                    f"The mapping knows {kinds}, and this is none of them: the nearest lacks "
                    f"{_listed(missing)}. Choose another mapping, or the right file.",
                    1,
                )
            ]
        )
    if missing:
        raise UnreadableFiles(
            [
                Fault(
                    name,
                    f"This column is missing. There are {_listed(source.header)}. "
                    "Export it with the column, or change the mapping.",
                    1,
                    column,
                )
                for column in missing
            ]
        )
    return Opened(
        position, path, source, mapping_rules.with_dates(found, reading.get("dates") or {}, mapping)
    )


def fit_of(*, mapping: Mapping, path: Path, name: str, reading: AnyMapping[str, Any] | None = None) -> int:
    """How well a mapping knows a file: 2 wholly, 1 by its name and half of its columns at least, else 0."""
    try:
        _open_file(mapping, 0, path, name, reading or {})
    except UnreadableFiles:
        layout = _layout_by_name(mapping, name)
        if layout is None:
            return 0
        try:
            source = open_source(path, name, encoding=layout.encoding, delimiter=layout.delimiter)
        except UnreadableFiles:
            return 0
        wanted = layout.needed_columns
        return int(2 * sum(column in source.header for column in wanted) >= len(wanted))
    return 2


def _layout_by_name(mapping: Mapping, name: str) -> FileLayout | None:
    found, _ = mapping_rules.recognised(mapping, name, ())
    return found


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:12])
    return f"{shown} and {len(names) - 12} more" if len(names) > 12 else shown


def batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while batch := list(islice(rows, BATCH)):
        yield batch


def go_over(
    *,
    files: Sequence[Opened],
    context: Context,
    listener: Listener,
    write: bool = False,
    transaction: Callable[[], AbstractContextManager[Any]] = nullcontext,
    since: tuple[int, int] | None = None,
    tallies: dict[int, Tally] | None = None,
) -> dict[int, Tally]:
    """Go over every row; returns the tally of each file by its position.

    With ``since`` (index of the file in this order, last row) the batches up to there count as done: they
    are read again without being written or counted, and ``tallies`` are what they came to.
    """
    tallies = tallies or {}
    done = 0
    for index, opened in enumerate(files):
        resource = RESOURCES[opened.layout.kind.name](
            layout=opened.layout, context=context, header=opened.source.header
        )
        context.position = opened.position
        tally = tallies.setdefault(opened.position, Tally())
        for batch in batches(opened.source.rows()):
            last = batch[-1][0]
            listener.rows(opened, batch)
            before = since is not None and (index, last) <= since
            if before:
                _take(opened, resource, batch, Listener(), Tally(), write=False)
            else:
                with transaction():
                    _take(opened, resource, batch, listener, tally, write=write)
                    listener.batch(opened, last, tallies)
            done += len(batch)
            listener.progress(done)
        listener.file_done(opened, tally, _notes(opened, resource))
    _say_unmatched(files, context, listener, tallies)
    return tallies


def _take(
    opened: Opened, resource: KindResource, batch: list[Row], listener: Listener, tally: Tally, *, write: bool
) -> None:
    """One batch: rows of the wrong length are refused, the rest go through the resource."""
    width = len(resource.header)
    whole: list[Row] = []
    for number, cells in batch:
        if len(cells) != width:
            wrong = Said(
                "refused",
                "wrong_length",
                f"The row has {len(cells)} cells, the header {width}. Look for a stray or missing delimiter.",
            )
            _count(tally, Verdict.REFUSED, [wrong])
            listener.said(opened, number, wrong, "", "", False)
            listener.refused(opened, number, cells, [wrong])
        else:
            whole.append((number, cells))
    if not whole:
        return
    result = resource.take(whole, write=write)
    for index, (number, verdict, said) in enumerate(resource.outcomes(result)):
        _count(tally, verdict, said)
        row = resource.rows_of_batch[index]
        for one in said:
            known = resource.kind.field(one.field) if one.field else None
            listener.said(
                opened,
                number,
                one,
                resource.column_of(one.field),
                resource.text_of(one.field, row),
                known.personal if known else False,
            )
        if verdict == Verdict.REFUSED:
            listener.refused(opened, number, whole[index][1], said)


def _count(tally: Tally, verdict: Verdict, said: Sequence[Said]) -> None:
    tally.rows += 1
    tally.verdicts[verdict.value] += 1
    warnings = {one.code for one in said if one.severity == "warned"}
    if verdict != Verdict.REFUSED:
        tally.warned += bool(warnings)
        tally.codes.update(warnings)
    tally.codes.update({one.code for one in said if one.severity in ("refused", "skipped")})


def _notes(opened: Opened, resource: KindResource) -> list[str]:
    """What is said once a file: columns left out, spellings changed, characters that were lost before."""
    layout, source = opened.layout, opened.source
    notes = [
        f"Column {column} is left out: {reason}"
        for column, reason in layout.ignored.items()
        if column in source.header
    ]
    unknown = [column for column in source.header if column not in layout.known_columns]
    if unknown:
        notes.append(f"Not in the mapping, so left out: {_listed(unknown)}.")
    for mapped in resource.get_import_fields():
        if mapped.nobody:
            often = max(mapped.nobody, key=lambda text: mapped.nobody[text])
            notes.append(
                f"{mapped.columns}: rows that name somebody who is no rep here: {sum(mapped.nobody.values()):,} "
                f"(most often “{often}”); they are taken without one."
            )
        if mapped.respelt:
            example = max(mapped.respelt, key=lambda text: mapped.respelt[text])
            notes.append(
                f"{mapped.columns}: values respelt by rule: {sum(mapped.respelt.values()):,}, in "
                f"{len(mapped.respelt):,} spellings (most often “{example}”); "
                f"spellings that remain: {len(mapped.spellings):,}."
            )
    if source.lost_characters:
        count = source.lost_characters
        were = "character was" if count == 1 else "characters were"
        notes.append(f"{count:,} {were} lost before the file was made (shown as �), and taken as it stands.")
    return notes


def _say_unmatched(
    files: Sequence[Opened], context: Context, listener: Listener, tallies: dict[int, Tally]
) -> None:
    """Leads that name a hand-off which neither the files nor the portal have (or which was refused)."""
    by_position = {one.position: one for one in files if one.layout.kind.name == "leads"}
    if not by_position:
        return
    missing = {
        hand_off: lead
        for hand_off, lead in context.lead_of_hand_off.items()
        if lead.row and hand_off not in context.good_hand_offs
    }
    ids, system = list(missing), context.mapping.system
    for start in range(0, len(ids), BATCH):
        part = ids[start : start + BATCH]
        here = HandOff.objects.filter(source_system=system, external_id__in=part)
        for external_id in here.values_list("external_id", flat=True):
            del missing[external_id]
    for hand_off, lead in missing.items():
        opened = by_position[lead.file]
        column = " + ".join(opened.layout.fields["hand_off"].columns)
        said = Said(
            "warned",
            "hand_off_missing",
            "This hand-off is in no file, not here, or was refused: the lead is taken as sales qualified.",
            "hand_off",
        )
        tallies[opened.position].codes[said.code] += 1
        tallies[opened.position].warned += 1
        listener.said(opened, lead.row, said, column, hand_off, False)
