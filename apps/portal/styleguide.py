"""What the styleguide shows: one invented moment whose figures add up. Nothing is read from the record."""

import re
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from django import forms
from django.contrib.staticfiles import finders


class SpecimenForm(forms.Form):
    """One field of each kind."""

    name = forms.CharField(label="Plan name")
    group = forms.ChoiceField(
        label="Peer group", choices=[("isr", "Inbound SDR, 8 people"), ("ae", "AEs, 9")]
    )
    starts = forms.IntegerField(label="Second band starts at", help_text="Meetings in the month.")
    amount = forms.DecimalField(label="Per meeting", required=False)
    effect_on = forms.DateField(label="Takes effect", help_text="The first day of a month that is not open.")
    note = forms.CharField(label="Why this change", widget=forms.Textarea(attrs={"rows": 2}), required=False)
    basis = forms.ChoiceField(
        label="Counts when",
        choices=[("accepted", "An AE accepts"), ("held", "The meeting is held"), ("won", "The deal is won")],
        widget=forms.RadioSelect,
    )
    file = forms.FileField(label="Last month's file", required=False, help_text="CSV or XLSX, up to 20 MB.")
    acknowledged = forms.BooleanField(label="Ask each rep to acknowledge it", required=False)

    def clean_starts(self) -> int:
        if self.cleaned_data["starts"] != 10:
            raise forms.ValidationError("Bands must touch: band 1 ends at 10.")
        return self.cleaned_data["starts"]

    def clean_effect_on(self) -> Any:
        if self.cleaned_data["effect_on"].month == 11:
            raise forms.ValidationError("November is open. Use 1 December or later.")
        return self.cleaned_data["effect_on"]


class SpecimenJob:
    """A job as the card reads it."""

    def __init__(self, pk: int, state: str, done: int, total: int | None, **rest: Any) -> None:
        self.pk, self.state, self.progress_done, self.progress_total = pk, state, done, total
        self.kind = "specimen"
        self.note = rest.get("note", "")
        self.error = rest.get("error", "")
        self.left = rest.get("left")
        self.is_stopping = rest.get("stopping", False)

    @property
    def is_active(self) -> bool:
        # A specimen does not poll: its card would be replaced by a real one.
        return self.state in ("queued", "running")

    @property
    def is_resumable(self) -> bool:
        return self.state in ("failed", "cancelled")

    @property
    def percent(self) -> int | None:
        if self.state == "done":
            return 100
        return self.progress_done * 100 // self.progress_total if self.progress_total else None

    def seconds_left(self, at: datetime) -> int | None:
        return self.left


def _wrong_form() -> SpecimenForm:
    form = SpecimenForm(
        data={
            "name": "Inbound SDR 2027 H1",
            "group": "isr",
            "starts": "12",
            "amount": "40.00",
            "effect_on": "2026-11-01",
            "basis": "accepted",
        },
        auto_id="wrong_%s",
    )
    form.is_valid()
    return form


def _icon_names() -> list[str]:
    """Those that the sprite holds, so that the page cannot lag behind it."""
    sprite = finders.find("portal/icons.svg")
    return re.findall(r'<symbol id="(\w+)"', Path(sprite).read_text()) if sprite else []


