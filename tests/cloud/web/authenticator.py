"""A device that keeps passkeys, in software: ES256, attestation "none" (WebAuthn, level 3)."""

import hashlib
import json
import os
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

PRESENT, VERIFIED, WITH_KEY = 0x01, 0x04, 0x40


def text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def data(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Authenticator:
    """One device with one passkey. What it claims can be changed, to play a wrong or a hostile one."""

    origin: str
    rp_id: str
    flags: int = PRESENT | VERIFIED
    counter: int = 0
    counts: bool = True
    """Grows its counter by one at every signature; synchronised passkeys stay at 0."""
    credential_id: bytes = field(default_factory=lambda: os.urandom(32))
    handle: bytes = b""
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def make(self, options: dict[str, Any]) -> dict[str, Any]:
        """Answer `navigator.credentials.create()`."""
        self.handle = data(options["user"]["id"])
        numbers = self.key.public_key().public_numbers()
        public = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)})
        attested = bytes(16) + struct.pack(">H", len(self.credential_id)) + self.credential_id + public
        authenticator_data = self._data(self.flags | WITH_KEY) + attested
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": authenticator_data})
        client_data = self._client_data("webauthn.create", options)
        return self._credential(
            {
                "clientDataJSON": text(client_data),
                "attestationObject": text(attestation),
                "transports": ["internal", "hybrid"],
            }
        )

    def sign(self, options: dict[str, Any]) -> dict[str, Any]:
        """Answer `navigator.credentials.get()`."""
        self.counter += self.counts
        authenticator_data = self._data(self.flags)
        client_data = self._client_data("webauthn.get", options)
        signed = authenticator_data + hashlib.sha256(client_data).digest()
        return self._credential(
            {
                "clientDataJSON": text(client_data),
                "authenticatorData": text(authenticator_data),
                "signature": text(self.key.sign(signed, ec.ECDSA(SHA256()))),
                "userHandle": text(self.handle),
            }
        )

    def _data(self, flags: int) -> bytes:
        return hashlib.sha256(self.rp_id.encode()).digest() + struct.pack(">BI", flags, self.counter)

    def _client_data(self, kind: str, options: dict[str, Any]) -> bytes:
        return json.dumps({"type": kind, "challenge": options["challenge"], "origin": self.origin}).encode()

    def _credential(self, response: dict[str, Any]) -> dict[str, Any]:
        name = text(self.credential_id)
        return {"id": name, "rawId": name, "type": "public-key", "response": response}
