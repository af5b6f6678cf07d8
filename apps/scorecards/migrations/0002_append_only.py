"""Close notes and signatures to change: what was said and signed stays."""

from django.db import migrations

from apps.core.append_only import append_only


class Migration(migrations.Migration):
    dependencies = [("scorecards", "0001_initial")]
    operations = [append_only("scorecards_scorecardnote"), append_only("scorecards_scorecardsignature")]
