from typing import Any

from django.db.backends.postgresql import base

class _DjangoWrapper(base.DatabaseWrapper):
    # What django-stubs leave out.
    def _cursor(self, name: str | None = None) -> Any: ...
    def _commit(self) -> None: ...

class DatabaseWrapper(_DjangoWrapper):
    tenant: Any
    schema_name: str
    include_public_schema: bool
    # What the connection is known to work as; None when it is not known.
    search_path_set_schemas: Any
    def set_tenant(self, tenant: Any, include_public: bool = True) -> None: ...
    def set_settings_schema(self, schema_name: str) -> None: ...
