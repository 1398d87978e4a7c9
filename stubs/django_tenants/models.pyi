from typing import Any

from django.conf import settings
from django.db import models

class TenantMixin(models.Model):
    auto_create_schema: bool
    auto_drop_schema: bool
    schema_name = models.CharField(max_length=63, unique=True, db_index=True)

    class Meta:
        abstract = True

    # Django's `save` with `verbosity` before everything else.
    def save(self, verbosity: int = 1, *args: Any, **kwargs: Any) -> None: ...
    def delete(  # type: ignore[override]
        self, force_drop: bool = False, *args: Any, **kwargs: Any
    ) -> tuple[int, dict[str, int]]: ...

class DomainMixin(models.Model):
    domain = models.CharField(max_length=253, unique=True, db_index=True)
    tenant = models.ForeignKey(
        settings.TENANT_MODEL, related_name="domains", on_delete=models.CASCADE
    )
    is_primary = models.BooleanField(default=True, db_index=True)

    class Meta:
        abstract = True
