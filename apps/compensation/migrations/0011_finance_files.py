"""Files of pay, layouts of the payroll file, and reviews of pay before it is approved."""

from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from apps.compensation.review_guards import review_guards
from apps.core.append_only import append_only, removal_statements


def name_the_kinds(apps: Any, schema_editor: Any) -> None:
    """Say of every download so far what it was. Its triggers are put back by the last operations."""
    for statement in removal_statements(schema_editor.connection.vendor, "compensation_download"):
        schema_editor.execute(statement)
    downloads = apps.get_model("compensation", "Download").objects
    downloads.filter(statement__isnull=False).update(kind="statement")
    downloads.filter(replay__isnull=False).update(kind="replay")


class Migration(migrations.Migration):
    dependencies = [
        ("compensation", "0010_inquiries"),
        ("jobs", "0001_initial"),
        ("reps", "0002_append_only"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="KeptFile",
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
                            ("report", "Payout report"),
                            ("lines", "All lines"),
                            ("statement", "Statement"),
                            ("payroll", "Payroll file"),
                            ("accruals", "Accruals"),
                            ("replay", "Replay"),
                            ("proof", "Proof pack"),
                        ],
                        max_length=9,
                    ),
                ),
                (
                    "format",
                    models.CharField(
                        choices=[("csv", "CSV"), ("xlsx", "XLSX"), ("pdf", "PDF"), ("zip", "ZIP")],
                        max_length=4,
                    ),
                ),
                ("about", models.CharField(blank=True, help_text="as of ``Download.about``", max_length=80)),
                ("made_at", models.DateTimeField()),
                ("fingerprint", models.CharField(max_length=64)),
                ("sha256", models.CharField(max_length=64)),
                ("size", models.PositiveBigIntegerField()),
                ("path", models.CharField(help_text="below PRIVATE_FILES_DIR", max_length=200)),
            ],
            options={
                "ordering": ["-made_at", "-pk"],
            },
        ),
        migrations.RemoveConstraint(
            model_name="download",
            name="download_format_known",
        ),
        migrations.RemoveConstraint(
            model_name="download",
            name="download_of_run_or_replay",
        ),
        migrations.AddField(
            model_name="download",
            name="about",
            field=models.CharField(
                blank=True,
                help_text="the month of accruals, or the layout of a payroll file; no names",
                max_length=80,
            ),
        ),
        migrations.AddField(
            model_name="download",
            name="again_of",
            field=models.ForeignKey(
                blank=True,
                help_text="the taking whose kept file was taken once more",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="taken_again",
                to="compensation.download",
            ),
        ),
        migrations.AddField(
            model_name="download",
            name="kind",
            field=models.CharField(
                choices=[
                    ("report", "Payout report"),
                    ("lines", "All lines"),
                    ("statement", "Statement"),
                    ("payroll", "Payroll file"),
                    ("accruals", "Accruals"),
                    ("replay", "Replay"),
                    ("proof", "Proof pack"),
                ],
                default="report",
                max_length=9,
            ),
        ),
        migrations.AlterField(
            model_name="download",
            name="format",
            field=models.CharField(
                choices=[("csv", "CSV"), ("xlsx", "XLSX"), ("pdf", "PDF"), ("zip", "ZIP")], max_length=4
            ),
        ),
        migrations.AddConstraint(
            model_name="download",
            constraint=models.CheckConstraint(
                condition=models.Q(("format__in", ["csv", "xlsx", "pdf", "zip"])),
                name="download_format_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="download",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("kind__in", ["report", "lines", "statement", "payroll", "accruals", "replay", "proof"])
                ),
                name="download_kind_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="download",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("replay__isnull", True), ("run__isnull", False)),
                    models.Q(("replay__isnull", False), ("run__isnull", True), ("statement__isnull", True)),
                    models.Q(
                        ("kind", "accruals"),
                        ("replay__isnull", True),
                        ("run__isnull", True),
                        ("statement__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="download_of_run_or_replay",
            ),
        ),
        migrations.AddField(
            model_name="keptfile",
            name="job",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="jobs.job"
            ),
        ),
        migrations.AddField(
            model_name="keptfile",
            name="made_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="keptfile",
            name="run",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="kept_files",
                to="compensation.payoutrun",
            ),
        ),
        migrations.AddConstraint(
            model_name="keptfile",
            constraint=models.CheckConstraint(
                condition=models.Q(("format__in", ["csv", "xlsx", "pdf", "zip"])),
                name="kept_file_format_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="keptfile",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("kind__in", ["report", "lines", "statement", "payroll", "accruals", "replay", "proof"])
                ),
                name="kept_file_kind_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="keptfile",
            constraint=models.UniqueConstraint(fields=("job",), name="kept_file_once_per_job"),
        ),
        migrations.RunPython(name_the_kinds, migrations.RunPython.noop),
        # SQLite rebuilt the table of downloads and dropped its triggers.
        append_only("compensation_download"),
        append_only("compensation_keptfile"),
        migrations.CreateModel(
            name="PayrollLayout",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=60, unique=True)),
                ("is_default", models.BooleanField(default=False)),
                ("retired_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["-is_default", "name"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("is_default", True)),
                        fields=("is_default",),
                        name="payroll_layout_one_default",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("is_default", False), ("retired_at__isnull", True), _connector="OR"
                        ),
                        name="payroll_layout_default_in_use",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PayReview",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "side",
                    models.CharField(choices=[("finance", "Finance"), ("manager", "Manager")], max_length=7),
                ),
                (
                    "verdict",
                    models.CharField(
                        choices=[("approved", "Approved"), ("sent_back", "Sent back")], max_length=9
                    ),
                ),
                (
                    "digest",
                    models.CharField(
                        help_text="SHA-256 over the rep's statements in the run, as reviewed", max_length=64
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=500)),
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
                    "rep",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="reps.rep"
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reviews",
                        to="compensation.payoutrun",
                    ),
                ),
            ],
            options={
                "ordering": ["pk"],
                "indexes": [models.Index(fields=["run", "rep"], name="pay_review_of_rep")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("side__in", ["finance", "manager"])), name="pay_review_side_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("verdict__in", ["approved", "sent_back"])),
                        name="pay_review_verdict_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("verdict", "approved"), models.Q(("reason", ""), _negated=True), _connector="OR"
                        ),
                        name="pay_review_sent_back_why",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PayrollLayoutVersion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("document", models.JSONField()),
                ("at", models.DateTimeField()),
                (
                    "by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "layout",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="versions",
                        to="compensation.payrolllayout",
                    ),
                ),
            ],
            options={
                "ordering": ["layout", "-number"],
                "constraints": [
                    models.UniqueConstraint(fields=("layout", "number"), name="payroll_layout_version_once")
                ],
            },
        ),
        append_only("compensation_payreview"),
        append_only("compensation_payrolllayoutversion"),
        review_guards(),
    ]
