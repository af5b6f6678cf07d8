from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("compensation", "0013_approval_guards")]

    operations: list[migrations.operations.base.Operation] = []
