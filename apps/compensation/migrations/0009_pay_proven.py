"""What is looked at again in closed periods is found without reading the whole ledger."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("compensation", "0008_runs_in_parts")]

    operations = [
        migrations.AddIndex(
            "ledgerentry",
            models.Index(
                fields=["starts_on", "rep"],
                condition=Q(kind__in=("adjustment", "clawback")),
                name="ledger_corrections",
            ),
        ),
        migrations.AddIndex(
            "ledgerentry", models.Index(fields=["rep"], condition=Q(kind="holdback"), name="ledger_held")
        ),
    ]
