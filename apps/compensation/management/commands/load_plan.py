"""Load a plan file as the next version of its plan; submit it, or approve it if somebody else says so."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from apps.accounts.models import Role, User
from apps.audit.origin import acting_from
from apps.compensation.rules.plan import PlanInvalid
from apps.compensation.services import plan_drafts, plans
from apps.core.errors import DomainError


class Command(BaseCommand):
    help = "Load a plan file (JSON) as a draft; --approve-by puts it in force."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="a plan file; or one that comes along, such as sdr")
        parser.add_argument("--author", required=True, help="e-mail of who wrote it (RevOps)")
        parser.add_argument(
            "--approve-by",
            help="e-mail of who approves it once it is submitted (RevOps or finance, not the author)",
        )
        parser.add_argument("--submit", action="store_true", help="hand it to those who approve")
        parser.add_argument("--currency", default="", help="stands in for the file's currency")

    def handle(self, *args: Any, **options: Any) -> None:
        file = options["file"]
        at = timezone.now()
        try:
            with acting_from("command:load_plan"):
                document = (
                    plans.shipped_plan(str(file))
                    if str(file) in plans.EXAMPLES
                    else plans.read_plan_file(file)
                )
                version = plans.load_plan_document(
                    document=document,
                    author=_person(options["author"], Role.REVOPS),
                    at=at,
                    currency=options["currency"],
                )
                if (options["submit"] or options["approve_by"]) and version.is_draft:
                    version = plan_drafts.submit_version(version=version, at=at, actor=version.author)
                if options["approve_by"] and not version.is_approved:
                    approver = _person(options["approve_by"], Role.REVOPS, Role.FINANCE)
                    plans.approve_version(version=version, approver=approver, at=at)
        except PlanInvalid as error:
            said = [f"  {place}: {says}" if place else f"  {says}" for place, says in error.problems]
            raise CommandError("\n".join([f"{file} is no plan:", *said])) from error
        except DomainError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"{version} is {version.get_state_display().lower()}.")


def _person(email: str, *roles: Role) -> User:
    try:
        user = User.objects.get(email__iexact=email, is_active=True)
    except User.DoesNotExist as error:
        raise CommandError(f"Nobody who signs in has the address {email}.") from error
    if user.role not in roles:
        raise CommandError(
            f"{email} is {user.get_role_display()}; this needs {' or '.join(role.label for role in roles)}."
        )
    return user
