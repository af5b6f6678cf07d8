"""``manage.py recompute_rankings [--as-of 2026-11-01] [--json]``: the ranking, for operators."""

import json
import time
from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from apps.core.errors import DomainError
from apps.core.periods import day_of
from apps.jobs import services as jobs
from apps.jobs.models import JobState
from apps.scorecards.services import rankings


class Command(BaseCommand):
    help = "Rank all AEs as of a day, keep the ranking, and write the tiers that it decides."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--as-of", metavar="DATE", help="a day such as 2026-11-01; today without it")
        parser.add_argument("--json", action="store_true", help="print the outcome as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        as_of = self._day(options["as_of"])
        try:
            job = rankings.ask_for_ranking(as_of=as_of, at=timezone.now())
        except DomainError as error:
            raise CommandError(error.message) from error
        jobs.run(job_id=job.pk, clock=timezone.now)
        job.refresh_from_db()
        while job.is_active:
            # A worker was faster and is at it: its outcome is this one's.
            time.sleep(0.5)
            job.refresh_from_db()
        if job.state != JobState.DONE:
            raise CommandError(job.error or "The ranking was cancelled; nothing was written.")
        if options["json"]:
            self.stdout.write(json.dumps({"as_of": as_of.isoformat(), "job": job.pk, **job.result}))
        else:
            self.stdout.write(job.result["summary"])

    def _day(self, text: str | None) -> date:
        if not text:
            return day_of(timezone.now(), settings.COMPANY_TIME_ZONE)
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise CommandError(f"--as-of takes a day such as 2026-11-01, not {text!r}.") from None
