"""A replay as its page tells it: the sentence, the headline figures, the slope of each person, the tables."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from apps.compensation.models import ReplayMeasure, ReplayPay
from apps.compensation.rules.agreement import FEW, RankCorrelation
from apps.compensation.selectors.replay_lines import ReplayedPeriod
from apps.compensation.selectors.replay_results import PersonResult, PersonRow, ReplayResults, SumRow
from apps.core.money import in_words, quantize, to_major
from apps.core.periods import Period

_NUMBERS = (
    "no",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
)


def signed(minor: int, currency: str) -> str:
    """``+ 1,428.90``, ``− 33.60``, ``0.00``: with a true minus, without a symbol."""
    sign = "+ " if minor > 0 else "− " if minor < 0 else ""
    return f"{sign}{abs(to_major(minor, currency)):,}"


def signed_share(change: int, before: int, places: int = 1) -> str:
    """The change as a percentage of what was; a dash where there was nothing."""
    if before <= 0:
        return "–"
    share = quantize(Fraction(change, before) * 100, places)
    sign = "+ " if share > 0 else "− " if share < 0 else ""
    return f"{sign}{abs(share)}\u00a0%"


def people_words(count: int) -> str:
    """``one person``, ``four people``, ``31 people``."""
    return f"{number_word(count)} {'person' if count == 1 else 'people'}"


def number_word(count: int) -> str:
    """``four``, and figures beyond twelve."""
    return _NUMBERS[count] if count < len(_NUMBERS) else f"{count:,}"


@dataclass(frozen=True)
class Sides:
    """Who gains, who loses and for whom nothing changes, the greatest change first."""

    gain: list[PersonResult]
    lose: list[PersonResult]
    same: list[PersonResult]
    gained_minor: int
    lost_minor: int


def sides(found: ReplayResults, alternative: int) -> Sides:
    gain = [one for one in found.people if one.change(alternative) > 0]
    lose = [one for one in found.people if one.change(alternative) < 0]
    return Sides(
        sorted(gain, key=lambda one: (-one.change(alternative), one.name)),
        sorted(lose, key=lambda one: (one.change(alternative), one.name)),
        [one for one in found.people if one.change(alternative) == 0],
        sum(one.change(alternative) for one in gain),
        sum(one.change(alternative) for one in lose),
    )


def verdict(found: ReplayResults, alternative: int) -> tuple[str, str]:
    """What it comes to: the cost, and then who and what moves it."""
    change, currency, name = found.change(alternative), found.currency, found.names[alternative]
    if change:
        more = "more" if change > 0 else "less"
        share = signed_share(change, found.total(ReplayPay.IN_FORCE))
        by_share = "" if share == "–" else f" ({share})"
        sum_words = in_words(abs(change), currency)
        first = f"{name} would have cost {sum_words} {more} than the plans that were in force{by_share}."
    else:
        first = f"{name} would have cost what the plans that were in force did."
    both = sides(found, alternative)
    said = []
    if both.gain:
        gains = people_words(len(both.gain))
        said.append(
            f"{gains} gain{'s' if len(both.gain) == 1 else ''} {in_words(both.gained_minor, currency)} together"
        )
    if both.lose:
        loses = people_words(len(both.lose))
        said.append(
            f"{loses} lose{'s' if len(both.lose) == 1 else ''} {in_words(-both.lost_minor, currency)}"
        )
    rest = ", ".join(said)
    rest = f"{rest[:1].upper()}{rest[1:]}." if rest else "Nobody’s pay changes."
    return first, f"{rest} {_moved_by(found, alternative)}".strip()


def verb(word: str, people: Sequence[PersonResult]) -> str:
    """``gains`` of one, ``gain`` of several."""
    return f"{word}s" if len(people) == 1 else word


def plural(count: int, word: str) -> str:
    """``1 deal``, ``1,204 deals``."""
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def _moved_by(found: ReplayResults, alternative: int) -> str:
    """The component that adds most and the one that saves most."""
    changes = sorted(
        ((row.pay[alternative] - row.pay[ReplayPay.IN_FORCE], row.name) for row in found.by_component),
    )
    if not changes:
        return ""
    (least, saver), (most, adder) = changes[0], changes[-1]
    said = []
    if most > 0:
        said.append(f"“{adder}” adds {in_words(most, found.currency)}")
    if least < 0:
        said.append(f"“{saver}” saves {in_words(-least, found.currency)}")
    return f"{', '.join(said)}." if said else ""


def stats(found: ReplayResults, alternative: int) -> list[dict[str, str]]:
    """Four headline figures."""
    currency, change = found.currency, found.change(alternative)
    before, after = found.total(ReplayPay.IN_FORCE), found.total(alternative)
    months = len(found.by_period)
    both = sides(found, alternative)
    worst = max(both.lose, key=lambda one: (_loss(one, alternative), one.name), default=None)
    return [
        {"k": "Total as it was", "v": _major(before, currency), "n": f"{currency}, {plural(months, 'pay period')}"},
        {
            "k": f"Total, {found.names[alternative]}",
            "v": _major(after, currency),
            "n": f"{signed(change, currency)}, {signed_share(change, before)}" if change else "the same",
        },
        {
            "k": "Cost of each 100 won",
            "v": f"{cost_words(found, ReplayPay.IN_FORCE)} → {cost_words(found, alternative)}",
            "n": f"on {in_words(found.won_minor, currency)} won, {plural(found.won_count, 'deal')}"
            if found.won_minor
            else f"nothing was won in {currency}",
        },
        {
            "k": "Largest loss",
            "v": signed_share(worst.change(alternative), worst.pay[ReplayPay.IN_FORCE]) if worst else "nobody",
            "n": f"{worst.name}, {signed(worst.change(alternative), currency)}" if worst else "is paid less",
        },
    ]  # fmt: skip


def _loss(one: PersonResult, alternative: int) -> Fraction:
    before = one.pay[ReplayPay.IN_FORCE]
    return Fraction(-one.change(alternative), before) if before > 0 else Fraction(0)


def _major(minor: int, currency: str) -> str:
    return f"{to_major(minor, currency):,}".replace("-", "− ")


def cost_words(found: ReplayResults, alternative: int) -> str:
    """``4.75``: what each hundred won cost in pay."""
    cost = found.cost_per_won(alternative)
    return "–" if cost is None else f"{quantize(cost * 100, 2):,}"


# --- Tables ---------------------------------------------------------------------------------------


def sum_rows(rows: Iterable[SumRow], alternative: int, currency: str) -> list[dict[str, Any]]:
    """Components or periods: as it was, as it would have been, the change; with their total as the last."""
    listed = list(rows)
    shown = [(row.name, row.pay[ReplayPay.IN_FORCE], row.pay[alternative], False) for row in listed]
    shown.append(("Total", sum(row[1] for row in shown), sum(row[2] for row in shown), True))
    return [
        {
            "name": name,
            "before": before,
            "after": after,
            "change": signed(after - before, currency),
            "total": last,
        }
        for name, before, after, last in shown
    ]


def paid_note(found: ReplayResults) -> str:
    """Whether the plans that were in force give what was paid, to the cent."""
    if not found.paid_periods:
        return "No run has paid these months yet, so there is nothing to hold the figures against."
    count = len(found.paid_periods)
    whole = "All" if count == len(found.by_period) else f"{count} of {len(found.by_period)}"
    if found.apart:
        return ""
    return f"As it was equals what the ledger says, to the cent. {whole} periods were paid by a run."


def compared(found: ReplayResults) -> list[dict[str, Any]]:
    """Every alternative in one row each, with what was as the first."""
    rows = []
    for number in (ReplayPay.IN_FORCE, *found.alternatives):
        agreed = found.agreement(number).pairs
        both = sides(found, number)
        rows.append(
            {
                "number": number,
                "name": found.names[number],
                "is_past": number == ReplayPay.IN_FORCE,
                "total": found.total(number),
                "change": signed(found.change(number), found.currency)
                if number != ReplayPay.IN_FORCE
                else "",
                "share": signed_share(found.change(number), found.total(ReplayPay.IN_FORCE)),
                "cost": cost_words(found, number),
                "gain": len(both.gain),
                "lose": len(both.lose),
                "agreed": agreed.share,
                "width": str(quantize(agreed.share * 100, 2)) if agreed.share is not None else "0",
                "pairs": agreed.compared,
                "held": found.left_open.get((ReplayMeasure.HELD, number), 0),
                "owed": found.left_open.get((ReplayMeasure.OWED, number), 0),
            }
        )
    return rows


def agreement_sentence(rows: Sequence[dict[str, Any]]) -> tuple[str, str]:
    """Whose pay agreed most with revenue, and on how many pairs that rests."""
    count = rows[0]["pairs"]
    if not count:
        return (
            "There is nothing to compare.",
            "No two people of one role brought different revenue in these months.",
        )
    best = max(row["agreed"] for row in rows)
    leaders = [row["name"] for row in rows if row["agreed"] == best]
    share = f"{quantize(best * 100, 0)}\u00a0%"
    if len(leaders) == len(rows):
        first = "The plans agree with revenue equally."
    else:
        first = f"{' and '.join(leaders)} agreed most with the revenue that came."
    pairs = plural(count, "pair")
    return first, (
        f"In {share} of {pairs} of peers, whoever brought more revenue was paid more."
        + (" With so few pairs, that may be chance." if count < FEW * (FEW - 1) // 2 else "")
    )


def rank_words(found: RankCorrelation) -> str:
    """``0.62 (0.11 to 0.87)``, or what is missing for it."""
    if found.rho is None:
        return "nothing varies"
    rho = _signed_rho(found.rho)
    if found.low is None or found.high is None:
        return f"{rho}, too few for an interval" if found.is_few else rho
    return f"{rho} ({_signed_rho(found.low)} to {_signed_rho(found.high)})"


def _signed_rho(value: Decimal) -> str:
    rounded = quantize(value, 2)
    return f"− {abs(rounded)}" if rounded < 0 else str(rounded)


def rank_rows(found: ReplayResults) -> list[dict[str, Any]]:
    """Spearman's rho of each role under each alternative."""
    numbers = (ReplayPay.IN_FORCE, *found.alternatives)
    by_number = [found.agreement(number).by_role for number in numbers]
    return [
        {"role": role, "people": one.people, "words": [rank_words(each[place][1]) for each in by_number]}
        for place, (role, one) in enumerate(by_number[0])
    ]


