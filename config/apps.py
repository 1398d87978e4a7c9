from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """The project package as an app, for its template tags."""

    name = "config"
