"""Print whom one can sign in as in the demo company: ``manage.py demo_sign_ins [--json]``."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from apps.portal.demo.sign_ins import demo_sign_ins


class Command(BaseCommand):
    help = "Print the demo sign-ins; nothing outside demo mode."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="as a JSON list")

    def handle(self, *_: Any, **options: Any) -> None:
        found = demo_sign_ins()
        if options["json"]:
            self.stdout.write(json.dumps(found))
            return
        for one in found:
            self.stdout.write(f"{one['role']:<26} {one['email']:<38} {one['password']}")
