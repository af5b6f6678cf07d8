"""A mapping: what is wrong with one is named by its place; which file is which."""
# ruff: noqa: E501 - one fault a line

import copy
import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from apps.integrations.rules import mappings as rules
from apps.integrations.rules.kinds import KINDS
from apps.integrations.rules.mappings import NotAMapping
from apps.integrations.services import mappings
from tests.cast import NOW, Cast
from tests.integrations.export import document

Document = dict[str, Any]


def _places(document: Any) -> dict[str, str]:
    with pytest.raises(NotAMapping) as refused:
        rules.parse(document)
    return {problem.place: problem.says for problem in refused.value.problems}


def test_those_that_come_with_the_portal_are_whole() -> None:
    names = [rules.parse(known.document).name for known in mappings.shipped()]
    assert names == [
        "CRM export of an SDR team", "HubSpot", "Leads, one file", "Pipedrive", "Salesforce, data export",
        "Salesforce, reports",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "change, place",
    [
        (lambda one: one.update(format=2), "format"),
        (lambda one: one.pop("name"), "name"),
        (lambda one: one.update(system="My CRM"), "system"),
        (lambda one: one.update(encoding="ebcdic"), "files[0].encoding"),
        (lambda one: one.update(delimiter="::"), "files[0].delimiter"),
        (lambda one: one.update(dates=["DD.MM.YYYY"]), "dates[0]"),
        (lambda one: one.update(colour="red"), "colour"),
        (lambda one: one["team"].update(currency="dollars"), "team.currency"),
        (lambda one: one["team"].update(time_zone="Utah"), "team.time_zone"),
        (lambda one: one.update(as_of="soon"), "as_of"),
        (lambda one: one["numbers"].update(thousands="."), "numbers.thousands"),
        (lambda one: one.update(files=[]), "files"),
        (lambda one: one["files"][0].update(kind="cars"), "files[0].kind"),
        (lambda one: one["files"][0]["fields"].pop("name"), "files[0].fields.name"),
        (lambda one: one["files"][0]["fields"].update(shoe="Size"), "files[0].fields.shoe"),
        (lambda one: one["files"][0]["fields"].update(name={}), "files[0].fields.name"),
        (lambda one: one["files"][0]["fields"]["role"]["values"].update(Boss="boss"), "files[0].fields.role.values"),
        (lambda one: one["files"][2]["fields"]["time_zone"]["values"].update(PST="Pacific"), "files[2].fields.time_zone.values"),
        (lambda one: one["files"][1]["fields"].pop("year"), "files[1].fields"),
        (lambda one: one["files"].append(copy.deepcopy(one["files"][2])), "files"),
        (lambda one: one["files"][0].update(fields=[]), "files[0].fields"),
    ],
)  # fmt: skip
def test_each_fault_is_named_by_its_place(change: Callable[[Document], Any], place: str) -> None:
    changed = copy.deepcopy(document())
    change(changed)
    assert place in _places(changed)


def test_every_fault_is_named_at_once() -> None:
    changed = copy.deepcopy(document())
    changed["system"] = "My CRM"
    changed["files"][0]["kind"] = "cars"
    assert set(_places(changed)) == {"system", "files[0].kind"}


@pytest.mark.parametrize("value", [None, [], "mapping", 7])
def test_what_is_no_object_is_no_mapping(value: Any) -> None:
    assert _places(value) == {"": "A mapping is a JSON object in braces."}


def test_text_that_is_no_json_names_line_and_column() -> None:
    with pytest.raises(NotAMapping, match="line 2, column 1: This is not JSON"):
        rules.parse_text('{"format": 1,\n}')
    with pytest.raises(NotAMapping):
        rules.parse_text("[" * 100_000)


