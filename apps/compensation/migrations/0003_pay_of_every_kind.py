import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from apps.compensation.database_guards import guards
from apps.core.append_only import append_only


class Migration(migrations.Migration):

    dependencies = [
        ('compensation', '0002_guards'),
        ('leads', '0011_who_came_back'),
        ('reps', '0003_calendars_with_breaks'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='CustomerPayment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('label', models.CharField(blank=True, help_text='what was paid, such as setup invoice', max_length=80)),
                ('amount_minor', models.BigIntegerField()),
                ('currency', models.CharField(max_length=3)),
                ('paid_at', models.DateTimeField()),
                ('recorded_at', models.DateTimeField()),
                ('source_key', models.CharField(max_length=120, unique=True)),
            ],
            options={
                'ordering': ['paid_at', 'pk'],
            },
        ),
        migrations.RemoveConstraint(
            model_name='ledgerentry',
            name='ledger_adjustment_names_cause',
        ),
        migrations.RemoveConstraint(
            model_name='plan',
            name='plan_role_known',
        ),
        migrations.AddField(
            model_name='ledgerentry',
            name='terms',
            field=models.JSONField(default=list, help_text='the sum of products that gives it: [["3800000", "1/2", "1/500"]]'),
        ),
        migrations.AlterField(
            model_name='ledgerentry',
            name='band',
            field=models.CharField(blank=True, max_length=1000),
        ),
        migrations.AlterField(
            model_name='ledgerentry',
            name='exact',
            field=models.CharField(help_text='earned in minor units before rounding: 871264/1000', max_length=200),
        ),
        migrations.AlterField(
            model_name='ledgerentry',
            name='formula',
            field=models.CharField(help_text='the arithmetic in words', max_length=4000),
        ),
        migrations.AlterField(
            model_name='ledgerentry',
            name='kind',
            field=models.CharField(choices=[('earning', 'Earning'), ('adjustment', 'Adjustment'), ('bonus', 'Bonus (SPIFF)'), ('draw_advance', 'Draw advanced'), ('draw_recovery', 'Draw taken back'), ('draw_forgiveness', 'Draw forgiven'), ('holdback', 'Held back'), ('release', 'Released'), ('clawback', 'Clawback')], max_length=16),
        ),
        migrations.AlterField(
            model_name='ledgerentry',
            name='rate',
            field=models.CharField(blank=True, max_length=500),
        ),
        migrations.AlterField(
            model_name='plan',
            name='role',
            field=models.CharField(choices=[('sdr', 'SDR'), ('ae', 'Account executive'), ('am', 'Account manager'), ('csm', 'Customer success manager'), ('manager', 'Manager')], max_length=7),
        ),
        migrations.AddConstraint(
            model_name='ledgerentry',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(models.Q(('kind__in', ('adjustment', 'clawback')), _negated=True), ('amount_minor', models.F('earned_minor')), ('sequence', 1)), models.Q(('kind__in', ('adjustment', 'clawback')), models.Q(('cause', ''), _negated=True)), _connector='OR'), name='ledger_adjustment_names_cause'),
        ),
        migrations.AddConstraint(
            model_name='ledgerentry',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['earning', 'adjustment', 'bonus', 'draw_advance', 'draw_recovery', 'draw_forgiveness', 'holdback', 'release', 'clawback'])), name='ledger_kind_known'),
        ),
        migrations.AddConstraint(
            model_name='plan',
            constraint=models.CheckConstraint(condition=models.Q(('role__in', ['sdr', 'ae', 'am', 'csm', 'manager'])), name='plan_role_known'),
        ),
        migrations.AddField(
            model_name='customerpayment',
            name='by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='customerpayment',
            name='opportunity',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='payments', to='leads.opportunity'),
        ),
        migrations.AddField(
            model_name='customerpayment',
            name='reverses',
            field=models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='reversed_by', to='compensation.customerpayment'),
        ),
        migrations.AddIndex(
            model_name='customerpayment',
            index=models.Index(fields=['paid_at'], name='payment_by_day'),
        ),
        migrations.AddConstraint(
            model_name='customerpayment',
            constraint=models.CheckConstraint(condition=models.Q(('currency', ''), _negated=True), name='payment_has_currency'),
        ),
        migrations.AddConstraint(
            model_name='customerpayment',
            constraint=models.CheckConstraint(condition=models.Q(('reverses__isnull', False), ('amount_minor__gt', 0), _connector='OR'), name='payment_above_zero'),
        ),
        # SQLite rebuilt the tables above and dropped their triggers.
        append_only("compensation_customerpayment"),
        append_only("compensation_ledgerentry"),
        guards(),
    ]
