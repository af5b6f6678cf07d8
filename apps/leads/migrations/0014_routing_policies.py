import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from apps.core.append_only import append_only


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0013_booking"),
        ("reps", "0003_calendars_with_breaks"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="TurnPool",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(help_text="the name of the rule", max_length=80, unique=True)),
                (
                    "standings",
                    models.JSONField(default=dict, help_text='due and taken by rep: {"7": ["12/5", 2]}'),
                ),
                ("changed_at", models.DateTimeField()),
            ],
            options={
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="RoutingPolicy",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField(help_text="the version", unique=True)),
                ("name", models.CharField(max_length=80)),
                ("note", models.CharField(blank=True, help_text="why this version", max_length=300)),
                (
                    "state",
                    models.CharField(
                        choices=[("draft", "Draft"), ("on", "Switched on"), ("put_away", "Put away")],
                        default="draft",
                        max_length=8,
                    ),
                ),
                ("written_at", models.DateTimeField()),
                (
                    "changed_at",
                    models.DateTimeField(help_text="a page says which state of the draft it has read"),
                ),
                ("switched_on_at", models.DateTimeField(blank=True, null=True)),
                ("from_at", models.DateTimeField(blank=True, null=True)),
                ("until_at", models.DateTimeField(blank=True, null=True)),
                (
                    "switched_on_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "written_by",
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
                "verbose_name_plural": "routing policies",
                "ordering": ["-number"],
            },
        ),
        migrations.CreateModel(
            name="RoutingRule",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("position", models.PositiveSmallIntegerField(help_text="asked in this order")),
                (
                    "name",
                    models.CharField(help_text="also names its turns, over all versions", max_length=80),
                ),
                ("method", models.CharField(max_length=13)),
                (
                    "conditions",
                    models.JSONField(
                        blank=True, default=list, help_text="rows as rules.conditions reads them"
                    ),
                ),
                (
                    "terms",
                    models.JSONField(
                        blank=True, default=dict, help_text="pool, fallback and the method's settings"
                    ),
                ),
                (
                    "policy",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rules",
                        to="leads.routingpolicy",
                    ),
                ),
            ],
            options={
                "ordering": ["policy", "position", "pk"],
            },
        ),
        migrations.CreateModel(
            name="RoutingDecision",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "cause",
                    models.CharField(
                        choices=[
                            ("held", "Held for the form"),
                            ("booked", "Booked"),
                            ("rescheduled", "Rescheduled"),
                            ("rerouted", "Routed again"),
                        ],
                        max_length=11,
                    ),
                ),
                (
                    "because",
                    models.CharField(
                        blank=True, help_text="why it was decided again, in words", max_length=200
                    ),
                ),
                ("starts_at", models.DateTimeField(help_text="the time that the customer wanted")),
                ("ends_at", models.DateTimeField()),
                ("at", models.DateTimeField()),
                ("rule", models.CharField(max_length=80)),
                ("method", models.CharField(max_length=13)),
                ("lead_tier", models.PositiveSmallIntegerField()),
                ("words", models.TextField()),
                (
                    "steps",
                    models.JSONField(
                        default=list, help_text="each rule that was looked at, as kept.step_rows"
                    ),
                ),
                ("candidates", models.JSONField(default=list, help_text="as kept.candidate_rows")),
                (
                    "inputs",
                    models.JSONField(default=dict, help_text="as kept.inputs; empty where it was not kept"),
                ),
                (
                    "shares",
                    models.JSONField(
                        default=dict, help_text="what each was due by the turn: as kept.share_rows"
                    ),
                ),
                (
                    "chosen",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="routing_decisions",
                        to="reps.rep",
                    ),
                ),
                (
                    "confirms",
                    models.OneToOneField(
                        blank=True,
                        help_text="the decision for a hold that this booking used; it has the turn",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="confirmed_by",
                        to="leads.routingdecision",
                    ),
                ),
                (
                    "hand_off",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="routing_decisions",
                        to="leads.handoff",
                    ),
                ),
                (
                    "hold",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="routing_decisions",
                        to="leads.slothold",
                    ),
                ),
                (
                    "lead",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="routing_decisions",
                        to="leads.lead",
                    ),
                ),
                (
                    "policy",
                    models.ForeignKey(
                        blank=True,
                        help_text="empty: none was in force, so best available",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="decisions",
                        to="leads.routingpolicy",
                    ),
                ),
                (
                    "pool",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="decisions",
                        to="leads.turnpool",
                    ),
                ),
            ],
            options={
                "ordering": ["-at", "-pk"],
            },
        ),
        migrations.CreateModel(
            name="PoolTurn",
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
                            ("joined", "Joined level"),
                            ("taken", "Taken"),
                            ("given_back", "Given back"),
                            ("retaken", "Counted after all"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "number",
                    models.PositiveSmallIntegerField(
                        default=1, help_text="of the rows of its decision, from 1"
                    ),
                ),
                ("at", models.DateTimeField()),
                ("because", models.CharField(blank=True, max_length=120)),
                (
                    "rep",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="pool_turns", to="reps.rep"
                    ),
                ),
                (
                    "decision",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="turns",
                        to="leads.routingdecision",
                    ),
                ),
                (
                    "pool",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="turns", to="leads.turnpool"
                    ),
                ),
            ],
            options={
                "ordering": ["-at", "-pk"],
            },
        ),
        migrations.AddIndex(
            model_name="routingpolicy",
            index=models.Index(
                condition=models.Q(("state", "on")), fields=["-from_at"], name="routing_policy_begun"
            ),
        ),
        migrations.AddConstraint(
            model_name="routingpolicy",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("from_at__isnull", False), ("state", "on"), ("switched_on_at__isnull", False)),
                    models.Q(
                        models.Q(("state", "on"), _negated=True),
                        ("from_at__isnull", True),
                        ("until_at__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="routing_policy_on_from_a_moment",
            ),
        ),
        migrations.AddConstraint(
            model_name="routingpolicy",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("until_at__isnull", True), ("until_at__gte", models.F("from_at")), _connector="OR"
                ),
                name="routing_policy_ends_after_it_begins",
            ),
        ),
        migrations.AddConstraint(
            model_name="routingrule",
            constraint=models.UniqueConstraint(fields=("policy", "name"), name="routing_rule_name_once"),
        ),
        migrations.AddIndex(
            model_name="routingdecision",
            index=models.Index(fields=["lead", "-at"], name="routing_by_lead"),
        ),
        migrations.AddIndex(
            model_name="routingdecision",
            index=models.Index(fields=["policy", "-at"], name="routing_by_policy"),
        ),
        migrations.AddIndex(
            model_name="routingdecision",
            index=models.Index(fields=["-at", "-id"], name="routing_newest"),
        ),
        migrations.AddIndex(
            model_name="poolturn",
            index=models.Index(fields=["pool", "rep", "kind"], name="pool_turns_by_rep"),
        ),
        migrations.AddConstraint(
            model_name="poolturn",
            constraint=models.UniqueConstraint(
                condition=models.Q(("decision__isnull", False)),
                fields=("decision", "number"),
                name="pool_turn_once_in_order",
            ),
        ),
        migrations.AddConstraint(
            model_name="poolturn",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "joined")), fields=("pool", "rep"), name="pool_joined_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="poolturn",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("decision__isnull", True), ("kind", "joined")),
                    models.Q(models.Q(("kind", "joined"), _negated=True), ("decision__isnull", False)),
                    _connector="OR",
                ),
                name="pool_turn_of_a_decision",
            ),
        ),
        append_only("leads_routingdecision"),
        append_only("leads_poolturn"),
    ]
