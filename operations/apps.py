from importlib import import_module

from django.apps import AppConfig


class OperationsConfig(AppConfig):
    name = "operations"

    def ready(self) -> None:
        """Organizations' hosts never come by there, and their logs show what is declared there."""
        import_module("operations.organizations")
