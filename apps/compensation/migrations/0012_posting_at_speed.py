from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("compensation", "0011_finance_files")]

    operations = []
