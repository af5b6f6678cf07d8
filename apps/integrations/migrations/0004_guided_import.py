from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("integrations", "0003_webhooks_and_capture")]

    operations: list[migrations.operations.base.Operation] = []
