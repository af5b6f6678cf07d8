from django.db import migrations

from apps.compensation.database_guards import guards
from apps.core.append_only import append_only


class Migration(migrations.Migration):
    dependencies = [("compensation", "0001_initial"), ("reps", "0002_append_only")]

    operations = [
        append_only("compensation_ledgerentry"),
        append_only("compensation_download"),
        guards(),
    ]
