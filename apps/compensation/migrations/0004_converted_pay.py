import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from apps.compensation.database_guards import guards
from apps.core.append_only import append_only


class Migration(migrations.Migration):
    dependencies = [
        ("compensation", "0003_pay_of_every_kind"),
        ("reps", "0005_busy_times_at_most_a_day"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='ExchangeRate',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('from_currency', models.CharField(max_length=3)),
                ('to_currency', models.CharField(max_length=3)),
                ('on', models.DateField()),
                ('number', models.PositiveIntegerField(default=1, help_text='1 for the first rate of the day, 2 corrects it')),
                ('rate', models.DecimalField(decimal_places=10, max_digits=20)),
                ('source', models.CharField(help_text='who published it, such as ECB reference rate', max_length=80)),
                ('recorded_at', models.DateTimeField()),
            ],
            options={
                'ordering': ['-on', 'from_currency', 'to_currency', '-number'],
            },
        ),
        migrations.CreateModel(
            name='PayoutCurrency',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('currency', models.CharField(blank=True, max_length=3)),
                ('starts_on', models.DateField()),
                ('set_at', models.DateTimeField()),
            ],
            options={
                'verbose_name_plural': 'payout currencies',
                'ordering': ['-starts_on', '-pk'],
            },
        ),
        migrations.RemoveConstraint(
            model_name='ledgerentry',
            name='ledger_kind_known',
        ),
        migrations.AddField(
            model_name='ledgerentry',
            name='conversion',
            field=models.JSONField(blank=True, help_text='{"from": "USD", "to": "EUR", "rate": "0.92", "on": "2026-10-31", "source": "ECB", "minor": 100}', null=True),
        ),
        migrations.AlterField(
            model_name='ledgerentry',
            name='kind',
            field=models.CharField(choices=[('earning', 'Earning'), ('adjustment', 'Adjustment'), ('bonus', 'Bonus (SPIFF)'), ('draw_advance', 'Draw advanced'), ('draw_recovery', 'Draw taken back'), ('draw_forgiveness', 'Draw forgiven'), ('holdback', 'Held back'), ('release', 'Released'), ('clawback', 'Clawback'), ('conversion', 'Converted')], max_length=16),
        ),
        migrations.AddConstraint(
            model_name='ledgerentry',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['earning', 'adjustment', 'bonus', 'draw_advance', 'draw_recovery', 'draw_forgiveness', 'holdback', 'release', 'clawback', 'conversion'])), name='ledger_kind_known'),
        ),
        migrations.AddField(
            model_name='exchangerate',
            name='by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='payoutcurrency',
            name='by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='payoutcurrency',
            name='rep',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='payout_currencies', to='reps.rep'),
        ),
        migrations.AddIndex(
            model_name='exchangerate',
            index=models.Index(fields=['recorded_at'], name='rate_by_recorded'),
        ),
        migrations.AddConstraint(
            model_name='exchangerate',
            constraint=models.UniqueConstraint(fields=('from_currency', 'to_currency', 'on', 'number'), name='rate_numbered_once'),
        ),
        migrations.AddConstraint(
            model_name='exchangerate',
            constraint=models.CheckConstraint(condition=models.Q(('rate__gt', 0)), name='rate_above_zero'),
        ),
        migrations.AddConstraint(
            model_name='exchangerate',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('from_currency', models.F('to_currency')), _negated=True), models.Q(('from_currency', ''), _negated=True), models.Q(('to_currency', ''), _negated=True), models.Q(('source', ''), _negated=True)), name='rate_between_two_currencies'),
        ),
        migrations.AddIndex(
            model_name='payoutcurrency',
            index=models.Index(fields=['rep', 'starts_on'], name='payout_currency_by_rep'),
        ),
        migrations.AddIndex(
            model_name='ledgerentry',
            index=models.Index(condition=models.Q(('conversion__isnull', False)), fields=['starts_on'], name='ledger_converted'),
        ),
        append_only("compensation_exchangerate"),
        append_only("compensation_payoutcurrency"),
        # SQLite rebuilt the ledger and dropped its triggers.
        append_only("compensation_ledgerentry"),
        guards(),
    ]
