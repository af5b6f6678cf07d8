"""A scorecard as PDF: its figures, the peers' spread, what changed since, notes, actions and signatures.

The data are texts made here; how they are set is ``scorecard.typ``. What a manager keeps to themselves is not read at
all, so that it cannot be in the file.
"""

from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings

from apps.compensation.reports.typesetting import typeset
from apps.reps.models import Rep, RepRole
from apps.scorecards.models import Scorecard, ScorecardAction, SignedAs
from apps.scorecards.presentation import card_context, funnel_steps
from apps.scorecards.presentation_since import since_rows
from apps.scorecards.rules.figures import plain
from apps.scorecards.selectors.card_actions import agreed_over, opens_with
from apps.scorecards.selectors.cards import Card
from apps.scorecards.selectors.since_closed import since_closed

_TEMPLATE = Path(__file__).with_name("scorecard.typ")


def scorecard_pdf(*, card: Card, rep: Rep, row: Scorecard | None, at: datetime) -> bytes:
    """The card set as PDF, dated ``at`` (``rep`` with team and user loaded)."""
    return typeset(_TEMPLATE, data_of(card, rep, row), at=at)


def data_of(card: Card, rep: Rep, row: Scorecard | None) -> dict[str, Any]:
    """What the template says, as plain texts and numbers."""
    said = card_context(card, is_own=False)
    frozen = row is not None and row.is_frozen
    state = (
        f"closed as of {_moment(row.frozen_at)}" if row is not None and frozen else "open: figures still move"
    )
    spread = said["spread"]
    since = since_rows(since_closed(card=card, rep=rep), card) if card.as_of is not None else None
    funnel = funnel_steps(card)
    return {
        "title": f"Scorecard, {card.month.name}",
        "head": card.rep_name,
        "who": f"{RepRole(card.role).label}, {card.team_name}. Over {said['basis']}; {state}.",
        "foot": f"Fingerprint {row.fingerprint[:16]}" if row is not None and frozen else "Not closed",
        "index": _index(said),
        "rows": [
            [
                one["name"],
                one["own"],
                one["made_of"],
                one["trend_words"],
                f"{one['target']}{' (assumed)' if one['target_from'] == 'assumption' else ''}" or "none",
                one["mean"],
            ]
            for one in [*said["index_rows"], *said["rows"]]
        ],
        "spread": _spread(spread) if spread else None,
        "funnel": {
            "sentence": funnel["sentence"],
            "rows": _steps(card),
        },
        "promises": [
            [name, share, f"{kept} of {decided}"] for name, share, kept, decided in said["promises"]
        ],
        "since": since["sentence"] if since else "",
        "differences": [[one["name"], one["then"], one["now"], one["change"]] for one in since["rows"]]
        if since
        else [],
        "carried": [_action(one) for one in opens_with(rep=rep, month=card.month)],
        "actions": [_action(one) for one in agreed_over(rep=rep, month=card.month)],
        "notes": [
            [f"{one.author.name}, {_moment(one.written_at)}", one.text]
            for one in (row.notes.select_related("author") if row is not None else ())
        ],
        "signatures": _signatures(row),
    }


def _steps(card: Card) -> list[list[str]]:
    """Each step with what went on from the one before."""
    rows, before = [], Fraction(0)
    for word, count in card.funnel:
        share = f"{plain(100 * count / before, 1)} % of the step before" if before else ""
        rows.append([word, plain(count, 2), share])
        before = count
    return rows


def _index(said: dict[str, Any]) -> list[list[str]]:
    if "placed" not in said:
        return []
    tier = said["tier"]
    moved = (
        f"Tier {tier['before']} to tier {tier['after']}" if tier["moves"] else f"Tier {tier['after']}, stays"
    )
    rows = [
        ["Index", f"{said['index']}, rank {said['rank']} of {said['of']}"],
        ["Tier", f"{moved}. {tier['reason']}"],
    ]
    if said["adjusted"]:
        rows.insert(1, ["Adjusted for the lead mix", said["adjusted"]])
    return rows


def _spread(spread: dict[str, Any]) -> dict[str, Any]:
    """Places along a line from 0 to 1000, for the picture; the table behind it has the figures."""
    values = [value for _, value in spread["points"]]
    low = min([*values, *(value for value, _ in spread["marks"])])
    high = max([*values, *(value for value, _ in spread["marks"])])
    width = (high - low) or 1

    def place(value: Any) -> int:
        return int((value - low) * 1000 / width)

    ranked = sorted(spread["points"], key=lambda one: one[1], reverse=True)
    return {
        "sentence": spread["sentence"],
        "points": [{"x": place(value), "own": name == spread["own"]} for name, value in spread["points"]],
        "marks": [{"x": place(value), "word": word} for value, word in spread["marks"]],
        "rows": [[str(number), name, f"{value:,}"] for number, (name, value) in enumerate(ranked, 1)],
        "own": spread["own"],
    }


def _action(one: ScorecardAction) -> list[str]:
    closing = getattr(one, "closing", None)
    state = f"by {_day(one.due_on)}"
    if closing is not None:
        state = f"{closing.get_outcome_display().lower()} {_moment(closing.at)}"
        state += f": {closing.words}" if closing.words else ""
    return [one.text, one.owner.name, state]


def _signatures(row: Scorecard | None) -> list[list[str]]:
    signed = {one.signed_as: one for one in row.signatures.select_related("user")} if row is not None else {}
    return [
        [
            str(part.label),
            f"{signed[part].user.name}, {_moment(signed[part].signed_at)}"
            if part in signed
            else "not signed yet",
        ]
        for part in (SignedAs.MANAGER, SignedAs.REP)
    ]


def _day(day: Any) -> str:
    return f"{day.day} {day:%b %Y}"


def _moment(at: datetime | None) -> str:
    if at is None:
        return "–"
    local = at.astimezone(ZoneInfo(settings.COMPANY_TIME_ZONE))
    return f"{_day(local)}, {local:%H:%M}"
