"""Write the head of the chain of seals to a file that is kept elsewhere."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from apps.audit.origin import acting_from
from apps.audit.services import anchors
from apps.core.errors import DomainError


class Command(BaseCommand):
    help = "Export the newest seal as an anchor, to standard output or to a new file."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--to", type=Path, help="a file that is not there yet")

    def handle(self, *args: Any, **options: Any) -> None:
        target: Path | None = options["to"]
        if target is not None and target.exists():
            raise CommandError(f"{target} is there already: an anchor is never written over.")
        try:
            with acting_from("command:export_anchor"):
                seal, text = anchors.export_anchor(at=timezone.now())
            if target is None:
                self.stdout.write(text, ending="")
                return
            target.write_text(text)
        except (DomainError, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{target} holds seal {seal.number}.")
