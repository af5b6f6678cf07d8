"""Connections are watched, tasks are scopes, and who signs in, out or in vain is on record."""

from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

from allauth.account.signals import password_changed, password_reset, user_logged_in
from celery.signals import task_postrun, task_prerun
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_out, user_login_failed
from django.db.backends.signals import connection_created
from django.dispatch import receiver
from django.utils import timezone

from apps.audit.origin import acting_from
from apps.audit.refused import watch
from apps.audit.services.entries import record
from apps.jobs.signals import job_steered

_scopes: dict[str, AbstractContextManager[None]] = {}


@receiver(connection_created)
def watch_connection(connection: Any, **_: Any) -> None:
    if watch not in connection.execute_wrappers:
        connection.execute_wrappers.append(watch)


@task_prerun.connect
def begin_task(task_id: str, task: Any, **_: Any) -> None:
    scope = acting_from(f"task:{task.name}")
    scope.__enter__()
    _scopes[task_id] = scope


@task_postrun.connect
def end_task(task_id: str, **_: Any) -> None:
    scope = _scopes.pop(task_id, None)
    if scope is not None:
        scope.__exit__(None, None, None)


@receiver(user_logged_in)
def signed_in(user: Any, **_: Any) -> None:
    record(verb="accounts.person.signed_in", subject=user, at=timezone.now(), actor=user)


@receiver(user_logged_out)
def signed_out(user: Any, **_: Any) -> None:
    if user is not None:
        record(verb="accounts.person.signed_out", subject=user, at=timezone.now(), actor=user)


@receiver(user_login_failed)
def sign_in_refused(credentials: dict[str, Any], **_: Any) -> None:
    """Of an address that nobody has, no more is kept than that it was tried."""
    address = str(credentials.get("email") or credentials.get("username") or "")
    person = get_user_model()._default_manager.filter(email__iexact=address).first() if address else None
    subject = person or get_user_model()()
    record(verb="accounts.person.sign_in_refused", subject=subject, at=timezone.now())


@receiver(password_changed)
def password_was_changed(user: Any, **_: Any) -> None:
    record(verb="accounts.person.password_changed", subject=user, at=timezone.now(), actor=user)


@receiver(password_reset)
def password_was_reset(user: Any, **_: Any) -> None:
    record(verb="accounts.person.password_reset", subject=user, at=timezone.now(), actor=user)


@receiver(job_steered)
def job_was_steered(job: Any, act: str, by: Any, at: datetime, **_: Any) -> None:
    record(verb=f"jobs.job.{act}", subject=job, at=at, actor=by, data={"kind": job.kind, "key": job.key})
