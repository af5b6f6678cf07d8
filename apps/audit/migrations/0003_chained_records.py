"""One chain over audit entries, funnel events, credits and ledger lines; what verifications found; files of the log."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from apps.core.append_only import append_only, close_to_truncate


class Migration(migrations.Migration):

    dependencies = [
        ('audit', '0002_append_only'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Export',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField()),
                ('format', models.CharField(choices=[('csv', 'CSV'), ('xlsx', 'XLSX')], max_length=4)),
                ('filters', models.JSONField(default=dict)),
                ('up_to', models.BigIntegerField(help_text='the newest entry that it may hold')),
                ('row_count', models.PositiveIntegerField()),
                ('sha256', models.CharField(max_length=64)),
                ('size', models.PositiveBigIntegerField()),
                ('path', models.CharField(help_text='below PRIVATE_FILES_DIR', max_length=200)),
            ],
            options={
                'ordering': ['-pk'],
            },
        ),
        migrations.CreateModel(
            name='SealedRows',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('ids', models.BinaryField(help_text="the rows' ids, ascending: differences, compressed")),
                ('digests', models.BinaryField(help_text='eight bytes for each row, in the same order')),
            ],
            options={
                'verbose_name_plural': 'sealed rows',
            },
        ),
        migrations.CreateModel(
            name='Verification',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField()),
                ('origin', models.CharField(max_length=64)),
                ('seal_count', models.PositiveIntegerField(help_text='seals that were looked at')),
                ('row_count', models.PositiveBigIntegerField(help_text='rows that were looked at')),
                ('head_number', models.PositiveIntegerField(default=0)),
                ('head_hash', models.CharField(blank=True, max_length=64)),
                ('unsealed', models.JSONField(default=dict, help_text='rows that no seal covers yet, by table')),
                ('breaks', models.JSONField(default=list, help_text='what does not hold: table, seal, row, why')),
                ('against', models.JSONField(blank=True, help_text='the anchor that it was held against', null=True)),
            ],
            options={
                'ordering': ['-pk'],
            },
        ),
        migrations.AddField(
            model_name='seal',
            name='after_id',
            field=models.BigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='seal',
            name='form',
            field=models.PositiveSmallIntegerField(default=1, help_text='how the hash is made'),
        ),
        migrations.AddField(
            model_name='seal',
            name='last_id',
            field=models.BigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='seal',
            name='layout',
            field=models.PositiveSmallIntegerField(default=1, help_text='which columns of the table it covers'),
        ),
        migrations.AddField(
            model_name='seal',
            name='list_hash',
            field=models.CharField(blank=True, default='', help_text='of the list of its rows', max_length=64),
        ),
        migrations.AddField(
            model_name='seal',
            name='rows_hash',
            field=models.CharField(blank=True, default='', help_text='of the rows as they were', max_length=64),
        ),
        migrations.AddField(
            model_name='seal',
            name='table',
            field=models.CharField(default='audit.AuditEntry', help_text='such as leads.FunnelEvent', max_length=64),
        ),
        migrations.AddIndex(
            model_name='seal',
            index=models.Index(fields=['table', '-number'], name='seal_by_table'),
        ),
        migrations.AddField(
            model_name='export',
            name='by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='sealedrows',
            name='seal',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='rows', to='audit.seal'),
        ),
        migrations.AddField(
            model_name='verification',
            name='by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddConstraint(
            model_name='export',
            constraint=models.CheckConstraint(condition=models.Q(('format__in', ['csv', 'xlsx'])), name='audit_export_format_known'),
        ),
        append_only("audit_seal"),
        append_only("audit_sealedrows"),
        append_only("audit_verification"),
        append_only("audit_export"),
        close_to_truncate(),
    ]
