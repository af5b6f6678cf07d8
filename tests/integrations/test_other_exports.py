"""Exports of other systems: columns of unseen ones are suggested, and deals, calls, absences and spend come in too."""
# ruff: noqa: E501 - rows of files are as long as they are

import json
from datetime import date
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.integrations.models import ImportRun, RunState
from apps.integrations.rules import mappings as rules
from apps.integrations.rules.kinds import KINDS
from apps.integrations.selectors import columns
from apps.integrations.services import imports, mappings, storage
from apps.jobs import services as jobs
from apps.leads.models import FunnelEvent, Lead, Opportunity
from apps.reps.models import TimeOff
from apps.scorecards.models import Spend
from tests.cast import Cast
from tests.integrations.export import AT, checked, everything, imported, refusals

SOFT_LEADS = """Record Id,Lead Owner.id,Lead Owner,Company,First Name,Last Name,Title,Email,Phone,Lead Source,Lead Status,Industry,No. of Employees,Created Time,Email Opt Out,City,Website
zcrm_411,zu_7,Ida Inbound,Harrow Mills,Priya,Nair,COO,p.nair@harrow.example,+44 20 7946 0321,Web Research,Attempted to Contact,Textiles,230,2022-08-01 09:14:00,FALSE,Leeds,https://harrow.example
zcrm_412,zu_7,Ida Inbound,Brook & Son,Tom,Brook,,tom@brook.example,,Trade Show,Not Contacted,Retail,12,2022-08-02 16:40:12,FALSE,,
zcrm_413,zu_9,Left Longago,Cobalt,Ana,Ruiz,Head of Ops,ana@cobalt.example,,Advertisement,Junk Lead,Software,75,2022-08-03 11:00:00,TRUE,Madrid,
"""
DYNAMIC_LEADS = """(Do Not Modify) Lead;Full Name;Company Name;Job Title;E-mail;Business Phone;Status Reason;Lead Source;Created On;Owner;No. of Employees
8f2c-01;Jürgen Groß;Ostwerk GmbH;Geschäftsführer;j.gross@ostwerk.example;+49 30 5550101;New;Web;03.08.2022 14:05;Ida Inbound;1.250
8f2c-02;Zoë Müller;Nordlicht AG;Einkauf;zoe@nordlicht.example;+49 40 5550102;Contacted;Messe;14.08.2022 08:30;Ida Inbound;80
"""


def _run_of(name: str, data: bytes, folder: Path, **reading: object) -> ImportRun:
    path = folder / name
    path.write_bytes(data)
    run = imports.start_import(files=[(name, storage.pieces_of(path))], at=AT)
    if reading:
        run.files.update(reading=reading)
    return ImportRun.objects.get(pk=run.pk)


def _drafted(run: ImportRun) -> dict:
    """The document as the page begins it: every file's kind guessed, every column suggested."""
    guessed = columns.guessed_kinds(run)
    files = []
    for one in run.files.all():
        seen = columns.sampled(one)
        files.append(rules.Unmapped(one.name, KINDS[guessed[one.position]], seen.header, seen.samples))
    document = rules.starter(
        name="Drafted",
        system="drafted",
        files=files,
        currency="EUR",
        zone="Europe/Berlin",
        today=date(2022, 10, 3),
    )
    return json.loads(json.dumps(document))


def _import(run: ImportRun) -> ImportRun:
    run.document = _drafted(run)
    run.save()
    run = imports.check_import(run=run, at=AT)
    assert run.state == RunState.CHECKED, run.faults
    assert refusals(run) == []
    job = imports.commit_import(run=run, at=AT)
    jobs.run(job_id=job.pk, clock=timezone.now)
    run.refresh_from_db()
    assert run.state == RunState.DONE
    return run


