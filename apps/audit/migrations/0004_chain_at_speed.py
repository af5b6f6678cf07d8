from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("audit", "0003_chained_records")]

    operations: list[migrations.operations.base.Operation] = []
