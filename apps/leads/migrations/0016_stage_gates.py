import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from apps.core.append_only import append_only


class Migration(migrations.Migration):

    dependencies = [
        ("leads", "0015_contests"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='opportunity',
            name='expected_close_on',
            field=models.DateField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='opportunity',
            name='next_step',
            field=models.CharField(blank=True, max_length=200),
        ),
        migrations.AlterField(
            model_name='opportunity',
            name='loss_reason',
            field=models.CharField(blank=True, choices=[('no_budget', 'No budget'), ('competitor', 'Chose a competitor'), ('no_decision', 'No decision'), ('timing', 'Timing'), ('unqualified', 'Should not have been accepted'), ('churned', 'The customer left'), ('other', 'Other')], max_length=12),
        ),
        migrations.CreateModel(
            name='StageGate',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('stage', models.CharField(choices=[('stage_2', 'Stage 2'), ('won', 'Closed won')], max_length=9)),
                ('kind', models.CharField(choices=[('new', 'New business'), ('renewal', 'Renewal'), ('upsell', 'Upsell')], default='new', max_length=7)),
                ('version', models.PositiveIntegerField()),
                ('criteria', models.JSONField(default=list, help_text='rows as rules.gates.GateCriterion; none asks nothing')),
                ('overrider', models.CharField(choices=[('manager', "The owner's manager"), ('owner', "The owner, or the owner's manager")], default='manager', max_length=7)),
                ('effective_on', models.DateField()),
                ('note', models.CharField(blank=True, help_text='why this version', max_length=300)),
                ('written_at', models.DateTimeField()),
                ('withdrawn_at', models.DateTimeField(blank=True, help_text='given up before it was in force', null=True)),
                ('written_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['stage', 'kind', '-version'],
                'constraints': [
                    models.UniqueConstraint(fields=('stage', 'kind', 'version'), name='gate_version_once'),
                    models.CheckConstraint(condition=models.Q(('stage__in', ('stage_2', 'won'))), name='gate_stage_known'),
                ],
            },
        ),
        migrations.CreateModel(
            name='GatePassage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('stage', models.CharField(max_length=9)),
                ('passed_at', models.DateTimeField()),
                ('judged', models.JSONField(default=list, help_text='each criterion as it stood: [{"key", "name", "met", "evidence", "filled"}]')),
                ('is_override', models.BooleanField(default=False)),
                ('reason', models.CharField(blank=True, max_length=300)),
                ('event', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='passage', to='leads.funnelevent')),
                ('opportunity', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='passages', to='leads.opportunity')),
                ('passed_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('gate', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='passages', to='leads.stagegate')),
            ],
            options={
                'ordering': ['-passed_at', '-pk'],
                'indexes': [
                    models.Index(condition=models.Q(('is_override', True)), fields=['-passed_at'], name='override_by_time'),
                    models.Index(fields=['opportunity', 'stage'], name='passage_by_opportunity'),
                ],
                'constraints': [
                    models.CheckConstraint(condition=models.Q(('is_override', False), models.Q(models.Q(('reason', ''), _negated=True), ('passed_by__isnull', False)), _connector='OR'), name='override_by_name_with_reason'),
                ],
            },
        ),
        migrations.CreateModel(
            name='GateAnswer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('stage', models.CharField(max_length=9)),
                ('criterion', models.CharField(max_length=20)),
                ('is_met', models.BooleanField()),
                ('evidence', models.CharField(blank=True, max_length=500)),
                ('answered_at', models.DateTimeField()),
                ('answered_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('opportunity', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='gate_answers', to='leads.opportunity')),
            ],
            options={
                'ordering': ['pk'],
                'indexes': [models.Index(fields=['opportunity', 'stage'], name='gate_answer_by_opportunity')],
                'constraints': [models.CheckConstraint(condition=models.Q(('is_met', False), models.Q(('evidence', ''), _negated=True), _connector='OR'), name='gate_answer_met_by_evidence')],
            },
        ),
        append_only("leads_gateanswer"),
        append_only("leads_gatepassage"),
    ]
