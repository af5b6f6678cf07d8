import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from apps.core.append_only import append_only

REASONS = [
    ("unsupported", "Answer not supported by evidence"),
    ("wrong_person", "Asked the wrong person"),
    ("too_far_out", "Date too far out"),
    ("duplicate", "Duplicate of an open opportunity"),
    ("other", "Other, say in the comment"),
]


class Migration(migrations.Migration):

    dependencies = [
        ("leads", "0014_routing_policies"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="handoff",
            name="answered_how",
            field=models.CharField(
                choices=[
                    ("ae", "By the AE"),
                    ("silence", "By itself, for want of an answer"),
                    ("contest", "By a neutral manager"),
                ],
                default="ae",
                max_length=7,
            ),
        ),
        migrations.AddField(
            model_name="handoff",
            name="contest_until",
            field=models.DateTimeField(
                blank=True, help_text="by when the SDR may contest the rejection", null=True
            ),
        ),
        migrations.AddField(
            model_name="handoff",
            name="answer_before",
            field=models.JSONField(
                blank=True,
                default=dict,
                help_text="what taking the answer back within a minute restores",
            ),
        ),
        migrations.CreateModel(
            name="ContestTerms",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("window_days", models.PositiveSmallIntegerField()),
                ("judge_days", models.PositiveSmallIntegerField()),
                (
                    "counts",
                    models.CharField(
                        choices=[("working", "Working days"), ("calendar", "Calendar days")],
                        default="working",
                        max_length=8,
                    ),
                ),
                ("set_at", models.DateTimeField()),
                (
                    "set_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "contest terms",
                "ordering": ["-set_at", "-pk"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("judge_days__gte", 1), ("window_days__gte", 1)),
                        name="contest_terms_a_day_at_least",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Contest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "Waiting for the judge"),
                            ("upheld", "Upheld"),
                            ("dismissed", "Dismissed"),
                            ("withdrawn", "Withdrawn"),
                        ],
                        default="open",
                        max_length=9,
                    ),
                ),
                ("opened_at", models.DateTimeField()),
                ("reason", models.CharField(max_length=1000)),
                ("criterion", models.CharField(help_text="on which it was rejected", max_length=20)),
                ("rejection_reason", models.CharField(blank=True, choices=REASONS, max_length=12)),
                (
                    "comment",
                    models.CharField(blank=True, help_text="the AE's, with the rejection", max_length=1000),
                ),
                ("rejected_at", models.DateTimeField()),
                ("judge_because", models.CharField(help_text="why this judge, in words", max_length=160)),
                ("warn_at", models.DateTimeField()),
                ("due_at", models.DateTimeField()),
                ("reminded_at", models.DateTimeField(blank=True, null=True)),
                ("overdue_told_at", models.DateTimeField(blank=True, null=True)),
                ("sdr_statement", models.CharField(blank=True, max_length=1000)),
                ("sdr_stated_at", models.DateTimeField(blank=True, null=True)),
                ("ae_statement", models.CharField(blank=True, max_length=1000)),
                ("ae_stated_at", models.DateTimeField(blank=True, null=True)),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                ("decision_reason", models.CharField(blank=True, max_length=1000)),
                (
                    "followed",
                    models.CharField(blank=True, help_text="what became of the lead, in words", max_length=200),
                ),
                (
                    "hand_off",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="contest",
                        to="leads.handoff",
                    ),
                ),
                (
                    "opened_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "rejected_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "judge",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="contests_to_judge",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "closed_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-opened_at", "-pk"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "open")),
                        fields=["judge", "due_at"],
                        name="contest_to_judge",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("closed_at__isnull", True), ("state", "open")),
                            models.Q(
                                models.Q(("state", "open"), _negated=True), ("closed_at__isnull", False)
                            ),
                            _connector="OR",
                        ),
                        name="contest_closed_with_time",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reason", ""), _negated=True), name="contest_with_reason"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("due_at__gte", models.F("warn_at"))),
                        name="contest_warned_before_due",
                    ),
                ],
            },
        ),
        append_only("leads_contestterms"),
    ]
