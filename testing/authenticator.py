"""A passkey authenticator in Python, which also answers what an honest one would not."""

from __future__ import annotations

import hashlib
import json
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

PRESENT, VERIFIED, HOLDS_KEY = 0x01, 0x04, 0x40


def encoded(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()


@dataclass
class Authenticator:
    """Holds one passkey. Says one more than `sign_count` at each use, unless it `counts` none."""

    origin: str
    counts: bool = True
    sign_count: int = 0
    flags: int = PRESENT | VERIFIED
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    id: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    def create(self, options: dict[str, Any]) -> str:
        """What `navigator.credentials.create()` gives, as JSON."""
        data = self._data(options["rp"]["id"], HOLDS_KEY) + bytes(16)
        data += len(self.id).to_bytes(2, "big") + self.id + self._public_key()
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        client_data = self._client_data("webauthn.create", options)
        return self._credential(client_data, attestationObject=encoded(attestation))

    def get(self, options: dict[str, Any]) -> str:
        """What `navigator.credentials.get()` gives, as JSON."""
        self.sign_count += self.counts
        data = self._data(options["rpId"])
        client_data = self._client_data("webauthn.get", options)
        signed = data + hashlib.sha256(client_data).digest()
        signature = self.key.sign(signed, ec.ECDSA(SHA256()))
        return self._credential(
            client_data, authenticatorData=encoded(data), signature=encoded(signature)
        )

    def _data(self, relying_party: str, flags: int = 0) -> bytes:
        return (
            hashlib.sha256(relying_party.encode()).digest()
            + bytes([self.flags | flags])
            + self.sign_count.to_bytes(4, "big")
        )

    def _public_key(self) -> bytes:
        point = self.key.public_key().public_numbers()
        x, y = point.x.to_bytes(32, "big"), point.y.to_bytes(32, "big")
        return cbor2.dumps({1: 2, 3: -7, -1: 1, -2: x, -3: y})

    def _client_data(self, kind: str, options: dict[str, Any]) -> bytes:
        told = {"type": kind, "challenge": options["challenge"], "origin": self.origin}
        return json.dumps(told).encode()

    def _credential(self, client_data: bytes, **response: str) -> str:
        name = encoded(self.id)
        response["clientDataJSON"] = encoded(client_data)
        return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": response})