@pytest.mark.usefixtures("cast")
class TestUnseenExports:
    def test_one_with_first_and_last_names_imports_as_it_is_suggested(self, tmp_path: Path) -> None:
        run = _import(_run_of("Leads_001.csv", SOFT_LEADS.encode(), tmp_path))
        by_id = {lead.external_id: lead for lead in Lead.objects.filter(source_system="drafted")}
        assert {pk: (lead.name, lead.stage, lead.employees) for pk, lead in by_id.items()} == {
            "zcrm_411": ("Priya Nair", "working", 230),
            "zcrm_412": ("Tom Brook", "mcl", 12),
            "zcrm_413": ("Ana Ruiz", "disqualified", 75),
        }
        assert by_id["zcrm_413"].do_not_contact
        assert by_id["zcrm_411"].phone == "+44 20 7946 0321"
        notes = run.files.get().notes
        assert any("rows that name somebody who is no rep here: " in note for note in notes)

    def test_one_with_semicolons_and_days_first_in_another_encoding_does_too(self, tmp_path: Path) -> None:
        _import(_run_of("Aktive Leads.csv", DYNAMIC_LEADS.encode("cp1252"), tmp_path, encoding="cp1252"))
        lead = Lead.objects.get(source_system="drafted", email="j.gross@ostwerk.example")
        assert (lead.name, lead.title, lead.employees) == ("Jürgen Groß", "Geschäftsführer", 1250)
        assert lead.created_at.isoformat() == "2022-08-03T12:05:00+00:00"

    def test_what_the_files_hold_is_guessed_from_names_columns_and_cells(self, tmp_path: Path) -> None:
        run = _run_of("Leads_001.csv", SOFT_LEADS.encode(), tmp_path)
        assert columns.guessed_kinds(run) == {0: "leads"}
        assert rules.most_like("export.csv", ["Platform", "Month", "Cost", "Currency"]) == "spend"
        deals = ["Record Id", "Deal Name", "Deal Owner", "Amount", "Stage", "Closing Date", "Created Time"]
        assert rules.most_like("export.csv", deals) == "opportunities"
        calls = [
            "Record ID",
            "Call outcome",
            "Activity date",
            "Activity assigned to",
            "Contact email",
            "Type",
        ]
        assert rules.most_like("export.csv", calls) == "touches"
        assert rules.most_like("export.csv", ["Make", "Model", "Colour"]) == ""


class TestSuggestions:
    def test_cells_decide_where_the_name_says_nothing(self) -> None:
        found = rules.suggested(
            KINDS["leads"],
            ["Nr", "Contact point", "When", "Reachable under"],
            {
                "Nr": ["1", "2"],
                "Contact point": ["a@b.example", "c@d.example"],
                "When": ["x", "y"],
                "Reachable under": ["+49 30 5550101", "+49 40 5550102"],
            },
        )
        assert found["email"] == {"column": "Contact point", "optional": True}
        assert found["phone"] == {"column": "Reachable under", "optional": True}

    def test_a_name_that_the_cells_belie_is_not_taken(self) -> None:
        found = rules.suggested(
            KINDS["leads"],
            ["Email", "Created", "Employees"],
            {"Email": ["yes", "no"], "Created": ["Ada", "Ben"], "Employees": ["many", "few"]},
        )
        assert found == {}

    @pytest.mark.parametrize(
        "column, field",
        [
            ("Lead_Source__c", "source"), ("leadSource", "source"), ("OwnerId", "owner"), ("Assigned To", "owner"),
            ("E-Mail-Adresse", "email"), ("NumberOfEmployees", "employees"), ("Organisation", "company"),
            ("Person - Phone - Work", "phone"), ("created_at", "created"), ("hs_lead_status", "stage"),
        ],
    )  # fmt: skip
    def test_one_word_under_many_spellings(self, column: str, field: str) -> None:
        assert rules.suggested(KINDS["leads"], [column]).get(field) == column

    def test_the_words_of_stages_are_translated_as_they_are_meant(self) -> None:
        words = [
            "Open - Not Contacted",
            "Working - Contacted",
            "Closed - Converted",
            "Closed - Not Converted",
        ]
        words += ["Unqualified", "Sales Qualified Lead", "Nurturing", "Customer", "subscriber"]
        found = rules.suggested(KINDS["leads"], ["Status"], {"Status": words})["stage"]["values"]
        assert list(found.values()) == [
            "mcl", "working", "converted", "disqualified", "disqualified", "sql", "recycled", "converted", "mcl",
        ]  # fmt: skip

    def test_a_column_that_says_only_open_won_or_lost_is_told_from_the_stage(self) -> None:
        header = ["Deal - Status", "Deal - Stage"]
        samples = {
            "Deal - Status": ["Open", "Won", "Lost"],
            "Deal - Stage": ["Lead in", "Proposal", "Lead in"],
        }
        found = rules.suggested(KINDS["opportunities"], header, samples)
        assert (found["outcome"]["column"], found["stage"]["column"]) == tuple(header)
        alone = rules.suggested(KINDS["opportunities"], header[:1], samples)
        assert alone["stage"]["values"] == {"Open": "stage_1", "Won": "won", "Lost": "lost"}
        assert "outcome" not in alone

    def test_amounts_with_a_decimal_comma_are_told(self) -> None:
        file = rules.Unmapped("d.csv", KINDS["opportunities"], ["Value"], {"Value": ["1.250,50", "80,00"]})
        begun = rules.starter(
            name="D", system="d", files=[file], currency="EUR", zone="UTC", today=date(2022, 10, 3)
        )
        assert begun["numbers"]["decimal"] == ","


