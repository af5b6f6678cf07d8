"""Every check of the code that is not a test of behaviour. Behind ``make check``.

Runs all of them, as many at once as there are processors, prints what a failing one says, and exits non-zero
if any failed. An argument runs the checks whose name holds it: ``scripts/run_checks.py types``.
"""

import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
PYTHON = sys.executable

# Made up, so that production settings can be read: nothing is opened with them.
PRODUCTION = {
    "DJANGO_SETTINGS_MODULE": "salesportal.settings.production",
    "SECRET_KEY": "k9!x2#Qm7$Zr4^Tw8&Yp1*Ls6(Vd3)Hf5_Jn0-Bc+Gg=Aa" * 2,
    "ALLOWED_HOSTS": "portal.example",
    "DATABASE_URL": "postgres://portal@database.example/portal",
    "REDIS_URL": "redis://redis.example:6379/0",
}
TESTING = {"DJANGO_SETTINGS_MODULE": "salesportal.settings.test"}

CHECKS: list[tuple[str, list[str], dict[str, str]]] = [
    ("lint", [f"{BIN}/ruff", "check", "--quiet", "."], {}),
    ("format", [f"{BIN}/ruff", "format", "--check", "--quiet", "."], {}),
    ("types", [f"{BIN}/mypy"], {}),
    ("templates", [f"{BIN}/djlint", "--lint", "--quiet", "templates"], {}),
    ("import direction", [f"{BIN}/lint-imports", "--no-cache"], {}),
    ("security", [f"{BIN}/bandit", "-q", "-c", "pyproject.toml", "-r", "apps", "salesportal"], {}),
    ("missing migrations", [PYTHON, "manage.py", "makemigrations", "--check", "--dry-run"], TESTING),
    ("deployment", [PYTHON, "manage.py", "check", "--deploy", "--fail-level", "WARNING"], PRODUCTION),
    ("house", [PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/house"], {}),
]


def run_check(name: str, command: list[str], variables: dict[str, str]) -> bool:
    """Run one check; prints its outcome on a line, and what it said if it failed."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="salesportal-check-") as folder:
        environment = {**os.environ, "PORTAL_VAR_DIR": folder, **variables}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    outcome = "ok" if done.returncode == 0 else "FAILED"
    said = f"{name:<20} {outcome:<7} {time.monotonic() - began:5.1f} s\n"
    if done.returncode:
        said += f"{(done.stdout + done.stderr).rstrip()}\n\n"
    print(said, end="", flush=True)
    return done.returncode == 0


def main() -> int:
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    checks = [check for check in CHECKS if wanted in check[0]]
    with ThreadPoolExecutor(os.cpu_count()) as places:
        # The types take longest by far, so they begin first.
        begun = {
            check[0]: places.submit(run_check, *check)
            for check in sorted(checks, key=lambda check: check[0] != "types")
        }
    failed = [check[0] for check in checks if not begun[check[0]].result()]
    print(f"Failed: {', '.join(failed)}." if failed else "All checks hold.")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
