"""``manage.py import_data``: the door for operators and schedules."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.integrations.models import ImportRun
from apps.integrations.services.mappings import SHIPPED_FOLDER
from apps.leads.models import Lead
from apps.reps.models import Rep
from tests.integrations.export import document, everything, write

pytestmark = pytest.mark.django_db

MAPPING = str(SHIPPED_FOLDER / "crm_export_sdr_team.json")


def _run(*arguments: Any, mapping: str = MAPPING) -> str:
    out = io.StringIO()
    call_command("import_data", "--mapping", mapping, *map(str, arguments), stdout=out)
    return out.getvalue()


def _refused(*arguments: Any, mapping: str = MAPPING) -> tuple[str, int, str]:
    """(message, exit code, what was printed)"""
    out = io.StringIO()
    with pytest.raises(CommandError) as refused:
        call_command("import_data", "--mapping", mapping, *map(str, arguments), stdout=out)
    return str(refused.value), refused.value.returncode, out.getvalue()


def test_imports_and_prints_a_table(tmp_path: Path) -> None:
    printed = _run(*write(tmp_path))
    assert Lead.objects.count() == 6
    lines = printed.splitlines()
    assert lines[0].split() == ["file", "rows", "new", "changed", "same", "skipped", "refused", "warned"]
    assert "Leads.csv             6    6        0     0        0        0       1" in lines
    assert "Opportunities.csv: 1 × amount below zero" in lines
    assert any(line.startswith("skipped: Quotas.csv, row 2: No target stands in") for line in lines)
    assert lines[-1] == f"Import {ImportRun.objects.get().pk} is done."


def test_relative_paths_and_any_order_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path)
    _run("Opportunities.csv", "Leads.csv", "Quotas.csv", "Employees.csv")
    assert Lead.objects.count() == 6


def test_json_is_the_same_for_a_machine(tmp_path: Path) -> None:
    outcome = json.loads(_run(*write(tmp_path), "--json"))
    assert (outcome["state"], outcome["dry_run"]) == ("done", False)
    assert [one["kind"] for one in outcome["files"]] == ["reps", "quotas", "leads", "hand_offs"]
    assert outcome["files"][2]["new"] == 6
    assert outcome["listed"][0]["what"] == "skipped"


def test_a_dry_run_writes_nothing_at_all(tmp_path: Path) -> None:
    paths, before = write(tmp_path), everything(books=True)
    assert _run(*paths, "--dry-run").endswith("Dry run: nothing was written.\n")
    assert everything(books=True) == before


def test_twice_changes_nothing(tmp_path: Path) -> None:
    paths = write(tmp_path)
    _run(*paths)
    before = everything()
    assert "Leads.csv             6    0        0     6" in _run(*paths)
    assert everything() == before


def test_a_refused_row_stops_it_all_and_is_listed(tmp_path: Path) -> None:
    message, code, printed = _refused(*write(tmp_path, Leads=("20210107", "soon")))
    assert code == 1
    assert message.startswith("Nothing was imported: 2 rows are refused.")
    assert "refused: Leads.csv, row 5, column CreatedDate: “soon” This is no date" in printed
    assert not Rep.objects.exists()


def test_the_good_rows_are_taken_when_asked_and_the_exit_says_not_all(tmp_path: Path) -> None:
    paths = write(tmp_path, Leads=("20210107", "soon"))
    message, code, printed = _refused(*paths, "--take-good-rows", "--json")
    assert code == 2
    assert message == "2 rows were refused; the others are imported."
    assert json.loads(printed)["state"] == "done"
    assert Lead.objects.count() == 5


def test_a_fault_of_a_file_says_file_row_and_column(tmp_path: Path) -> None:
    message, code, printed = _refused(*write(tmp_path, Leads=("CreatedDate,", "")), "--json")
    assert code == 1
    assert "Leads.csv, row 1, column CreatedDate: This column is missing." in message
    assert json.loads(printed)["faults"][0]["column"] == "CreatedDate"


def test_a_mapping_that_is_none_says_where(tmp_path: Path) -> None:
    mapping = tmp_path / "mine.json"
    mapping.write_text('{"format": 1')
    assert "mine.json: line 1, column 13" in _refused(*write(tmp_path), mapping=str(mapping))[0]
    mapping.write_text(json.dumps(document() | {"system": "No Good"}))
    assert "system: Name the source in small letters" in _refused(*write(tmp_path), mapping=str(mapping))[0]
    assert "There is no mapping" in _refused(*write(tmp_path), mapping="nothing.json")[0]


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert "There is no file" in _refused(tmp_path / "away.csv")[0]


def test_a_saved_mapping_may_be_named(tmp_path: Path) -> None:
    _run(*write(tmp_path), mapping="CRM export of an SDR team")
    assert Lead.objects.count() == 6


def test_names_and_addresses_stay_out_of_what_is_printed(tmp_path: Path) -> None:
    path = tmp_path / "fair.csv"
    path.write_text("Email,Captured at,Full name,Company\nada(at)b.example,2022-03-01,Ada,B\n")
    mapping = str(SHIPPED_FOLDER / "leads_basic.json")
    printed = _refused(path, mapping=mapping)[2]
    assert "fair.csv, row 2, column Email: This is no e-mail address" in printed
    assert "ada(at)b.example" not in printed


def test_every_message_can_be_had_as_a_file(tmp_path: Path) -> None:
    target = tmp_path / "messages.csv"
    _run(*write(tmp_path), "--dry-run", "--messages", target)
    lines = target.read_text(encoding="utf-8-sig").splitlines()
    assert lines[0] == "file,row,column,what,value,says"
    assert len(lines) == 1 + 1 + 1 + 2
