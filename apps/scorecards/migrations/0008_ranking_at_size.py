from typing import Any

import django.db.models.deletion
from django.db import migrations, models

WAYS = (("inbound", "Inbound"), ("outbound", "Outbound"), ("alone", "Found alone"))


def totals_are_to_be_made_anew(apps: Any, _editor: Any) -> None:
    """The lead mix is not in them yet: until the schedule has made them whole, rankings read the record."""
    apps.get_model("scorecards", "RankingTotalsBuild").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("reps", "0001_initial"), ("scorecards", "0007_capacity_and_training")]

    operations = [
        migrations.CreateModel(
            name="LeadMixTotal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("month_on", models.DateField()),
                ("tier", models.PositiveSmallIntegerField()),
                ("way", models.CharField(choices=WAYS, max_length=8)),
                ("currency", models.CharField(blank=True, max_length=3)),
                ("won", models.BigIntegerField()),
                ("closed", models.BigIntegerField()),
                ("revenue", models.BigIntegerField()),
                ("priced", models.BigIntegerField()),
                ("seconds", models.BigIntegerField()),
                ("timed", models.BigIntegerField()),
                (
                    "rep",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="reps.rep"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("rep", "month_on", "tier", "way", "currency"), name="lead_mix_total_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(month_on__day=1), name="lead_mix_total_month_begins"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(tier=0, way="alone")
                        | models.Q(tier__in=[1, 2, 3], way__in=("inbound", "outbound")),
                        name="lead_mix_total_kind_known",
                    ),
                ],
                "indexes": [models.Index(fields=["month_on", "rep"], name="lead_mix_total_by_month")],
            },
        ),
        migrations.RunPython(totals_are_to_be_made_anew, migrations.RunPython.noop),
    ]
