"""Makes the virtual environment and installs the pinned requirements, when they changed. Runs on bare Python.

Usage: environment.py [--dev]. Says nothing when there is nothing to do.
"""

import hashlib
import os
import subprocess
import sys
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = ROOT / ".venv"
PYTHON = ENVIRONMENT / "bin" / "python"


def fail(sentence: str) -> None:
    print(sentence, file=sys.stderr)
    raise SystemExit(1)


def make_environment() -> None:
    """A virtual environment of this very Python, with pip; again if the Python behind it is gone."""
    works = (
        PYTHON.exists() and subprocess.run([PYTHON, "-c", "import pip"], capture_output=True).returncode == 0
    )
    if works:
        return
    print(f"Making a virtual environment in {ENVIRONMENT.name} …", flush=True)
    try:
        venv.EnvBuilder(with_pip=True, clear=ENVIRONMENT.exists(), symlinks=True).create(ENVIRONMENT)
    except (subprocess.CalledProcessError, ModuleNotFoundError):
        fail("This Python cannot make virtual environments with pip. On Debian: apt install python3-venv.")


def _sum(requirements: str) -> str:
    return hashlib.sha256((ROOT / requirements).read_bytes()).hexdigest()


def _stamp(requirements: str) -> Path:
    return ENVIRONMENT / f".{requirements}.sha256"


def _is_installed(requirements: str) -> bool:
    stamp = _stamp(requirements)
    return stamp.exists() and stamp.read_text() == _sum(requirements)


def _note_installed(requirements: str) -> None:
    _stamp(requirements).write_text(_sum(requirements))


def install(requirements: str) -> None:
    """Install ``requirements`` exactly as pinned and hashed, unless this was done already."""
    if _is_installed(requirements):
        return
    print(f"Installing {requirements} (once) …", flush=True)
    began = time.monotonic()
    pip: list[str | Path] = [PYTHON, "-m", "pip", "install"]
    quietly = ["--quiet", "--no-input", "--disable-pip-version-check"]
    # The file names every dependency, so pip need not look for any; what is imported is compiled when it is.
    exactly = ["--require-hashes", "--no-deps", "--no-compile", "--requirement", requirements]
    environment = {**os.environ, "PIP_ROOT_USER_ACTION": "ignore"}
    if subprocess.run([*pip, *quietly, *exactly], cwd=ROOT, env=environment).returncode:
        fail(f"Installing {requirements} failed; pip says why above. Once that is mended, run this again.")
    _note_installed(requirements)
    print(f"Installed in {time.monotonic() - began:.0f} s.", flush=True)


def main() -> None:
    if sys.version_info < (3, 11):  # noqa: UP036 - it runs on whatever Python there is
        fail(f"Python 3.11 or later is needed; this is {sys.version.split()[0]}.")
    make_environment()
    if "--dev" in sys.argv:
        install("requirements-dev.txt")
        # It holds all of the other, at the same versions.
        _note_installed("requirements.txt")
    else:
        install("requirements.txt")


if __name__ == "__main__":
    main()
