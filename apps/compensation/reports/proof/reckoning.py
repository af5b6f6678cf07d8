"""What a period earned, put together from the pack: segments of plans, held pay, releases and draws.

How one component pays is ``earning``; what is compared with it, ``recompute``. Standard library only.
"""

import json
from collections import defaultdict
from datetime import date, timedelta
from fractions import Fraction

import earning
from earning import CannotRecompute, Component, half_up, number, shared, size_of

REACH = timedelta(days=31)


def day(text):
    return date.fromisoformat(text)


class Pack:
    """What lies in the folder, with days as dates and numbers as numbers."""

    def __init__(self, folder):
        def read(name):
            return json.loads((folder / name).read_text(encoding="utf-8"))

        self.manifest = read("manifest.json")
        self.statement, self.lines = read("statement.json"), read("lines.json")
        self.prior, self.periods = read("inputs/prior_lines.json"), read("inputs/periods.json")
        self.horizon = day(self.statement["horizon"])
        self.plans = {one["version"]: one["document"] for one in read("inputs/plans.json")}
        self.rates = read("inputs/rates.json")
        self.deals = read("inputs/deals.json")
        self.left = {
            (one["component"], one["source"]): one["left_minor"] for one in read("inputs/budgets.json")
        }
        self.quotas = [
            dict(one, starts_on=day(one["starts_on"]), ends_on=day(one["ends_on"]))
            for one in read("inputs/quotas.json")
        ]
        facts = {one["source"]: one for one in [*read("inputs/events.json"), *read("inputs/payments.json")]}
        self.events = defaultdict(list)
        for credit in read("inputs/credits.json"):
            if credit["source"] in facts:
                event = {**facts[credit["source"]], **credit}
                event["on"] = day(event["on"])
                self.events[credit["circle"]].append(event)
        for events in self.events.values():
            events.sort(key=lambda one: (one["at"], one["event"], one["source"]))

    def rate_on(self, given, wanted, on):
        """Units of ``wanted`` for one of ``given``: the newest rate up to the day, a month old at most."""
        found = []
        for one, other, upside in ((given, wanted, False), (wanted, given, True)):
            rows = [
                row for row in self.rates if (row["from"], row["to"]) == (one, other) and day(row["on"]) <= on
            ]
            if rows:
                last = max(rows, key=lambda row: (row["on"], row["number"]))
                if on - day(last["on"]) < REACH:
                    rate = number(last["rate"])
                    found.append((day(last["on"]), not upside, 1 / rate if upside else rate))
        if not found:
            raise CannotRecompute(f"the pack has no rate from {given} to {wanted} for {on}")
        return max(found, key=lambda one: one[:2])[2]


# --- What a period earns --------------------------------------------------------------------------


