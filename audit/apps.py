from importlib import import_module
from pathlib import Path

from django.apps import AppConfig, apps
from django.conf import settings


class AuditConfig(AppConfig):
    name = "audit"
    verbose_name = "Audit log"

    def ready(self) -> None:
        """Every process can name every entry, also of actions that it never performs itself."""
        for config in apps.get_app_configs():
            folder = Path(config.path)
            if folder.parent == settings.BASE_DIR:
                for name in sorted(_actions_in(folder)):
                    import_module(name)


def _actions_in(folder: Path) -> set[str]:
    """`calls.actions`, and each module of `accounts.actions`."""
    names = (file.relative_to(folder.parent).with_suffix("").parts for file in folder.rglob("*.py"))
    return {".".join(parts) for parts in names if "actions" in parts and "tests" not in parts}
