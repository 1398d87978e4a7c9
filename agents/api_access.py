"""Retell's API with an organization's own key, for work that goes on without one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

from agents.connection import keys
from agents.connection.actions import api_key
from agents.connection.exceptions import Refused, RetellKeyError
from agents.retell import Kind, RetellApi, RetellApiError
from agents.retell.sending import Sleep
from tenants.models import Organization


@contextmanager
def open_api(
    organization: Organization,
    *,
    share: float = 1.0,
    patience_seconds: float | None = None,
    sleep: Sleep = time.sleep,
) -> Iterator[RetellApi | None]:
    """The API, inside the organization's context; None without an API key that was checked.

    Raises `RetellApiError` for a key that cannot be decrypted: that is not the same as none. What
    it answers to the key is noted on the connection; the error goes on to the caller.
    """
    try:
        opened = keys.open_api(
            organization.pk, share=share, patience_seconds=patience_seconds, sleep=sleep
        )
    except RetellKeyError as error:
        if error.why is Refused.UNREADABLE:
            raise RetellApiError(Kind.KEY_UNREADABLE) from None
        yield None
        return
    with closing(opened) as api:
        try:
            yield api
        except RetellApiError as error:
            api_key.note(error)
            raise
    api_key.note(None)
