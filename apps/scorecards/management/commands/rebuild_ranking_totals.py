"""``manage.py rebuild_ranking_totals [--check 2026Q3]``: the ranking's monthly totals anew, for operators."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from apps.core.periods import NotAPeriod, parse_period
from apps.scorecards.services import ranking_totals


class Command(BaseCommand):
    help = "Make the ranking's monthly totals anew from the record, or hold those of a period against it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--check",
            metavar="PERIOD",
            help="such as 2026-10 or 2026Q3: only compare, and fail on a difference",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["check"]:
            done = ranking_totals.rebuild_totals(at=timezone.now())
            self.stdout.write(f"{done.rows:,} rows of {done.reps:,} reps were made.")
            return
        try:
            period = parse_period(options["check"])
        except NotAPeriod:
            raise CommandError(f"--check takes a period such as 2026-10, not {options['check']!r}.") from None
        wrong = ranking_totals.differences(period=period)
        if wrong:
            raise CommandError("\n".join(wrong))
        self.stdout.write(f"The totals of {period.name} are what the record says.")
