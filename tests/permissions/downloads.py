"""Every address that sends a file, and who gets it: found in the resolver, written down for people.

``python -m tests.permissions.downloads > docs/downloads.md`` makes the document; who may take which route stands in
``routes.py``, whose objects somebody sees in ``subjects.py``.
"""

import inspect
import os
import re
import sys
from typing import Any

SENDS = re.compile(r"FileResponse|Content-Disposition|attachment|\b_?sent\(|text/calendar")
ROLES = ("sdr", "ae", "am", "manager", "marketing", "finance", "revops")

# What the file is, and what is recorded when it is taken.
DOWNLOADS = {
    "api:accruals_file": ("Accruals of a month, CSV or XLSX", "compensation.Download, audit entry"),
    "api:kept_file": ("A long file of a run that a job made", "compensation.Download, audit entry"),
    "api:meeting_ics": ("A meeting's calendar file", "audit entry"),
    "api:replay_download": ("What the past would have paid, CSV or XLSX", "compensation.Download, audit entry"),
    "api:run_file": ("Payout report, lines, payroll file", "compensation.Download, audit entry"),
    "api:statement_file": ("A statement: CSV, XLSX, PDF, proof pack", "compensation.Download, audit entry"),
    "audit:anchor": ("The head of the chain of seals", "audit entry"),
    "audit:export": ("The filtered audit log, CSV or XLSX", "audit.Export, audit entry"),
    "audit:export_again": ("A file of the log that was made before", "audit entry"),
    "compensation:accruals_file": ("Accruals of a month, CSV or XLSX", "compensation.Download, audit entry"),
    "compensation:download_again": ("A file of pay that was taken before", "compensation.Download, audit entry"),
    "compensation:inquiry_attachment": ("What was attached to an inquiry", "audit entry"),
    "compensation:kept_file": ("A long file of a run that a job made", "compensation.Download, audit entry"),
    "compensation:plan_file": ("A plan version as a file", "audit entry"),
    "compensation:replay_download": (
        "What the past would have paid, CSV or XLSX", "compensation.Download, audit entry",
    ),
    "compensation:run_download": ("Payout report, lines, payroll file", "compensation.Download, audit entry"),
    "compensation:statement_csv": ("A statement, CSV", "compensation.Download, audit entry"),
    "compensation:statement_xlsx": ("A statement, XLSX", "compensation.Download, audit entry"),
    "compensation:statement_pdf": ("A statement, PDF", "compensation.Download, audit entry"),
    "compensation:statement_proof": ("The proof pack of a statement, ZIP", "compensation.Download, audit entry"),
    "integrations:import_messages": ("All messages of an import, CSV", "audit entry"),
    "integrations:import_refused": ("The refused rows of a file, as they came", "audit entry"),
    "integrations:mapping_file": ("A mapping, JSON", "audit entry"),
    "leads:meeting_ics": ("A meeting's calendar file", "audit entry"),
    "scorecards:card_pdf": ("A scorecard, PDF", "audit entry"),
}  # fmt: skip


def sends_a_file(view: Any) -> bool:
    """Whether the view, or its class, makes an attachment by the look of its source."""
    found = getattr(view, "cls", None) or getattr(view, "view_class", None) or inspect.unwrap(view)
    if not getattr(found, "__module__", "").startswith("apps."):
        return False
    return bool(SENDS.search(inspect.getsource(found)))


def document() -> str:
    """The table for people: by role, and by whose object it is where that matters."""
    from tests.permissions.routes import ROUTES
    from tests.permissions.subjects import SEEN
    from tests.permissions.test_table import expected

    lines = [
        "# Who gets which file",
        "",
        "Made by `python -m tests.permissions.downloads > docs/downloads.md`; a test keeps it true, and another finds",
        "an address that sends a file and is not listed. `200` is the file; `403` that the role, or this person with",
        "this object, may not; `404` that the object is outside of what one sees. Three numbers are for one's own",
        "object, the team's and a foreign one. Who is not signed in gets to the sign-in page (pages) or `401`/`403`",
        "(API). Files of pay ask for the password again when it was entered long ago, are refused when the run",
        "changed since it was looked at, and are sent `no-store`.",
        "",
        f"| file | address | {' | '.join(ROLES)} | recorded |",
        f"|---|---|{':-:|' * len(ROLES)}---|",
    ]
    for name in sorted(DOWNLOADS):
        route = ROUTES[name]
        cells = []
        for role in ROLES:
            whose: tuple[str | None, ...] = ("own", "team", "foreign") if route.kind in SEEN else (None,)
            said = [str(expected(route, role, one) or 200) for one in whose]
            cells.append(said[0] if len(set(said)) == 1 else " ".join(said))
        what, recorded = DOWNLOADS[name]
        lines.append(f"| {what} | `{name}` | {' | '.join(cells)} | {recorded} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "salesportal.settings.test")
    import django

    django.setup()
    sys.stdout.write(document())
