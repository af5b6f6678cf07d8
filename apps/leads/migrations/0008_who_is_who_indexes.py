"""Indexes of the keys by which a person and a company are found again.

Apart from the rows' filling: PostgreSQL refuses to index a table that has deferred checks outstanding.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("leads", "0007_who_is_who")]

    operations = [
        migrations.AddIndex(
            model_name="account",
            index=models.Index(fields=["name_key"], name="account_by_name_key"),
        ),
        migrations.AddIndex(
            model_name="lead",
            index=models.Index(
                condition=models.Q(("name_key", ""), _negated=True),
                fields=["account", "name_key"],
                name="lead_by_person",
            ),
        ),
        migrations.AddIndex(
            model_name="lead",
            index=models.Index(
                condition=models.Q(("phone_key", ""), _negated=True),
                fields=["phone_key"],
                name="lead_by_phone",
            ),
        ),
        migrations.AddIndex(
            model_name="lead",
            index=models.Index(
                condition=models.Q(("address_key", ""), _negated=True),
                fields=["address_key"],
                name="lead_by_mailbox",
            ),
        ),
    ]
