from django.contrib.postgres.indexes import GinIndex
from django.db import migrations

from calls.search import TranscriptWords


class Migration(migrations.Migration):
    dependencies = [
        ("calls", "0007_saved_views"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="chat",
            index=GinIndex(TranscriptWords("transcript"), name="chat_words"),
        ),
    ]
