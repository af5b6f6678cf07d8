"""Ranking policies with drafts, the index adjusted for the lead mix, holds, frozen months, and monthly sums."""

from decimal import Decimal

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from apps.core.append_only import append_only


def keep_what_was_received(apps, schema_editor):
    """The hand-offs that are there, by their lead's score of today: none was kept of the day itself."""
    hand_off, received = apps.get_model("leads", "HandOff"), apps.get_model("scorecards", "ReceivedLead")
    rows = hand_off.objects.order_by("pk").values_list("pk", "lead__score", "lead__is_inbound")
    received.objects.bulk_create(
        (
            received(hand_off_id=pk, tier={"A": 1, "B": 2}.get(score, 3), is_inbound=inbound)
            for pk, score, inbound in rows
        ),
        batch_size=1_000,
    )


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0012_what_a_hand_off_becomes"),
        ("reps", "0003_calendars_with_breaks"),
        ("scorecards", "0002_append_only"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="RankingHold",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("starts_on", models.DateField()),
                ("ends_on", models.DateField(help_text="first day on which it holds no more")),
                ("reason", models.CharField(max_length=500)),
                ("held_at", models.DateTimeField()),
            ],
            options={
                "ordering": ["-starts_on", "-pk"],
            },
        ),
        migrations.CreateModel(
            name="RankingHoldLift",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("lifted_at", models.DateTimeField()),
                ("reason", models.CharField(blank=True, max_length=500)),
            ],
        ),
        migrations.CreateModel(
            name="RankingTotal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("month_on", models.DateField()),
                ("currency", models.CharField(blank=True, max_length=3)),
                ("won", models.BigIntegerField(default=0)),
                ("lost", models.BigIntegerField(default=0)),
                ("taken", models.BigIntegerField(default=0)),
                ("turned_down", models.BigIntegerField(default=0)),
                ("revenue", models.BigIntegerField(default=0)),
                ("priced", models.BigIntegerField(default=0)),
                ("self_sourced", models.BigIntegerField(default=0)),
                ("cycle_seconds", models.BigIntegerField(default=0)),
                ("cycle_share", models.BigIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name="RankingTotalMark",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="RankingTotalsBuild",
            fields=[
                ("id", models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("built_at", models.DateTimeField()),
                ("refreshed_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="ReceivedLead",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "tier",
                    models.PositiveSmallIntegerField(choices=[(1, "Tier 1"), (2, "Tier 2"), (3, "Tier 3")]),
                ),
                ("is_inbound", models.BooleanField()),
            ],
        ),
        migrations.AlterModelOptions(
            name="rankingpolicy",
            options={
                "ordering": [models.OrderBy(models.F("version"), descending=True, nulls_first=True), "-pk"],
                "verbose_name_plural": "ranking policies",
            },
        ),
        migrations.RemoveConstraint(
            model_name="rankingpolicy",
            name="ranking_peers_known",
        ),
        migrations.AddField(
            model_name="rankingpolicy",
            name="days_to_hold",
            field=models.PositiveSmallIntegerField(
                default=0,
                help_text="days after the period before moves are applied, in which they can be held",
            ),
        ),
        migrations.AddField(
            model_name="rankingpolicy",
            name="decides",
            field=models.CharField(
                choices=[("raw", "The raw index"), ("adjusted", "The index adjusted for the lead mix")],
                default="raw",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="rankingpolicy",
            name="least_expected",
            field=models.DecimalField(
                decimal_places=2,
                default=Decimal("2.00"),
                help_text="wins expected for an adjustment",
                max_digits=5,
            ),
        ),
        migrations.AddField(
            model_name="rankingpolicy",
            name="least_in_cell",
            field=models.PositiveSmallIntegerField(
                default=10,
                help_text="closed deals of a kind of lead, below which it is joined with its neighbour",
            ),
        ),
        migrations.AddField(
            model_name="rankingpolicy",
            name="note",
            field=models.CharField(blank=True, help_text="what changes, and why", max_length=300),
        ),
        migrations.AddField(
            model_name="rankingpolicy",
            name="put_in_force_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="rankingpolicy",
            name="put_in_force_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="rankingpolicy",
            name="written_at",
            field=models.DateTimeField(blank=True, help_text="when the draft was last changed", null=True),
        ),
        migrations.AddField(
            model_name="rankingpolicy",
            name="written_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="rankingrow",
            name="adjusted",
            field=models.DecimalField(
                blank=True,
                decimal_places=4,
                help_text="rounded; empty where there was too little to adjust by",
                max_digits=10,
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="rankingsnapshot",
            name="frozen_at",
            field=models.DateTimeField(blank=True, help_text="never made anew from then on", null=True),
        ),
        migrations.AddField(
            model_name="rankingsnapshot",
            name="month_on",
            field=models.DateField(
                blank=True,
                help_text="first day of the month that it closed, where it did",
                null=True,
                unique=True,
            ),
        ),
        migrations.AlterField(
            model_name="rankingpolicy",
            name="effective_on",
            field=models.DateField(blank=True, help_text="empty on a draft", null=True),
        ),
        migrations.AlterField(
            model_name="rankingpolicy",
            name="peer_group",
            field=models.CharField(
                choices=[
                    ("team", "AEs of one team"),
                    ("currency", "AEs of all teams that share a currency"),
                    ("agency", "AEs who share a currency: own people, and each agency apart"),
                    ("tier", "AEs of one tier who share a currency"),
                ],
                default="team",
                max_length=8,
            ),
        ),
        migrations.AlterField(
            model_name="rankingpolicy",
            name="version",
            field=models.PositiveIntegerField(
                blank=True, help_text="empty on a draft", null=True, unique=True
            ),
        ),
        migrations.AlterField(
            model_name="rankingrow",
            name="metrics",
            field=models.JSONField(
                help_text="index, won, closed, revenue, terms; the adjusted index and the mix"
            ),
        ),
        migrations.AddConstraint(
            model_name="rankingpolicy",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("effective_on__isnull", True), ("version__isnull", True)),
                    models.Q(("effective_on__isnull", False), ("version__isnull", False)),
                    _connector="OR",
                ),
                name="ranking_policy_draft_or_dated",
            ),
        ),
        migrations.AddConstraint(
            model_name="rankingpolicy",
            constraint=models.CheckConstraint(
                condition=models.Q(("decides__in", ["raw", "adjusted"])), name="ranking_decides_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="rankingpolicy",
            constraint=models.CheckConstraint(
                condition=models.Q(("peer_group__in", ["team", "currency", "agency", "tier"])),
                name="ranking_peers_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="rankingsnapshot",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("frozen_at__isnull", True), ("month_on__isnull", True)),
                    models.Q(("frozen_at__isnull", False), ("month_on__isnull", False)),
                    _connector="OR",
                ),
                name="ranking_frozen_for_a_month",
            ),
        ),
        migrations.AddField(
            model_name="rankinghold",
            name="held_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="rankinghold",
            name="rep",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="ranking_holds", to="reps.rep"
            ),
        ),
        migrations.AddField(
            model_name="rankingrow",
            name="hold",
            field=models.ForeignKey(
                blank=True,
                help_text="the hold in force, whether or not there was a move to hold",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="rows",
                to="scorecards.rankinghold",
            ),
        ),
        migrations.AddField(
            model_name="rankingholdlift",
            name="hold",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT, related_name="lift", to="scorecards.rankinghold"
            ),
        ),
        migrations.AddField(
            model_name="rankingholdlift",
            name="lifted_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="rankingtotal",
            name="rep",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="reps.rep"
            ),
        ),
        migrations.AddField(
            model_name="rankingtotalmark",
            name="event",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="leads.funnelevent"
            ),
        ),
        migrations.AddConstraint(
            model_name="rankingtotalsbuild",
            constraint=models.CheckConstraint(
                condition=models.Q(("id", 1)), name="ranking_totals_built_once"
            ),
        ),
        migrations.AddField(
            model_name="receivedlead",
            name="hand_off",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.CASCADE, related_name="received", to="leads.handoff"
            ),
        ),
        migrations.AddIndex(
            model_name="rankinghold",
            index=models.Index(fields=["rep", "-starts_on"], name="ranking_hold_by_rep"),
        ),
        migrations.AddConstraint(
            model_name="rankinghold",
            constraint=models.CheckConstraint(
                condition=models.Q(("ends_on__gt", models.F("starts_on"))),
                name="ranking_hold_ends_after_start",
            ),
        ),
        migrations.AddConstraint(
            model_name="rankinghold",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason", ""), _negated=True), name="ranking_hold_has_a_reason"
            ),
        ),
        migrations.AddIndex(
            model_name="rankingtotal",
            index=models.Index(fields=["month_on", "rep"], name="ranking_total_by_month"),
        ),
        migrations.AddConstraint(
            model_name="rankingtotal",
            constraint=models.UniqueConstraint(
                fields=("rep", "month_on", "currency"), name="ranking_total_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="rankingtotal",
            constraint=models.CheckConstraint(
                condition=models.Q(("month_on__day", 1)), name="ranking_total_month_begins"
            ),
        ),
        migrations.AddConstraint(
            model_name="receivedlead",
            constraint=models.CheckConstraint(
                condition=models.Q(("tier__in", [1, 2, 3])), name="received_tier_known"
            ),
        ),
        append_only("scorecards_rankinghold"),
        append_only("scorecards_rankingholdlift"),
        migrations.RunPython(keep_what_was_received, migrations.RunPython.noop),
    ]
