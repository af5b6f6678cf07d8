from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("integrations", "0003_webhooks_and_capture")]

    operations = [
        migrations.AddField(
            model_name="importfile",
            name="reading",
            field=models.JSONField(
                default=dict, help_text="how somebody said it is read: encoding, delimiter, dates by column"
            ),
        ),
        migrations.AlterField(model_name="importedrow", name="kind", field=models.CharField(max_length=16)),
        migrations.AlterField(
            model_name="importfile", name="kind", field=models.CharField(blank=True, max_length=16)
        ),
    ]
