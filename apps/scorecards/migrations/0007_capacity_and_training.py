"""Assumptions with the month they hold from, hiring scenarios, certifications, practice goals, support."""

from datetime import date

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from apps.core.append_only import append_only


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0020_ranking_and_routing_at_size"),
        ("reps", "0005_busy_times_at_most_a_day"),
        ("scorecards", "0006_weekly_review"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Certification",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("isr", "Inbound SDR"),
                            ("osr", "Outbound SDR"),
                            ("ae", "Account executive"),
                            ("am", "Account manager"),
                            ("csm", "Customer success manager"),
                        ],
                        max_length=3,
                    ),
                ),
                ("name", models.CharField(max_length=80)),
                ("says", models.CharField(blank=True, help_text="what it is about", max_length=300)),
                ("valid_months", models.PositiveSmallIntegerField(default=12)),
                (
                    "pass_score",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        help_text="of 100; empty: pass or fail alone",
                        null=True,
                        validators=[django.core.validators.MaxValueValidator(100)],
                    ),
                ),
                ("asked_from", models.DateField(help_text="first day on which it is asked of the role")),
                ("retired_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["role", "name", "pk"],
            },
        ),
        migrations.CreateModel(
            name="CertificationResult",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("taken_on", models.DateField()),
                ("score", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("is_pass", models.BooleanField()),
                (
                    "valid_until",
                    models.DateField(blank=True, help_text="first day on which it holds no more", null=True),
                ),
                ("note", models.CharField(blank=True, max_length=300)),
                ("recorded_at", models.DateTimeField()),
            ],
            options={
                "ordering": ["-taken_on", "-pk"],
            },
        ),
        migrations.CreateModel(
            name="HiringScenario",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=80)),
                ("document", models.JSONField(help_text="the plan; exact figures as text")),
                (
                    "version",
                    models.PositiveIntegerField(
                        default=1, help_text="counts changes; a page says which it has read"
                    ),
                ),
                ("saved_at", models.DateTimeField()),
                ("dropped_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["-saved_at", "-pk"],
            },
        ),
        migrations.CreateModel(
            name="PracticeGoal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("metric", models.CharField(help_text="key of the metric catalogue", max_length=40)),
                (
                    "months",
                    models.PositiveSmallIntegerField(help_text="over how many months the metric is read"),
                ),
                ("baseline", models.CharField(max_length=60)),
                ("aim", models.CharField(max_length=60)),
                (
                    "baseline_ends_on",
                    models.DateField(help_text="first day after what the baseline was read over"),
                ),
                ("ends_on", models.DateField(help_text="first day after the last month")),
                ("tier_from", models.PositiveSmallIntegerField()),
                ("tier_to", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("why", models.CharField(blank=True, max_length=500)),
                ("set_at", models.DateTimeField()),
            ],
            options={
                "ordering": ["-set_at", "-pk"],
            },
        ),
        migrations.CreateModel(
            name="PracticeGoalEnd",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("reason", models.CharField(max_length=300)),
                ("ended_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="SharedRecording",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("url", models.URLField(max_length=500)),
                ("why", models.CharField(max_length=300)),
                ("shared_at", models.DateTimeField()),
            ],
            options={
                "ordering": ["-shared_at", "-pk"],
            },
        ),
        migrations.CreateModel(
            name="SupportAction",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("month_on", models.DateField(help_text="first day of the month in which it was asked")),
                ("reason", models.CharField(help_text="what the ranking said", max_length=500)),
                ("raised_at", models.DateTimeField()),
                ("is_open", models.BooleanField(default=True)),
                ("escalate_at", models.DateTimeField(help_text="when it is told of again, while it is open")),
                ("escalations", models.PositiveSmallIntegerField(default=0)),
            ],
            options={
                "ordering": ["raised_at", "pk"],
            },
        ),
        migrations.CreateModel(
            name="SupportAnswer",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("coaching", "Coaching every week"),
                            ("listening", "Listening to meetings together"),
                            ("training", "A training"),
                            ("goal", "A practice goal"),
                            ("leads", "Other leads or fewer"),
                            ("other", "Something else, in words"),
                        ],
                        max_length=9,
                    ),
                ),
                ("text", models.CharField(max_length=500)),
                ("answered_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="TrainingAttendance",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
            ],
            options={
                "ordering": ["session_id", "pk"],
            },
        ),
        migrations.CreateModel(
            name="TrainingDue",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("due_on", models.DateField(help_text="first day on which it is overdue")),
                ("was_passed", models.BooleanField(default=False)),
                ("remind_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["due_on", "pk"],
            },
        ),
        migrations.CreateModel(
            name="TrainingSession",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("title", models.CharField(max_length=120)),
                ("starts_at", models.DateTimeField()),
                ("material_url", models.URLField(blank=True, max_length=500)),
                ("planned_at", models.DateTimeField()),
            ],
            options={
                "ordering": ["-starts_at", "-pk"],
            },
        ),
        migrations.AlterModelOptions(
            name="assumption",
            options={"ordering": ["role", "metric", "-effective_on", "-pk"]},
        ),
        migrations.RemoveConstraint(
            model_name="assumption",
            name="assumption_once",
        ),
        migrations.AddField(
            model_name="assumption",
            name="effective_on",
            field=models.DateField(
                default=date(2000, 1, 1), help_text="first day of the first month it holds for"
            ),
        ),
        migrations.AddField(
            model_name="assumption",
            name="set_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="assumption",
            name="set_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="assumption",
            name="metric",
            field=models.CharField(help_text="key of the metric catalogue", max_length=40),
        ),
        migrations.AddConstraint(
            model_name="assumption",
            constraint=models.CheckConstraint(
                condition=models.Q(("effective_on__day", 1)), name="assumption_month_begins"
            ),
        ),
        migrations.AddConstraint(
            model_name="assumption",
            constraint=models.CheckConstraint(
                condition=models.Q(("value__gte", 0)), name="assumption_not_below_zero"
            ),
        ),
        migrations.AddConstraint(
            model_name="certification",
            constraint=models.UniqueConstraint(
                condition=models.Q(("retired_at__isnull", True)),
                fields=("role", "name"),
                name="certification_named_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="certification",
            constraint=models.CheckConstraint(
                condition=models.Q(("valid_months__gte", 1)), name="certification_holds_a_while"
            ),
        ),
        migrations.AddConstraint(
            model_name="certification",
            constraint=models.CheckConstraint(
                condition=models.Q(("pass_score__isnull", True), ("pass_score__lte", 100), _connector="OR"),
                name="certification_score_of_100",
            ),
        ),
        migrations.AddField(
            model_name="certificationresult",
            name="certification",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="results",
                to="scorecards.certification",
            ),
        ),
        migrations.AddField(
            model_name="certificationresult",
            name="recorded_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="certificationresult",
            name="rep",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="certification_results",
                to="reps.rep",
            ),
        ),
        migrations.AddField(
            model_name="certificationresult",
            name="takes_back",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="taken_back",
                to="scorecards.certificationresult",
            ),
        ),
        migrations.AddField(
            model_name="hiringscenario",
            name="owner",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="practicegoal",
            name="rep",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="practice_goals", to="reps.rep"
            ),
        ),
        migrations.AddField(
            model_name="practicegoal",
            name="set_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="practicegoalend",
            name="ended_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="practicegoalend",
            name="goal",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT, related_name="end", to="scorecards.practicegoal"
            ),
        ),
        migrations.AddField(
            model_name="sharedrecording",
            name="meeting",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="shared_recordings",
                to="leads.meeting",
            ),
        ),
        migrations.AddField(
            model_name="sharedrecording",
            name="rep",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="shared_recordings", to="reps.rep"
            ),
        ),
        migrations.AddField(
            model_name="sharedrecording",
            name="shared_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="supportaction",
            name="rep",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="support_actions", to="reps.rep"
            ),
        ),
        migrations.AddField(
            model_name="supportanswer",
            name="action",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="answer",
                to="scorecards.supportaction",
            ),
        ),
        migrations.AddField(
            model_name="supportanswer",
            name="answered_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="trainingattendance",
            name="rep",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="trainings", to="reps.rep"
            ),
        ),
        migrations.AddField(
            model_name="trainingdue",
            name="certification",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="dues",
                to="scorecards.certification",
            ),
        ),
        migrations.AddField(
            model_name="trainingdue",
            name="rep",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="training_dues", to="reps.rep"
            ),
        ),
        migrations.AddField(
            model_name="trainingsession",
            name="certification",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="sessions",
                to="scorecards.certification",
            ),
        ),
        migrations.AddField(
            model_name="trainingsession",
            name="trainer",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="trainingattendance",
            name="session",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="attendances",
                to="scorecards.trainingsession",
            ),
        ),
        migrations.AddField(
            model_name="certificationresult",
            name="session",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="results",
                to="scorecards.trainingsession",
            ),
        ),
        migrations.AddConstraint(
            model_name="hiringscenario",
            constraint=models.UniqueConstraint(
                condition=models.Q(("dropped_at__isnull", True)),
                fields=("owner", "name"),
                name="hiring_scenario_named_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="practicegoal",
            constraint=models.CheckConstraint(
                condition=models.Q(("baseline_ends_on__day", 1), ("ends_on__day", 1)),
                name="goal_months_whole",
            ),
        ),
        migrations.AddConstraint(
            model_name="sharedrecording",
            constraint=models.UniqueConstraint(fields=("meeting", "rep"), name="recording_shared_once"),
        ),
        migrations.AddConstraint(
            model_name="sharedrecording",
            constraint=models.CheckConstraint(
                condition=models.Q(("url__startswith", "https://")), name="recording_is_https"
            ),
        ),
        migrations.AddIndex(
            model_name="supportaction",
            index=models.Index(
                condition=models.Q(("is_open", True)), fields=["escalate_at"], name="support_to_escalate"
            ),
        ),
        migrations.AddConstraint(
            model_name="supportaction",
            constraint=models.UniqueConstraint(fields=("rep", "month_on"), name="support_once_a_month"),
        ),
        migrations.AddConstraint(
            model_name="supportaction",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_open", True)), fields=("rep",), name="support_open_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="supportaction",
            constraint=models.CheckConstraint(
                condition=models.Q(("month_on__day", 1)), name="support_month_begins"
            ),
        ),
        migrations.AddConstraint(
            model_name="supportanswer",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("kind__in", ("coaching", "listening", "training", "goal", "leads", "other"))
                ),
                name="support_answer_kind_known",
            ),
        ),
        migrations.AddIndex(
            model_name="trainingdue",
            index=models.Index(
                condition=models.Q(("remind_at__isnull", False)),
                fields=["remind_at"],
                name="training_to_remind",
            ),
        ),
        migrations.AddConstraint(
            model_name="trainingdue",
            constraint=models.UniqueConstraint(fields=("certification", "rep"), name="training_due_once"),
        ),
        migrations.AddConstraint(
            model_name="trainingattendance",
            constraint=models.UniqueConstraint(fields=("session", "rep"), name="attends_once"),
        ),
        migrations.AddIndex(
            model_name="certificationresult",
            index=models.Index(fields=["rep", "certification", "-taken_on"], name="certification_newest"),
        ),
        migrations.AddConstraint(
            model_name="certificationresult",
            constraint=models.CheckConstraint(
                condition=models.Q(("score__isnull", True), ("score__lte", 100), _connector="OR"),
                name="certification_result_of_100",
            ),
        ),
        migrations.AddConstraint(
            model_name="certificationresult",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("is_pass", False), ("valid_until__isnull", True)),
                    models.Q(("is_pass", True), ("valid_until__gt", models.F("taken_on"))),
                    _connector="OR",
                ),
                name="certification_pass_holds",
            ),
        ),
        append_only("scorecards_assumption"),
        append_only("scorecards_practicegoal"),
        append_only("scorecards_practicegoalend"),
        append_only("scorecards_sharedrecording"),
        append_only("scorecards_supportanswer"),
        append_only("scorecards_certificationresult"),
    ]
