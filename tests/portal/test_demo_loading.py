"""Loading the demo company: when it is refused, on which days it works, and that it is alike each time."""

import importlib
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.test import override_settings

from apps.accounts.models import User
from apps.compensation.models import PayoutRun
from apps.leads.models import HandOff, Lead, QueueBucket
from apps.portal.demo.chance import Chance
from apps.portal.demo.people import offices
from apps.reps.models import RepRole

REPOSITORY = Path(__file__).resolve().parents[2]
AS_OF = "2026-11-12T10:42"


def _load(as_of: str, size: str, **options: Any) -> None:
    with override_settings(DEMO_MODE=True):
        call_command("load_demo_company", as_of=as_of, size=size, verbosity=0, **options)


@pytest.mark.django_db
class TestLoad:
    def test_refuses_outside_demo_mode(self) -> None:
        with pytest.raises(CommandError, match="demo mode only"):
            call_command("load_demo_company", verbosity=0)
        assert not User.objects.exists()

    @pytest.mark.parametrize("size", ["huge", "0", "-1", "nan"])
    def test_names_a_size_that_is_none(self, size: str) -> None:
        with pytest.raises(CommandError, match="--size"):
            _load("2026-11-12", size=size)

    def test_names_a_day_that_is_none(self) -> None:
        with pytest.raises(CommandError, match="--as-of"):
            _load("12 November", size="small")

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("as_of", "size"),
        [
            pytest.param("2026-11-15T22:10", "0.05", marks=pytest.mark.once),
            pytest.param("2027-01-01T08:00", "0.05", marks=pytest.mark.once),
            (AS_OF, "0.1"),
        ],
    )
    def test_has_a_present_on_any_day(self, as_of: str, size: str) -> None:
        """A Sunday night; a New Year's morning on which the month before has only just ended; an ordinary day."""
        _load(as_of, size=size)
        runs = PayoutRun.objects.order_by("-starts_on").values_list("state", flat=True)
        assert list(runs[:3]) == ["submitted", "locked", "paid"]
        assert HandOff.objects.pending().exists()
        assert Lead.objects.filter(queue_bucket=QueueBucket.FRESH_INBOUND).exists()


class TestChance:
    def test_draws_alike_for_one_seed_and_name(self) -> None:
        first, again = Chance(7, "deals"), Chance(7, "deals")
        assert [first.about(10) for _ in range(5)] == [again.about(10) for _ in range(5)]

    @pytest.mark.parametrize("other", [(8, "deals"), (7, "leads")])
    def test_draws_otherwise_for_another_seed_or_name(self, other: tuple[int, str]) -> None:
        assert Chance(7, "deals").random() != Chance(*other).random()

    def test_expects_as_often_as_it_says(self) -> None:
        chance = Chance(7, "times")
        for expected in (0.3, 4, 60):
            drawn = [chance.times(expected) for _ in range(2_000)]
            assert sum(drawn) / 2_000 == pytest.approx(expected, rel=0.1)


class TestOffices:
    def test_a_larger_company_has_more_offices_of_people_with_names_of_their_own(self) -> None:
        found = offices(3, Chance(7, "people"))
        people = [one.email for office in found for one in (*office.members, *office.managers)]
        assert len(found) == 3
        assert len(people) == len(set(people)) == 3 * 43

    def test_a_smaller_one_has_one_office_with_somebody_of_each_role(self) -> None:
        (office,) = offices(0.05, Chance(7, "people"))
        assert {member.role for member in office.members} == set(RepRole)


@pytest.mark.processes
@pytest.mark.slow
class TestSameSeed:
    def test_makes_the_same_company_in_another_process(self, tmp_path: Path, migrated: Path) -> None:
        """Whole databases are compared, row by row, though text is hashed in another order."""
        first, second = (
            _told_apart(tmp_path / name, hash_seed, migrated) for name, hash_seed in (("a", "1"), ("b", "2"))
        )
        assert first == second


def _told_apart(folder: Path, hash_seed: str, migrated: Path) -> dict[str, list[tuple]]:
    """Every table of a company that a process of its own made, by name."""
    shutil.copytree(migrated, folder)
    environment = os.environ | {
        "PORTAL_VAR_DIR": str(folder),
        "PYTHONHASHSEED": hash_seed,
        "DJANGO_SETTINGS_MODULE": "salesportal.settings.local",
        "DEMO_MODE": "1",
    }
    environment.pop("DATABASE_URL", None)
    command = ("load_demo_company", "--size", "0.05", "--as-of", AS_OF, "--verbosity", "0")
    subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=REPOSITORY,
        env=environment,
        check=True,
        capture_output=True,
    )
    # Whoever cannot sign in has a random text in place of a password, and an invitation a random name.
    with sqlite3.connect(folder / "portal.sqlite3") as database:
        database.execute("UPDATE accounts_user SET password = '' WHERE password LIKE '!%'")
        database.execute("UPDATE leads_meeting SET invite_uid = ''")
        # So have webhooks their secrets and messages, and a form its address.
        database.execute("UPDATE integrations_webhookendpoint SET secret_salt = '', secret_check = ''")
        database.execute(
            "UPDATE integrations_webhookmessage SET message_id = id, claimed_until = NULL,"
            " due_at = CASE WHEN due_at IS NULL THEN NULL ELSE created_at END,"
            " settled_at = CASE WHEN settled_at IS NULL THEN NULL ELSE created_at END"
        )
        # Threads sent them, by the clock of the machine: no two rounds are alike to the microsecond.
        database.execute("DELETE FROM integrations_webhookattempt")
        database.execute("UPDATE integrations_captureform SET key = id")
        names = [
            name
            for (name,) in database.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
            )
            if name != "django_migrations"
        ]
        return {name: database.execute(f'SELECT * FROM "{name}" ORDER BY 1').fetchall() for name in names}


class TestProduction:
    def test_refuses_demo_mode(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in (
            ("SECRET_KEY", "x" * 50),
            ("ALLOWED_HOSTS", "portal.example"),
            ("DEMO_MODE", "1"),
        ):
            monkeypatch.setenv(name, value)
        with pytest.raises(ImproperlyConfigured, match="DEMO_MODE"):
            importlib.import_module("salesportal.settings.production")
