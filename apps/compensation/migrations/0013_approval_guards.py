"""The database, too, approves no run while the pay of somebody in it is sent back."""

from django.db import migrations

from apps.compensation.review_guards import approval_guards


class Migration(migrations.Migration):
    dependencies = [("compensation", "0012_posting_at_speed")]

    operations: list[migrations.operations.base.Operation] = [approval_guards()]
