from importlib import import_module

from django.apps import AppConfig

# Outside of `actions`, and they declare what stands in logs that are read elsewhere.
DECLARING = (
    "operations.organizations",
    "operations.failed_jobs",
    "operations.backups.actions",
    "operations.backups.keeping",
    "operations.backups.reporting",
    "operations.readiness.actions",
    "operations.management.commands.rotate_encryption_keys",
)


class OperationsConfig(AppConfig):
    name = "operations"

    def ready(self) -> None:
        """Organizations' hosts never come by there; see `audit.apps`."""
        for name in DECLARING:
            import_module(name)
