from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("leads", "0019_queue_and_routing_at_speed")]

    operations: list[migrations.operations.base.Operation] = []
