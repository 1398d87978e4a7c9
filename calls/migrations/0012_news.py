from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("calls", "0011_index_numbers"),
    ]

    operations = [
        migrations.CreateModel(
            name="CallNews",
            fields=[
                ("call_id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("due_at", models.DateTimeField(null=True)),
                ("sha256", models.CharField(blank=True, default="", max_length=64)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("due_at__isnull", False)),
                        fields=["due_at"],
                        name="call_news_due",
                    )
                ],
            },
        ),
        migrations.RunSQL(
            "ALTER TABLE calls_change ADD COLUMN call_id uuid",
            "ALTER TABLE calls_change DROP COLUMN call_id",
        ),
    ]
