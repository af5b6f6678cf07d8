import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from apps.core.append_only import append_only
from apps.leads.credit_rule_guards import guards


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0016_stage_gates"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='CreditRule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=80)),
                ('capacity', models.CharField(choices=[('sourced', 'Sourced it'), ('owned', 'Owned it')], max_length=7)),
                ('kinds', models.JSONField(help_text='["won", "stage_2"]')),
                ('conditions', models.JSONField(default=list, help_text='rows as rules.conditions.Condition; all must hold')),
                ('shares', models.JSONField(help_text='[{"to": "credited", "share": 800000}, {"to": "rep:12", "share": 200000}]')),
                ('position', models.PositiveIntegerField(default=10, help_text='the first rule that fits is taken')),
                ('starts_on', models.DateField(help_text='for what occurred from this day on')),
                ('ends_on', models.DateField(blank=True, help_text='first day it no longer counts', null=True)),
                ('note', models.CharField(blank=True, max_length=300)),
                ('written_at', models.DateTimeField()),
                ('approved_at', models.DateTimeField(blank=True, null=True)),
                ('approver', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('author', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('ended_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['position', 'pk'],
            },
        ),
        migrations.AddField(
            model_name='eventcredit',
            name='rule',
            field=models.ForeignKey(blank=True, help_text='by which it was shared', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='leads.creditrule'),
        ),
        migrations.AddConstraint(
            model_name='creditrule',
            constraint=models.CheckConstraint(condition=models.Q(('approver__isnull', True), models.Q(('approver', models.F('author')), _negated=True), _connector='OR'), name='credit_rule_author_is_not_approver'),
        ),
        migrations.AddConstraint(
            model_name='creditrule',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('approved_at__isnull', True), ('approver__isnull', True)), models.Q(('approved_at__isnull', False), ('approver__isnull', False)), _connector='OR'), name='credit_rule_approved_by_somebody'),
        ),
        migrations.AddConstraint(
            model_name='creditrule',
            constraint=models.CheckConstraint(condition=models.Q(('ends_on__isnull', True), ('ends_on__gte', models.F('starts_on')), _connector='OR'), name='credit_rule_ends_after_start'),
        ),
        migrations.AddConstraint(
            model_name='creditrule',
            constraint=models.CheckConstraint(condition=models.Q(('capacity__in', ['sourced', 'owned'])), name='credit_rule_capacity_known'),
        ),
        append_only("leads_eventcredit"),
        guards(),
    ]
