from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("leads", "0017_credits_by_hand")]

    operations = [
        migrations.CreateModel(
            name="AnsweredRequest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(help_text="with whose it is: api:7:their-key", max_length=80, unique=True)),
                ("asked", models.CharField(help_text="hash over method, address and body", max_length=64)),
                ("begun_at", models.DateTimeField()),
                (
                    "status",
                    models.PositiveSmallIntegerField(
                        blank=True, help_text="empty while it is worked on", null=True
                    ),
                ),
                ("body", models.TextField(blank=True, help_text="JSON, in the order in which it was said")),
            ],
            options={
                "ordering": ["-begun_at", "-pk"],
                "indexes": [models.Index(fields=["begun_at"], name="request_by_age")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("status__isnull", False), ("body", ""), _connector="OR"),
                        name="request_answered_whole",
                    )
                ],
            },
        ),
    ]