SALESFORCE = """"Id","FirstName","LastName","Company","Title","Email","Phone","LeadSource","Status","Industry","NumberOfEmployees","City","OwnerId","HasOptedOutOfEmail","IsConverted","ConvertedDate","CreatedDate"
"00Q1","Priya","Nair","Harrow Mills","COO","p.nair@harrow.example","","Web","Open - Not Contacted","Textiles","230","Leeds","0051","false","false","","2022-08-01T09:14:00.000Z"
"00Q2","Tom","Brook","Brook & Son","","tom@brook.example","","Other","Somewhere else","","","","0052","false","false","","2022-08-02T09:14:00.000Z"
"""
HUBSPOT = """Record ID,First Name,Last Name,Email,Phone Number,Contact owner,Lead Status,Create Date,Company Name
51,Priya,Nair,p.nair@harrow.example,,Ida Inbound,Attempted to Contact,2022-08-01 09:14,Harrow Mills
52,Tom,Brook,tom@brook.example,,,,2022-08-02 09:14,Brook & Son
"""
PIPEDRIVE = """Lead - ID,Lead - Title,Lead - Owner,Lead - Lead created,Person - Name,Person - Email - Work,Organization - Name
a-1,Harrow lead,Ida Inbound,2022-08-01 09:14:00,Priya Nair,p.nair@harrow.example,Harrow Mills
"""


@pytest.mark.usefixtures("cast")
class TestLayoutsThatComeWithThePortal:
    @pytest.mark.parametrize(
        "name, text, mapping, stages",
        [
            ("Lead.csv", SALESFORCE, "Salesforce, data export", {"00Q1": "mcl", "00Q2": "working"}),
            ("hubspot-crm-exports-all-contacts.csv", HUBSPOT, "HubSpot", {"51": "working", "52": "mcl"}),
            ("leads-7.csv", PIPEDRIVE, "Pipedrive", {"a-1": "mcl"}),
        ],
    )
    def test_is_recognised_and_imports(
        self, tmp_path: Path, name: str, text: str, mapping: str, stages: dict[str, str]
    ) -> None:
        path = tmp_path / name
        path.write_text(text)
        document = imports.fitting_document(files=[(path, name)])
        assert document is not None
        assert document["name"] == mapping
        imported([path], with_document=document)
        assert dict(Lead.objects.exclude(external_id="").values_list("external_id", "stage")) == stages

    @pytest.mark.parametrize("known", mappings.shipped(), ids=lambda one: one.key)
    def test_is_a_mapping_without_problems(self, known: mappings.Known) -> None:
        assert mappings.parsed(known.document).files


def test_the_page_begins_a_mapping_with_suggestions(cast: Cast, tmp_path: Path) -> None:
    client = Client()
    client.force_login(cast.revops)
    run = _run_of("Leads_001.csv", SOFT_LEADS.encode(), tmp_path)
    address = reverse("integrations:mapping_new")
    page = client.get(address, {"import": run.pk, "kind-0": "leads"}).content.decode()
    assert "3 values translated" in page
    assert "joined from First Name and Last Name" in page


CONTACTS = """Record ID,First Name,Last Name,Email,Contact owner,Lead Status,Create Date,Company Name
51,Priya,Nair,p.nair@harrow.example,Sdr,In Progress,2022-08-01 09:14,Harrow Mills
52,Tom,Brook,tom@brook.example,Sdr,,2022-08-02 09:14,Brook & Son
"""
DEALS = """Record ID,Deal Name,Deal owner,Deal Stage,Amount,Currency,Create Date,Close Date,Deal Type,Associated Company
901,Harrow looms,Ae,Contract Sent,12500.50,EUR,2022-08-10 10:00,2022-12-24 10:00,New Business,Harrow Mills
902,Brook tills,Ae,Closed Won,8000,EUR,2022-08-11 10:00,2022-09-20 15:30,New Business,Brook & Son
903,Cobalt seats,Second Ae,Closed Lost,,EUR,2022-08-12 10:00,2022-09-01 09:00,Existing Business,Cobalt
"""
CALLS = """Record ID,Call title,Activity date,Activity assigned to,Associated Contact IDs,Contact email,Call outcome
7001,First try,2022-08-03 10:00,Sdr,51,,No answer
7002,Second try,2022-08-04 10:00,Sdr,,p.nair@harrow.example,Connected
7003,They asked us to stop,2022-08-05 10:00,Sdr,52,,Do not call again
"""
NAMES = ("all-contacts.csv", "all-deals.csv", "all-calls.csv")


