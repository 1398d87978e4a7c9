"""Which tables belong in which schema."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.conf import settings

from tenants.scope import scoped_connection


class SchemaRouter:
    """Shared apps migrate in `public`, organization apps in organizations' schemas."""

    def allow_migrate(
        self, db: str, app_label: str, model_name: str | None = None, **hints: Any
    ) -> bool:
        in_shared_schema = scoped_connection(db).schema_name == "public"
        name = apps.get_app_config(app_label).name
        return name in (settings.SHARED_APPS if in_shared_schema else settings.TENANT_APPS)
