import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0018_routing_at_speed"),
        ("reps", "0005_busy_times_at_most_a_day"),
    ]

    operations = [
        migrations.AddField(
            model_name="handoff",
            name="successor",
            field=models.ForeignKey(
                blank=True,
                help_text="the AE who continues after an upheld contest, where that is another than who rejected it",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="hand_offs_continued",
                to="reps.rep",
            ),
        ),
        migrations.AlterField(
            model_name="routingdecision",
            name="cause",
            field=models.CharField(
                choices=[
                    ("held", "Held for the form"),
                    ("booked", "Booked"),
                    ("rescheduled", "Rescheduled"),
                    ("rerouted", "Routed again"),
                    ("contest", "Contest upheld, with another AE"),
                ],
                max_length=11,
            ),
        ),
    ]