def _crm_files(folder: Path, deals: str = DEALS, calls: str = CALLS) -> list[Path]:
    paths = []
    for name, text in zip(NAMES, (CONTACTS, deals, calls), strict=True):
        (folder / name).write_text(text)
        paths.append(folder / name)
    return paths


def _hubspot() -> dict:
    document = json.loads(
        json.dumps(next(one for one in mappings.shipped() if one.name == "HubSpot").document)
    )
    document["files"][2]["fields"]["disposition"]["values"]["Do not call again"] = "opt_out"
    return document


@pytest.mark.usefixtures("cast")
class TestDealsAndCalls:
    def test_opportunities_stand_at_their_stage_with_an_event_for_each(self, tmp_path: Path) -> None:
        imported(_crm_files(tmp_path), with_document=_hubspot())
        found = {one.name: one for one in Opportunity.objects.select_related("account", "owner")}
        assert {name: (one.stage, one.amount_minor, one.owner.name) for name, one in found.items()} == {
            "Harrow looms": ("stage_2", 1250050, "Ae"),
            "Brook tills": ("won", 800000, "Ae"),
            "Cobalt seats": ("lost", None, "Second Ae"),
        }
        assert found["Harrow looms"].closed_at is None, "a day on which it is expected to close is none"
        assert found["Brook tills"].closed_at is not None
        assert found["Brook tills"].account.name == "Brook & Son"
        kinds = (
            FunnelEvent.objects.filter(opportunity=found["Brook tills"])
            .order_by("pk")
            .values_list("kind", flat=True)
        )
        assert list(kinds) == ["stage_1", "stage_2", "won"]
        won = FunnelEvent.objects.get(source_key="hubspot:opportunities:902:won")
        assert (won.amount_minor, won.currency, won.source) == (800000, "EUR", "import")

    def test_touches_count_on_their_leads_whether_named_by_id_or_address(self, tmp_path: Path) -> None:
        imported(_crm_files(tmp_path), with_document=_hubspot())
        lead = Lead.objects.get(external_id="51")
        assert (lead.touch_count, lead.attempts, lead.stage) == (2, 0, "working")
        assert [touch.disposition for touch in lead.touches.order_by("occurred_at")] == [
            "no_answer",
            "connected",
        ]
        assert FunnelEvent.objects.filter(lead=lead, kind="touched").count() == 2

    def test_an_opt_out_in_a_touch_closes_the_lead(self, tmp_path: Path) -> None:
        imported(_crm_files(tmp_path), with_document=_hubspot())
        lead = Lead.objects.get(external_id="52")
        assert lead.do_not_contact
        assert lead.queue_bucket is None

    def test_the_same_files_twice_change_nothing(self, tmp_path: Path) -> None:
        imported(_crm_files(tmp_path), with_document=_hubspot())
        before = everything()
        run = imported(_crm_files(tmp_path), with_document=_hubspot())
        assert everything() == before
        assert [one.written["same"] for one in run.files.all()] == [2, 3, 3]

    def test_a_deal_that_was_won_since_moves_and_one_that_was_changed_here_is_refused(
        self, tmp_path: Path
    ) -> None:
        imported(_crm_files(tmp_path), with_document=_hubspot())
        later = DEALS.replace("Contract Sent,12500.50", "Closed Won,13000").replace(
            "2022-12-24", "2022-10-01"
        )
        imported(_crm_files(tmp_path, deals=later), with_document=_hubspot())
        row = Opportunity.objects.get(name="Harrow looms")
        assert (row.stage, row.amount_minor) == ("won", 1300000)
        kinds = FunnelEvent.objects.filter(opportunity=row).order_by("pk").values_list("kind", flat=True)
        assert sorted(kinds) == ["amount_changed", "stage_1", "stage_2", "won"]
        emptied = later.replace("Closed Won,13000", "Closed Won,")
        imported(_crm_files(tmp_path, deals=emptied), with_document=_hubspot())
        row.refresh_from_db()
        assert row.amount_minor == 1300000, "an empty cell blanks nothing"
        reopened = later.replace("Closed Won,8000", "Contract Sent,8000")
        run = checked(_crm_files(tmp_path, deals=reopened), with_document=_hubspot())
        assert [(row, says[:12]) for _, row, _, says in refusals(run)] == [(3, "It is closed")]

    def test_another_name_in_the_file_does_not_undo_what_people_did_here(self, tmp_path: Path) -> None:
        imported(_crm_files(tmp_path), with_document=_hubspot())
        Opportunity.objects.filter(name="Harrow looms").update(stage="lost", closed_at=AT, amount_minor=5)
        renamed = DEALS.replace("Harrow looms", "Harrow looms II")
        imported(_crm_files(tmp_path, deals=renamed), with_document=_hubspot())
        row = Opportunity.objects.get(name="Harrow looms II")
        assert (row.stage, row.amount_minor) == ("lost", 5)

    @pytest.mark.parametrize(
        "deals, calls, place, says",
        [
            (DEALS.replace("2022-09-20 15:30", ""), CALLS, ("all-deals.csv", 3, "Close Date"), "Fill in the day"),
            (DEALS.replace("2022-09-20", "2022-08-01"), CALLS, ("all-deals.csv", 3, "Close Date"), "before it was opened"),
            (DEALS.replace("8000,EUR", "8000,Euro"), CALLS, ("all-deals.csv", 3, "Currency"), "no currency"),
            (DEALS.replace("tills,Ae", "tills,Nobody"), CALLS, ("all-deals.csv", 3, "Deal owner"), "No rep has this name"),
            (DEALS, CALLS.replace("Sdr,52", "Sdr,99"), ("all-calls.csv", 4, "Associated Contact IDs"), "No lead is known"),
            (DEALS, CALLS.replace("2022-08-05", "2032-08-05"), ("all-calls.csv", 4, "Activity date"), "lies in the future"),
        ],
        ids=["no day", "closed before opened", "no currency", "no owner", "no lead", "in the future"],
    )  # fmt: skip
    def test_a_bad_row_is_refused_by_its_place(
        self, tmp_path: Path, deals: str, calls: str, place: tuple[str, int, str], says: str
    ) -> None:
        run = checked(_crm_files(tmp_path, deals=deals, calls=calls), with_document=_hubspot())
        found = {refusal[:3]: refusal[3] for refusal in refusals(run)}
        assert says in found[place]