def context(now: datetime) -> dict[str, Any]:
    """The specimens, by the names that templates/portal/styleguide.html uses; promises are around ``now``."""

    def minutes(number: int) -> datetime:
        return now + timedelta(minutes=number)

    return {
        "now": now,
        "parts": [
            ("foundations", "Foundations"),
            ("controls", "Controls"),
            ("states", "States"),
            ("tables", "Tables"),
            ("figures", "Figures"),
            ("explaining", "Explaining"),
            ("forms", "Forms"),
            ("feedback", "Feedback"),
            ("dialogs", "Dialogs"),
        ],
        "dispositions": [
            ("Connected", "fill BANT"),
            ("Voicemail", "retry 14:10"),
            ("No answer", "retry 13:05"),
            ("Gatekeeper", "retry Fri"),
            ("Call back", "pick a time"),
            ("Bad number", "email next"),
        ],
        "reasons": [
            "Answer not supported by evidence",
            "Asked the wrong person",
            "Date too far out",
            "Other, say in the comment",
        ],
        "table": [
            ("Ines Okafor", "Open", "6,120.40", "5,912.40", ""),
            ("Maya Lindqvist", "Open", "2,498.35", "2,195.95", "active"),
            ("Freya Lund", "Held", "1,604.75", "1,604.75", ""),
            ("Tomas Rey", "On leave", "0.00", "0.00", "off"),
        ],
        "swatches": [
            ("Background", "bg"),
            ("Surface", "surface"),
            ("Sunken", "sunken"),
            ("Selected", "selected"),
            ("Line", "line"),
            ("Line strong", "line-strong"),
            ("Edge", "edge"),
            ("Ink", "ink"),
            ("Ink 2", "ink-2"),
            ("Ink 3", "ink-3"),
            ("Accent", "accent"),
            ("Accent soft", "accent-soft"),
            ("Data", "data"),
            ("Data 2", "data-2"),
            ("Data 3", "data-3"),
            ("Negative", "neg"),
            ("OK", "ok"),
            ("Warning", "warn"),
            ("Bad", "bad"),
            ("On hold", "hold"),
        ],
        "icons": _icon_names(),
        "due": {
            "left": minutes(78),
            "risk": minutes(9),
            "warn": minutes(-6),
            "late": minutes(-12),
            "far": minutes(60 * 26),
            "took": timedelta(minutes=41),
            "resumes": minutes(258),
        },
        "form": SpecimenForm(auto_id="empty_%s", initial={"basis": "accepted"}),
        "wrong_form": _wrong_form(),
        "jobs": [
            (
                SpecimenJob(1, "running", 2140, 3200, left=35, note="12 rows with errors"),
                "Importing opportunities",
            ),
            (SpecimenJob(2, "queued", 0, None), "Computing October 2026"),
            (SpecimenJob(3, "running", 900, None, note="Reading the file"), "Importing touches"),
            (SpecimenJob(4, "done", 46, 46, note="46 statements"), "October as PDF"),
            (
                SpecimenJob(5, "failed", 812, 1248, error="Row 813 has no date. Correct it and go on."),
                "Importing leads",
            ),
        ],
        "run_steps": [
            ("Computed", "Tue 3 Nov, 06:12, from 1,284 events", "done"),
            ("Submitted", "Wed 4 Nov, 16:40, Sanne de Wit", "done"),
            ("Approved", "waits for you, by Fri 13 Nov", "now"),
            ("Locked", "after approval", "next"),
            ("Paid", "Fri 27 Nov", "next"),
        ],
        "waterfall": [
            ("Earned", 249835),
            ("Adjustments", -1400),
            ("Holdback", -2840),
            ("Draw recovery", -26000),
        ],
        "waterfall_plain": [("Earned", 160000), ("SPIFF", 12500), ("Clawback", -90000)],
        "funnel": [
            ("MQL", 2924),
            ("Worked", 2610),
            ("SQL", 462),
            ("Accepted", 407),
            ("Stage 1", 311),
            ("Won", 64),
        ],
        "peers": [
            ("Kim", Decimal("1.31")),
            ("Jonas", Decimal("1.24")),
            ("Ola", Decimal("1.22")),
            ("Priya", Decimal("1.05")),
            ("Luca", Decimal("0.98")),
            ("Marta", Decimal("0.94")),
            ("Dana", Decimal("0.84")),
            ("Sven", Decimal("0.79")),
            ("Noor", Decimal("0.63")),
        ],
        "peer_marks": [
            (Decimal("0.80"), "0.80 down"),
            (Decimal("1.00"), "1.00 average"),
            (Decimal("1.20"), "1.20 up"),
        ],
        "cycles": [("Kim", 44), ("Jonas", 47), ("Ola", 52), ("Priya", 58), ("Luca", 61), ("Noor", 83)],
        "target": [
            ("5 Oct", 21000000, 20000000),
            ("12 Oct", 38500000, 40000000),
            ("19 Oct", 57800000, 60000000),
            ("26 Oct", 74100000, 80000000),
            ("2 Nov", 96400000, 100000000),
            ("9 Nov", 112900000, 120000000),
            ("16 Nov", None, 140000000),
            ("23 Nov", None, 160000000),
            ("30 Nov", None, 180000000),
            ("7 Dec", None, 200000000),
            ("14 Dec", None, 220000000),
            ("21 Dec", None, 240000000),
        ],
        "pipeline_lines": [
            ("stage 1", [31000000, 58500000, 83800000, 104100000, 131400000, 149900000]),
            ("won", [0, 4500000, 9800000, 14100000, 22400000, 31900000]),
        ],
        "bars_why": [
            ("No answer", 12),
            ("Not now", 9),
            ("Chose a competitor", 6),
            ("No reason given", 4, "", True),
        ],
        "bars": [
            ("Leila Amrani", 262),
            ("Maya Lindqvist", 254),
            ("Tomas Rey", 236),
            ("Rita Salgado", 203),
            ("Axel Lindh", 181),
            ("Vera Matos", 146),
        ],
        "metrics": [
            (
                "Revenue won",
                "€412,600",
                [296, 341, Decimal("412.6")],
                "€360,000",
                412600,
                360000,
                "up",
                "1.297",
            ),
            (
                "Win rate",
                "28.6 %",
                [Decimal("21.9"), 25, Decimal("28.6")],
                "25.0 %",
                Decimal("28.6"),
                25,
                "up",
                "1.299",
            ),
            ("Sales cycle", "47 days", [61, 54, 47], "55 days", 47, 55, "down", "1.234"),
        ],
        "heat": [
            ("Mon", [4, 9, 12, 7, 5, 8]),
            ("Tue", [2, 4, 5, 4, 6, 7]),
            ("Wed", [1, 3, 4, 5, 6, 6]),
        ],
    }
