import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import OuterRef, Subquery

from apps.core.append_only import append_only


def name_the_hand_offs_of_meetings(apps, schema_editor):
    """A meeting says for which hand-off it is, as earlier times of the same hand-off will."""
    Meeting = apps.get_model("leads", "Meeting")
    HandOff = apps.get_model("leads", "HandOff")
    of_it = HandOff.objects.filter(meeting=OuterRef("pk")).order_by().values("pk")[:1]
    Meeting.objects.filter(for_hand_off__isnull=True).update(for_hand_off=Subquery(of_it))


class Migration(migrations.Migration):

    dependencies = [
        ("leads", "0012_what_a_hand_off_becomes"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='BookingRules',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('meeting_minutes', models.PositiveSmallIntegerField(choices=[(30, '30 minutes'), (60, '1 hour'), (90, '1 hour 30')], default=30, verbose_name='Usual length')),
                ('hold_minutes', models.PositiveSmallIntegerField(default=5, help_text='minutes, while an SDR fills the form', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(30)], verbose_name='A time is held for')),
                ('longest_hold_minutes', models.PositiveSmallIntegerField(default=20, help_text='minutes, however long the form stays open', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(120)], verbose_name='At the longest')),
                ('changed_at', models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name='Invitation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('method', models.CharField(choices=[('REQUEST', 'Invitation'), ('CANCEL', 'Cancellation')], max_length=7)),
                ('sequence', models.PositiveIntegerField()),
                ('to', models.CharField(choices=[('customer', 'The customer'), ('ae', 'The AE')], max_length=8)),
                ('address', models.EmailField(max_length=254)),
                ('subject', models.CharField(max_length=200)),
                ('words', models.TextField()),
                ('ics', models.TextField()),
                ('created_at', models.DateTimeField()),
                ('due_at', models.DateTimeField(blank=True, null=True)),
                ('claimed_at', models.DateTimeField(blank=True, null=True)),
                ('attempts', models.PositiveSmallIntegerField(default=0, help_text='claims whose outcome is not known')),
                ('sent_at', models.DateTimeField(blank=True, null=True)),
                ('outcome', models.CharField(blank=True, help_text='why it was not sent', max_length=120)),
            ],
            options={
                'ordering': ['created_at', 'pk'],
            },
        ),
        migrations.CreateModel(
            name='MeetingComment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField()),
                ('words', models.CharField(max_length=1000)),
            ],
            options={
                'ordering': ['at', 'pk'],
            },
        ),
        migrations.CreateModel(
            name='PreferredTime',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('position', models.PositiveSmallIntegerField(help_text='1 is liked best')),
                ('starts_at', models.DateTimeField(blank=True, null=True)),
                ('ends_at', models.DateTimeField(blank=True, null=True)),
                ('weekday', models.PositiveSmallIntegerField(blank=True, choices=[(0, 'Mondays'), (1, 'Tuesdays'), (2, 'Wednesdays'), (3, 'Thursdays'), (4, 'Fridays'), (5, 'Saturdays'), (6, 'Sundays')], help_text='empty: any working day', null=True)),
                ('part', models.CharField(blank=True, choices=[('any', 'Any time'), ('morning', 'Morning'), ('midday', 'Midday'), ('afternoon', 'Afternoon'), ('evening', 'Evening')], max_length=9)),
                ('noted_at', models.DateTimeField()),
            ],
            options={
                'ordering': ['lead', 'position'],
            },
        ),
        migrations.RemoveConstraint(
            model_name='meeting',
            name='meeting_slot_once',
        ),
        migrations.AddField(
            model_name='meeting',
            name='for_hand_off',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='meetings', to='leads.handoff'),
        ),
        migrations.AddField(
            model_name='meeting',
            name='invite_sequence',
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='meeting',
            name='invite_uid',
            field=models.CharField(blank=True, help_text='the same for every time of a hand-off', max_length=80),
        ),
        migrations.AddField(
            model_name='meeting',
            name='reason',
            field=models.CharField(blank=True, help_text='why it was moved, cancelled or corrected', max_length=300),
        ),
        migrations.AddField(
            model_name='meeting',
            name='recording_url',
            field=models.URLField(blank=True, max_length=500),
        ),
        migrations.AddField(
            model_name='meeting',
            name='rescheduled_from',
            field=models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='rescheduled_to', to='leads.meeting'),
        ),
        migrations.AddField(
            model_name='meeting',
            name='was_asked_for',
            field=models.BooleanField(default=False, help_text='at a time that the customer had asked for'),
        ),
        migrations.AddField(
            model_name='slothold',
            name='routing',
            field=models.JSONField(default=dict, help_text='why this AE, as it is kept on the hand-off'),
        ),
        migrations.AddIndex(
            model_name='meeting',
            index=models.Index(fields=['ae', 'starts_at'], name='meeting_by_ae'),
        ),
        migrations.AddIndex(
            model_name='meeting',
            index=models.Index(condition=models.Q(('state', 'booked')), fields=['starts_at'], name='meeting_booked'),
        ),
        migrations.AddConstraint(
            model_name='bookingrules',
            constraint=models.CheckConstraint(condition=models.Q(('pk', 1)), name='booking_rules_once'),
        ),
        migrations.AddConstraint(
            model_name='bookingrules',
            constraint=models.CheckConstraint(condition=models.Q(('hold_minutes__gte', 1), ('longest_hold_minutes__gte', models.F('hold_minutes'))), name='booking_rules_hold_bounds'),
        ),
        migrations.AddConstraint(
            model_name='bookingrules',
            constraint=models.CheckConstraint(condition=models.Q(('meeting_minutes__in', (30, 60, 90))), name='booking_rules_length'),
        ),
        migrations.AddField(
            model_name='invitation',
            name='meeting',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='invitations', to='leads.meeting'),
        ),
        migrations.AddField(
            model_name='meetingcomment',
            name='by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='meetingcomment',
            name='meeting',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='comments', to='leads.meeting'),
        ),
        migrations.AddField(
            model_name='preferredtime',
            name='lead',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='preferred_times', to='leads.lead'),
        ),
        migrations.AddIndex(
            model_name='invitation',
            index=models.Index(condition=models.Q(('due_at__isnull', False)), fields=['due_at'], name='invitation_due'),
        ),
        migrations.AddConstraint(
            model_name='invitation',
            constraint=models.UniqueConstraint(fields=('meeting', 'method', 'sequence', 'address'), name='invitation_once'),
        ),
        migrations.AddConstraint(
            model_name='preferredtime',
            constraint=models.UniqueConstraint(fields=('lead', 'position'), name='preferred_time_once_in_order'),
        ),
        migrations.AddConstraint(
            model_name='preferredtime',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('ends_at__gt', models.F('starts_at')), ('part', ''), ('starts_at__isnull', False), ('weekday__isnull', True)), models.Q(('ends_at__isnull', True), ('part__in', ['any', 'morning', 'midday', 'afternoon', 'evening']), ('starts_at__isnull', True)), _connector='OR'), name='preferred_time_window_or_part'),
        ),
        migrations.RunPython(
            name_the_hand_offs_of_meetings, migrations.RunPython.noop, elidable=True
        ),
        append_only("leads_meetingcomment"),
    ]
