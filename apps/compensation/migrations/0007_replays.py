import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from apps.core.append_only import append_only


class Migration(migrations.Migration):

    dependencies = [
        ('compensation', '0006_acknowledgements'),
        ('reps', '0005_busy_times_at_most_a_day'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='ReplayFigure',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('measure', models.CharField(choices=[('won', 'Won'), ('accepted', 'Accepted meetings'), ('held', 'Held back at the end'), ('owed', 'Draws owed at the end')], max_length=8)),
                ('alternative', models.PositiveSmallIntegerField(default=0)),
                ('starts_on', models.DateField()),
                ('currency', models.CharField(blank=True, max_length=3)),
                ('amount_minor', models.BigIntegerField(default=0)),
                ('count', models.PositiveIntegerField(default=0, help_text='events')),
            ],
        ),
        migrations.CreateModel(
            name='ReplayOutcome',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('computed_at', models.DateTimeField()),
                ('won', models.JSONField(help_text='by currency: revenue of the window, each win once, and how many wins')),
                ('made_of', models.JSONField(help_text='plan versions with their digests, and the runs of the window')),
                ('fingerprint', models.CharField(max_length=64)),
            ],
        ),
        migrations.CreateModel(
            name='ReplayPay',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('alternative', models.PositiveSmallIntegerField()),
                ('starts_on', models.DateField()),
                ('currency', models.CharField(max_length=3)),
                ('component_key', models.CharField(max_length=40)),
                ('component_name', models.CharField(max_length=80)),
                ('kind', models.CharField(help_text="as the ledger's; posted, of what the ledger says", max_length=16)),
                ('amount_minor', models.BigIntegerField()),
                ('line_count', models.PositiveIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name='ReplayPerson',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('role', models.CharField(max_length=3)),
            ],
        ),
        migrations.CreateModel(
            name='ReplayProblem',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('alternative', models.PositiveSmallIntegerField()),
                ('starts_on', models.DateField()),
                ('says', models.CharField(max_length=500)),
            ],
            options={
                'ordering': ['pk'],
            },
        ),
        migrations.AlterField(
            model_name='download',
            name='run',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='downloads', to='compensation.payoutrun'),
        ),
        migrations.CreateModel(
            name='Replay',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=120)),
                ('starts_on', models.DateField()),
                ('ends_on', models.DateField(help_text='first day after the last period')),
                ('as_of', models.DateTimeField(help_text='counts what was recorded by this instant')),
                ('question', models.JSONField(help_text='periods, horizon, and the moves of each alternative')),
                ('asked_at', models.DateTimeField()),
                ('request_key', models.CharField(help_text='a second click asks nothing anew', max_length=80, unique=True)),
                ('asked_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-asked_at', '-pk'],
            },
        ),
        migrations.AddField(
            model_name='download',
            name='replay',
            field=models.ForeignKey(blank=True, help_text='in place of a run: what the past would have paid', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='downloads', to='compensation.replay'),
        ),
        migrations.AddConstraint(
            model_name='download',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('replay__isnull', True), ('run__isnull', False)), models.Q(('replay__isnull', False), ('run__isnull', True), ('statement__isnull', True)), _connector='OR'), name='download_of_run_or_replay'),
        ),
        migrations.AddField(
            model_name='replayfigure',
            name='rep',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='reps.rep'),
        ),
        migrations.AddField(
            model_name='replayfigure',
            name='replay',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='figures', to='compensation.replay'),
        ),
        migrations.AddField(
            model_name='replayoutcome',
            name='replay',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='outcome', to='compensation.replay'),
        ),
        migrations.AddField(
            model_name='replaypay',
            name='rep',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='reps.rep'),
        ),
        migrations.AddField(
            model_name='replaypay',
            name='replay',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='pay', to='compensation.replay'),
        ),
        migrations.AddField(
            model_name='replayperson',
            name='rep',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='reps.rep'),
        ),
        migrations.AddField(
            model_name='replayperson',
            name='replay',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='people', to='compensation.replay'),
        ),
        migrations.AddField(
            model_name='replayperson',
            name='team',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='reps.team'),
        ),
        migrations.AddField(
            model_name='replayproblem',
            name='rep',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='reps.rep'),
        ),
        migrations.AddField(
            model_name='replayproblem',
            name='replay',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='problems', to='compensation.replay'),
        ),
        migrations.AddConstraint(
            model_name='replay',
            constraint=models.CheckConstraint(condition=models.Q(('ends_on__gt', models.F('starts_on'))), name='replay_ends_after_start'),
        ),
        migrations.AddConstraint(
            model_name='replayfigure',
            constraint=models.UniqueConstraint(fields=('replay', 'measure', 'alternative', 'rep', 'starts_on', 'currency'), name='replay_figure_once'),
        ),
        migrations.AddConstraint(
            model_name='replayfigure',
            constraint=models.CheckConstraint(condition=models.Q(('measure__in', ['won', 'accepted', 'held', 'owed'])), name='replay_figure_measure_known'),
        ),
        migrations.AddIndex(
            model_name='replaypay',
            index=models.Index(fields=['replay', 'rep'], name='replay_pay_by_rep'),
        ),
        migrations.AddConstraint(
            model_name='replaypay',
            constraint=models.UniqueConstraint(fields=('replay', 'alternative', 'rep', 'starts_on', 'currency', 'component_key', 'kind'), name='replay_pay_once'),
        ),
        migrations.AddConstraint(
            model_name='replayperson',
            constraint=models.UniqueConstraint(fields=('replay', 'rep'), name='replay_person_once'),
        ),
        migrations.AddConstraint(
            model_name='replayproblem',
            constraint=models.UniqueConstraint(fields=('replay', 'rep'), name='replay_problem_once'),
        ),
        # SQLite rebuilt the table of downloads and dropped its triggers.
        append_only("compensation_replay"),
        append_only("compensation_replayfigure"),
        append_only("compensation_replayoutcome"),
        append_only("compensation_replaypay"),
        append_only("compensation_replayperson"),
        append_only("compensation_replayproblem"),
        append_only("compensation_download"),
    ]
