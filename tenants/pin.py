"""The pin: which one organization this request, job or command may touch.

The connection's schema is thread-local state that any code can change. The pin is a second,
independent statement of intent; the database backend refuses to enter an organization's schema
that is not pinned (see `tenants.db.base`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from django_tenants.utils import tenant_context

if TYPE_CHECKING:
    from tenants.models import Organization
    from tenants.scope import OrganizationScope

_pinned_schema: ContextVar[str | None] = ContextVar("pinned_schema", default=None)


class PinViolation(RuntimeError):
    """Code reached for an organization other than the one this request, job or command is for."""


def pinned_schema() -> str | None:
    return _pinned_schema.get()


@contextmanager
def organization_context(organization: Organization | OrganizationScope) -> Iterator[None]:
    """Work in one organization's schema, as its database role. A `with` block only.

    Raises `PinViolation` inside the context of another organization.
    """
    schema = organization.schema_name
    current = _pinned_schema.get()
    if current is not None and current != schema:
        raise PinViolation(f"{schema} was asked for inside the context of {current}.")
    token = _pinned_schema.set(schema)
    try:
        with tenant_context(organization):
            yield
    finally:
        _pinned_schema.reset(token)
