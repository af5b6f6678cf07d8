"""Bad input, one by one: each says file, row, column and what to do, and nothing is half imported."""

from pathlib import Path

import pytest

from apps.integrations.models import ImportRun, RunState
from apps.integrations.services import imports
from apps.leads.models import FunnelEvent, HandOff, Lead
from apps.reps.models import Rep
from tests.integrations.export import AT, LEADS, OPPORTUNITIES, checked, imported, refusals, write

pytestmark = pytest.mark.django_db


def _fault(run: ImportRun) -> dict:
    assert run.state == RunState.FAULTY
    assert len(run.faults) == 1, run.faults
    return run.faults[0]


class TestFilesThatCannotBeReadAsAWhole:
    """A structural fault refuses everything before anything is written."""

    def test_a_missing_column(self, tmp_path: Path) -> None:
        fault = _fault(checked(write(tmp_path, Leads=("CreatedDate,", ""))))
        assert (fault["file"], fault["row"], fault["column"]) == ("Leads.csv", 1, "CreatedDate")
        assert "Export it with the column, or change the mapping" in fault["says"]

    def test_the_wrong_encoding(self, tmp_path: Path) -> None:
        data = LEADS.replace("Director", "Geschäftsführer").encode("cp1252")
        fault = _fault(checked(write(tmp_path, Leads=data)))
        assert (fault["file"], fault["row"]) == ("Leads.csv", 6)
        assert "not written in utf-8" in fault["says"]
        assert "Export it as UTF-8" in fault["says"]

    def test_an_empty_file(self, tmp_path: Path) -> None:
        assert "empty" in _fault(checked(write(tmp_path, Quotas=b"")))["says"]

    def test_null_bytes(self, tmp_path: Path) -> None:
        fault = _fault(checked(write(tmp_path, Opportunities=("4077.81", "40\x0077"))))
        assert (fault["file"], fault["row"]) == ("Opportunities.csv", 3)

    def test_a_cell_without_an_end(self, tmp_path: Path) -> None:
        data = LEADS.replace("103,Owner", '103,"Owner' + "x" * 140_000)
        assert _fault(checked(write(tmp_path, Leads=data)))["row"] == 4

    def test_a_file_that_the_mapping_does_not_know(self, tmp_path: Path) -> None:
        other = tmp_path / "cars.csv"
        other.write_text("Make,Model\nA,B\n")
        fault = _fault(checked([*write(tmp_path), other]))
        assert fault["file"] == "cars.csv"
        assert "The mapping knows reps, quotas, leads, hand-offs" in fault["says"]

    def test_every_faulty_file_is_named_at_once(self, tmp_path: Path) -> None:
        run = checked(write(tmp_path, Leads=("CreatedDate,", ""), Quotas=b""))
        assert sorted(fault["file"] for fault in run.faults) == ["Leads.csv", "Quotas.csv"]

    def test_such_an_import_cannot_be_written(self, tmp_path: Path) -> None:
        run = checked(write(tmp_path, Quotas=b""))
        with pytest.raises(imports.UnableToCommit):
            imports.commit_import(run=run, at=AT, take_good_rows=True)
        assert not Rep.objects.exists()

    def test_a_team_with_another_currency(self, tmp_path: Path, cast: object) -> None:
        from apps.reps.models import BusinessCalendar, Team

        calendar = BusinessCalendar.objects.first()
        assert calendar is not None
        Team.objects.create(name="SDR team", currency="EUR", calendar=calendar)
        assert "works in EUR and the mapping says USD" in _fault(checked(write(tmp_path)))["says"]


