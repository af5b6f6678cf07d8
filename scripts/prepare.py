"""Brings the database up to date, fills an empty one with the demo company, and notes who may sign in.

What ``make run`` does before it starts the portal; on production machines each step is run by hand
(docs/operations.md). Usage: prepare.py FILE, where FILE takes the lines about demo sign-ins.
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "salesportal.settings.local")


def migrate() -> None:
    """Apply the migrations that the database lacks; quick when it lacks none."""
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        print("Bringing the database up to date …", flush=True)
        call_command("migrate", interactive=False, verbosity=0)


def load_demo_company() -> None:
    """Load it into an empty portal. A mark beside the database tells of a load that was cut short."""
    from django.conf import settings
    from django.core.management import call_command

    mark = settings.VAR_DIR / "demo-company-unfinished"
    if mark.exists():
        start_over(mark)
    from apps.accounts.models import User

    if User.objects.exists():
        return
    mark.touch()
    call_command("load_demo_company", if_empty=True)
    mark.unlink()


def start_over(mark: Path) -> None:
    """Nobody has worked in half a company: on SQLite begin with a new file, elsewhere say what to do."""
    from django.db import connection

    if connection.vendor != "sqlite":
        print(
            "The demo company was loaded in part only. Empty the database, delete "
            f"{mark}, and start again; or delete that file and use it as it is.",
            flush=True,
        )
        raise SystemExit(1)
    print("The demo company was loaded in part only; starting it over …", flush=True)
    connection.close()
    for ending in ("", "-wal", "-shm"):
        Path(f"{connection.settings_dict['NAME']}{ending}").unlink(missing_ok=True)
    mark.unlink()
    migrate()


def sign_ins() -> str:
    """The demo sign-ins as lines for the terminal; "" where there are none."""
    from apps.portal.demo.sign_ins import demo_sign_ins

    people = demo_sign_ins()
    if not people:
        return ""
    lines = [f"    {one['role']:<26} {one['email']}" for one in people]
    return "\n".join([f"  Sign in with the password {people[0]['password']} as", *lines, ""])


def main() -> None:
    import django

    django.setup()

    from django.conf import settings

    from apps.core.processes import end_with_supervisor

    end_with_supervisor()
    migrate()
    if settings.DEMO_MODE:
        load_demo_company()
    Path(sys.argv[1]).write_text(sign_ins())


if __name__ == "__main__":
    main()
