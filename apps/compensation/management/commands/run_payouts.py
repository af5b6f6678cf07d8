"""Compute a period's payout run: begin it, or compute it again, and wait until it is done."""

import json
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from apps.audit.origin import acting_from
from apps.compensation.models import PayoutRun
from apps.compensation.selectors.control import control_totals
from apps.compensation.services import runs
from apps.core.errors import DomainError
from apps.core.money import in_words, to_major
from apps.core.periods import NotAPeriod, parse_period
from apps.jobs import services as jobs
from apps.jobs.models import Job, JobState

POLL_SECONDS = 0.5


class Command(BaseCommand):
    help = "Compute the payout run of a period. Running it twice pays once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--period", required=True, help="2026-10 (month), 2026Q4 (quarter) or 2026 (year)"
        )
        parser.add_argument("--json", action="store_true", help="print the outcome as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            period = parse_period(options["period"])
            with acting_from("command:run_payouts"):
                run = PayoutRun.objects.filter(starts_on=period.start, ends_on=period.end).first()
                if run is None:
                    run, job = runs.start_run(period=period, at=timezone.now())
                else:
                    job = runs.request_computation(run=run, at=timezone.now())
        except NotAPeriod as error:
            raise CommandError(f"--period: {error}") from error
        except DomainError as error:
            raise CommandError(error.message) from error
        self._wait(job)
        run.refresh_from_db()
        if job.state != JobState.DONE:
            raise CommandError(job.error or f"The job was {job.get_state_display().lower()}.")
        self._tell(run, options["json"])

    def _wait(self, job: Job) -> None:
        """Do the work here unless a worker took it first; then follow that one to its end."""
        jobs.run(job_id=job.pk, clock=timezone.now)
        job.refresh_from_db()
        while job.is_active:
            time.sleep(POLL_SECONDS)
            # Should its worker die, this process takes it up as another worker would.
            jobs.run(job_id=job.pk, clock=timezone.now)
            job.refresh_from_db()

    def _tell(self, run: PayoutRun, as_json: bool) -> None:
        totals = control_totals(run)
        if as_json:
            outcome = {
                "run": run.pk,
                "period": run.code,
                "state": run.state,
                "fingerprint": run.fingerprint,
                "totals": [
                    {
                        "currency": total.currency,
                        "statements": total.statements,
                        "payable": str(to_major(total.statement_minor, total.currency)),
                    }
                    for total in totals
                ],
            }
            self.stdout.write(json.dumps(outcome))
            return
        self.stdout.write(f"Run {run.pk}, {run.name}: {run.get_state_display().lower()}.")
        for total in totals:
            self.stdout.write(
                f"  {total.statements} statements, {in_words(total.statement_minor, total.currency)}"
            )
        self.stdout.write(f"  fingerprint {run.fingerprint}")
