"""Take a CSV file of payments by customers: all rows or none."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from apps.audit.origin import acting_from
from apps.compensation.services import payments
from apps.core.errors import DomainError
from apps.core.periods import day_of


class Command(BaseCommand):
    help = f"Take payments from a CSV file with the columns {', '.join(payments.PAYMENT_COLUMNS)} and maybe label."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        at, zone = timezone.now(), settings.COMPANY_TIME_ZONE
        try:
            read = payments.read_payments(options["file"].read_bytes(), today=day_of(at, zone))
            done: payments.Imported | list[Any] = read.wrong
            if not read.wrong:
                with acting_from("command:import_payments"):
                    done = payments.import_payments(rows=read.found, zone=zone, at=at)
        except OSError as error:
            raise CommandError(f"{options['file']} cannot be read: {error.strerror}.") from error
        except DomainError as error:
            raise CommandError(error.message) from error
        if not isinstance(done, payments.Imported):
            said = [f"  row {one.row}: {one.says}" for one in done]
            raise CommandError("\n".join(["Nothing was taken; these rows are wrong:", *said]))
        self.stdout.write(f"{done.new} new, {done.known} known already.")
