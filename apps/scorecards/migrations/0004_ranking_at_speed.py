from django.db import migrations

from apps.scorecards.database_guards import guards


class Migration(migrations.Migration):
    dependencies = [("scorecards", "0003_ranking_whole")]

    operations = [guards()]
