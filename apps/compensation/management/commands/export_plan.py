"""Write a version of a plan as a plan file, exactly as it is kept."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.compensation.models import PlanVersion
from apps.compensation.rules.plan_file import plan_text


class Command(BaseCommand):
    help = "Write a version of a plan as a file (JSON) that load_plan reads; to the screen without --output."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the plan's name")
        parser.add_argument("--version-number", type=int, help="which version; the newest without it")
        parser.add_argument("--currency", default="", help="needed where a plan of the name is in several")
        parser.add_argument("--output", type=Path, help="the file to write")

    def handle(self, *args: Any, **options: Any) -> None:
        found = PlanVersion.objects.filter(plan__name=options["name"]).select_related("plan")
        if options["currency"]:
            found = found.filter(plan__currency=options["currency"].upper())
        if options["version_number"] is not None:
            found = found.filter(number=options["version_number"])
        versions = list(found.order_by("plan__currency", "-number"))
        if not versions:
            raise CommandError(f"There is no such version of a plan called {options['name']}.")
        currencies = sorted({one.plan.currency for one in versions})
        if len(currencies) > 1:
            raise CommandError(f"{options['name']} is there in {', '.join(currencies)}: say --currency.")
        text = plan_text(versions[0].document)
        if options["output"] is None:
            self.stdout.write(text, ending="")
            return
        try:
            options["output"].write_text(text, encoding="utf-8")
        except OSError as error:
            raise CommandError(f"{options['output']} cannot be written: {error.strerror}.") from error
        self.stdout.write(f"{versions[0]} is in {options['output']}.")
