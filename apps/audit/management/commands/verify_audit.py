"""Recompute every seal of the audit log, and name the first that does not hold."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.audit import selectors, services


class Command(BaseCommand):
    help = "Verify the audit log's chain of seals. Exits with 1 and names the seal where it breaks."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="answer as one line of JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        found = services.verify_chain()
        state = selectors.seal_state()
        seals = state.last.number if state.last else 0
        if options["json"]:
            answer = {
                "holds": found is None,
                "seals": seals,
                "unsealed": state.unsealed,
                "anchor": state.last.hash if state.last else None,
                "broken_seal": found.seal if found else None,
                "why": found.why if found else None,
            }
            self.stdout.write(json.dumps(answer))
            if found:
                raise SystemExit(1)
            return
        if found:
            raise CommandError(f"The audit log was altered: seal {found.seal} does not hold. {found.why}")
        self.stdout.write(f"The audit log holds: {seals} seals, {state.unsealed} entries not sealed yet.")
