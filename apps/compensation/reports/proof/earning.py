"""What events earn under a plan file, worked out anew: a second, slow and plain reading of the plan's rules.

It shares nothing with the portal that computed the statement. Everything is an exact fraction; a line is rounded
once, half away from zero, to the minor unit. Graduated rates are an integral over the running total, so bands need
no cutting. Standard library only.
"""

from datetime import date, timedelta
from fractions import Fraction

WHOLE_SHARE = 1_000_000
PLACES = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF".split(),
    3: "BHD IQD JOD KWD LYD OMR TND".split(),
}
NUMBERS = ("amount", "employees", "score_points")
LAST_DAY = date.max - timedelta(days=1)


class CannotRecompute(Exception):
    """Something that the plan asks for is not in the pack."""


# --- Numbers --------------------------------------------------------------------------------------


def size_of(currency):
    """How many minor units make a whole."""
    return 10 ** next((places for places, codes in PLACES.items() if currency in codes), 2)


def number(text):
    return Fraction(str(text))


def half_up(value):
    whole = (2 * abs(value) + 1) // 2
    return int(whole if value >= 0 else -whole)


def shared(total, weights):
    """``total`` in parts by ``weights``, by largest remainder; a tie goes to the earlier part."""
    sign, whole = (-1 if total < 0 else 1), sum(weights)
    exact = [abs(total) * Fraction(one) / whole for one in weights]
    parts = [int(one) for one in exact]
    order = sorted(range(len(parts)), key=lambda at: (parts[at] - exact[at], at))
    for at in order[: abs(total) - sum(parts)]:
        parts[at] += 1
    return [sign * part for part in parts]


def month_end(day):
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


# --- Rates ----------------------------------------------------------------------------------------


def at(edges, value):
    """The value of the band that ``value`` lies in: an edge belongs to the higher band, below zero is the first."""
    found = edges[0][1]
    for start, one in edges:
        if value >= start:
            found = one
    return found


def integral(edges, upto):
    """What all between zero and ``upto`` pays; ``edges`` are (start, rate), contiguous from zero."""
    if upto < 0:
        return edges[0][1] * upto
    total = Fraction(0)
    for place, (start, rate) in enumerate(edges):
        end = edges[place + 1][0] if place + 1 < len(edges) else upto
        total += rate * max(min(end, upto) - start, 0)
    return total


class Rates:
    """The rates of a component as a step function of the total, in the measure's own units."""

    def __init__(self, component, goal):
        self.component, self.goal = component, goal

    def edges(self, item, value, by):
        scale = self.scale(item.get("bands_in", "units"))
        return [(number(band["from"]) * scale, number(band[value]) * by) for band in item["bands"]]

    def scale(self, unit):
        if unit == "percent_of_quota":
            return Fraction(self.component.must(self.goal, "quota"), 100)
        return Fraction(size_of(self.component.currency) if self.component.is_money else 1)

    def threshold(self):
        item = self.component.says.get("threshold")
        return None if item is None else number(item["at"]) * self.scale(item["in"])

    def steps(self):
        """(start, rate), with the accelerator and what lies below a threshold multiplied in."""
        says = self.component.says
        own = self.edges(
            {**says["rates"], "bands_in": says.get("bands_in", "units")}, "rate", self.component.per
        )
        faster = [
            self.edges(one, "times", Fraction(1))
            for one in says.get("multipliers", ())
            if "bands" in one and one["method"] == "graduated"
        ]
        starts = {start for edges in (own, *faster) for start, _ in edges}
        item, edge = says.get("threshold"), self.threshold()
        is_part = item is not None and item["pays"] == "what_is_above"
        if is_part:
            starts.add(edge)
        found = []
        for start in sorted(starts):
            rate = at(own, start)
            for edges in faster:
                rate *= at(edges, start)
            found.append((start, Fraction(0) if is_part and start < edge else rate))
        return found


# --- Components -----------------------------------------------------------------------------------


