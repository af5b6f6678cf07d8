import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from apps.compensation.database_guards import guards
from apps.core.append_only import append_only


class Migration(migrations.Migration):

    dependencies = [
        ('compensation', '0005_credits_by_hand'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='planversion',
            name='plan_version_approved_by_somebody',
        ),
        migrations.AlterField(
            model_name='planversion',
            name='state',
            field=models.CharField(choices=[('draft', 'Draft'), ('submitted', 'Submitted'), ('approved', 'Approved')], default='draft', max_length=9),
        ),
        migrations.AddField(
            model_name='planversion',
            name='typed',
            field=models.JSONField(blank=True, help_text='a draft as it was typed last, while that is no plan yet', null=True),
        ),
        migrations.AddField(
            model_name='planversion',
            name='saved_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='planversion',
            name='revision',
            field=models.PositiveIntegerField(default=1, help_text='counts how often the draft was saved'),
        ),
        migrations.AddField(
            model_name='planversion',
            name='submitted_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='planversion',
            name='sent_back_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='planversion',
            name='sent_back_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='planversion',
            name='sent_back_because',
            field=models.CharField(blank=True, max_length=500),
        ),
        migrations.AddConstraint(
            model_name='planversion',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('approved_at__isnull', True), ('approver__isnull', True), ('state__in', ('draft', 'submitted'))), models.Q(('approved_at__isnull', False), ('approver__isnull', False), ('state', 'approved')), _connector='OR'), name='plan_version_approved_by_somebody'),
        ),
        migrations.AddConstraint(
            model_name='planversion',
            constraint=models.CheckConstraint(condition=models.Q(('typed__isnull', True), ('state', 'draft'), _connector='OR'), name='plan_version_unfinished_is_draft'),
        ),
        migrations.CreateModel(
            name='PlanAcknowledgement',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('typed_name', models.CharField(max_length=120)),
                ('version_fingerprint', models.CharField(max_length=64)),
                ('at', models.DateTimeField()),
                ('rep', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='plan_acknowledgements', to='reps.rep')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='acknowledgements', to='compensation.planversion')),
            ],
            options={
                'ordering': ['-at', '-pk'],
            },
        ),
        migrations.AddConstraint(
            model_name='planacknowledgement',
            constraint=models.UniqueConstraint(fields=('version', 'rep'), name='plan_acknowledged_once'),
        ),
        migrations.AddConstraint(
            model_name='planacknowledgement',
            constraint=models.CheckConstraint(condition=models.Q(('typed_name', ''), _negated=True), name='plan_acknowledged_by_name'),
        ),
        append_only("compensation_planacknowledgement"),
        # SQLite rebuilt the table of versions and dropped its triggers.
        guards(),
    ]
