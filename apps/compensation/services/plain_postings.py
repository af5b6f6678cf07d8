"""Post the pay of those for whom it is plain and nothing was posted yet, set-based; leave whoever is unchanged alone.

Everybody else is posted line by line (``services.computation``), with the same lines.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from operator import itemgetter

from django.db.models import Count

from apps.compensation.models import EntryKind, LedgerEntry, PayoutRun, Statement
from apps.compensation.rules.events import weight
from apps.compensation.rules.lines import Line, held_lines, limits_of, of_period
from apps.compensation.rules.terms import Component
from apps.compensation.selectors.earnings import Earned
from apps.compensation.selectors.inputs import PeriodInputs
from apps.compensation.selectors.plain_credits import Plain
from apps.compensation.selectors.releases import Releases
from apps.compensation.selectors.reopened import Books
from apps.compensation.services.plain_lines import Left, Places, PlainComponent, PlainLines, components_of
from apps.compensation.services.postings import Postings

Placed = tuple[int, int, Earned]
"""A line with its place among all that are posted together, and its rep."""


def unchanged(*, run: PayoutRun, plain: dict[int, Plain]) -> set[int]:
    """Those whose statement follows from the very same inputs, and stands as it was written. Two queries."""
    rows = Statement.objects.filter(run=run, rep_id__in=list(plain)).order_by()
    statements = list(rows.values_list("pk", "rep_id", "inputs", "line_count", "digest"))
    same = {
        (pk, rep_id, count)
        for pk, rep_id, inputs, count, digest in statements
        if inputs and inputs == plain[rep_id].digest and (digest or not count)
    }
    posted = _lines_by_statement(pk for pk, _, _ in same)
    of_rep: dict[int, int] = defaultdict(int)
    for _, rep_id, *_ in statements:
        of_rep[rep_id] += 1
    return {rep_id for pk, rep_id, count in same if of_rep[rep_id] == 1 and posted.get(pk, 0) == count}


def _lines_by_statement(statement_ids: Iterable[int]) -> dict[int, int]:
    rows = LedgerEntry.objects.filter(statement__in=list(statement_ids)).order_by()
    return dict(rows.values_list("statement_id").annotate(count=Count("pk")))


def post_plain(
    *, run: PayoutRun, inputs: PeriodInputs, books: Books, plain: dict[int, Plain]
) -> frozenset[int]:
    """Post, within the caller's transaction, for all of ``plain`` to whom nothing was posted; returns for whom."""
    components: dict[int, list[PlainComponent]] = {}
    number = 1
    for rep_id in sorted(set(plain) - _posted_to(run, list(plain))):
        found = components_of(plain[rep_id], first=number)
        if found is not None:
            components[rep_id] = found
            number += len(found)
    if components:
        _post(run, inputs, books, plain, components)
    return frozenset(components)


def _posted_to(run: PayoutRun, rep_ids: list[int]) -> set[int]:
    """Who has lines in the run or of its period."""
    of_these = LedgerEntry.objects.filter(rep_id__in=rep_ids).order_by()
    found = set(of_these.filter(run=run).values_list("rep_id", flat=True).distinct())
    of_period = of_these.filter(starts_on=run.starts_on, ends_on=run.ends_on)
    return found | set(of_period.values_list("rep_id", flat=True).distinct())


def _post(
    run: PayoutRun,
    inputs: PeriodInputs,
    books: Books,
    plain: dict[int, Plain],
    components: dict[int, list[PlainComponent]],
) -> None:
    new = Postings(run=run, as_of=books.as_of, rep_ids=list(components))
    new.follows_from = {rep_id: plain[rep_id].digest for rep_id in components}
    new.open_statements(dict.fromkeys(components, inputs))
    places = _lay_out(plain[rep_id] for rep_id in components)
    lines = PlainLines(
        run.period,
        run.pk,
        books.as_of,
        {rep_id: new.statement_of(rep_id, plain[rep_id].segment.plan.currency) for rep_id in components},
        [one for found in components.values() for one in found],
        places,
    )
    left = lines.weigh()
    by_number = {one.number: one for one in lines.components}
    made = list(_of_engine(by_number, places, [one for one in left if one.held_minor is None]))
    held = [one for one in made if one[2].line.kind == EntryKind.HOLDBACK]
    held += _held_lines(by_number, places, [one for one in left if one.held_minor is not None])
    limited = list(_limited(plain[rep_id] for rep_id in components))
    if limited:
        made += _limits(
            limited, places, _earned(lines, made, {(one.rep_id, component.key) for one, component in limited})
        )
    end = max((one.end for one in places.values()), default=0)
    released = _released(run, books, sorted(held, key=itemgetter(0)))
    made += [(at, rep_id, one) for at, (rep_id, one) in enumerate(released, end + 1)]
    new.write_first_sums(lines.write((at, new.first_line(rep_id, one)) for at, rep_id, one in made))