class Component:
    """One component of a plan file."""

    def __init__(self, plan, says, rate_on):
        self.plan, self.says, self.rate_on = plan, says, rate_on
        self.key, self.currency, self.measure = says["key"], plan["currency"], says["measure"]
        of = self.measure.get("of", "count")
        self.is_money = of == "amount" or (of == "figure" and self.measure.get("unit") == "money")
        self.per = Fraction(size_of(self.currency)) if says["pays"] == "per_unit" else Fraction(1, 100)
        self.basis, self.scope = says.get("basis", "run"), says.get("scope", "own")

    def must(self, value, what):
        if not value or value < 0:
            raise CannotRecompute(f"the pack has no {what} above zero for “{self.key}”")
        return value

    def minor(self, name):
        return int(number(self.says[name]) * size_of(self.currency)) if name in self.says else None

    @property
    def has_budget(self):
        return "budget" in self.says.get("bonus", {})

    # --- Which events count -----------------------------------------------------------------------

    def converted(self, event):
        """The event with its currency and factor: by the rate of its day, or of its month's end, if asked."""
        event = dict(event, factor=Fraction(1), own=event["currency"])
        how = self.measure.get("other_currencies", "")
        if how in ("event_day", "month_end") and event["currency"] not in ("", self.currency):
            day = event["on"] if how == "event_day" else month_end(event["on"])
            rate = self.rate_on(event["currency"], self.currency, day)
            event["factor"] = rate * Fraction(size_of(self.currency), size_of(event["currency"]))
            event["currency"] = self.currency
        return event

    def counts(self, event):
        measure, bonus = self.measure, self.says.get("bonus")
        if event["kind"] != measure["event"] or event["capacity"] != measure["capacity"]:
            return False
        if event["ended_after"] is not None and "clawback" not in self.says:
            return False
        if event["no_show"] and self._leaves_out_no_shows():
            return False
        if bonus and not bonus["from"] <= event["on"].isoformat() < bonus["to"]:
            return False
        return self.meets(measure.get("where", []), event)

    def _leaves_out_no_shows(self):
        usual = "left_out" if self.measure["event"] in ("booked", "handed_off") else "pay"
        if self.plan["format"].endswith("/1"):
            usual = "pay"
        return self.measure.get("no_shows", usual) == "left_out"

    def meets(self, where, event):
        if isinstance(where, dict):
            where = [{"field": name, "is": "is", "value": value} for name, value in where.items()]
        return all(self._holds(row, event) for row in where)

    def _holds(self, row, event):
        field, operator = row["field"], row["is"]
        known = self._known(field, event)
        if known is None or known == "":
            return operator == "is_not"
        values = row["value"] if isinstance(row["value"], list) else [row["value"]]
        if field in NUMBERS or field.startswith("figure:"):
            known, values = number(known), [number(value) for value in values]
            if operator in ("at_least", "below"):
                return (known >= values[0]) == (operator == "at_least")
            return (known in values) != (operator == "is_not")
        if isinstance(known, bool):
            known = "yes" if known else "no"
        same = str(known).casefold() in {str(value).casefold() for value in values}
        return same != (operator == "is_not")

    @staticmethod
    def _known(field, event):
        if field == "exploration":
            return event["exploration"]
        if field == "amount":
            amount = event["amount_minor"]
            return None if amount is None else amount * event["factor"] / size_of(event["currency"])
        if field == "currency":
            return event["currency"]
        if field.startswith("figure:"):
            return event["figures"].get(field.removeprefix("figure:"))
        return event["facts"].get(field)

    # --- What an event weighs ---------------------------------------------------------------------

    def weight(self, event):
        measure, of = self.measure, self.measure.get("of", "count")
        if of == "count":
            value = Fraction(1)
        elif of == "amount":
            value = event["amount_minor"]
        else:
            value = event["figures"].get(measure["figure"])
            if value is not None and self.is_money:
                value = number(value) * size_of(event["own"] or self.currency)
        if value is None:
            return Fraction(0)
        value = number(value)
        if measure.get("not_below_zero") == "yes":
            value = max(value, Fraction(0))
        if self.is_money:
            value *= event["factor"]
        value *= Fraction(event["share"], WHOLE_SHARE)
        if "split" in self.says:
            value *= number(self.says["split"][measure["capacity"]]) / 100
        if "term" in measure:
            years = number(event["figures"].get(measure["term"]["figure"], 0))
            value *= min(self.must(years, "term"), number(measure["term"].get("years", 1))) / years
        return value * self.kept(event)

    def kept(self, event):
        """What stays earned of what was reversed within the clawback's days."""
        if event["ended_after"] is None:
            return Fraction(1)
        window = number(self.says["clawback"]["within_days"])
        if event["ended_after"] >= window:
            return Fraction(1)
        is_part = self.says["clawback"]["method"] == "pro_rata"
        return event["ended_after"] / window if is_part else Fraction(0)

    # --- What it pays -----------------------------------------------------------------------------

    def earns(self, events, goal):
        """(event or None, source, currency, amount) of all that counts, in order."""
        groups = {}
        for event in events:
            if self.counts(event):
                paid_in = (event["currency"] or self.currency) if self.is_money else self.currency
                groups.setdefault(paid_in, []).append(event)
        return [row for currency, group in groups.items() for row in self._paid(group, currency, goal)]

    def _paid(self, events, currency, goal):
        if "quota" in self.says:
            self.must(goal, "quota")
        bases = [self.weight(event) for event in events]
        rates, total, says = Rates(self, goal), sum(bases), self.says
        is_grid = says["rates"]["method"] == "grid"
        steps = [] if is_grid else rates.steps()
        is_cliff = says.get("threshold", {}).get("pays") == "everything" and total < rates.threshold()
        if is_cliff:
            steps, is_grid = [(Fraction(0), Fraction(0))], False
        if says["pays"] == "target_by_band":
            return [(None, "target", currency, half_up(self.minor("target") * at(steps, total)))]
        is_whole = is_cliff or says["rates"]["method"] == "whole"
        before, found = Fraction(0), []
        for event, base in zip(events, bases, strict=True):
            if is_grid:
                pay = base * self._cell(event, total, goal)
            elif is_whole:
                pay = base * at(steps, total)
            else:
                pay = integral(steps, before + base) - integral(steps, before)
            if says["pays"] == "percent_of_target":
                pay = self.minor("target") * pay / goal
            pay *= self._factor(event, total, rates)
            found.append((event, event["source"], currency, half_up(pay)))
            before += base
        return found

    def _factor(self, event, total, rates):
        factor = Fraction(1)
        for one in self.says.get("multipliers", ()):
            if "where" in one:
                factor *= number(one["times"]) if self.meets(one["where"], event) else 1
            elif one["method"] == "whole":
                factor *= at(rates.edges(one, "times", Fraction(1)), total)
        return factor

    def _cell(self, event, total, goal):
        grid = self.says["rates"]
        row, column = (self._place(grid[side], event, total, goal) for side in ("rows", "columns"))
        return number(grid["rates"][row][column]) * self.per

    def _place(self, side, event, total, goal):
        """The number of the band of one side of the grid."""
        by, scale = side["by"], Fraction(1)
        if by == "attainment":
            value, scale = total / self.must(goal, "quota"), Fraction(1, 100)
        elif by == "total":
            value = total
        elif by == "amount":
            value = (event["amount_minor"] or 0) * event["factor"]
        else:
            value = number(event["figures"].get(by.removeprefix("figure:")) or 0)
        if by == "amount" or (by == "total" and self.is_money):
            scale = Fraction(size_of(self.currency))
        return at([(number(one) * scale, place) for place, one in enumerate(side["from"])], value)

    def limits(self, rows, days):
        """The line that brings the period down to its cap or up to its floor."""
        paid = sum(amount for _, _, currency, amount in rows if currency == self.currency)
        cap, floor = self.minor("cap"), self.minor("floor")
        if cap is not None and paid > cap:
            return [(None, "cap", self.currency, cap - paid)]
        if floor is not None and paid < half_up(floor * days):
            return [(None, "floor", self.currency, half_up(floor * days) - paid)]
        return []


