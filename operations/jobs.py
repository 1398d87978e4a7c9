"""The job queue: which modules hold tasks, and how tasks reach organizations."""

from __future__ import annotations

from procrastinate import App


def on_app_ready(app: App) -> None:
    """Called by Procrastinate once Django is ready; task modules register on import."""
