"""One case of engine against oracle, and as many as somebody asks for. No database, no clock."""

from fractions import Fraction
from random import Random

from apps.compensation.rules.earn import earn
from apps.compensation.rules.events import CreditedEvent, Ended, UnableToEarn
from apps.compensation.rules.lines import Line, evaluate
from apps.compensation.rules.plan import parse_plan
from apps.core.money import allocate, exponent, round_half_up
from tests.compensation import formula_reader, random_pay, slow_oracle
from tests.compensation.slow_oracle import Deal, Key, Refused


class Apart(AssertionError):
    """Engine and oracle do not agree; the message is the whole case."""


def event_of(deal: Deal) -> CreditedEvent:
    """The deal as the engine is told it."""
    return CreditedEvent(
        deal.number,
        deal.kind,
        deal.capacity,
        deal.share,
        deal.amount,
        deal.currency,
        deal.exploration,
        figures={name: Fraction(value) for name, value in deal.figures.items()},
        facts={"industry": deal.industry},
        is_no_show=deal.no_show,
        ended=None if deal.gone_after is None else Ended(deal.gone_after, 10_000 + deal.number),
        on=deal.day,
    )


def check_case(seed: int) -> int:
    """Compare one case, by the seed; returns how many lines it had. Raises ``Apart``."""
    rng = Random(seed)
    document = random_pay.plan(rng)
    deals = random_pay.deals(rng, document)
    quotas = random_pay.quotas(rng)
    plan = parse_plan(document)
    told = {rule: quotas[rule.measure] for rule in plan.quota_rules}
    wanted: dict[Key, int] | None
    lines: list[Line] | None
    try:
        wanted = slow_oracle.pay_of(document, deals, quotas)
    except Refused:
        wanted = None
    try:
        lines = earn(plan, [event_of(deal) for deal in deals], told)
    except UnableToEarn:
        lines = None
    found = None
    if lines is not None:
        found = {(line.component_key, line.source_key, line.currency): line.amount_minor for line in lines}
    if found != wanted or (lines is not None and len(lines) != len(found or ())):
        raise Apart(f"seed {seed}: engine {found}, oracle {wanted}\n{document}\n{deals}\n{quotas}")
    for line in lines or ():
        _explains_itself(line, seed)
    return len(lines or ())


def _explains_itself(line: Line, seed: int) -> None:
    """The words, the terms and the parts of a line all give its amount."""
    places = exponent(line.currency)
    said = formula_reader.minor(line.formula, places)
    terms = evaluate(line.terms)
    parts = sum(part.amount_minor for part in line.parts) if line.parts else line.amount_minor
    if not line.amount_minor == said == round_half_up(terms) == parts or terms != line.exact:
        raise Apart(f"seed {seed}: {line.amount_minor}, words {said}, terms {terms}, parts {parts}: {line}")


def check_split(rng: Random) -> None:
    """One amount shared among up to twelve: the parts make the whole, and none is a unit off its share."""
    total = rng.choice((-1, 1)) * rng.choice((0, 1, 2, rng.randint(0, 999), rng.randint(0, 10**12)))
    kind = rng.random()
    count = rng.randint(1, 12)
    if kind < 0.3:
        weights = [1] * count
    elif kind < 0.6:
        weights = [rng.randint(0, 9) for _ in range(count)]
    else:
        weights = [rng.randint(0, 1_000_000) for _ in range(count)]
    if not any(weights):
        weights[rng.randrange(count)] = 1
    parts = allocate(total, weights)
    whole = sum(weights)
    if sum(parts) != total:
        raise Apart(f"{total} by {weights}: {parts} make {sum(parts)}")
    size = abs(total)
    left = []
    for place, (part, weight) in enumerate(zip(parts, weights, strict=True)):
        least, rest = divmod(size * weight, whole)
        own = abs(part)
        if own - least not in (0, 1) or (own > least and not rest) or part * total < 0:
            raise Apart(f"{total} by {weights}: {parts}, and {part} is not the share of {weight}")
        left.append((-rest, place, own - least))
    # Units that are left over go to the largest remainders, the earlier first.
    extra = [one for _, _, one in sorted(left)]
    if extra != sorted(extra, reverse=True):
        raise Apart(f"{total} by {weights}: {parts} is not by largest remainder")
