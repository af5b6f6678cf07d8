from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("scorecards", "0006_weekly_review")]

    operations: list[migrations.operations.base.Operation] = []
