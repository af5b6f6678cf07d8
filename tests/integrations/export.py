"""A small made-up export in the layout of ``crm_export_sdr_team``: three reps, six leads, three hand-offs."""
# ruff: noqa: E501 - rows of files are as long as they are

import csv
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.apps import apps
from django.utils import timezone

from apps.integrations.models import ImportRun
from apps.integrations.services import imports, mappings, storage
from apps.jobs import services as jobs

AT = datetime(2022, 10, 3, 8, 0, tzinfo=UTC)

EMPLOYEES = """EmployeeId,FirstName,LastName,Hired,Role,YearsOfExperience
1,Ada,Byron,20210101,Sales Development Rep,0
2,Ben,Cole,20210101,Sales Development Rep,2
7,Cleo,Dane,20200107,Account Manager,2
"""
QUOTAS = """Year,Quarter,Quota,Quota Amount,,
2021,1,,,No quota yet,What it counts
2021,2,50,"$200,000 ",,
"""
LEADS = """LeadId,Title,Industry,Employees,TimeZone,Stage,CreatedDate,OwnerEmployeeId,ConvertedOpportunityId,LeadSource,DisqualifiedReason
101,CEO,advertising_&_marketing,50,PST,New,20210105,,,Purchased List,
102,,Retail,,CST,Disqualified,20210106,1,,Web Registration,Unsubscribed/Do Not Call
103,Owner,,150,EST,Qualified,20210106,1,11,Web Registration,Abandoned
104,Manager,Retail,250,,Qualified,20210107,2,12,Trade Shows and Events,
105,Director,Banking,50,MST,Qualified,20210108,2,13,Web Registration,
106,Owner,Banking,50,MST,Working,20210108,1,,Web Registration,
"""
OPPORTUNITIES = """OpportunityId,CreatedDate,created_by_id,IsAccepted,AcceptedDecisionDate,Amount,OwnerEmployeeId,
11,4/11/2021,1,TRUE,4/18/2021 0:00,3558.5,7,
12,4/12/2021,1,FALSE,4/21/2021 0:00,4077.81,7,9
13,4/12/2021,2,TRUE,4/22/2021 0:00,-136.15,7,
"""
FILES = {
    "Employees.csv": EMPLOYEES,
    "Quotas.csv": QUOTAS,
    "Leads.csv": LEADS,
    "Opportunities.csv": OPPORTUNITIES,
}

Change = Callable[[str], str]


def document(name: str = "crm_export_sdr_team") -> dict[str, Any]:
    known = mappings.find(f"shipped:{name}")
    assert known is not None
    return known.document


def write(folder: Path, **changes: str | bytes | tuple[str, str]) -> list[Path]:
    """The four files in ``folder``; ``Leads=("old", "new")`` replaces in one, a whole text replaces it."""
    paths = []
    for name, text in FILES.items():
        change = changes.get(name.removesuffix(".csv"))
        content: str | bytes = text
        if isinstance(change, tuple):
            assert change[0] in text, f"{name} does not hold {change[0]!r}"
            content = text.replace(*change)
        elif change is not None:
            content = change
        path = folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        paths.append(path)
    return paths


def started(paths: Sequence[Path], *, actor: Any = None, with_document: dict | None = None) -> ImportRun:
    return imports.start_import(
        files=[(path.name, storage.pieces_of(path)) for path in paths],
        document=with_document or document(),
        at=AT,
        actor=actor,
    )


def checked(paths: Sequence[Path], **more: Any) -> ImportRun:
    """Uploaded and checked at ``AT``."""
    return imports.check_import(run=started(paths, **more), at=AT)


def imported(paths: Sequence[Path], *, take_good_rows: bool = False, **more: Any) -> ImportRun:
    """Uploaded, checked and written."""
    run = checked(paths, **more)
    assert run.state == ImportRun.State.CHECKED, run.faults
    job = imports.commit_import(run=run, at=AT, take_good_rows=take_good_rows)
    jobs.run(job_id=job.pk, clock=timezone.now)
    job.refresh_from_db()
    run.refresh_from_db()
    assert run.state == ImportRun.State.DONE, job.error
    return run


def refusals(run: ImportRun) -> list[tuple[str, int, str, str]]:
    """(file, row, column, what to do) of each refusal."""
    return [
        (message.file.name, message.row, message.column, message.says)
        for one in run.files.all()
        for message in one.messages.filter(severity="refused")
    ]


_BOOKS = ("import", "job", "auditentry", "seal", "scheduledslot", "session")


def everything(*, books: bool = False) -> dict[str, list[tuple]]:
    """Every row of every table; without ``books`` not those that only say that an import took place."""
    return {
        model._meta.label: list(model.objects.order_by("pk").values_list())
        for model in apps.get_models()
        if model._meta.app_label not in ("contenttypes", "auth", "sessions", "sites")
        and (books or not model._meta.model_name.startswith(_BOOKS) or model.__name__ == "ImportedRow")
    }


def as_csv(rows: Sequence[Sequence[str]], path: Path) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return path
