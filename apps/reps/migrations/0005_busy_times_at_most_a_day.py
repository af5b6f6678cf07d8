import datetime as dt

import django.db.models.expressions
from django.db import migrations, models


class Migration(migrations.Migration):
    # Apart from 0004, which writes rows: PostgreSQL alters no table that has checks to come.

    dependencies = [
        ('reps', '0004_busy_calendars'),
    ]

    operations = [
        migrations.AddConstraint(
            model_name='busytime',
            constraint=models.CheckConstraint(condition=models.Q(('ends_at__lte', django.db.models.expressions.CombinedExpression(models.F('starts_at'), '+', models.Value(dt.timedelta(days=1))))), name='busy_time_at_most_a_day'),
        ),
        migrations.AddConstraint(
            model_name='busytime',
            constraint=models.UniqueConstraint(condition=models.Q(('calendar__isnull', False)), fields=('calendar', 'starts_at', 'ends_at'), name='busy_time_once_per_calendar'),
        ),
    ]