# --- People ---------------------------------------------------------------------------------------


def person_row(one: PersonResult, alternative: int, currency: str) -> dict[str, Any]:
    """A person in the table of who gains and who loses."""
    return group_row([one], alternative, currency) | {
        "person_id": one.person_id,
        "name": one.name,
        "team": one.team,
    }


def group_row(people: Sequence[PersonResult], alternative: int, currency: str) -> dict[str, Any]:
    """Sums over ``people``, with the change in money and in percent."""
    before = sum(one.pay[ReplayPay.IN_FORCE] for one in people)
    after = sum(one.pay[alternative] for one in people)
    return {
        "accepted": sum(one.accepted for one in people),
        "won": sum(one.won_minor for one in people),
        "before": before,
        "after": after,
        "change": signed(after - before, currency),
        "kind": "ok" if after > before else "bad" if after < before else "",
        "share": signed_share(after - before, before),
    }


def person_months(
    rows: Sequence[PersonRow], periods: Iterable[Period], alternative: int, currency: str
) -> list[dict[str, Any]]:
    """Each pay period of a person with its components, held and released pay told apart."""
    found = []
    for period in periods:
        own = [row for row in rows if row.period == period]
        lines = [
            {
                "name": row.name,
                "kind": KIND_WORDS.get(row.kind, ""),
                "before": row.pay[ReplayPay.IN_FORCE],
                "after": row.pay[alternative],
                "change": signed(row.pay[alternative] - row.pay[ReplayPay.IN_FORCE], currency),
            }
            for row in own
            if row.pay[ReplayPay.IN_FORCE] or row.pay[alternative]
        ]
        before = sum(row.pay[ReplayPay.IN_FORCE] for row in own)
        after = sum(row.pay[alternative] for row in own)
        found.append(
            {
                "period": period,
                "lines": lines,
                "before": before,
                "after": after,
                "change": signed(after - before, currency),
            }
        )
    return found


KIND_WORDS = {
    "holdback": "held back",
    "release": "released",
    "draw_advance": "advanced",
    "draw_recovery": "taken back",
    "draw_forgiveness": "given up",
}


def arithmetic(name: str, worked_out: ReplayedPeriod, kept_minor: int, currency: str) -> dict[str, Any]:
    """The lines of one side, worked out anew, and whether they still give what the replay kept."""
    now = worked_out.total(currency)
    return {
        "name": name,
        "lines": [
            {
                "title": one.title,
                "component": one.line.component_name,
                "kind": KIND_WORDS.get(one.line.kind, ""),
                "formula": one.line.formula,
                "amount": one.line.amount_minor,
            }
            for one in worked_out.lines
            if one.line.currency == currency
        ],
        "problem": worked_out.problem,
        "total": kept_minor,
        "differs": not worked_out.problem and now != kept_minor,
        "now": now,
    }
