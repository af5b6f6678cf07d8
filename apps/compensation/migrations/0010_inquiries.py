from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("compensation", "0009_pay_proven")]

    operations = []
