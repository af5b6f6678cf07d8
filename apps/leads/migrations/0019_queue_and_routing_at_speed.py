from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("leads", "0018_routing_at_speed")]

    operations = []
