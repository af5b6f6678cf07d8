"""Taking a proof pack apart and running its script as anybody would: another process, the standard library alone."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apps.compensation.models import Statement
from apps.compensation.reports.proof_pack import pack_of


@dataclass(frozen=True)
class Verdict:
    """The script's exit code, its last line, and all that it said."""

    code: int
    last: str
    said: str


def unpacked(statement: Statement, folder: Path) -> Path:
    """The pack's files below ``folder``."""
    for name, content in pack_of(statement).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def prove(folder: Path) -> Verdict:
    done = subprocess.run(
        [sys.executable, "-I", str(folder / "recompute.py")],
        capture_output=True, text=True, check=False, cwd=folder, env={"PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert not done.stderr, done.stderr
    return Verdict(done.returncode, done.stdout.strip().splitlines()[-1], done.stdout)


def changed(folder: Path, name: str, change: Callable[[Any], Any], *, hidden: bool = True) -> None:
    """Change a file of the pack; ``hidden``: the manifest is made to fit, as a forger would."""
    path = folder / name
    value = json.loads(path.read_text())
    path.write_text(json.dumps(change(value) or value))
    if hidden:
        manifest = json.loads((folder / "manifest.json").read_text())
        manifest["files"][name] = hashlib.sha256(path.read_bytes()).hexdigest()
        (folder / "manifest.json").write_text(json.dumps(manifest))
