"""The clock of an inquiry, what state follows what, who gets it; and which files are taken."""

import io
import zipfile
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.compensation.rules import attachments
from apps.compensation.rules.attachments import FileRefused, checked
from apps.compensation.rules.inquiries import FOLLOWS, RUNNING, SETTLED, choose_owner
from apps.compensation.rules.inquiry_clock import (
    ESCALATE,
    ESCALATE_FIRST,
    REMIND,
    REMIND_FIRST,
    STEPS,
    Targets,
    next_step,
    promised,
)
from apps.reps.rules.hours import Hours

BERLIN = Hours.of("Europe/Berlin", {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")})
NEVER = Hours.of("Europe/Berlin", {})
TARGETS = Targets(first_answer_minutes=240, outcome_minutes=960, warn_percent=50, reopen_days=14)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """February 2026 in UTC; Berlin is an hour ahead, and the 9th is a Monday."""
    return datetime(2026, 2, day, hour, minute, tzinfo=UTC)


class TestPromised:
    def test_counts_business_time_alone(self):
        found = promised(hours=BERLIN, started_at=at(9, 8), targets=TARGETS)
        assert found.first_warn_at == at(9, 10)
        assert found.first_due_at == at(9, 12)
        assert found.warn_at == at(9, 16)
        assert found.due_at == at(10, 16)

    def test_waits_over_a_weekend(self):
        found = promised(hours=BERLIN, started_at=at(13, 15), targets=TARGETS)
        assert found.first_due_at == at(16, 11)

    def test_a_target_used_up_at_closing_is_due_at_that_closing(self):
        found = promised(hours=BERLIN, started_at=at(9, 12), targets=TARGETS)
        assert found.first_due_at == at(9, 16)

    def test_stands_still_in_a_pause(self):
        paused = [(at(9, 9), at(10, 9))]
        found = promised(hours=BERLIN, started_at=at(9, 8), targets=TARGETS, pauses=paused)
        assert found.due_at == at(11, 16)

    def test_counts_real_minutes_where_nobody_ever_works(self):
        paused = [(at(9, 9), at(9, 10))]
        found = promised(hours=NEVER, started_at=at(9, 8), targets=TARGETS, pauses=paused)
        assert found.due_at == at(9, 8) + timedelta(minutes=960 + 60)

    @given(
        st.integers(0, 60 * 24 * 40),
        st.lists(st.tuples(st.integers(0, 9_000), st.integers(0, 9_000)), max_size=4),
    )
    def test_no_pause_brings_anything_forward(self, start, spans):
        begun = at(2, 8) + timedelta(minutes=start)
        pauses = [
            (begun + timedelta(minutes=from_), begun + timedelta(minutes=from_ + length))
            for from_, length in spans
        ]
        plain = promised(hours=BERLIN, started_at=begun, targets=TARGETS)
        paused = promised(hours=BERLIN, started_at=begun, targets=TARGETS, pauses=pauses)
        assert paused.due_at >= plain.due_at
        assert paused.first_warn_at <= paused.first_due_at <= paused.due_at


class TestNextStep:
    def setup_method(self):
        self.promised = promised(hours=BERLIN, started_at=at(9, 8), targets=TARGETS)

    def test_comes_in_the_order_of_time_each_once(self):
        taken, told = set(), []
        while found := next_step(promised=self.promised, first_answered=False, taken=taken):
            taken.add(found[0])
            told.append(found)
        assert [step for step, _ in told] == [REMIND_FIRST, ESCALATE_FIRST, REMIND, ESCALATE]
        assert all(one[1] <= other[1] for one, other in pairwise(told))

    def test_a_first_answer_spares_its_steps(self):
        found = next_step(promised=self.promised, first_answered=True, taken=set())
        assert found == (REMIND, self.promised.warn_at)
        assert next_step(promised=self.promised, first_answered=True, taken={REMIND, ESCALATE}) is None
        assert set(STEPS) == {REMIND_FIRST, ESCALATE_FIRST, REMIND, ESCALATE}


class TestStates:
    def test_only_what_has_an_outcome_is_closed_or_opened_again(self):
        assert {state for state, after in FOLLOWS.items() if "closed" in after} == set(SETTLED)
        assert {state for state, after in FOLLOWS.items() if "withdrawn" in after} == set(RUNNING)
        assert FOLLOWS["withdrawn"] == ()


class TestChooseOwner:
    def test_takes_the_one_with_fewest_running_then_fewest_ever_then_in_turn(self):
        owned = {1: (2, 2), 2: (1, 9), 3: (1, 4), 4: (1, 4)}
        assert choose_owner(candidates=[1, 2, 4, 3], concerned=frozenset(), owned=owned) == 4
        assert choose_owner(candidates=[5, 1], concerned=frozenset(), owned=owned) == 5

    def test_never_takes_whom_it_concerns(self):
        assert choose_owner(candidates=[1, 2], concerned=frozenset({1}), owned={}) == 2
        assert choose_owner(candidates=[1], concerned=frozenset({1}), owned={}) is None


# --- Files ------------------------------------------------------------------------------------------

PDF = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\n%%EOF\n"
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + b"\0" * 17 + b"\x00\x00\x00\x00IEND\xaeB`\x82"
JPEG = b"\xff\xd8\xff\xe0" + b"\0" * 20 + b"\xff\xd9"


def office(*names: str, size: int = 1) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, b"\0" * size)
    return made.getvalue()


XLSX = office("[Content_Types].xml", "xl/workbook.xml")
DOCX = office("[Content_Types].xml", "word/document.xml")

GOOD = {
    "proof.pdf": PDF,
    "PROOF.PDF": PDF,
    "screen.png": PNG,
    "photo.jpg": JPEG,
    "photo.jpeg": JPEG,
    "note.txt": "Grüße, 5 €\n".encode(),
    "lines.csv": b"\xef\xbb\xbfDeal,Amount\nBrightmoor,120.00\n",
    "sheet.xlsx": XLSX,
    "letter.docx": DOCX,
    "a b (2) – copy.pdf": PDF,
}
HOSTILE = {
    "a page called a picture": ("logo.png", b"<html><script>alert(1)</script>"),
    "a picture with more behind it": ("logo.png", PNG + b"<script>"),
    "a picture called a PDF": ("logo.pdf", PNG),
    "a program": ("tool.exe", b"MZ\x90\0"),
    "a program called a PDF": ("tool.pdf", b"MZ\x90\0%PDF-1.7%%EOF"),
    "a program behind another ending": ("invoice.pdf.exe", PDF),
    "a drawing that runs": ("logo.svg", b"<svg onload='alert(1)'/>"),
    "a page": ("index.html", b"<!doctype html>"),
    "a page called text": ("note.txt", b"  <!DOCTYPE html><body onload=x>"),
    "a script in text": ("note.csv", b"a,b\n<script>alert(1)</script>"),
    "a shell script called text": ("note.txt", b"#!/bin/sh\nrm -rf /"),
    "bytes called text": ("note.txt", b"a\0b"),
    "another encoding": ("note.txt", "Grüße".encode("latin-1")),
    "a PDF with a script": ("proof.pdf", PDF.replace(b"/Catalog", b"/Catalog/OpenAction<</S/JavaScript/JS(x)>>")),
    "a PDF with a hidden script": ("proof.pdf", PDF.replace(b"/Catalog", b"/Catalog/#4aavaScript (x)")),
    "a PDF that starts a program": ("proof.pdf", PDF.replace(b"/Catalog", b"/Catalog/Launch ")),
    "a PDF that was cut off": ("proof.pdf", PDF[:-8]),
    "a sheet with macros": ("sheet.xlsx", office("[Content_Types].xml", "xl/workbook.xml", "xl/vbaProject.bin")),
    "a sheet of the kind with macros": ("sheet.xlsm", XLSX),
    "a plain archive": ("files.zip", office("a.txt")),
    "an archive called a sheet": ("sheet.xlsx", office("a.txt")),
    "a letter called a sheet": ("sheet.xlsx", DOCX),
    "a bomb": ("sheet.xlsx", office("[Content_Types].xml", "xl/workbook.xml", "xl/a", size=34 * 1024 * 1024)),
    "many parts": ("sheet.xlsx", office("[Content_Types].xml", "xl/workbook.xml", *(f"xl/{n}" for n in range(2_000)))),
    "a broken archive": ("sheet.xlsx", XLSX[:40]),
    "nothing": ("empty.pdf", b""),
    "too much": ("large.pdf", b"%PDF-" + b"\0" * attachments.LARGEST + b"%%EOF"),
    "no ending": ("proof", PDF),
    "no name": (".pdf", PDF),
    "a name that turns around": ("proof\u202efdp.exe", PDF),
    "a name with a line in it": ("proof\n.pdf", PDF),
    "a name without end": ("a" * 200 + ".pdf", PDF),
}  # fmt: skip


class TestFiles:
    @pytest.mark.parametrize("name", GOOD)
    def test_of_the_list_are_taken(self, name):
        found = checked(name, GOOD[name])
        assert found.name == name
        assert found.content == GOOD[name]

    @pytest.mark.parametrize("what", HOSTILE)
    def test_that_are_something_else_are_refused_with_a_sentence(self, what):
        name, content = HOSTILE[what]
        with pytest.raises(FileRefused) as told:
            checked(name, content)
        assert str(told.value).endswith(".")
        assert len(str(told.value)) > 25

    @pytest.mark.parametrize("name", ["../../etc/proof.pdf", "C:\\Users\\me\\proof.pdf", "/a/b/proof.pdf"])
    def test_lose_their_folders(self, name):
        assert checked(name, PDF).name == "proof.pdf"

    @given(st.binary(max_size=200), st.sampled_from(["pdf", "png", "jpg", "txt", "csv", "xlsx", "docx"]))
    def test_of_any_bytes_are_taken_or_refused_and_nothing_else(self, content, ending):
        try:
            assert checked(f"a.{ending}", content).content == content
        except FileRefused:
            pass
