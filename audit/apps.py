from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules

from django.apps import AppConfig, apps
from django.conf import settings


class AuditConfig(AppConfig):
    name = "audit"
    verbose_name = "Audit log"

    def ready(self) -> None:
        """Every process can name every entry, also of actions that it never performs itself."""
        for config in apps.get_app_configs():
            if config.path == str(settings.BASE_DIR / config.label):
                _import_actions(f"{config.name}.actions")


def _import_actions(name: str) -> None:
    """`calls.actions`, or each module of `accounts.actions`."""
    if find_spec(name) is None:
        return
    package = import_module(name)
    for module in iter_modules(getattr(package, "__path__", [])):
        import_module(f"{name}.{module.name}")
