"""An authority and a certificate for hosts that exist on this machine only, made for one run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

VALID = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Certificate:
    """All in PEM; of the authority only what others need to trust it."""

    authority: str
    certificate: str
    key: str


def make_certificate(*hosts: str) -> Certificate:
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    issuer = _name("Switchboard's test authority")
    basics = x509.BasicConstraints(ca=True, path_length=0)
    authority = _builder(issuer, issuer, authority_key.public_key()).add_extension(basics, True)
    names = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
    certificate = _builder(_name(hosts[0]), issuer, key.public_key()).add_extension(names, False)
    return Certificate(
        authority=_pem(authority.sign(authority_key, hashes.SHA256())),
        certificate=_pem(certificate.sign(authority_key, hashes.SHA256())),
        key=key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode(),
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - VALID)
        .not_valid_after(now + VALID)
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
