"""What each rep of the real CRM export is due, from its CSV files alone. Shares no code with the portal.

The terms are those of the SDR plan, restated: an accepted meeting pays by its number in the quarter, and the
accepted amount a share, each amount rounded half up to the cent. Account managers are paid on wins, and the
export has none.
"""

import csv
from collections import defaultdict
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

PER_MEETING = ((10, Decimal("40.00")), (20, Decimal("60.00")), (None, Decimal("90.00")))
SHARE_OF_AMOUNT = Decimal("0.0020")
CENT = Decimal("0.01")


def quarter_of(day: date) -> str:
    return f"{day.year}Q{(day.month + 2) // 3}"


def due(folder: Path, quarter: str) -> dict[str, Decimal]:
    """By rep id of the export, account managers included; in dollars."""
    with (folder / "Employees.csv").open(encoding="utf-8-sig", newline="") as file:
        totals = {row["EmployeeId"]: Decimal(0) for row in csv.DictReader(file)}
    amounts: dict[str, list[Decimal]] = defaultdict(list)
    with (folder / "Opportunities.csv").open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            decided = datetime.strptime(row["AcceptedDecisionDate"].split()[0], "%m/%d/%Y").date()
            if row["IsAccepted"] == "TRUE" and quarter_of(decided) == quarter:
                amounts[row["created_by_id"]].append(Decimal(row["Amount"]))
    for rep, given in amounts.items():
        totals[rep] += sum(per_meeting(number) for number in range(1, len(given) + 1))
        totals[rep] += sum((amount * SHARE_OF_AMOUNT).quantize(CENT, ROUND_HALF_UP) for amount in given)
    return totals


def per_meeting(number: int) -> Decimal:
    return next(rate for last, rate in PER_MEETING if last is None or number <= last)