BAD_ROWS = [
    pytest.param(
        "Leads", ("20210107", "2021-13-07"), ("Leads.csv", 5, "CreatedDate"), "Write it like 20260131",
        id="a bad date",
    ),
    pytest.param(
        "Opportunities", ("4077.81", "many"), ("Opportunities.csv", 3, "Amount"), "This is not an amount",
        id="an amount that is no number",
    ),
    pytest.param(
        "Opportunities", ("4077.81", "4077.815"), ("Opportunities.csv", 3, "Amount"), "more decimal places than USD",
        id="an amount finer than a cent",
    ),
    pytest.param(
        "Leads", ("MST,Working,20210108,1", "MST,Working,20210108,99"), ("Leads.csv", 7, "OwnerEmployeeId"),
        "No rep has this id. Import the reps too, or correct it.",
        id="an unknown owner",
    ),
    pytest.param(
        "Leads", ("104,Manager", "104,Man,ager"), ("Leads.csv", 5, ""), "12 cells, the header 11",
        id="one cell too many",
    ),
    pytest.param(
        "Leads", ("104,Manager,Retail,250,", "104,Manager,Retail"), ("Leads.csv", 5, ""), "9 cells, the header 11",
        id="cells too few",
    ),
    pytest.param(
        "Leads", ("104,Manager", "104," + "x" * 12_000), ("Leads.csv", 5, "Title"), "12,000 characters",
        id="a huge cell",
    ),
    pytest.param(
        "Leads", (",Working,", ",Dreaming,"), ("Leads.csv", 7, "Stage"), "The mapping does not know this",
        id="an unknown stage",
    ),
    pytest.param(
        "Leads", ("106,Owner", "101,Owner"), ("Leads.csv", 7, "LeadId"), "stands in row 2 already",
        id="an id twice",
    ),
    pytest.param(
        "Leads", ("106,Owner", ",Owner"), ("Leads.csv", 7, "LeadId"), "This is missing",
        id="no id",
    ),
    pytest.param(
        "Leads", ("20210107", "20290107"), ("Leads.csv", 5, "CreatedDate"), "lies in the future",
        id="a day that is still to come",
    ),
    pytest.param(
        "Leads", ("250,,Qualified", "-250,,Qualified"), ("Leads.csv", 5, "Employees"), "between 0 and",
        id="employees below zero",
    ),
    pytest.param(
        "Opportunities", ("4/21/2021 0:00", "4/1/2021 0:00"), ("Opportunities.csv", 3, "AcceptedDecisionDate"),
        "older than the hand-off",
        id="an answer before the question",
    ),
    pytest.param(
        "Opportunities", ("FALSE,4/21/2021 0:00", "FALSE,"), ("Opportunities.csv", 3, "AcceptedDecisionDate"),
        "Fill in the day",
        id="an answer without a day",
    ),
    pytest.param(
        "Opportunities", ("12,4/12/2021", "19,4/12/2021"), ("Opportunities.csv", 3, "OpportunityId"),
        "No lead belongs to this hand-off",
        id="a hand-off without a lead",
    ),
    pytest.param(
        "Quotas", ("2021,2,50", "2021,5,50"), ("Quotas.csv", 3, "Quarter"), "quarter from 1 to 4",
        id="a fifth quarter",
    ),
    pytest.param(
        "Employees", ("2,Ben,Cole,20210101,Sales Development Rep", "2,Ben,Cole,20210101,Wizard"),
        ("Employees.csv", 3, "Role"), "The mapping does not know this",
        id="an unknown role",
    ),
]  # fmt: skip


@pytest.mark.parametrize("name, change, place, says", BAD_ROWS)
def test_a_bad_row_is_listed_by_its_place_and_nothing_is_imported(
    tmp_path: Path, name: str, change: tuple[str, str], place: tuple[str, int, str], says: str
) -> None:
    run = checked(write(tmp_path, **{name: change}))
    assert run.state == RunState.CHECKED
    found = {refusal[:3]: refusal[3] for refusal in refusals(run)}
    assert place in found
    assert says in found[place]
    with pytest.raises(imports.UnableToCommit, match="refused"):
        imports.commit_import(run=run, at=AT)
    assert not Rep.objects.exists()
    assert not Lead.objects.exists()
    assert not FunnelEvent.objects.exists()


class TestTakingTheGoodRows:
    def test_a_bad_row_never_loses_the_good_ones(self, tmp_path: Path) -> None:
        run = imported(write(tmp_path, Leads=("20210108,1", "20210108,99")), take_good_rows=True)
        assert set(Lead.objects.values_list("external_id", flat=True)) == {"101", "102", "103", "104", "105"}
        leads = run.files.get(name="Leads.csv")
        assert (leads.written["new"], leads.written["refused"]) == (5, 1)

    def test_a_row_is_taken_whole_or_not_at_all(self, tmp_path: Path) -> None:
        imported(write(tmp_path, Opportunities=("3558.5", "lots")), take_good_rows=True)
        assert not HandOff.objects.filter(external_id="11").exists()
        assert not FunnelEvent.objects.filter(source_key__contains=":hand_offs:11:").exists()
        lead = Lead.objects.get(external_id="103")
        assert lead.stage == "sql", "it became a hand-off that was refused"

    def test_what_depends_on_a_refused_row_is_refused_and_says_so(self, tmp_path: Path) -> None:
        run = checked(write(tmp_path, Leads=("20210107", "never")))
        assert [refusal[:2] for refusal in refusals(run)] == [("Leads.csv", 5), ("Opportunities.csv", 3)]

    def test_refused_rows_come_back_in_a_file_that_says_why(self, tmp_path: Path) -> None:
        run = checked(write(tmp_path, Leads=("104,Manager", "104,=2+5,Manager")))
        leads = run.files.get(name="Leads.csv")
        text = (imports.folder_of(run) / f"refused-{leads.position}.csv").read_text(encoding="utf-8-sig")
        header, row = text.splitlines()
        assert header.endswith("DisqualifiedReason,Why it was refused")
        assert row.startswith("104,'=2+5,Manager,Retail,250"), "and a formula in it is made harmless"
        assert "12 cells, the header 11" in row

    def test_a_mended_file_of_refused_rows_can_be_imported(self, tmp_path: Path) -> None:
        run = imported(write(tmp_path, Leads=("20210108,1", "20210108,99")), take_good_rows=True)
        leads = run.files.get(name="Leads.csv")
        refused = imports.folder_of(run) / f"refused-{leads.position}.csv"
        mended = tmp_path / "Leads mended.csv"
        mended.write_text(refused.read_text(encoding="utf-8-sig").replace("20210108,99", "20210108,1"))
        imported([mended])
        assert Lead.objects.filter(external_id="106", owner__external_id="1").exists()


