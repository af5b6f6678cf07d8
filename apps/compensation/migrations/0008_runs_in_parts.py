import django.db.models.deletion
from django.db import migrations, models

from apps.compensation.database_guards import guards
from apps.compensation.ledger_references import references
from apps.core.add_column import AddColumn
from apps.core.append_only import append_only


class Migration(migrations.Migration):

    dependencies = [
        ('compensation', '0007_replays'),
    ]

    operations = [
        migrations.CreateModel(
            name='PayoutPart',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('computation', models.PositiveIntegerField(help_text="which one of the run's")),
                ('place', models.PositiveIntegerField(help_text='its number, in the order of the reps')),
                ('rep_ids', models.JSONField(help_text='in ascending order')),
                ('looked_at_again', models.JSONField(default=dict, help_text='reps whose closed periods are worked out anew: {"run": [rep, …]}')),
                ('is_done', models.BooleanField(default=False)),
                ('run', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='parts', to='compensation.payoutrun')),
            ],
            options={
                'ordering': ['place'],
                'constraints': [models.UniqueConstraint(fields=('run', 'computation', 'place'), name='payout_part_once')],
            },
        ),
        AddColumn(
            model_name='statement',
            name='digest',
            field=models.CharField(blank=True, default='', help_text='SHA-256 over its lines; empty without lines, and where they were posted before digests were kept', max_length=64),
        ),
        migrations.AlterField(
            model_name='ledgerentry',
            name='cause_event',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='leads.funnelevent'),
        ),
        migrations.AlterField(
            model_name='ledgerentry',
            name='rep',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='ledger_entries', to='reps.rep'),
        ),
        migrations.AlterField(
            model_name='ledgerentry',
            name='run',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='entries', to='compensation.payoutrun'),
        ),
        migrations.AlterField(
            model_name='ledgerentry',
            name='statement',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='entries', to='compensation.statement'),
        ),
        migrations.AddIndex(
            model_name='ledgerentry',
            index=models.Index(condition=models.Q(('cause_event__isnull', False)), fields=['cause_event'], name='ledger_by_cause'),
        ),
        # SQLite rebuilt the ledger and dropped its triggers.
        append_only("compensation_ledgerentry"),
        guards(),
        references(),
    ]
