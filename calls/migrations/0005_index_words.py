from django.contrib.postgres.indexes import GinIndex
from django.db import migrations

from calls.search import TranscriptWords


class Migration(migrations.Migration):
    dependencies = [
        ("calls", "0004_tags_and_notes"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="call",
            index=GinIndex(TranscriptWords("transcript"), name="call_words"),
        ),
    ]
