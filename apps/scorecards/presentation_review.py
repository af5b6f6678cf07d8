"""The weekly review as a page or a mail shows it: headlines, bars, rows with names.

A pack holds ids; whom they mean is looked up when it is read, and of leads only those that the reader may open.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from typing import Any

from django.urls import reverse

from apps.leads.models import HandOff, Lead
from apps.reps.models import Rep
from apps.scorecards.models import LeadComplaint, ReviewReason, ReviewSection, WeeklyReview, WhyNot
from apps.scorecards.rules.figures import plain
from apps.scorecards.rules.review import SILENT_DAYS
from apps.scorecards.selectors.review_pack import ASKED_FOR, sections_for
from apps.slas.models import BreachReason, Clock

HOW = {"recycled": "Recycled", "disqualified": "Disqualified", "silent": f"Silent for {SILENT_DAYS} days"}
UNITS = {
    ReviewSection.LEADS: ("lead", "leads"),
    ReviewSection.APPOINTMENTS: ("meeting", "meetings"),
    ReviewSection.COLD: ("lead", "leads"),
    ReviewSection.PROMISES: ("promise", "promises"),
    ReviewSection.TOUCHES: ("touch", "touches"),
    ReviewSection.COMPLAINTS: ("complaint", "complaints"),
    ReviewSection.REJECTED: ("meeting", "meetings"),
}


def counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


class Names:
    """Whom the ids of a pack mean, for one reader. Six statements at most."""

    def __init__(self, user: Any, lists: Mapping[str, Any], sections: Iterable[str]) -> None:
        rows = [row for section in sections for row in lists[section]["rows"]]
        owing = {rep for section in sections for rep, _ in lists[section]["owed"] if rep}
        reps = {row[name] for row in rows for name in ("rep", "ae") if row.get(name)} | owing
        self.reps = dict(Rep.objects.filter(pk__in=reps).values_list("pk", "name"))
        self.own_reps = set(Rep.objects.filter(user=user).values_list("pk", flat=True))
        leads = {row["lead"] for row in rows if row.get("lead")}
        self.leads = Lead.objects.visible_to(user).in_bulk(leads)
        hand_offs = {row["hand_off"] for row in rows if row.get("hand_off")}
        self.hand_offs = HandOff.objects.visible_to(user).in_bulk(hand_offs) if hand_offs else {}
        complaints = {row["complaint"] for row in rows if row.get("complaint")}
        self.complaints = (
            LeadComplaint.objects.prefetch_related("answers").in_bulk(complaints) if complaints else {}
        )
        self.user = user

    def rep(self, pk: int | None) -> str:
        return self.reps.get(pk or 0, "The pool")

    def sees_clock(self, row: Mapping[str, Any]) -> bool:
        return self.user.role in ("manager", "revops") or row.get("rep") in self.own_reps

    def sees_complaint(self, row: Mapping[str, Any]) -> bool:
        return self.user.role in ("manager", "revops", "marketing") or row.get("rep") in self.own_reps


class Since:
    """Reasons given after the pack was made: they stand beside it. Two statements."""

    def __init__(self, review: WeeklyReview) -> None:
        given = ReviewReason.objects.filter(
            team=review.team_id, week_on=review.week_on, given_at__gt=review.made_at
        ).order_by("subject", "revision")
        self.reasons = {one.subject: WhyNot(one.reason).label for one in given}
        asked = [
            row["clock"]
            for section in ASKED_FOR
            for row in review.copy["lists"][section]["rows"]
            if row.get("clock") and row.get("needs")
        ]
        said = Clock.objects.filter(pk__in=asked).exclude(breach_reason="").values_list("pk", "breach_reason")
        self.clocks = {pk: BreachReason(reason).label for pk, reason in said}

    def of(self, row: Mapping[str, Any]) -> str:
        if row.get("clock"):
            return str(self.clocks.get(row["clock"], ""))
        return str(self.reasons.get(row.get("subject", ""), ""))


def shown_row(section: str, row: Mapping[str, Any], names: Names, since: Since | None) -> dict[str, Any]:
    """One row with names, what happened, why, and where it opens to."""
    lead = names.leads.get(row.get("lead") or 0)
    hand_off = names.hand_offs.get(row.get("hand_off") or 0)
    complaint = names.complaints.get(row.get("complaint") or 0)
    later = since.of(row) if since and row.get("needs") else ""
    shown: dict[str, Any] = {
        "lead": lead.label if lead else "A lead of the team",
        "company": lead.detail if lead else "",
        "url": reverse("leads:lead", args=[lead.pk]) if lead else "",
        "rep": names.rep(row.get("rep")) if "rep" in row else "",
        "ae": names.rep(row["ae"]) if row.get("ae") else "",
        "at": datetime.fromisoformat(row["at"]),
        "how": HOW.get(row.get("how", ""), row.get("how", "")),
        "reason": row["reason"] or later,
        "is_missing": bool(row.get("needs")) and not later,
        "is_later": bool(later),
        "score": row.get("score", ""),
        "note": row.get("why", ""),
        "more_url": "",
        "more": "",
    }
    if row.get("clock") and names.sees_clock(row):
        shown |= {"more_url": reverse("slas:clock", args=[row["clock"]]), "more": "The promise"}
    elif hand_off is not None:
        shown |= {
            "more_url": reverse("leads:hand_off", args=[hand_off.pk]),
            "more": "The hand-off",
            "comment": hand_off.comment if section == ReviewSection.REJECTED else "",
        }
    elif complaint is not None:
        shown |= {
            "more_url": reverse("scorecards:complaint", args=[complaint.pk])
            if names.sees_complaint(row)
            else "",
            "more": "The complaint",
            "comment": complaint.comment,
            "answered": any(one.kind == "answered" for one in complaint.answers.all()),
        }
    return shown


def _per_cent(part: int, whole: int) -> str:
    return f"{plain(Fraction(part * 100, whole), 1)} %" if whole else "–"


def _verdict(section: str, found: Mapping[str, Any]) -> tuple[str, str]:
    """(kind, words) of the line under the figure: against what was agreed, or what is missing."""
    agreed = found.get("agreed")
    if section in (ReviewSection.LEADS, ReviewSection.APPOINTMENTS) and agreed is not None:
        gap = found["count"] - agreed
        words = f"{gap:,} above the agreed {agreed:,}" if gap > 0 else f"{-gap:,} below the agreed {agreed:,}"
        return ("ok", words if gap else f"as agreed: {agreed:,}") if gap >= 0 else ("warn", words)
    if found["missing"]:
        return "bad", f"{found['missing']:,} without a reason"
    if section in ASKED_FOR and found["count"]:
        return "ok", "every one has a reason"
    return "", ""


def _detail(section: str, found: Mapping[str, Any]) -> str:
    """What else is to know of the figure, in a line."""
    parts: list[str] = []
    match section:
        case ReviewSection.LEADS:
            parts = [", ".join(f"{letter} {count:,}" for letter, count in found["scores"])]
        case ReviewSection.PROMISES:
            kept = found["decided"] - found["count"]
            parts = [f"{kept:,} of {found['decided']:,} promises kept: {_per_cent(kept, found['decided'])}"]
        case ReviewSection.TOUCHES:
            parts = [f"of {found['planned']:,} planned: {_per_cent(found['count'], found['planned'])}"]
        case ReviewSection.REJECTED:
            share = _per_cent(found["count"], found["answered"])
            parts = [f"{found['count']:,} of {found['answered']:,} answered: {share}"]
            usual = found["usual"]
            if usual[1]:
                parts.append(f"usual in twelve weeks: {_per_cent(*usual)} of {usual[1]:,}")
            if found["contested"]:
                parts.append(f"{found['contested']:,} contested")
        case ReviewSection.COLD:
            parts = [f"{found['silent']:,} of them fell silent"] if found["silent"] else []
    if found.get("before") is not None:
        parts.append(f"{found['before']:,} the week before")
    return "; ".join(part for part in parts if part)


def _sentence(section: str, found: Mapping[str, Any]) -> str:
    """What the bars show, said in one sentence."""
    count, known = found["count"], [row for row in found["reasons"] if not row[2]]
    if not count:
        return ""
    unit = counted(count, *UNITS[ReviewSection(section)])
    if not known:
        return f"None of {unit} has a reason yet."
    words, most, _ = known[0]
    first = [row[0] for row in known if row[1] == most]
    said = f"{words}: {most:,} of {unit}."
    if len(first) == 2:
        said = f"{first[0]} and {first[1].lower()}: {most:,} each of {unit}."
    elif len(first) > 2:
        said = f"Nothing stands out: {len(known)} kinds among {unit}, {most:,} of each at the most."
    missing = found["missing"]
    return f"{said} {missing:,} still {'needs' if missing == 1 else 'need'} a reason." if missing else said


TITLES = {
    ReviewSection.LEADS: "Leads delivered by marketing",
    ReviewSection.APPOINTMENTS: "Appointments made",
    ReviewSection.COLD: "Leads that went cold, and why",
    ReviewSection.PROMISES: "Leads not dispositioned as promised, and why",
    ReviewSection.TOUCHES: "Touches that did not take place, and why",
    ReviewSection.COMPLAINTS: "Complaints about lead quality",
    ReviewSection.REJECTED: "Rejected meetings by criterion",
}
EMPTY = {
    ReviewSection.LEADS: "Marketing delivered no lead to this team.",
    ReviewSection.APPOINTMENTS: "No meeting was booked.",
    ReviewSection.COLD: "No lead went cold.",
    ReviewSection.PROMISES: "Every promise of the week was kept.",
    ReviewSection.TOUCHES: "Every planned touch took place.",
    ReviewSection.COMPLAINTS: "Nobody complained about a lead.",
    ReviewSection.REJECTED: "No meeting was rejected.",
}
BY = {
    ReviewSection.LEADS: "by source",
    ReviewSection.APPOINTMENTS: "by what the AE said",
    ReviewSection.REJECTED: "by criterion",
}


def shown_list(
    section: ReviewSection,
    found: Mapping[str, Any],
    names: Names,
    since: Since | None,
    *,
    most: int | None = None,
) -> dict[str, Any]:
    """One list for a page: figure, verdict, bars and rows (the first ``most``)."""
    kind, words = _verdict(section, found)
    rows = [shown_row(section, row, names, since) for row in found["rows"][:most]]
    owed = [f"{names.rep(rep)} {count:,}" for rep, count in found["owed"]]
    return {
        "key": str(section),
        "name": section.label,
        "title": TITLES[section],
        "count": found["count"],
        "unit": UNITS[section][found["count"] != 1],
        "units": UNITS[section][1],
        "verdict": kind,
        "verdict_words": words,
        "detail": _detail(section, found),
        "by": BY.get(section, "by reason"),
        "bars": [(word, count, "", missing) for word, count, missing in found["reasons"][:8]],
        # A scale of four at least: it counts in whole ones.
        "bars_top": max([4, *(count for _, count, _ in found["reasons"])]),
        "sentence": _sentence(section, found),
        "owed": owed,
        "given_since": sum(1 for row in found["rows"] if since and row.get("needs") and since.of(row)),
        "rows": rows,
        "rest": max(len(found["rows"]) - len(rows), 0),
        "is_cut": found["count"] > len(found["rows"]) and section != ReviewSection.TOUCHES,
        "let_through": found.get("let_through", []),
        "empty": EMPTY[section],
        "is_asked": section in ASKED_FOR,
    }


def shown_lists(
    review: WeeklyReview, user: Any, *, most: int | None = None, only: Sequence[ReviewSection] | None = None
) -> list[dict[str, Any]]:
    """The lists of a pack that ``user`` reads. Eight statements at most, whatever its size."""
    sections = [one for one in sections_for(user, review) if only is None or one in only]
    lists = review.copy["lists"]
    names, since = Names(user, lists, sections), Since(review)
    return [shown_list(section, lists[section], names, since, most=most) for section in sections]
