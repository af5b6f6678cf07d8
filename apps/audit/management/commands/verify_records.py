"""Recompute every seal from the rows as they are, and name each row or seal that does not hold."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from apps.audit.origin import acting_from
from apps.audit.rules.verdicts import Anchor, Verdict
from apps.audit.services import anchors, sealing, verifying
from apps.core.errors import DomainError


class Command(BaseCommand):
    help = (
        "Verify the chain of seals over audit entries, funnel events, credits and ledger lines. "
        "Exits with 1 and names each row or seal that does not hold."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="answer as one line of JSON")
        parser.add_argument(
            "--anchor", type=Path, help="an anchor that was exported: hold the chain against it"
        )
        parser.add_argument("--seal", action="store_true", help="seal what is not sealed yet first")

    def handle(self, *args: Any, **options: Any) -> None:
        anchor = _anchor(options["anchor"])
        with acting_from("command:verify_records"):
            if options["seal"]:
                sealing.seal_records(at=timezone.now())
            held_against = [*verifying.earlier_heads(), *([anchor] if anchor else [])]
            verdict = verifying.verify_records(anchors=held_against)
            verifying.keep_verdict(verdict=verdict, at=timezone.now(), against=anchor)
        if options["json"]:
            self.stdout.write(json.dumps(_plain(verdict)))
            if not verdict.holds:
                raise SystemExit(1)
            return
        if not verdict.holds:
            raise CommandError(_breaks(verdict))
        self.stdout.write(
            f"The records hold: {verdict.seals:,} seals over {verdict.rows:,} rows, "
            f"{sum(verdict.unsealed.values()):,} rows not sealed yet."
        )


def _anchor(path: Path | None) -> Anchor | None:
    if path is None:
        return None
    try:
        return anchors.read_anchor(path.read_bytes())
    except (OSError, DomainError) as error:
        raise CommandError(f"{path}: {error}") from error


def _plain(verdict: Verdict) -> dict[str, Any]:
    first = verdict.breaks[0] if verdict.breaks else None
    return {
        "holds": verdict.holds,
        "seals": verdict.seals,
        "rows": verdict.rows,
        "unsealed": sum(verdict.unsealed.values()),
        "unsealed_by_table": verdict.unsealed,
        "anchor": verdict.head_hash or None,
        "head": verdict.head_number,
        "broken_seal": first.seal if first else None,
        "why": first.sentence if first else None,
        "breaks": [one.plain() for one in verdict.breaks],
        "more": verdict.more,
    }


def _breaks(verdict: Verdict) -> str:
    said = "\n".join(f"- {one.sentence}" for one in verdict.breaks)
    more = f"\n- and {verdict.more:,} more" if verdict.more else ""
    return f"The records were altered.\n{said}{more}"
