from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("integrations", "0002_samples")]

    operations: list[migrations.operations.base.Operation] = []
