"""What the import pages show of runs: each as a line, and one with its figures and what became of its rows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, QuerySet

from apps.integrations.models import ImportFile, ImportMessage, ImportRun, RunState, Severity
from apps.integrations.rules.kinds import KINDS, order_of
from apps.jobs.models import JobState

CODE_WORDS = {
    "amount_below_zero": "Amounts below zero",
    "before_lead": "Hand-offs older than their lead",
    "converted_elsewhere": "Hand-off on a lead at another stage",
    "email_twice": "E-mail address twice",
    "formula": "Cells that look like formulas",
    "hand_off_missing": "Leads whose hand-off is missing",
    "invalid": "Cells that cannot be read",
    "known_email": "Already here",
    "lead_missing": "Opportunities whose lead is missing",
    "maker_no_sdr": "Made by somebody who is no SDR",
    "no_reason": "Disqualified without a reason",
    "no_target": "Quotas without a target",
    "name_twice": "Name and company twice",
    "opted_out": "Opted out here",
    "owner_differs": "Lead owned by another rep",
    "owner_no_sdr": "Owner is no SDR",
    "reason_not_disqualified": "Reason on a lead not disqualified",
    "refused": "Rows that contradict themselves or the portal",
    "won_without_amount": "Won without an amount",
    "wrong_length": "Rows of the wrong length",
}
SHOWN = 8
EXAMPLES = 4


@dataclass(frozen=True)
class Part:
    """One share of the rows: its word, how many, what that means, and the class that colours it."""

    word: str
    count: int
    says: str
    colour: str


def _sum(figures: Iterable[dict[str, Any]], name: str) -> int:
    return sum(one.get(name, 0) for one in figures)


def parts_of(figures: Sequence[dict[str, Any]]) -> list[Part]:
    """The rows by what becomes of them, in the order of the bar."""
    words = (
        ("new", "New", "not here before", "c1"),
        ("changed", "Changed", "brought up to date", "c2"),
        ("same", "Same", "left as they are", "c-same"),
        ("skipped", "Passed over", "listed with why", "c3"),
        ("refused", "Refused", "come back in a file", "c-bad"),
    )
    return [Part(word, _sum(figures, name), says, colour) for name, word, says, colour in words]


@dataclass(frozen=True)
class Group:
    """Messages of one severity, the first few."""

    severity: str
    label: str
    total: int
    rows: list[ImportMessage]


@dataclass(frozen=True)
class FileLine:
    """A file's figures, in the order of import."""

    name: str
    kind_label: str
    figures: dict[str, Any]
    notes: list[str]


@dataclass
class RunPage:
    """One import as its page shows it."""

    run: ImportRun
    files: list[ImportFile]
    figures: list[dict[str, Any]]
    parts: list[Part]
    groups: list[Group]
    steps: list[tuple[str, str, str]]
    ordered: list["FileLine"] = field(default_factory=list)
    codes: list[tuple[str, int]] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return _sum(self.figures, "rows")

    @property
    def to_write(self) -> int:
        return _sum(self.figures, "new") + _sum(self.figures, "changed")

    @property
    def has_notes(self) -> bool:
        return any(one.notes for one in self.ordered)

    @property
    def refused(self) -> int:
        return _sum(self.figures, "refused")

    @property
    def warned(self) -> int:
        return _sum(self.figures, "warned")

    @property
    def is_moving(self) -> bool:
        """A worker is at it, or will be."""
        return self.run.job is not None and self.run.job.is_active

    @property
    def has_stopped(self) -> bool:
        """Its job ended before it was done."""
        return (
            self.run.job is not None
            and self.run.job.state in (JobState.FAILED, JobState.CANCELLED)
            and self.run.state in (RunState.UPLOADED, RunState.COMMITTING)
        )


def run_page(run: ImportRun) -> RunPage:
    """The page's content in a fixed number of statements."""
    files = list(run.files.all())
    done = run.state == RunState.DONE
    figures = [one.written if done else one.checked for one in files]
    groups = []
    for severity in (Severity.REFUSED, Severity.SKIPPED, Severity.CHANGED, Severity.WARNED):
        messages = ImportMessage.objects.filter(file__run=run, severity=severity).select_related("file")
        rows = _examples(messages)
        if rows:
            groups.append(
                Group(severity.value, _GROUP_WORDS[severity], _total(figures, severity, rows), rows)
            )
    codes: dict[str, int] = {}
    for one in figures:
        for code, count in one.get("codes", {}).items():
            codes[code] = codes.get(code, 0) + count
    return RunPage(
        run=run,
        files=files,
        figures=[one for one in figures if one],
        parts=parts_of(figures),
        groups=groups,
        steps=_steps(run, files, figures),
        ordered=[
            FileLine(one.name, KINDS[one.kind].label, shown, one.notes)
            for one, shown in sorted(
                zip(files, figures, strict=True),
                key=lambda pair: order_of(pair[0].kind) if pair[0].kind else 0,
            )
            if one.kind and shown
        ],
        codes=[
            (CODE_WORDS.get(code, code.replace("_", " ").capitalize()), count)
            for code, count in sorted(codes.items(), key=lambda one: -one[1])
        ],
    )


