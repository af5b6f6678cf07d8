"""Processes that live and that are dead, to hold a job with."""

import os
import subprocess
import sys

import pytest

from apps.core.processes import this_process


@pytest.fixture
def living_process() -> str:
    return this_process()


@pytest.fixture
def dead_process() -> str:
    """The name of a process of this machine that has ended."""
    code = "from apps.core.processes import this_process; print(this_process())"
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    ended = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    return ended.stdout.strip()
