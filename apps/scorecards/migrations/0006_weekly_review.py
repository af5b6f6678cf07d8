import datetime as dt

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from apps.core.append_only import append_only


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0020_ranking_and_routing_at_size"),
        ("reps", "0005_busy_times_at_most_a_day"),
        ("scorecards", "0005_cards_reviewed"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="LeadComplaint",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("wrong_contact", "Contact data wrong or missing"),
                            ("not_in_profile", "Outside the profile we agreed on"),
                            ("never_asked", "Never asked for anything"),
                            ("not_a_buyer", "Student, competitor or job seeker"),
                            ("duplicate", "We have them already"),
                            ("too_early", "Scored too high for what they want"),
                            ("other", "Another reason"),
                        ],
                        max_length=14,
                    ),
                ),
                ("comment", models.CharField(max_length=1000)),
                ("source", models.CharField(blank=True, max_length=80)),
                ("campaign", models.CharField(blank=True, max_length=80)),
                ("made_at", models.DateTimeField()),
                ("request_key", models.CharField(blank=True, max_length=64, null=True, unique=True)),
                (
                    "lead",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="complaints",
                        to="leads.lead",
                    ),
                ),
                (
                    "rep",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lead_complaints",
                        to="reps.rep",
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        blank=True,
                        help_text="the lead's",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="reps.team",
                    ),
                ),
            ],
            options={
                "ordering": ["-made_at", "-pk"],
            },
        ),
        migrations.CreateModel(
            name="ComplaintAnswer",
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
                        choices=[("answered", "Answered"), ("withdrawn", "Taken back")], max_length=9
                    ),
                ),
                ("text", models.CharField(blank=True, max_length=1000)),
                ("at", models.DateTimeField()),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "complaint",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="answers",
                        to="scorecards.leadcomplaint",
                    ),
                ),
            ],
            options={
                "ordering": ["at", "pk"],
            },
        ),
        migrations.CreateModel(
            name="ReviewItem",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(choices=[("decision", "Decision"), ("action", "Action")], max_length=8),
                ),
                (
                    "section",
                    models.CharField(
                        choices=[
                            ("actions", "Actions"),
                            ("leads", "Leads delivered"),
                            ("appointments", "Appointments"),
                            ("cold", "Went cold"),
                            ("promises", "Not dispositioned"),
                            ("touches", "Touches"),
                            ("complaints", "Lead quality"),
                            ("rejected", "Rejected"),
                        ],
                        default="actions",
                        max_length=12,
                    ),
                ),
                ("text", models.CharField(max_length=300)),
                ("due_on", models.DateField(blank=True, null=True)),
                ("written_at", models.DateTimeField()),
                (
                    "request_key",
                    models.CharField(
                        blank=True,
                        help_text="one per form, so a second click is harmless",
                        max_length=64,
                        null=True,
                        unique=True,
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="review_items",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="review_items",
                        to="reps.team",
                    ),
                ),
                (
                    "written_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["written_at", "pk"],
            },
        ),
        migrations.CreateModel(
            name="ReviewItemEnd",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("how", models.CharField(choices=[("done", "Done"), ("dropped", "Dropped")], max_length=7)),
                ("reason", models.CharField(blank=True, max_length=300)),
                ("ended_at", models.DateTimeField()),
                (
                    "ended_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "item",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="end",
                        to="scorecards.reviewitem",
                    ),
                ),
            ],
            options={
                "ordering": ["ended_at", "pk"],
            },
        ),
        migrations.CreateModel(
            name="ReviewReason",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "subject",
                    models.CharField(
                        help_text="which item: silent:12:2026-11-02, touch:12:…, event:7", max_length=60
                    ),
                ),
                ("revision", models.PositiveSmallIntegerField(default=1)),
                (
                    "section",
                    models.CharField(
                        choices=[
                            ("actions", "Actions"),
                            ("leads", "Leads delivered"),
                            ("appointments", "Appointments"),
                            ("cold", "Went cold"),
                            ("promises", "Not dispositioned"),
                            ("touches", "Touches"),
                            ("complaints", "Lead quality"),
                            ("rejected", "Rejected"),
                        ],
                        max_length=12,
                    ),
                ),
                ("week_on", models.DateField()),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("no_answer", "No answer"),
                            ("not_now", "Not now"),
                            ("competitor", "Chose a competitor"),
                            ("no_fit", "Does not fit"),
                            ("away", "Away, not covered"),
                            ("bad_contact", "Number or address wrong"),
                            ("no_time", "No time for it"),
                            ("customer", "The customer asked to wait"),
                            ("overlooked", "Overlooked"),
                            ("other", "Another reason"),
                        ],
                        max_length=11,
                    ),
                ),
                ("note", models.CharField(blank=True, max_length=300)),
                ("given_at", models.DateTimeField()),
                (
                    "given_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "lead",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="leads.lead"
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="reps.team"
                    ),
                ),
            ],
            options={
                "ordering": ["subject", "revision"],
            },
        ),
        migrations.CreateModel(
            name="ReviewSetting",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("is_on", models.BooleanField(default=True, help_text="whether a pack is made each week")),
                ("weekday", models.PositiveSmallIntegerField(default=3, help_text="0 is Monday")),
                (
                    "starts_at",
                    models.TimeField(default=dt.time(10, 30), help_text="in the company's time zone"),
                ),
                ("minutes", models.PositiveSmallIntegerField(default=45)),
                ("ask_hours_before", models.PositiveSmallIntegerField(default=48)),
                ("made_hours_before", models.PositiveSmallIntegerField(default=4)),
                (
                    "agreed_mqls",
                    models.PositiveIntegerField(
                        blank=True, help_text="MQLs a week that marketing and sales agreed on", null=True
                    ),
                ),
                (
                    "team",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="review_setting",
                        to="reps.team",
                    ),
                ),
            ],
            options={
                "ordering": ["team_id"],
            },
        ),
        migrations.CreateModel(
            name="Spend",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("source", models.CharField(help_text="as leads carry it", max_length=80)),
                (
                    "campaign",
                    models.CharField(blank=True, help_text="empty: for the source as a whole", max_length=80),
                ),
                ("month_on", models.DateField(help_text="first day of the month")),
                ("amount_minor", models.BigIntegerField()),
                ("currency", models.CharField(max_length=3)),
                (
                    "note",
                    models.CharField(blank=True, help_text="what for; of a reversal: why", max_length=300),
                ),
                ("entered_at", models.DateTimeField()),
                (
                    "source_key",
                    models.CharField(help_text="the same one is entered once", max_length=120, unique=True),
                ),
                (
                    "entered_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "reverses",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reversed_by",
                        to="scorecards.spend",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "spend",
                "ordering": ["-month_on", "source", "campaign", "pk"],
            },
        ),
        migrations.CreateModel(
            name="WeeklyReview",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("week_on", models.DateField(help_text="the Monday")),
                ("made_at", models.DateTimeField()),
                ("meeting_at", models.DateTimeField()),
                ("minutes", models.PositiveSmallIntegerField(default=45)),
                (
                    "copy",
                    models.JSONField(
                        help_text="as selectors.review_pack writes it: ids and figures, no names"
                    ),
                ),
                ("fingerprint", models.CharField(help_text="hash of the copy", max_length=64)),
                (
                    "made_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="weekly_reviews",
                        to="reps.team",
                    ),
                ),
            ],
            options={
                "ordering": ["-week_on", "team_id"],
            },
        ),
        migrations.AddField(
            model_name="reviewitem",
            name="review",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="items",
                to="scorecards.weeklyreview",
            ),
        ),
        migrations.AddIndex(
            model_name="leadcomplaint",
            index=models.Index(fields=["team", "made_at"], name="complaint_by_team"),
        ),
        migrations.AddIndex(
            model_name="leadcomplaint",
            index=models.Index(fields=["-made_at", "-id"], name="complaint_newest"),
        ),
        migrations.AddConstraint(
            model_name="leadcomplaint",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "reason__in",
                        [
                            "wrong_contact",
                            "not_in_profile",
                            "never_asked",
                            "not_a_buyer",
                            "duplicate",
                            "too_early",
                            "other",
                        ],
                    )
                ),
                name="complaint_reason_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="leadcomplaint",
            constraint=models.CheckConstraint(
                condition=models.Q(("comment", ""), _negated=True), name="complaint_says_what"
            ),
        ),
        migrations.AddConstraint(
            model_name="complaintanswer",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "withdrawn")),
                fields=("complaint",),
                name="complaint_withdrawn_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="complaintanswer",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("kind", "withdrawn"),
                    models.Q(("kind", "answered"), models.Q(("text", ""), _negated=True)),
                    _connector="OR",
                ),
                name="complaint_answer_says_what",
            ),
        ),
        migrations.AddConstraint(
            model_name="reviewitemend",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("how", "done"),
                    models.Q(("how", "dropped"), models.Q(("reason", ""), _negated=True)),
                    _connector="OR",
                ),
                name="review_dropped_with_reason",
            ),
        ),
        migrations.AddIndex(
            model_name="reviewreason",
            index=models.Index(fields=["team", "week_on"], name="review_reason_by_week"),
        ),
        migrations.AddConstraint(
            model_name="reviewreason",
            constraint=models.UniqueConstraint(fields=("subject", "revision"), name="review_reason_once"),
        ),
        migrations.AddConstraint(
            model_name="reviewreason",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "reason__in",
                        [
                            "no_answer",
                            "not_now",
                            "competitor",
                            "no_fit",
                            "away",
                            "bad_contact",
                            "no_time",
                            "customer",
                            "overlooked",
                            "other",
                        ],
                    )
                ),
                name="review_reason_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="reviewreason",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("reason", "other"), _negated=True),
                    models.Q(("note", ""), _negated=True),
                    _connector="OR",
                ),
                name="review_other_reason_says_which",
            ),
        ),
        migrations.AddConstraint(
            model_name="reviewsetting",
            constraint=models.CheckConstraint(
                condition=models.Q(("weekday__lte", 6)), name="review_weekday_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="reviewsetting",
            constraint=models.CheckConstraint(
                condition=models.Q(("minutes__gte", 10), ("minutes__lte", 240)),
                name="review_minutes_in_range",
            ),
        ),
        migrations.AddConstraint(
            model_name="reviewsetting",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("ask_hours_before__gte", models.F("made_hours_before")), ("ask_hours_before__lte", 168)
                ),
                name="review_asks_before_it_is_made",
            ),
        ),
        migrations.AddIndex(
            model_name="spend",
            index=models.Index(fields=["-month_on", "-id"], name="spend_by_month"),
        ),
        migrations.AddConstraint(
            model_name="spend",
            constraint=models.CheckConstraint(
                condition=models.Q(("month_on__day", 1)), name="spend_month_begins"
            ),
        ),
        migrations.AddConstraint(
            model_name="spend",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("currency", ""), _negated=True), models.Q(("source", ""), _negated=True)
                ),
                name="spend_whole",
            ),
        ),
        migrations.AddConstraint(
            model_name="spend",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("amount_minor__gt", 0), ("reverses__isnull", True)),
                    models.Q(("amount_minor__lt", 0), ("reverses__isnull", False)),
                    _connector="OR",
                ),
                name="spend_above_zero_or_reversal",
            ),
        ),
        migrations.AddConstraint(
            model_name="weeklyreview",
            constraint=models.UniqueConstraint(fields=("team", "week_on"), name="weekly_review_once"),
        ),
        migrations.AddIndex(
            model_name="reviewitem",
            index=models.Index(fields=["team", "-written_at"], name="review_item_by_team"),
        ),
        migrations.AddConstraint(
            model_name="reviewitem",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("kind", "decision"),
                    models.Q(("due_on__isnull", False), ("kind", "action"), ("owner__isnull", False)),
                    _connector="OR",
                ),
                name="review_action_has_owner_and_day",
            ),
        ),
        migrations.AddConstraint(
            model_name="reviewitem",
            constraint=models.CheckConstraint(
                condition=models.Q(("text", ""), _negated=True), name="review_item_says_what"
            ),
        ),
        append_only("scorecards_leadcomplaint"),
        append_only("scorecards_complaintanswer"),
        append_only("scorecards_reviewitem"),
        append_only("scorecards_reviewitemend"),
        append_only("scorecards_reviewreason"),
        append_only("scorecards_spend"),
        append_only("scorecards_weeklyreview"),
    ]
