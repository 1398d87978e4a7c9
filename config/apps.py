from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """The project package as an app, for its template tags and checks."""

    name = "config"

    def ready(self) -> None:
        from config import checks, logs, sentry  # noqa: F401 - registers checks

        logs.take_what_nobody_caught()
        sentry.start()
