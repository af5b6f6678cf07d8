"""Keep the forms: what they ask, whose leads they make, which text is agreed to, which sites may show them."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from apps.audit import services as audit
from apps.core.errors import InvalidInput
from apps.integrations.models import CaptureForm, ConsentText
from apps.integrations.rules import capture as rules
from apps.reps.models import Team


@dataclass(frozen=True)
class FormTerms:
    """All that RevOps or marketing says of a form."""

    name: str
    title: str
    team: Team
    source: str
    fields: Mapping[str, str]
    consent: str
    thanks: str
    consent_required: bool = True
    words: str = ""
    campaign: str = ""
    origins: Sequence[str] = ()
    offers_times: bool = True
    is_active: bool = True


@transaction.atomic
def create_form(*, terms: FormTerms, at: datetime, actor: Any = None) -> CaptureForm:
    """A form with an address that nobody can guess and the first version of its text. Raises ``InvalidInput``."""
    form = CaptureForm(key=secrets.token_urlsafe(12), created_by=actor, created_at=at)
    _put(form, terms)
    _keep_consent(form, terms, at, actor)
    _record("created", form, at, actor)
    return form


@transaction.atomic
def change_form(*, form: CaptureForm, terms: FormTerms, at: datetime, actor: Any = None) -> CaptureForm:
    """Another text is another version; what was agreed to before stays with those who agreed."""
    form = CaptureForm.objects.select_for_update().get(pk=form.pk)
    _put(form, terms)
    _keep_consent(form, terms, at, actor)
    _record("changed", form, at, actor)
    return form


def _put(form: CaptureForm, terms: FormTerms) -> None:
    try:
        form.fields = rules.checked_fields(terms.fields)
    except rules.NotAllowed as error:
        raise InvalidInput(str(error), field="fields") from None
    try:
        form.origins = rules.checked_origins(terms.origins)
    except rules.NotAllowed as error:
        raise InvalidInput(str(error), field="origins") from None
    for name in ("name", "title", "source", "thanks"):
        if not str(getattr(terms, name)).strip():
            raise InvalidInput("Fill this in.", field=name)
    for name in (
        "name",
        "title",
        "words",
        "team",
        "source",
        "campaign",
        "thanks",
        "offers_times",
        "is_active",
    ):
        setattr(form, name, getattr(terms, name))
    try:
        with transaction.atomic():
            form.save()
    except IntegrityError:
        raise InvalidInput("Another form has this name.", field="name") from None


def _keep_consent(form: CaptureForm, terms: FormTerms, at: datetime, actor: Any) -> None:
    words = terms.consent.strip()
    if not words:
        raise InvalidInput("Say what people agree to.", field="consent")
    last = form.consents.order_by("-version").first()
    if last is not None and (last.words, last.is_required) == (words, terms.consent_required):
        return
    ConsentText.objects.create(
        form=form,
        version=last.version + 1 if last else 1,
        words=words,
        is_required=terms.consent_required,
        written_by=actor if getattr(actor, "pk", None) else None,
        written_at=at,
    )


def _record(act: str, form: CaptureForm, at: datetime, actor: Any) -> None:
    said = {
        "name": form.name,
        "team": form.team_id,
        "source": form.source,
        "fields": form.fields,
        "origins": form.origins,
        "consent": form.consents.count(),
        "is_active": form.is_active,
    }
    audit.record(verb=f"integrations.capture_form.{act}", subject=form, at=at, actor=actor, data=said)