@pytest.mark.usefixtures("cast")
class TestTimeOffAndSpend:
    def _drafted(self, tmp_path: Path, name: str, text: str) -> ImportRun:
        run = _run_of(name, text.encode(), tmp_path)
        run.document = _drafted(run)
        run.save()
        return imports.check_import(run=run, at=AT)

    def test_time_off_is_entered_up_to_the_first_day_back(self, tmp_path: Path) -> None:
        text = "Employee,Leave type,From,To\nSecond Ae,Annual leave,2022-10-10,2022-10-14\nSdr,Sick,2022-10-05,2022-10-05\n"
        _import(_run_of("leave.csv", text.encode(), tmp_path))
        found = TimeOff.objects.order_by("starts_on").values_list("rep__name", "kind", "starts_on", "ends_on")
        assert [(name, kind, str(start), str(end)) for name, kind, start, end in found] == [
            ("Sdr", "sick", "2022-10-05", "2022-10-06"),
            ("Second Ae", "holiday", "2022-10-10", "2022-10-15"),
        ]

    def test_days_that_lie_over_others_are_refused(self, tmp_path: Path) -> None:
        text = "Employee,Leave type,From,To\nSecond Ae,PTO,2022-10-10,2022-10-14\nSecond Ae,PTO,2022-10-12,2022-10-13\n"
        run = self._drafted(tmp_path, "leave.csv", text)
        assert [(row, says[:20]) for _, row, _, says in refusals(run)] == [(3, "Other time off lies ")]

    def test_spend_is_entered_once_and_another_amount_corrects_it(self, tmp_path: Path) -> None:
        text = "Platform,Campaign name,Month,Cost,Currency\nSearch ads,Autumn,2022-09,1200.00,EUR\nFairs,,2022-09,900.50,EUR\n"
        _import(_run_of("ads.csv", text.encode(), tmp_path))
        _import(_run_of("ads.csv", text.encode(), tmp_path))
        assert list(Spend.objects.order_by("source").values_list("source", "amount_minor")) == [
            ("Fairs", 90050), ("Search ads", 120000),
        ]  # fmt: skip
        for amount in ("1300.00", "1400.00"):
            _import(_run_of("ads.csv", text.replace("1200.00", amount).encode(), tmp_path))
        assert Spend.objects.effective().get(source="Search ads").amount_minor == 140000
        assert Spend.objects.filter(source="Search ads").count() == 5
