"""Staged fixtures (``tests/stage.py``): made once for a file, and as new for each of its tests."""

import pytest

from apps.accounts.models import Role, User
from apps.reps.models import Team
from tests.cast import Cast
from tests.stage import stage, staged

pytestmark = pytest.mark.django_db

made: list[str] = []


@pytest.fixture
@staged
def fourth(cast: Cast) -> Team:
    made.append("fourth")
    return Team.objects.create(name="Fourth", manager=cast.manager, calendar=cast.ae_team.calendar)


@pytest.fixture
def written() -> User:
    return User.objects.create(email="written@larkfield.example", name="Written", role=Role.SDR)


@pytest.mark.parametrize("time", ["once", "again"])
def test_what_a_test_changes_is_as_new_for_the_next(cast: Cast, fourth: Team, time: str) -> None:
    assert made == ["fourth"]
    assert fourth.name == Team.objects.get(pk=fourth.pk).name == "Fourth"
    assert Team.objects.count() == 4
    fourth.name = cast.manager.name = f"Changed {time}"
    fourth.save()
    cast.manager.save()
    Team.objects.create(name=time, manager=cast.manager, calendar=cast.ae_team.calendar)


def test_who_is_told_of_twice_is_one_object(cast: Cast, fourth: Team) -> None:
    assert fourth.manager is cast.manager
    assert cast.manager.name == "Manager"


def test_who_asks_for_less_finds_less(cast: Cast) -> None:
    assert Team.objects.count() == 3


def test_who_asks_for_nothing_finds_nothing() -> None:
    assert not User.objects.exists()


def test_what_is_written_first_is_not_written_over(written: User, fourth: Team) -> None:
    assert User.objects.filter(pk=written.pk).exists()
    assert Team.objects.filter(pk=fourth.pk).exists()


@pytest.mark.django_db(transaction=True)
def test_who_commits_begins_with_an_empty_database() -> None:
    assert not stage.scenes
    assert not User.objects.exists()
    User.objects.create(email="kept@larkfield.example", name="Kept", role=Role.SDR)


def test_and_leaves_an_empty_one(cast: Cast) -> None:
    assert not User.objects.filter(name="Kept").exists()
    assert Team.objects.count() == 3
