"""How gunicorn serves the portal; HOST, PORT, WEB_WORKERS and WEB_THREADS say where and how wide."""

import os
from pathlib import Path
from typing import Any

bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"
worker_class = "gthread"
workers = int(os.environ.get("WEB_WORKERS", "2"))
threads = int(os.environ.get("WEB_THREADS", "4"))
# Loaded once and forked: the second worker costs neither the time nor the memory of a second load.
preload_app = True
timeout = 60
graceful_timeout = 5
keepalive = 5
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - heartbeats, no data
loglevel = "warning"
accesslog = None
control_socket_disable = True


def on_starting(server: Any) -> None:
    from apps.core.processes import end_with_supervisor

    end_with_supervisor()


def when_ready(server: Any) -> None:
    # Before the workers fork: otherwise the first visitor of each waits for the routes to be imported.
    from django.urls import get_resolver

    _ = get_resolver().url_patterns