# --- Quotas and spans -----------------------------------------------------------------------------


def goal_of(component, quotas, ramp_ends_on, start, end):
    """The quota of the days from ``start`` up to ``end``, day by day; the shortest span counts."""
    rule = component.says.get("quota")
    if rule is None:
        return None
    whose = rule.get("of", "team" if component.scope in ("team", "team_pool") else "rep")
    currency = component.currency if component.is_money else ""
    spans = [
        (one["ends_on"] - one["starts_on"], one["starts_on"], one["ends_on"], one["target"])
        for one in quotas
        if (one["of"], one["measure"], one["currency"]) == (whose, rule["measure"], currency)
    ]
    ramp = number(rule.get("ramp_percent", "100")) / 100 if whose == "rep" else Fraction(1)
    total, covered, day = Fraction(0), False, start
    while day < end:
        found = [one for one in spans if one[1] <= day < one[2]]
        if found:
            length, _, _, target = min(found, key=lambda one: one[:2])
            share = ramp if ramp_ends_on is not None and day < ramp_ends_on else 1
            total, covered = total + Fraction(target, length.days) * share, True
        day += timedelta(days=1)
    return half_up(total) if covered else None


def spans_of(basis, days, assigned, horizon):
    """(counted, quota days, paid) of a basis over the days on a plan; each a pair of days, half-open."""
    if basis == "run":
        return [(days, days, days)]
    found, (start, end) = [], _whole(basis, days[0])
    while start < days[1]:
        inside = (max(start, assigned[0]), min(end, assigned[1]))
        paid = (max(start, days[0]), min(end, days[1]))
        counted = (inside[0], max(paid[1], min(inside[1], horizon)))
        found.append((counted, counted if basis.endswith("_to_date") else inside, paid))
        start, end = _whole(basis, end)
    return found


def _whole(basis, day):
    """The month, quarter or year that ``day`` lies in."""
    months = {"month": 1, "quarter": 3, "year": 12}[basis.removesuffix("_to_date")]
    first = (day.month - 1) // months * months + 1
    start = day.replace(month=first, day=1)
    after = first + months - 1
    return start, date(day.year + after // 12, after % 12 + 1, 1)
