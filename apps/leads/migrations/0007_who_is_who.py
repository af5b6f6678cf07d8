"""By what a person and a company are found again; other addresses of a lead; suppressions of who opted out before."""

from typing import Any

import django.db.models.deletion
from django.db import migrations, models

from apps.core.bulk import update_rows
from apps.leads.rules.matching import address_key, company_key, name_key
from apps.leads.rules.suppression import normal_email, normal_phone

_BATCH = 5_000


def _set_keys(apps: Any, schema_editor: Any) -> None:
    lead, account = apps.get_model("leads", "Lead"), apps.get_model("leads", "Account")
    for batch in _batches(account.objects.only("pk", "name")):
        for one in batch:
            one.name_key = company_key(one.name)[:160]
        update_rows(batch, ["name_key"])
    for batch in _batches(lead.objects.only("pk", "name", "phone", "email")):
        for one in batch:
            one.name_key = name_key(one.name)[:120]
            one.phone_key = normal_phone(one.phone)
            one.address_key = address_key(one.email)
        update_rows(batch, ["name_key", "phone_key", "address_key"])


def _suppress_opted_out(apps: Any, schema_editor: Any) -> None:
    """Who opted out before there were suppressions stays so whichever way they come again."""
    lead, suppression = apps.get_model("leads", "Lead"), apps.get_model("leads", "Suppression")
    made: dict[tuple[str, str], Any] = {}
    for one in lead.objects.filter(do_not_contact=True).iterator(chunk_size=_BATCH):
        at = one.last_touch_at or one.created_at
        for kind, value, written in (
            ("email", normal_email(one.email), one.email),
            ("phone", normal_phone(one.phone), one.phone),
        ):
            if value and (kind, value) not in made:
                made[kind, value] = suppression(
                    kind=kind,
                    value=value,
                    written_as=written,
                    reason="opt_out",
                    note="They had opted out before this list was kept.",
                    added_at=at,
                )
    known = set(suppression.objects.filter(lifted_at=None, channel="").values_list("kind", "value"))
    suppression.objects.bulk_create([one for key, one in made.items() if key not in known], batch_size=500)


def _batches(rows: Any) -> Any:
    last = 0
    while batch := list(rows.filter(pk__gt=last).order_by("pk")[:_BATCH]):
        yield batch
        last = batch[-1].pk


class Migration(migrations.Migration):
    dependencies = [("leads", "0006_attempts_without_contact")]

    operations = [
        migrations.AddField(
            model_name="account",
            name="name_key",
            field=models.CharField(blank=True, default="", editable=False, max_length=160),
        ),
        migrations.AddField(
            model_name="lead",
            name="name_key",
            field=models.CharField(blank=True, default="", editable=False, max_length=120),
        ),
        migrations.AddField(
            model_name="lead",
            name="phone_key",
            field=models.CharField(blank=True, default="", editable=False, max_length=9),
        ),
        migrations.AddField(
            model_name="lead",
            name="address_key",
            field=models.CharField(blank=True, default="", editable=False, max_length=254),
        ),
        migrations.AddField(
            model_name="suppression",
            name="written_as",
            field=models.CharField(
                blank=True,
                default="",
                help_text="as somebody wrote it: a number with its country",
                max_length=254,
            ),
        ),
        migrations.CreateModel(
            name="LeadAddress",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("email", models.EmailField(max_length=254)),
                ("added_at", models.DateTimeField()),
                (
                    "lead",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="addresses",
                        to="leads.lead",
                    ),
                ),
            ],
            options={
                "ordering": ["added_at", "pk"],
                "constraints": [
                    models.UniqueConstraint(fields=("email", "lead"), name="lead_address_once"),
                    models.CheckConstraint(
                        condition=models.Q(("email", ""), _negated=True), name="lead_address_given"
                    ),
                ],
            },
        ),
        migrations.RunPython(_set_keys, migrations.RunPython.noop, elidable=True),
        migrations.RunPython(_suppress_opted_out, migrations.RunPython.noop, elidable=True),
    ]
