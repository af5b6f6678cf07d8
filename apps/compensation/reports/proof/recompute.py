#!/usr/bin/env python3
"""Work out a statement again from the files beside this script, and say whether it agrees.

    python3 -I recompute.py [FOLDER]

Checks the files against the manifest, the lines against their hash and their sums, and each line against what the
events, credits, plans, quotas and rates give under the plan's rules (``earning.py``). The last line of the output is
the verdict: ``agrees``; ``does not agree`` with the lines that differ; or ``not wholly recomputed``, with what was
not and why. The exit code is 0, 1 or 2. Standard library only; needs nothing of the portal that made the pack.
"""
# ruff: noqa: T201

import hashlib
import json
import sys
from collections import defaultdict
from datetime import timedelta
from fractions import Fraction
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

# The folder is put on the path by hand: Python leaves it out when it is told to trust nothing around it (-I).
from earning import CannotRecompute, half_up, number, size_of  # noqa: E402
from reckoning import Pack, Reckoned, day  # noqa: E402

SAID = (
    "rep_id", "component_key", "starts_on", "ends_on", "source_key", "sequence", "kind", "amount_minor",
    "earned_minor", "currency", "base_minor", "share", "place", "band", "rate", "exact", "formula", "cause",
    "cause_event_id", "event_id", "plan_version_id",
)  # fmt: skip
PLACE = ("starts_on", "ends_on", "component_key", "source_key", "sequence")
SHOWN = 50


def money(minor, currency):
    size = size_of(currency)
    whole, rest = divmod(abs(minor), size)
    sign = "-" if minor < 0 else ""
    return f"{currency} {sign}{whole:,}" + (f".{rest:0{len(str(size)) - 1}d}" if size > 1 else "")


# --- The files ------------------------------------------------------------------------------------


def wrong_files(folder, manifest):
    """Files that are missing, changed or not in the manifest."""
    found = []
    for name, digest in sorted(manifest["files"].items()):
        path = folder / name
        if not path.is_file():
            found.append(f"{name} is missing")
        elif hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            found.append(f"{name} is not the file of the manifest")
    known = {*manifest["files"], "manifest.json"}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name not in known and "__pycache__" not in name:
            found.append(f"{name} is in no manifest")
    return found


def digest_of(lines):
    """SHA-256 over the lines in canonical order, as the portal keeps it with the statement."""
    sha = hashlib.sha256()
    for line in sorted(lines, key=lambda one: tuple(one[name] for name in PLACE)):
        said = "\x1f".join("" if line[name] is None else str(line[name]) for name in SAID)
        kept = "" if line["conversion"] is None else json.dumps(line["conversion"], sort_keys=True)
        sha.update(f"{said}\x1f{kept}\n".encode())
    return sha.hexdigest()


# --- The verdict ----------------------------------------------------------------------------------


