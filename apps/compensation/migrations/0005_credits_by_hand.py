import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from apps.compensation.split_guards import split_guards
from apps.core.append_only import append_only


class Migration(migrations.Migration):
    dependencies = [
        ("compensation", "0004_converted_pay"),
        ("leads", "0017_credits_by_hand"),
        ("reps", "0005_busy_times_at_most_a_day"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='CreditSplit',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('capacity', models.CharField(choices=[('sourced', 'Sourced it'), ('owned', 'Owned it')], max_length=7)),
                ('number', models.PositiveIntegerField()),
                ('reason', models.CharField(max_length=500)),
                ('proposed_at', models.DateTimeField()),
            ],
            options={
                'ordering': ['-proposed_at', '-pk'],
            },
        ),
        migrations.CreateModel(
            name='CreditSplitDecision',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('verdict', models.CharField(choices=[('approved', 'Approved'), ('declined', 'Declined'), ('withdrawn', 'Withdrawn')], max_length=9)),
                ('at', models.DateTimeField()),
                ('words', models.CharField(blank=True, help_text='why it was declined', max_length=500)),
            ],
            options={
                'ordering': ['-at', '-pk'],
            },
        ),
        migrations.CreateModel(
            name='CreditSplitPart',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('capacity', models.CharField(choices=[('sourced', 'Sourced it'), ('owned', 'Owned it')], max_length=7)),
                ('share_before', models.PositiveIntegerField()),
                ('share', models.PositiveIntegerField()),
            ],
            options={
                'ordering': ['split_id', '-share', 'pk'],
            },
        ),
        migrations.AddField(
            model_name='creditsplit',
            name='event',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='splits', to='leads.funnelevent'),
        ),
        migrations.AddField(
            model_name='creditsplit',
            name='proposed_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='creditsplit',
            name='reverses',
            field=models.ForeignKey(blank=True, help_text='the split that this one takes back', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='reversals', to='compensation.creditsplit'),
        ),
        migrations.AddField(
            model_name='creditsplitdecision',
            name='by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='creditsplitdecision',
            name='split',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='decision', to='compensation.creditsplit'),
        ),
        migrations.AddField(
            model_name='creditsplitpart',
            name='event',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='leads.funnelevent'),
        ),
        migrations.AddField(
            model_name='creditsplitpart',
            name='rep',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='split_parts', to='reps.rep'),
        ),
        migrations.AddField(
            model_name='creditsplitpart',
            name='split',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='parts', to='compensation.creditsplit'),
        ),
        migrations.AddConstraint(
            model_name='creditsplit',
            constraint=models.UniqueConstraint(fields=('event', 'capacity', 'number'), name='split_numbered_once'),
        ),
        migrations.AddConstraint(
            model_name='creditsplit',
            constraint=models.CheckConstraint(condition=models.Q(('reason', ''), _negated=True), name='split_has_reason'),
        ),
        migrations.AddConstraint(
            model_name='creditsplit',
            constraint=models.CheckConstraint(condition=models.Q(('capacity__in', ['sourced', 'owned'])), name='split_capacity_known'),
        ),
        migrations.AddIndex(
            model_name='creditsplitdecision',
            index=models.Index(fields=['at'], name='split_decision_by_time'),
        ),
        migrations.AddConstraint(
            model_name='creditsplitdecision',
            constraint=models.CheckConstraint(condition=models.Q(('verdict__in', ['approved', 'declined', 'withdrawn'])), name='split_verdict_known'),
        ),
        migrations.AddConstraint(
            model_name='creditsplitdecision',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('verdict', 'declined'), _negated=True), models.Q(('words', ''), _negated=True), _connector='OR'), name='split_declined_with_words'),
        ),
        migrations.AddIndex(
            model_name='creditsplitpart',
            index=models.Index(fields=['rep', 'event'], name='split_part_by_rep'),
        ),
        migrations.AddConstraint(
            model_name='creditsplitpart',
            constraint=models.UniqueConstraint(fields=('split', 'rep'), name='split_part_once'),
        ),
        migrations.AddConstraint(
            model_name='creditsplitpart',
            constraint=models.CheckConstraint(condition=models.Q(('share__lte', 1000000), ('share_before__lte', 1000000), models.Q(('share__gt', 0), ('share_before__gt', 0), _connector='OR')), name='split_part_in_range'),
        ),
        append_only("compensation_creditsplit"),
        append_only("compensation_creditsplitpart"),
        append_only("compensation_creditsplitdecision"),
        split_guards(),
    ]