class TestRecognising:
    def test_a_name_settles_it_so_that_a_lost_column_is_named(self) -> None:
        mapping = rules.parse(document())
        layout, missing = rules.recognised(mapping, "LEADS (2).csv", ["LeadId", "Stage"])
        assert layout is not None
        assert layout.kind.name == "leads"
        assert "CreatedDate" in missing

    def test_columns_settle_it_where_the_name_says_nothing(self) -> None:
        mapping = rules.parse(document())
        header = ["EmployeeId", "FirstName", "LastName", "Hired", "Role", "Shoe size"]
        layout, missing = rules.recognised(mapping, "export-17.csv", header)
        assert layout is not None
        assert (layout.kind.name, missing) == ("reps", [])

    def test_a_file_that_is_none_of_them_says_what_the_nearest_lacks(self) -> None:
        layout, missing = rules.recognised(rules.parse(document()), "x.csv", ["EmployeeId", "Role", "Hired"])
        assert layout is None
        assert missing == ["FirstName", "LastName"]


class TestChangingColumns:
    def test_a_column_left_out_is_named_as_ignored(self) -> None:
        changed = rules.with_choices(document(), 2, {"Title": ""})
        assert "title" not in changed["files"][2]["fields"]
        assert changed["files"][2]["ignored"]["Title"]

    def test_a_column_that_keeps_its_field_keeps_its_translations(self) -> None:
        changed = rules.with_choices(document(), 2, {"Stage": "stage", "LeadSource": "source"})
        assert changed == document()

    def test_a_column_chosen_anew_goes_there_and_is_ignored_no_more(self) -> None:
        changed = rules.with_choices(document(), 0, {"YearsOfExperience": "left_on"})
        assert changed["files"][0]["fields"]["left_on"] == "YearsOfExperience"
        assert changed["files"][0]["ignored"] == {}

    def test_one_of_two_joined_columns_may_go(self) -> None:
        changed = rules.with_choices(document(), 0, {"LastName": ""})
        assert changed["files"][0]["fields"]["name"] == {"columns": ["FirstName"]}
        rules.parse(changed)


class TestBeginningOne:
    def test_columns_are_suggested_by_their_names(self) -> None:
        header = [
            "Record ID",
            "Full Name",
            "Email Address",
            "Lead Status",
            "Create Date",
            "Company name",
            "Shoe",
        ]
        assert rules.suggested(KINDS["leads"], header) == {
            "external_id": "Record ID",
            "created": "Create Date",
            "stage": "Lead Status",
            "name": "Full Name",
            "email": "Email Address",
            "company": "Company name",
        }

    def test_what_one_begins_with_lacks_only_what_no_column_gives(self) -> None:
        begun = rules.starter(
            name="New",
            system="new",
            files=[rules.Unmapped("people.csv", KINDS["leads"], ["Id", "Email", "Created"])],
            currency="EUR",
            zone="Europe/Berlin",
            today=date(2022, 10, 3),
        )
        assert rules.parse(json.loads(json.dumps(begun))).files[0].kind.name == "leads"


class TestSaving:
    def test_saving_under_the_same_name_is_the_next_version(self, cast: Cast) -> None:
        mine = document() | {"name": "Ours"}
        assert mappings.save_mapping(document=mine, at=NOW, actor=cast.revops).version == 1
        assert mappings.save_mapping(document=mine, at=NOW, actor=cast.revops).version == 1
        changed = mine | {"note": "Changed."}
        assert mappings.save_mapping(document=changed, at=NOW, actor=cast.revops).version == 2
        assert next(known.name for known in mappings.every()) == "Ours"

    def test_the_name_of_a_shipped_one_is_taken(self, db: None) -> None:
        with pytest.raises(mappings.MappingNameTaken):
            mappings.save_mapping(document=document(), at=NOW)

    def test_what_is_no_mapping_is_not_saved(self, db: None) -> None:
        with pytest.raises(mappings.UnusableMapping, match="system"):
            mappings.save_mapping(document=document() | {"name": "Ours", "system": ""}, at=NOW)
