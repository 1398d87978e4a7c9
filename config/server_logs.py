"""The same form for what Granian and uvicorn say themselves, before and beside Django.

They read `config/server_logs.json`, which leads here; run them as `python -m …`, so that they find
it.
"""

from __future__ import annotations

import logging
import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from config import logs


def formatter() -> logging.Formatter:
    return logs.formatter()
