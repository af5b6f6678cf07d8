from django.db import migrations

from apps.core.append_only import append_only


class Migration(migrations.Migration):
    dependencies = [("leads", "0001_initial")]

    operations = [
        append_only("leads_funnelevent"),
        append_only("leads_eventcredit"),
    ]
