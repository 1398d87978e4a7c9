from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0003_branding"),
    ]

    operations = [
        migrations.AddField(
            model_name="organization",
            name="rate_per_dollar",
            field=models.DecimalField(blank=True, decimal_places=8, max_digits=18, null=True),
        ),
        migrations.AddField(
            model_name="organization",
            name="rate_since",
            field=models.DateField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="organization",
            name="rate_source",
            field=models.CharField(blank=True, db_default="", default="", max_length=80),
        ),
    ]
