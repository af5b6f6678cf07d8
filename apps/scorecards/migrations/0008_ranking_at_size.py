from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("scorecards", "0007_capacity_and_training")]

    operations: list[migrations.operations.base.Operation] = []
