from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0003_delivery_log")]

    operations = [
        migrations.AddField(
            model_name="delivery",
            name="unfinished",
            field=models.SmallIntegerField(db_default=0, default=0),
        ),
    ]