class Reckoned:
    """What one period earns by component and source, and what of it was taken as the statement says."""

    def __init__(self, pack, period):
        self.pack, self.period = pack, period
        self.start, self.end = day(period["starts_on"]), day(period["ends_on"])
        self.earned, self.not_done = {}, {}
        of_period = (period["starts_on"], period["ends_on"])
        rows = [one for one in (*pack.prior, *pack.lines) if (one["starts_on"], one["ends_on"]) == of_period]
        self.stated, self.before = (
            defaultdict(int),
            [one for one in (*pack.prior, *pack.lines) if one["starts_on"] < period["starts_on"]],
        )
        for one in rows:
            self.stated[one["component_key"], one["source_key"]] += one["amount_minor"]
        self._work()

    def _work(self):
        by_segment = [(segment, self._segment(segment)) for segment in self.period["segments"]]
        held = [(component, row) for _, (_, _, rows) in by_segment for component, row in rows]
        released = list(self._releases(held))
        owed = None
        for place, (segment, (plan, paid, rows)) in enumerate(by_segment):
            last = place == len(by_segment) - 1
            moves = [amount for currency, amount in paid if currency == plan["currency"]]
            moves += [amount for _, (_, _, _, currency, amount) in rows if currency == plan["currency"]]
            moves += [amount for currency, amount in released if last and currency == plan["currency"]]
            owed = self._draw(segment, plan, sum(moves), owed)

    def _segment(self, segment):
        """The plan, (currency, amount) of what its components pay, and the rows that are held back."""
        plan = self.pack.plans[segment["version"]]
        paid, held = [], []
        for says in plan["components"]:
            component = Component(plan, says, self.pack.rate_on)
            try:
                rows = self._component(segment, component)
                if component.has_budget:
                    rows = [self._within_budget(component, row) for row in rows]
            except CannotRecompute as error:
                rows = self._as_stated(component, str(error))
            for _, source, currency, amount in rows:
                self._add(component.key, source, currency, amount)
                paid.append((currency, amount))
            if "holdback" in says:
                share = number(says["holdback"]["percent"]) / 100
                for event, source, currency, amount in rows:
                    if event is not None and amount:
                        minus = half_up(-amount * share)
                        self._add(component.key, f"holdback:{source}", currency, minus)
                        held.append((component, (event, event["on"], source, currency, minus)))
        return plan, paid, held

    def _within_budget(self, component, row):
        """The row, cut to what the budget had left before it: others use it up too, first come, first served."""
        event, source, currency, amount = row
        left = self.pack.left.get((component.key, source))
        if left is None:
            raise CannotRecompute("the pack does not say what the budget had left, which depends on others")
        return event, source, currency, min(amount, left)

    def _add(self, key, source, currency, amount):
        if currency == self.pack.statement["currency"]:
            self.earned[key, source] = self.earned.get((key, source), 0) + amount

    def _as_stated(self, component, reason):
        """The component's own lines as the statement has them, and why they were not worked out."""
        currency = self.pack.statement["currency"]
        events = {one["source"]: component.converted(one) for one in self.pack.events["own"]}
        found = []
        for (key, source), amount in self.stated.items():
            if key == component.key and not source.startswith(("holdback:", "release:", "inquiry:")):
                self.not_done[key, source] = reason
                found.append((events.get(source), source, currency, amount))
        return found

    def _component(self, segment, component):
        days = (day(segment["starts_on"]), day(segment["ends_on"]))
        assigned = (day(segment["assigned_from"]), day(segment["assigned_to"] or str(earning.LAST_DAY)))
        if component.scope == "team_pool":
            days, assigned = (self.start, self.end), (date.min, earning.LAST_DAY)
        circle = self.pack.events[component.scope]
        asked = [
            one for one in circle if assigned[0] <= one["on"] < assigned[1] and self._asked(component, one)
        ]
        events = [component.converted(one) for one in asked]
        found = []
        for span in earning.spans_of(component.basis, days, assigned, self.pack.horizon):
            found += self._span(component, span, events, days)
        if component.scope == "team_pool":
            pool = next(one for one in self.period["pools"] if one["version"] == segment["version"])
            found = [
                (event, source, currency, shared(amount, pool["days"])[pool["own"]])
                for event, source, currency, amount in found
            ]
        return found

    @staticmethod
    def _asked(component, event):
        measure = component.measure
        return event["kind"] == measure["event"] and event["capacity"] == measure["capacity"]

    def _span(self, component, span, events, days):
        counted, quota_days, paid = span
        ramp = self.pack.statement["ramp_ends_on"]
        goal = earning.goal_of(component, self.pack.quotas, day(ramp) if ramp else None, *quota_days)

        def upto(until):
            return component.earns([one for one in events if counted[0] <= one["on"] < until], goal)

        def of_period(until):
            if until <= counted[0]:
                return {}
            rows = upto(until)
            share = Fraction((days[1] - days[0]).days, (self.end - self.start).days)
            limits = component.limits(rows, share if component.basis == "run" else Fraction(1))
            return {row[1]: row for row in (*(one for one in rows if one[0] is None), *limits)}

        own = [row for row in upto(counted[1]) if row[0] is not None and paid[0] <= row[0]["on"] < paid[1]]
        if component.says["pays"] != "target_by_band" and not {"cap", "floor"} & set(component.says):
            return own
        now, earlier = of_period(paid[1]), of_period(paid[0])
        named = f"@{paid[0]}" if paid[0] != self.start else ""
        for source in dict.fromkeys((*now, *earlier)):
            amount = (now[source][3] if source in now else 0) - (
                earlier[source][3] if source in earlier else 0
            )
            if amount or source not in earlier:
                currency = (now.get(source) or earlier[source])[2]
                own.append((None, source + named, currency, amount))
        return own

    # --- Held pay ---------------------------------------------------------------------------------

    def _releases(self, held_now):
        """(currency, amount) of what is released in the period, of earlier held pay and of its own."""
        earlier = defaultdict(int)
        version = {}
        for line in self.before:
            if line["source_key"].startswith("holdback:") and line["event_id"]:
                key = (line["starts_on"], line["component_key"], line["source_key"], line["event_id"])
                earlier[key] += line["amount_minor"]
                version[key] = max(version.get(key, 0), line["plan_version_id"])
        for key, amount in sorted(earlier.items()):
            says = self._says(version[key], key[1])
            if amount and says is not None and "holdback" in says:
                source = key[2].removeprefix("holdback:")
                currency = self.pack.statement["currency"]
                yield from self._released(says, -amount, key[3], source, currency, None)
        for component, (event, on, source, currency, minus) in held_now:
            yield from self._released(component.says, -minus, event["event"], source, currency, on)

    def _says(self, version, key):
        plan = self.pack.plans.get(version, {"components": ()})
        return next((one for one in plan["components"] if one["key"] == key), None)

    def _released(self, says, held, event_id, source, currency, earned_on):
        releases = says["holdback"]["releases"]
        parts = shared(held, [number(one.get("percent", "100")) for one in releases])
        for place, release in enumerate(releases):
            days = [
                day(one["on"])
                for one in self.pack.deals.get(str(event_id), ())
                if one["what"] == release["on"] and release.get("label", one["label"]) == one["label"]
            ]
            if not days:
                continue
            falls_on = max(min(days), earned_on) if earned_on else min(days)
            if self.start <= falls_on < self.end:
                self._add(says["key"], f"release:{place + 1}:{source}", currency, parts[place])
                yield currency, parts[place]

    # --- Draw -------------------------------------------------------------------------------------

    def _draw(self, segment, plan, earned, owed):
        """Add the draw's line of the segment; what is owed afterwards."""
        draw = plan.get("draw")
        if draw is None or plan["currency"] != self.pack.statement["currency"]:
            return owed
        first = day(segment["starts_on"])
        days = Fraction((day(segment["ends_on"]) - first).days, (self.end - self.start).days)
        amount = half_up(number(draw["amount"]) * size_of(plan["currency"]) * days)
        given_up = day(draw["forgiven_on"]) if "forgiven_on" in draw else None
        is_owed = draw["recoverable"] == "yes"
        balance = (self._owed(given_up) if owed is None else owed) if is_owed else 0
        named = f"@{first}" if first != self.start else ""
        if given_up is not None and self.start <= given_up < self.end:
            if balance:
                self._add("draw", f"draw:forgiven{named}", plan["currency"], 0)
            balance = 0
        source = "draw" if is_owed else "guarantee"
        if draw.get("paid") == "in_advance":
            taken = max(0, min(earned, balance + amount))
            self._add("draw", f"draw{named}", plan["currency"], -taken)
            return balance + amount - taken if is_owed else owed
        if earned < amount:
            self._add("draw", f"{source}{named}", plan["currency"], amount - earned)
            return balance + amount - earned if is_owed else owed
        taken = min(balance, earned - amount)
        if taken:
            self._add("draw", f"draw{named}", plan["currency"], -taken)
        return balance - taken if is_owed else owed

    def _owed(self, given_up):
        ahead, total = {}, 0
        for line in self.before:
            source = line["source_key"]
            if line["component_key"] != "draw" or not (source == "draw" or source.startswith("draw@")):
                continue
            if given_up is not None and given_up < self.start and day(line["ends_on"]) <= given_up:
                continue
            total += line["amount_minor"]
            ahead[line["starts_on"], source] = line["base_minor"] or 0
        return total + sum(ahead.values())
