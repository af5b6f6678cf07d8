from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("scorecards", "0004_ranking_at_speed")]

    operations: list[migrations.operations.base.Operation] = []