def _examples(messages: QuerySet[ImportMessage]) -> list[ImportMessage]:
    """A few of each kind of message, the rarest kind first: a hundred alike say no more than four."""
    counted = messages.order_by().values_list("code").annotate(count=Count("pk")).order_by("count", "code")
    codes = [code for code, _ in counted[:SHOWN]]
    found: list[ImportMessage] = []
    for code in codes:
        found.extend(messages.filter(code=code).order_by("pk")[: SHOWN if len(codes) == 1 else EXAMPLES])
    return found


_GROUP_WORDS = {
    Severity.REFUSED: "Refused rows",
    Severity.SKIPPED: "Rows passed over",
    Severity.CHANGED: "Changed rows",
    Severity.WARNED: "Taken with a warning",
}
_FIGURE_OF = {
    Severity.REFUSED: "refused",
    Severity.SKIPPED: "skipped",
    Severity.CHANGED: "changed",
    Severity.WARNED: "warned",
}


def _total(figures: Sequence[dict[str, Any]], severity: Severity, rows: Sequence[ImportMessage]) -> int:
    return max(_sum(figures, _FIGURE_OF[severity]), len(rows))


def _steps(
    run: ImportRun, files: Sequence[ImportFile], figures: Sequence[dict[str, Any]]
) -> list[tuple[str, str, str]]:
    rows = _sum(figures, "rows")
    files_word = files[0].name if len(files) == 1 else f"{len(files)} files"
    upload = ("Upload", f"{files_word}, {rows:,} rows" if rows else files_word, "done")
    mapped = ("Map", run.mapping_name or "no mapping knows these files", "done" if run.document else "now")
    if run.state == RunState.FAULTY:
        if not run.document:
            return [upload, mapped, ("Check", "not begun", "next"), ("Commit", "", "next")]
        return [upload, mapped, ("Check", "cannot be read", "failed"), ("Commit", "", "next")]
    writes = _sum(figures, "new") + _sum(figures, "changed")
    if run.state == RunState.UPLOADED:
        return [upload, mapped, ("Check", "reading every row", "now"), ("Commit", "", "next")]
    if run.state == RunState.CHECKED:
        nothing = ("Check", "dry run done, nothing written yet", "now")
        return [upload, mapped, nothing, ("Commit", f"{writes:,} rows to write", "next")]
    checked = ("Check", "dry run done", "done")
    if run.state == RunState.COMMITTING:
        return [upload, mapped, checked, ("Commit", "being written", "now")]
    return [upload, mapped, checked, ("Commit", f"{writes:,} rows written", "done")]


@dataclass(frozen=True)
class Outline:
    """An import as a line of the list."""

    files: str
    rows: int
    figures: str
    state: str
    badge: str


def outline(run: ImportRun) -> Outline:
    """From rows that are loaded already (files and job)."""
    files = list(run.files.all())
    figures = [one.written or one.checked for one in files]
    names = ", ".join(one.name for one in files[:2]) + (
        f" and {len(files) - 2} more" if len(files) > 2 else ""
    )
    said = [
        f"{_sum(figures, name):,} {word}"
        for name, word in (
            ("new", "new"),
            ("changed", "changed"),
            ("same", "same"),
            ("skipped", "passed over"),
            ("refused", "refused"),
            ("warned", "with a warning"),
        )
        if _sum(figures, name)
    ]
    state, badge = _STATES[RunState(run.state)]
    job = run.job
    if job is not None and job.state in (JobState.FAILED, JobState.CANCELLED):
        if run.state in (RunState.UPLOADED, RunState.COMMITTING):
            state, badge = "Stopped", "bad"
    return Outline(names, _sum(figures, "rows"), ", ".join(said), state, badge)


_STATES = {
    RunState.UPLOADED: ("Being checked", "line"),
    RunState.FAULTY: ("Cannot be read", "bad"),
    RunState.CHECKED: ("Waits for you", "warn"),
    RunState.COMMITTING: ("Being written", "line"),
    RunState.DONE: ("Written", "ok"),
}


def waiting_query(user: Any, *, most: int) -> QuerySet[ImportRun]:
    """Imports that were checked and wait for somebody to write them, ``most`` of them, to be counted."""
    return ImportRun.objects.visible_to(user).filter(state=RunState.CHECKED).order_by()[:most]
