"""How long the certificate lasts is read from a real handshake."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.core.cache import cache

from operations import certificates, metrics
from operations.certificates import EXPIRY_KEY
from testing.servers import free_port


def certificate(folder: Path, ends_at: datetime) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(ends_at - timedelta(days=90)).not_valid_after(ends_at)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    file = folder / "both.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return file


@pytest.fixture
def served(tmp_path: Path, settings: Any, request: pytest.FixtureRequest) -> Iterator[datetime]:
    """A server whose certificate ends in so many days."""
    ends_at = (datetime.now(UTC) + timedelta(days=request.param)).replace(microsecond=0)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(tmp_path, ends_at))
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    settings.PUBLIC_BASE_URL = f"https://localhost:{server.server_port}"
    yield ends_at
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("served", [40, -2], indirect=True)
def test_the_days_are_known_also_of_one_that_expired(served: datetime) -> None:
    certificates.measure()
    assert cache.get(EXPIRY_KEY) == served.timestamp()
    found = {sample.name: sample.value for sample in metrics._redis()}
    assert found["switchboard_certificate_days"] == pytest.approx(
        (served.timestamp() - time.time()) / 86_400, abs=0.01
    )


def test_without_https_there_is_nothing_to_measure(settings: Any) -> None:
    settings.PUBLIC_BASE_URL = "http://localhost:8000"
    certificates.measure()
    assert cache.get(EXPIRY_KEY) is None


def test_a_host_that_does_not_answer_keeps_what_was_known(settings: Any) -> None:
    cache.set(EXPIRY_KEY, 1.0)
    settings.PUBLIC_BASE_URL = f"https://localhost:{free_port()}"
    certificates.measure()
    assert cache.get(EXPIRY_KEY) == 1.0
