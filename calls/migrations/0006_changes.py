from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("calls", "0005_index_words"),
    ]

    operations = [
        migrations.AddField(
            model_name="call",
            name="moved_from",
            field=models.DateTimeField(editable=False, null=True),
        ),
        # Rows come and go within a minute or two: swept early, so that reading them stays cheap.
        migrations.RunSQL(
            "CREATE TABLE calls_change (at timestamptz NOT NULL, moved_from timestamptz)"
            " WITH (autovacuum_vacuum_threshold = 500, autovacuum_vacuum_scale_factor = 0,"
            " autovacuum_vacuum_insert_threshold = -1)",
            "DROP TABLE calls_change",
        ),
    ]
