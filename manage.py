#!/usr/bin/env python
"""Django's command line for the portal."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "salesportal.settings.local")
    from django.core.management import execute_from_command_line

    from apps.audit.origin import acting_from

    with acting_from(f"command:{' '.join(sys.argv[1:2])}"):
        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
