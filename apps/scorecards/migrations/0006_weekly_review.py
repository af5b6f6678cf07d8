from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("scorecards", "0005_cards_reviewed")]

    operations: list[migrations.operations.base.Operation] = []
