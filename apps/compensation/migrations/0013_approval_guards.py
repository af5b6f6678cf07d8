from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("compensation", "0012_posting_at_speed")]

    operations: list[migrations.operations.base.Operation] = []