def _lay_out(reps: Iterable[Plain]) -> dict[tuple[int, str], Places]:
    """Where the lines of each rep's components stand: one rep after the other, components as the plan has them."""
    found, end = {}, 0
    for plain in reps:
        for component in plain.segment.plan.components:
            places = found[plain.rep_id, component.key] = Places.of(plain, component, end)
            end = places.end
    return found


def _of_engine(
    by_number: dict[int, PlainComponent], places: dict[tuple[int, str], Places], left: list[Left]
) -> Iterator[Placed]:
    """The lines that the statement left, and what is held back of them."""
    for one in left:
        of = by_number[one.number]
        event = one.event(of.component)
        weighed = weight(of.component, event, of.plain.segment.plan.currency)
        line = of.reckoning.line_of(event, weighed, one.before, one.base, one.place)
        rep_id, version_id = of.plain.rep_id, of.plain.segment.version_id
        stand = places[rep_id, of.component.key]
        yield stand.first + one.place, rep_id, Earned(version_id, line)
        if of.component.holdback is not None:
            for held in held_lines(of.component.holdback, [line]):
                yield stand.held + one.place, rep_id, Earned(version_id, held)


def _held_lines(
    by_number: dict[int, PlainComponent], places: dict[tuple[int, str], Places], held: list[Left]
) -> Iterator[Placed]:
    """What the statement held back for events with a deal, as far as a release looks at it: event and amount."""
    for one in held:
        of = by_number[one.number]
        currency = of.plain.segment.plan.currency
        line = of_period(of.component, currency, "", "", (), "holdback", one.event(of.component))
        line.amount_minor = one.held_minor or 0
        at = places[of.plain.rep_id, of.component.key].held + one.place
        yield at, of.plain.rep_id, Earned(of.plain.segment.version_id, line)


def _released(run: PayoutRun, books: Books, held: Iterable[Placed]) -> Iterator[tuple[int, Earned]]:
    """What is released at once of pay that is held back; the last lines of a rep's."""
    by_rep: dict[int, list[tuple[int, Line]]] = defaultdict(list)
    for _, rep_id, one in held:
        by_rep[rep_id].append((one.version_id, one.line))
    releases = Releases(run.period, list(by_rep), books.as_of, books.shelf)
    for rep_id, lines in by_rep.items():
        for version_id, line in releases.of(rep_id, lines):
            yield rep_id, Earned(version_id, line)


def _limited(reps: Iterable[Plain]) -> Iterator[tuple[Plain, Component]]:
    for plain in reps:
        for component in plain.segment.plan.components:
            if component.cap_minor is not None or component.floor_minor is not None:
                yield plain, component


def _earned(lines: PlainLines, made: list[Placed], of: set[tuple[int, str]]) -> dict[tuple[int, str], int]:
    """What the lines earn, by rep and component, whoever makes them."""
    found = defaultdict(int, lines.earned(of))
    for _, rep_id, one in made:
        if one.line.kind == EntryKind.EARNING:
            found[rep_id, one.line.component_key] += one.line.amount_minor
    return found


def _limits(
    limited: list[tuple[Plain, Component]],
    places: dict[tuple[int, str], Places],
    earned: dict[tuple[int, str], int],
) -> Iterator[Placed]:
    """The lines of caps and floors, by what is earned."""
    for one, component in limited:
        key = one.rep_id, component.key
        for line in limits_of(component, earned.get(key, 0), one.segment.plan.currency):
            yield places[key].limit + 1, one.rep_id, Earned(one.segment.version_id, line)