class Verdict:
    """What differs, and what was not recomputed."""

    def __init__(self, pack):
        self.pack, self.currency = pack, pack.statement["currency"]
        self.wrong, self.not_done, self.recomputed = [], [], 0

    def name(self, line):
        return f"line {line['id']} ({line['component_key']}, {line['source_key']}, {line['starts_on']})"

    def check_sums(self):
        statement, lines = self.pack.statement, self.pack.lines
        own = (statement["starts_on"], statement["ends_on"])
        earned = sum(one["amount_minor"] for one in lines if (one["starts_on"], one["ends_on"]) == own)
        whole = sum(one["amount_minor"] for one in lines)
        for name, found in (("earned", earned), ("adjustments", whole - earned), ("payable", whole)):
            if found != statement[f"{name}_minor"]:
                said = money(statement[f"{name}_minor"], self.currency)
                self.wrong.append(
                    f"the statement says {name} {said}; its lines sum to {money(found, self.currency)}"
                )
        if lines and not statement["digest"]:
            self.not_done.append("the hash of the lines: this statement was computed before hashes were kept")
        elif lines and digest_of(lines) != statement["digest"]:
            self.wrong.append("the lines do not have the statement’s hash")

    def check_arithmetic(self):
        """Each line by itself: its products, its one rounding, and what was posted for its source before it."""
        posted = defaultdict(int)
        for line in sorted([*self.pack.prior, *self.pack.lines], key=lambda one: one["sequence"]):
            source = tuple(line[name] for name in PLACE[:4])
            posted[source] += line["amount_minor"]
            if "terms" not in line:
                continue
            if posted[source] != line["earned_minor"]:
                self.wrong.append(
                    f"{self.name(line)}: earned {money(line['earned_minor'], self.currency)} in all, but its postings "
                    f"sum to {money(posted[source], self.currency)}"
                )
            exact = Fraction(0)
            for term in line["terms"]:
                product = Fraction(1)
                for factor in term:
                    product *= number(factor)
                exact += product
            if line["terms"] and exact != number(line["exact"]):
                self.wrong.append(f"{self.name(line)}: its products give {exact}, it says {line['exact']}")
            # Shares by largest remainder lie less than one minor unit away from the exact value.
            if abs(number(line["exact"]) - line["earned_minor"]) >= 1:
                self.wrong.append(
                    f"{self.name(line)}: {line['exact']} is not {line['earned_minor']} minor units"
                )

    def check_periods(self):
        looked_at = set()
        for period in sorted(self.pack.periods, key=lambda one: one["starts_on"]):
            own = period["starts_on"] == self.pack.statement["starts_on"]
            looked_at.add((period["starts_on"], period["ends_on"]))
            reckoned = Reckoned(self.pack, period)
            lines = self._by_source(self.pack.lines, period)
            prior = self._by_source(self.pack.prior, period)
            for source in dict.fromkeys((*lines, *reckoned.earned, *prior)):
                if source[0] != "conversion" and not source[1].startswith("inquiry:"):
                    self._source(source, lines.get(source, []), prior.get(source, []), reckoned, own)
        for line in self.pack.lines:
            if line["source_key"].startswith("inquiry:"):
                self.not_done.append(
                    f"{self.name(line)}: agreed by two people after an inquiry; no rule gives it"
                )
            elif line["component_key"] != "conversion":
                if (line["starts_on"], line["ends_on"]) not in looked_at:
                    self.not_done.append(f"{self.name(line)}: the pack has no inputs of its period")
        self._conversions()

    def _conversions(self):
        found = defaultdict(list)
        for line in self.pack.lines:
            if line["component_key"] == "conversion":
                found[tuple(line[name] for name in PLACE[:4])].append(line)
        for source, lines in found.items():
            prior = [one for one in self.pack.prior if tuple(one[name] for name in PLACE[:4]) == source]
            self._conversion(source[3], lines, prior, source[0] == self.pack.statement["starts_on"])

    def _source(self, source, lines, prior, reckoned, own):
        before = sum(one["amount_minor"] for one in prior)
        posted = sum(one["amount_minor"] for one in lines)
        if source in reckoned.not_done:
            self.not_done += [f"{self.name(line)}: {reckoned.not_done[source]}" for line in lines]
            return
        earned = reckoned.earned.get(source)
        named = self.name(lines[-1]) if lines else f"{source[0]}, {source[1]}"
        if earned is None and not prior and len(lines) == 1 and lines[0]["sequence"] == 1:
            self.wrong.append(f"{named}: nothing in the inputs earns it")
        elif posted != (earned or 0) - before:
            self.wrong.append(
                f"{named}: the statement says {money(posted, self.currency)}, the inputs give "
                f"{money((earned or 0) - before, self.currency)}"
            )
        elif own and earned is not None and not lines and not prior:
            self.wrong.append(f"{named}: the inputs give it, and the statement has no line for it")
        else:
            self.recomputed += len(lines)

    def _conversion(self, source, lines, prior, own):
        """Pay turned into another currency: out what the statement sums to, in at the rate of the period's last day."""
        before = sum(one["amount_minor"] for one in prior)
        kept, last = lines[-1]["conversion"], day(lines[-1]["ends_on"]) - timedelta(days=1)
        try:
            if source.endswith(":out"):
                earned = -sum(one["amount_minor"] for one in self.pack.lines if not self._turns(one))
            else:
                given = self.pack.statement["turned"].get(kept["from"]) if own else kept["minor"]
                if given is None:
                    raise CannotRecompute(f"the pack does not say what was earned in {kept['from']}")
                factor = Fraction(size_of(kept["to"]), size_of(kept["from"]))
                earned = half_up(given * self.pack.rate_on(kept["from"], kept["to"], last) * factor)
        except CannotRecompute as error:
            self.not_done += [f"{self.name(one)}: {error}" for one in lines]
            return
        posted = sum(one["amount_minor"] for one in lines)
        if posted != earned - before:
            gives = money(earned - before, self.currency)
            said = money(posted, self.currency)
            self.wrong.append(f"{self.name(lines[-1])}: the statement says {said}, the inputs give {gives}")
        else:
            self.recomputed += len(lines)

    def _turns(self, line):
        """Whether it is one of the run's own pairs, which turn everything else."""
        return line["component_key"] == "conversion" and line["starts_on"] == self.pack.statement["starts_on"]

    def _by_source(self, lines, period):
        found = defaultdict(list)
        for line in lines:
            if (line["starts_on"], line["ends_on"]) == (period["starts_on"], period["ends_on"]):
                found[line["component_key"], line["source_key"]].append(line)
        return found


def told(title, rows):
    if rows:
        print(title)
        for row in rows[:SHOWN]:
            print(f"  - {row}")
        if len(rows) > SHOWN:
            print(f"  - and {len(rows) - SHOWN} more")


def main(folder):
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    wrong = wrong_files(folder, manifest)
    pack = Pack(folder)
    verdict = Verdict(pack)
    verdict.check_sums()
    verdict.check_arithmetic()
    verdict.check_periods()
    statement = pack.statement
    print(
        f"Statement {statement['id']} of run {statement['run']}: payable "
        f"{money(statement['payable_minor'], statement['currency'])} in {len(pack.lines)} lines; "
        f"{verdict.recomputed} recomputed."
    )
    print(
        f"Hash of its lines {statement['digest'] or 'none'}: compare it with the one that the portal shows."
    )
    told("Notes:", manifest["notes"])
    told("Not recomputed:", verdict.not_done)
    told("Does not agree:", [*wrong, *verdict.wrong])
    if wrong or verdict.wrong:
        print(f"does not agree: {[*wrong, *verdict.wrong][0]}")
        return 1
    if verdict.not_done:
        print(
            f"not wholly recomputed: {len(verdict.not_done)} left out; what was recomputed has no difference"
        )
        return 2
    print("agrees")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE))
