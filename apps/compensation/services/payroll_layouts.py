"""Save layouts of the payroll file in versions, choose the default, copy and retire them."""

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from apps.audit import services as audit
from apps.compensation.models import PayrollLayout, PayrollLayoutVersion
from apps.compensation.rules.payroll_layout import Layout, NotALayout, read_layout
from apps.core.errors import DomainError, InvalidInput

LONGEST_NAME = 60


class UnableToSaveLayout(DomainError):
    """The layout was saved by somebody else meanwhile, or is retired."""

    code = "unable_to_save_layout"


@transaction.atomic
def create_layout(*, name: str, document: Any, at: datetime, actor: Any) -> PayrollLayoutVersion:
    """Save a new layout; the first one is the default. Raises ``InvalidInput`` for a name or document that is wrong."""
    name, said = _checked_name(name), _checked(document)
    is_first = not PayrollLayout.objects.filter(is_default=True).exists()
    try:
        with transaction.atomic():
            layout = PayrollLayout.objects.create(name=name, is_default=is_first)
    except IntegrityError as error:
        raise InvalidInput(f"There is a layout called {name} already.", field="name") from error
    return _version(layout, 1, said, at, actor, "created")


@transaction.atomic
def save_layout(
    *, layout: PayrollLayout, seen: int, document: Any, at: datetime, actor: Any
) -> PayrollLayoutVersion:
    """Save the next version of ``layout``, which was at number ``seen``. Saving the same again keeps the number."""
    said = _checked(document)
    layout = PayrollLayout.objects.select_for_update().get(pk=layout.pk)
    if layout.retired_at is not None:
        raise UnableToSaveLayout("This layout is retired: copy it to go on with it.")
    newest = layout.versions.order_by("-number").first()
    number = newest.number if newest else 0
    if newest is not None and newest.document == said.as_document():
        return newest
    if number != seen:
        raise UnableToSaveLayout(f"Somebody saved version {number} meanwhile: reload, and change that one.")
    return _version(layout, number + 1, said, at, actor, "saved")


@transaction.atomic
def copy_layout(*, layout: PayrollLayout, name: str, at: datetime, actor: Any) -> PayrollLayoutVersion:
    """Save a copy of the newest version of ``layout`` under another name."""
    return create_layout(name=name, document=newest_of(layout).document, at=at, actor=actor)


@transaction.atomic
def make_default(*, layout: PayrollLayout, at: datetime, actor: Any) -> None:
    """Let ``layout`` be the one that is offered first."""
    list(PayrollLayout.objects.select_for_update().order_by("pk"))
    PayrollLayout.objects.filter(is_default=True).exclude(pk=layout.pk).update(is_default=False)
    if not PayrollLayout.objects.filter(pk=layout.pk, retired_at__isnull=True).update(is_default=True):
        raise UnableToSaveLayout("A retired layout cannot be the default.")
    audit.record(verb="compensation.payroll_layout.default", subject=layout, at=at, actor=actor, data={})


@transaction.atomic
def retire_layout(*, layout: PayrollLayout, at: datetime, actor: Any) -> None:
    """Offer ``layout`` no more; its versions and the files made by them stay. Never the default."""
    rows = PayrollLayout.objects.filter(pk=layout.pk, is_default=False, retired_at__isnull=True)
    if not rows.update(retired_at=at):
        raise UnableToSaveLayout("The default layout cannot be retired: choose another default first.")
    audit.record(verb="compensation.payroll_layout.retired", subject=layout, at=at, actor=actor, data={})


def newest_of(layout: PayrollLayout) -> PayrollLayoutVersion:
    """The version of ``layout`` that counts."""
    return layout.versions.order_by("-number")[0]


def _version(
    layout: PayrollLayout, number: int, said: Layout, at: datetime, actor: Any, did: str
) -> PayrollLayoutVersion:
    version = PayrollLayoutVersion.objects.create(
        layout=layout,
        number=number,
        document=said.as_document(),
        by=actor if getattr(actor, "pk", None) else None,
        at=at,
    )
    audit.record(
        verb=f"compensation.payroll_layout.{did}",
        subject=layout,
        at=at,
        actor=actor,
        data={"number": number, "columns": [one.field for one in said.columns]},
    )
    return version


def _checked_name(name: str) -> str:
    name = name.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise InvalidInput(f"Give the layout a name of at most {LONGEST_NAME} letters.", field="name")
    return name


def _checked(document: Any) -> Layout:
    try:
        return read_layout(document)
    except NotALayout as error:
        place, says = error.problems[0]
        raise InvalidInput(says, field=place) from error
