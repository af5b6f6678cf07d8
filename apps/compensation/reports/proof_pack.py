"""The proof pack of a statement: one ZIP with what it was computed from, its lines, hashes, and a script.

The same statement gives the same bytes: names are sorted, times are fixed, JSON is written in one way. What the script
works out anew is ``proof/``; what the files hold, ``docs/statements.md``.
"""

import hashlib
import json
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

from apps.compensation.models import Statement
from apps.compensation.selectors.proof_inputs import ProofInputs

FORMAT = "salesportal.proof/1"
SCRIPTS = ("earning.py", "reckoning.py", "recompute.py")
_BESIDE = Path(__file__).parent / "proof"
_LONG_AGO = (1980, 1, 1, 0, 0, 0)


def write_proof(path: Path, *, statement: Statement) -> None:
    """Write the pack of ``statement`` to ``path``."""
    files = pack_of(statement)
    with zipfile.ZipFile(path, "w") as pack:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _LONG_AGO)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            entry.create_system = 3
            pack.writestr(entry, content, compresslevel=6)


def pack_of(statement: Statement) -> dict[str, bytes]:
    """The files of the pack by name."""
    inputs = ProofInputs(statement)
    prior = inputs.prior_lines()
    events, payments, shares = inputs.events()
    files = {
        "statement.json": _json(inputs.head()),
        "lines.json": _json(inputs.lines()),
        "inputs/periods.json": _json(inputs.periods()),
        "inputs/plans.json": _json(inputs.plans(prior)),
        "inputs/quotas.json": _json(inputs.quotas()),
        "inputs/events.json": _json(events),
        "inputs/payments.json": _json(payments),
        "inputs/credits.json": _json(shares),
        "inputs/deals.json": _json(inputs.deals([*events, *payments], prior)),
        "inputs/budgets.json": _json(inputs.budgets()),
        "inputs/rates.json": _json(inputs.rates([*events, *payments])),
        "inputs/prior_lines.json": _json(prior),
        "README.txt": (_BESIDE / "README.txt").read_bytes(),
    }
    files |= {name: (_BESIDE / name).read_bytes() for name in SCRIPTS}
    manifest = {
        "format": FORMAT,
        "statement": statement.pk,
        "run": statement.run.code,
        "fingerprint": statement.run.fingerprint,
        "digest": statement.digest,
        "notes": inputs.notes(),
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())},
    }
    return files | {"manifest.json": _json(manifest)}


def _json(value: Any) -> bytes:
    """One row a line, keys in order: small to compare, and the same each time."""
    if isinstance(value, list):
        rows = ",\n".join(_row(one) for one in value)
        return f"[\n{rows}\n]\n".encode() if rows else b"[]\n"
    return f"{json.dumps(value, default=_text, ensure_ascii=False, indent=1, sort_keys=True)}\n".encode()


def _row(value: Any) -> str:
    return json.dumps(value, default=_text, ensure_ascii=False, sort_keys=True)


def _text(value: Any) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    raise TypeError(f"{value!r} has no place in a pack.")
