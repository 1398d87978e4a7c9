"""Whether the mail server lets us in. Nothing is sent; that is `config.mail`'s."""

from __future__ import annotations

from django.core.mail import get_connection


def greet() -> None:
    """Connect, sign in, leave. Raises `OSError`, of which smtplib's errors are some."""
    connection = get_connection()
    connection.open()
    connection.close()
