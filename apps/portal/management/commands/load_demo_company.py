"""Load the demo company into an empty portal: ``manage.py load_demo_company [--if-empty] [--size …]``."""

import time
from argparse import ArgumentParser
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from apps.accounts.models import User
from apps.portal.demo.story import SIZES, tell

DEFAULT_SEED = 2026


class Command(BaseCommand):
    help = "Load the demo company: about 40 reps and nine months of history up to now. Demo mode only."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--if-empty", action="store_true", help="do nothing when somebody is there already"
        )
        parser.add_argument(
            "--size", default="default", help="small, default, large, or a number: 2 is twice as large"
        )
        parser.add_argument(
            "--seed", type=int, default=DEFAULT_SEED, help="the same seed makes the same company"
        )
        parser.add_argument("--as-of", default="now", help="the present of the company: a date, or now")

    def handle(self, *_: Any, **options: Any) -> None:
        if not settings.DEMO_MODE:
            raise CommandError(
                "The demo company has sign-ins with a public password, so it is loaded in demo mode only: "
                "set DEMO_MODE=1 (production settings refuse it)."
            )
        if User.objects.exists():
            if options["if_empty"]:
                return
            raise CommandError(
                "Somebody is here already, and the demo company is loaded into an empty portal only: "
                f"empty the database {settings.DATABASES['default']['NAME']} first."
            )
        size, at = _size(options["size"]), _instant(options["as_of"])
        began = time.perf_counter()
        told = ""

        def progress(done: int, total: int, what: str) -> None:
            nonlocal told
            share = f"{100 * done // max(total, 1):3d} %"
            if options["verbosity"] > 0 and share[:2] != told:
                told = share[:2]
                self.stdout.write(f"Demo company {share}, {what}")

        tell(at=at, size=size, seed=options["seed"], zone=settings.COMPANY_TIME_ZONE, progress=progress)
        if options["verbosity"] > 0:
            self.stdout.write(f"Demo company loaded in {time.perf_counter() - began:.1f} s.")


def _size(text: str) -> float:
    if text in SIZES:
        return SIZES[text]
    try:
        size = float(text)
    except ValueError:
        size = 0.0
    if not 0.05 <= size <= 10_000:
        raise CommandError(
            f"--size is small, default, large or a number from 0.05 on; {text!r} is none of them."
        )
    return size


def _instant(text: str) -> datetime:
    """``now``, or 11:00 in the company's zone on a given date."""
    if text == "now":
        return timezone.now()
    try:
        given = datetime.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"--as-of is a date such as 2026-11-12, or now; {text!r} is neither.") from error
    zone = ZoneInfo(settings.COMPANY_TIME_ZONE)
    if given.tzinfo is None:
        given = given.replace(tzinfo=zone)
        if len(text) <= 10:
            given = given.replace(hour=11)
    return given
