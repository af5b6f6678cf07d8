"""Take a CSV file of exchange rates: all rows or none."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from apps.audit.origin import acting_from
from apps.compensation.services import rates
from apps.core.errors import DomainError
from apps.core.periods import day_of


class Command(BaseCommand):
    help = f"Take exchange rates from a CSV file with the columns {', '.join(rates.RATE_COLUMNS)}."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        at = timezone.now()
        today = day_of(at, settings.COMPANY_TIME_ZONE)
        try:
            read = rates.read_rates(options["file"].read_bytes(), today=today)
            if read.wrong:
                said = [f"  row {one.row}: {one.says}" for one in read.wrong]
                raise CommandError("\n".join(["Nothing was taken; these rows are wrong:", *said]))
            with acting_from("command:import_rates"):
                done = rates.record_rates(rates=[rate for _, rate in read.found], today=today, at=at)
        except OSError as error:
            raise CommandError(f"{options['file']} cannot be read: {error.strerror}.") from error
        except DomainError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"{done.new} new, {done.corrected} corrected, {done.known} known already.")
