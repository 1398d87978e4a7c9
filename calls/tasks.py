"""What the worker does for calls."""

from __future__ import annotations

from calls.bulk import CLASSIFYING, TAGGING  # noqa: F401 - the worker finds its kinds of job here
