from contextlib import ContextDecorator
from types import TracebackType
from typing import Protocol

class _Tenant(Protocol):
    # What the connection asks of whatever it is set to.
    @property
    def schema_name(self) -> str: ...

class tenant_context(ContextDecorator):
    def __init__(self, tenant: _Tenant) -> None: ...
    def __enter__(self) -> None: ...
    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...