class TestOddButPossible:
    def test_an_amount_below_zero_is_taken_with_a_warning(self, tmp_path: Path) -> None:
        run = imported(write(tmp_path))
        event = FunnelEvent.objects.get(source_key="crm_sdr_team:hand_offs:13:accepted")
        assert (event.amount_minor, event.currency) == (-13615, "USD")
        message = run.files.get(name="Opportunities.csv").messages.get(code="amount_below_zero")
        assert (message.severity, message.row, message.column, message.value) == (
            "warned",
            4,
            "Amount",
            "-136.15",
        )

    def test_a_reason_on_a_lead_that_is_not_disqualified_is_left_out_with_a_warning(
        self, tmp_path: Path
    ) -> None:
        run = imported(write(tmp_path))
        message = run.files.get(name="Leads.csv").messages.get(code="reason_not_disqualified")
        assert (message.row, message.column, message.value) == (4, "DisqualifiedReason", "Abandoned")
        assert Lead.objects.get(external_id="103").stage_reason == ""

    def test_another_owner_than_who_made_the_hand_off_is_credited_to_the_maker(self, tmp_path: Path) -> None:
        run = imported(write(tmp_path))
        message = run.files.get(name="Opportunities.csv").messages.get(code="owner_differs")
        assert (message.row, message.column) == (3, "created_by_id")
        event = FunnelEvent.objects.get(source_key="crm_sdr_team:hand_offs:12:handed_off")
        assert event.credits.get(capacity="sourced").rep.external_id == "1"

    def test_an_opt_out_keeps_the_lead_out_of_every_queue(self, tmp_path: Path) -> None:
        imported(write(tmp_path, Leads=("CST,Disqualified", "CST,Working")))
        lead = Lead.objects.get(external_id="102")
        assert lead.do_not_contact
        assert lead.queue_bucket is None

    def test_a_cell_that_looks_like_a_formula_is_kept_as_text_with_a_warning(self, tmp_path: Path) -> None:
        run = imported(write(tmp_path, Leads=("101,CEO", '101,"=HYPERLINK(""http://x"")"')))
        assert Lead.objects.get(external_id="101").title == '=HYPERLINK("http://x")'
        assert run.files.get(name="Leads.csv").messages.filter(code="formula", row=2).exists()

    def test_a_row_without_a_target_is_passed_over_and_listed(self, tmp_path: Path) -> None:
        run = checked(write(tmp_path))
        message = run.files.get(name="Quotas.csv").messages.get(severity="skipped")
        assert message.row == 2
        assert message.says == "No target stands in Quota or Quota Amount, so there is nothing to import."

    def test_columns_that_are_left_out_are_named(self, tmp_path: Path) -> None:
        notes = checked(write(tmp_path)).files.get(name="Opportunities.csv").notes
        assert notes[0].startswith("Column #8 is left out: An unnamed column")

    def test_spellings_that_were_changed_are_counted(self, tmp_path: Path) -> None:
        run = imported(write(tmp_path))
        assert any(
            "values respelt by rule: 1, in 1 spellings" in note
            for note in run.files.get(name="Leads.csv").notes
        )
        assert Lead.objects.get(external_id="101").industry == "Advertising & Marketing"

    def test_a_lead_whose_hand_off_is_nowhere_is_taken_as_qualified_with_a_warning(
        self, tmp_path: Path
    ) -> None:
        paths = [path for path in write(tmp_path) if path.name != "Opportunities.csv"]
        run = imported(paths)
        assert run.files.get(name="Leads.csv").messages.filter(code="hand_off_missing").count() == 3
        assert Lead.objects.filter(stage="sql").count() == 3


def test_the_warning_about_a_lost_hand_off_row_of_opportunities(tmp_path: Path) -> None:
    run = checked(write(tmp_path, Opportunities=OPPORTUNITIES.replace("3558.5", "x")))
    codes = run.files.get(name="Leads.csv").messages.values_list("code", "row")
    assert ("hand_off_missing", 4) in codes
