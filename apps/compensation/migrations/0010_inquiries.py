"""Inquiries with their thread, files and acts; agreed changes with four eyes; who may not decide is kept out."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from apps.compensation.inquiry_guards import inquiry_refusals
from apps.core.append_only import append_only
from apps.core.refusals import refusing


class Migration(migrations.Migration):
    dependencies = [
        ("compensation", "0009_pay_proven"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Inquiry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "about",
                    models.CharField(
                        choices=[
                            ("line", "A line"),
                            ("missing", "Something is missing"),
                            ("statement", "The statement as a whole"),
                        ],
                        max_length=9,
                    ),
                ),
                (
                    "expected",
                    models.CharField(blank=True, help_text="for what pay was expected", max_length=200),
                ),
                (
                    "expected_minor",
                    models.BigIntegerField(
                        blank=True, help_text="in the currency of the statement", null=True
                    ),
                ),
                (
                    "source_key",
                    models.CharField(blank=True, help_text="the same key asks once", max_length=80),
                ),
                ("asked_at", models.DateTimeField()),
                ("owner_because", models.CharField(help_text="why this owner, in words", max_length=300)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "Open"),
                            ("waiting", "Waiting for the asker"),
                            ("answered", "Answered"),
                            ("declined", "Declined"),
                            ("agreed", "Change agreed"),
                            ("closed", "Closed"),
                            ("withdrawn", "Withdrawn"),
                        ],
                        default="open",
                        max_length=9,
                    ),
                ),
                ("messages_count", models.PositiveIntegerField(default=0)),
                (
                    "round",
                    models.PositiveSmallIntegerField(default=1, help_text="2 after it was opened again"),
                ),
                ("started_at", models.DateTimeField(help_text="when the clock of this round began")),
                ("first_answer_minutes", models.PositiveIntegerField()),
                ("outcome_minutes", models.PositiveIntegerField()),
                ("warn_percent", models.PositiveSmallIntegerField()),
                ("reopen_days", models.PositiveSmallIntegerField()),
                ("hours", models.JSONField(help_text="the business hours by which it is counted, copied")),
                (
                    "pauses",
                    models.JSONField(
                        default=list, help_text="[from, to] while the asker was waited for, this round"
                    ),
                ),
                ("paused_at", models.DateTimeField(blank=True, null=True)),
                ("first_warn_at", models.DateTimeField()),
                ("first_due_at", models.DateTimeField()),
                ("warn_at", models.DateTimeField()),
                ("due_at", models.DateTimeField()),
                ("first_answered_at", models.DateTimeField(blank=True, null=True)),
                (
                    "next_due_at",
                    models.DateTimeField(
                        help_text="what is promised next: the first answer, then the outcome"
                    ),
                ),
                (
                    "next_step_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="when the sweep has something to do; empty while it stands still",
                        null=True,
                    ),
                ),
                (
                    "outcome",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("explained", "Explained: nothing changes"),
                            ("corrected", "The data was corrected"),
                            ("declined", "Declined"),
                            ("agreed", "A change was agreed"),
                        ],
                        max_length=9,
                    ),
                ),
                ("outcome_words", models.CharField(blank=True, max_length=2000)),
                (
                    "corrected_link",
                    models.CharField(
                        blank=True,
                        help_text="the page of what was corrected, within the portal",
                        max_length=200,
                    ),
                ),
                ("settled_at", models.DateTimeField(blank=True, null=True)),
                ("reopen_until", models.DateTimeField(blank=True, null=True)),
                (
                    "asked_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "line",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="inquiries",
                        to="compensation.ledgerentry",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="inquiries_to_answer",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "rep",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="inquiries", to="reps.rep"
                    ),
                ),
                (
                    "settled_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "statement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="inquiries",
                        to="compensation.statement",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "inquiries",
                "ordering": ["-asked_at", "-pk"],
            },
        ),
        migrations.CreateModel(
            name="InquiryAct",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("round", models.PositiveSmallIntegerField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("asked", "Asked"),
                            ("assigned", "Given to another"),
                            ("waited", "Waits for the asker"),
                            ("resumed", "Goes on"),
                            ("answered", "Answered"),
                            ("declined", "Declined"),
                            ("agreed", "Change agreed"),
                            ("closed", "Closed"),
                            ("reopened", "Opened again"),
                            ("withdrawn", "Withdrawn"),
                            ("remind_first", "Reminded of the first answer"),
                            ("escalate_first", "First answer late: finance lead told"),
                            ("remind", "Reminded of the outcome"),
                            ("escalate", "Outcome late: finance lead told"),
                        ],
                        max_length=14,
                    ),
                ),
                ("at", models.DateTimeField()),
                ("words", models.CharField(blank=True, max_length=500)),
                (
                    "by",
                    models.ForeignKey(
                        blank=True,
                        help_text="nobody: time did it",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "inquiry",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="acts",
                        to="compensation.inquiry",
                    ),
                ),
            ],
            options={
                "ordering": ["inquiry_id", "pk"],
            },
        ),
        migrations.CreateModel(
            name="InquiryMessage",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("question", "Question"),
                            ("reply", "Reply"),
                            ("asks_back", "Asks back"),
                            ("outcome", "Outcome"),
                        ],
                        max_length=9,
                    ),
                ),
                ("at", models.DateTimeField()),
                ("text", models.CharField(max_length=4000)),
                (
                    "source_key",
                    models.CharField(blank=True, help_text="the same key says it once", max_length=80),
                ),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "inquiry",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="messages",
                        to="compensation.inquiry",
                    ),
                ),
            ],
            options={
                "ordering": ["inquiry_id", "number"],
            },
        ),
        migrations.CreateModel(
            name="InquiryAttachment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=120)),
                ("ending", models.CharField(max_length=4)),
                ("size", models.PositiveIntegerField()),
                ("sha256", models.CharField(max_length=64)),
                ("path", models.CharField(max_length=200, unique=True)),
                (
                    "message",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="attachments",
                        to="compensation.inquirymessage",
                    ),
                ),
            ],
            options={
                "ordering": ["pk"],
            },
        ),
        migrations.CreateModel(
            name="InquirySeen",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("at", models.DateTimeField()),
                (
                    "inquiry",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="seen",
                        to="compensation.inquiry",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "inquiries seen",
            },
        ),
        migrations.CreateModel(
            name="InquiryTerms",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("first_answer_minutes", models.PositiveIntegerField(help_text="business minutes")),
                ("outcome_minutes", models.PositiveIntegerField(help_text="business minutes")),
                ("warn_percent", models.PositiveSmallIntegerField()),
                ("reopen_days", models.PositiveSmallIntegerField()),
                (
                    "answered_by",
                    models.CharField(
                        choices=[
                            ("revops", "RevOps"),
                            ("finance", "Finance"),
                            ("both", "RevOps and finance in turn"),
                        ],
                        max_length=7,
                    ),
                ),
                (
                    "rota",
                    models.JSONField(
                        blank=True, default=list, help_text="user ids in turn; empty: everybody of the role"
                    ),
                ),
                ("set_at", models.DateTimeField()),
                (
                    "lead",
                    models.ForeignKey(
                        blank=True,
                        help_text="the finance lead, told when a promise runs out; empty: all of finance",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
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
                "verbose_name_plural": "inquiry terms",
                "ordering": ["-set_at", "-pk"],
            },
        ),
        migrations.CreateModel(
            name="PayAdjustment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("component_key", models.CharField(max_length=40)),
                ("component_name", models.CharField(max_length=80)),
                ("starts_on", models.DateField(help_text="the period to which it belongs")),
                ("ends_on", models.DateField()),
                ("amount_minor", models.BigIntegerField()),
                ("currency", models.CharField(max_length=3)),
                ("reason", models.CharField(max_length=500)),
                ("proposed_at", models.DateTimeField()),
                ("source_key", models.CharField(max_length=80)),
                ("sequence", models.PositiveIntegerField(default=1)),
                (
                    "inquiry",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="adjustments",
                        to="compensation.inquiry",
                    ),
                ),
                (
                    "plan_version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="compensation.planversion",
                    ),
                ),
                (
                    "proposed_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "rep",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="reps.rep"
                    ),
                ),
                (
                    "reverses",
                    models.ForeignKey(
                        blank=True,
                        help_text="the adjustment that this one takes back",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reversals",
                        to="compensation.payadjustment",
                    ),
                ),
            ],
            options={
                "ordering": ["inquiry_id", "number"],
            },
        ),
        migrations.CreateModel(
            name="PayAdjustmentDecision",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "verdict",
                    models.CharField(
                        choices=[
                            ("approved", "Approved"),
                            ("declined", "Declined"),
                            ("withdrawn", "Withdrawn"),
                        ],
                        max_length=9,
                    ),
                ),
                ("at", models.DateTimeField()),
                ("words", models.CharField(blank=True, help_text="why it was declined", max_length=500)),
                (
                    "adjustment",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="decision",
                        to="compensation.payadjustment",
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-at", "-pk"],
            },
        ),
        migrations.AddIndex(
            model_name="inquiry",
            index=models.Index(
                condition=models.Q(("next_step_at__isnull", False)),
                fields=["next_step_at"],
                name="inquiry_to_sweep",
            ),
        ),
        migrations.AddIndex(
            model_name="inquiry",
            index=models.Index(
                condition=models.Q(("state__in", ("open", "waiting"))),
                fields=["next_due_at"],
                name="inquiry_running",
            ),
        ),
        migrations.AddIndex(
            model_name="inquiry",
            index=models.Index(fields=["rep", "-asked_at"], name="inquiry_by_rep"),
        ),
        migrations.AddConstraint(
            model_name="inquiry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "state__in",
                        ["open", "waiting", "answered", "declined", "agreed", "closed", "withdrawn"],
                    )
                ),
                name="inquiry_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="inquiry",
            constraint=models.CheckConstraint(
                condition=models.Q(("owner", models.F("asked_by")), _negated=True),
                name="inquiry_owner_did_not_ask",
            ),
        ),
        migrations.AddConstraint(
            model_name="inquiry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("about", "line"), ("line__isnull", False)),
                    models.Q(
                        ("about", "missing"),
                        ("line__isnull", True),
                        models.Q(("expected", ""), _negated=True),
                    ),
                    models.Q(("about", "statement"), ("line__isnull", True)),
                    _connector="OR",
                ),
                name="inquiry_about_something",
            ),
        ),
        migrations.AddConstraint(
            model_name="inquiry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("paused_at__isnull", False), ("state", "waiting")),
                    models.Q(models.Q(("state", "waiting"), _negated=True), ("paused_at__isnull", True)),
                    _connector="OR",
                ),
                name="inquiry_stands_still_while_waiting",
            ),
        ),
        migrations.AddConstraint(
            model_name="inquiry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state__in", ("open", "waiting", "withdrawn")), ("outcome", "")),
                    models.Q(
                        ("state__in", ("answered", "declined", "agreed", "closed")),
                        models.Q(("outcome", ""), _negated=True),
                        ("settled_at__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="inquiry_settled_with_outcome",
            ),
        ),
        migrations.AddConstraint(
            model_name="inquiry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("outcome", "corrected"), _negated=True),
                    models.Q(("corrected_link", ""), _negated=True),
                    _connector="OR",
                ),
                name="inquiry_corrected_with_link",
            ),
        ),
        migrations.AddConstraint(
            model_name="inquiry",
            constraint=models.UniqueConstraint(
                condition=models.Q(("line__isnull", False), ("state__in", ("open", "waiting"))),
                fields=("line",),
                name="inquiry_one_running_of_line",
            ),
        ),
        migrations.AddConstraint(
            model_name="inquiry",
            constraint=models.UniqueConstraint(
                condition=models.Q(("source_key", ""), _negated=True),
                fields=("source_key",),
                name="inquiry_asked_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="inquiryact",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind__in", ("remind_first", "escalate_first", "remind", "escalate"))),
                fields=("inquiry", "round", "kind"),
                name="inquiry_step_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="inquiryact",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind__in", ("assigned", "reopened")), _negated=True),
                    models.Q(("words", ""), _negated=True),
                    _connector="OR",
                ),
                name="inquiry_act_with_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="inquirymessage",
            constraint=models.UniqueConstraint(
                fields=("inquiry", "number"), name="inquiry_message_numbered_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="inquirymessage",
            constraint=models.UniqueConstraint(
                condition=models.Q(("source_key", ""), _negated=True),
                fields=("inquiry", "source_key"),
                name="inquiry_message_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="inquirymessage",
            constraint=models.CheckConstraint(
                condition=models.Q(("text", ""), _negated=True), name="inquiry_message_says_something"
            ),
        ),
        migrations.AddConstraint(
            model_name="inquiryattachment",
            constraint=models.CheckConstraint(
                condition=models.Q(("size__gte", 1), ("size__lte", 5242880)),
                name="inquiry_attachment_bounded",
            ),
        ),
        migrations.AddConstraint(
            model_name="inquiryseen",
            constraint=models.UniqueConstraint(fields=("inquiry", "user"), name="inquiry_seen_once"),
        ),
        migrations.AddConstraint(
            model_name="inquiryterms",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("first_answer_minutes__gte", 1),
                    ("outcome_minutes__gte", models.F("first_answer_minutes")),
                ),
                name="inquiry_terms_in_order",
            ),
        ),
        migrations.AddConstraint(
            model_name="inquiryterms",
            constraint=models.CheckConstraint(
                condition=models.Q(("warn_percent__gte", 1), ("warn_percent__lte", 100)),
                name="inquiry_terms_warn_in_time",
            ),
        ),
        migrations.AddIndex(
            model_name="payadjustment",
            index=models.Index(fields=["rep"], name="pay_adjustment_by_rep"),
        ),
        migrations.AddConstraint(
            model_name="payadjustment",
            constraint=models.UniqueConstraint(
                fields=("inquiry", "number"), name="pay_adjustment_numbered_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="payadjustment",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount_minor", 0), _negated=True), name="pay_adjustment_of_something"
            ),
        ),
        migrations.AddConstraint(
            model_name="payadjustment",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason", ""), _negated=True), name="pay_adjustment_with_reason"
            ),
        ),
        migrations.AddConstraint(
            model_name="payadjustment",
            constraint=models.CheckConstraint(
                condition=models.Q(("ends_on__gt", models.F("starts_on"))), name="pay_adjustment_period_whole"
            ),
        ),
        migrations.AddConstraint(
            model_name="payadjustment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("reverses__isnull", True), ("sequence", 1)),
                    models.Q(("reverses__isnull", False), ("sequence", 2)),
                    _connector="OR",
                ),
                name="pay_adjustment_reversal_is_second",
            ),
        ),
        migrations.AddConstraint(
            model_name="payadjustmentdecision",
            constraint=models.CheckConstraint(
                condition=models.Q(("verdict__in", ["approved", "declined", "withdrawn"])),
                name="pay_adjustment_verdict_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="payadjustmentdecision",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("verdict", "declined"), _negated=True),
                    models.Q(("words", ""), _negated=True),
                    _connector="OR",
                ),
                name="pay_adjustment_declined_with_words",
            ),
        ),
        *(
            append_only(f"compensation_{table}")
            for table in (
                "inquiryterms",
                "inquirymessage",
                "inquiryattachment",
                "inquiryact",
                "payadjustment",
                "payadjustmentdecision",
            )
        ),
        refusing(inquiry_refusals()),
    ]
