"""TLS of the gateway: what is spoken, and certificates that are read anew when their files change."""

import logging
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Final

log = logging.getLogger(__name__)

_CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20:AES128-GCM-SHA256:AES256-GCM-SHA384"
"""Of TLS 1.2, by preference. OCPP wants the last two taken too (2.1 part 2, A00, TLS_RSA_WITH_AES_…): old stations
speak nothing else. Those of TLS 1.3 are all good."""


class BadCertificateError(Exception):
    """The certificate, the key or the authority's certificates cannot be used; the message says which and why."""


@dataclass(frozen=True, kw_only=True)
class TlsFiles:
    """Where certificate, key and, for stations with certificates of their own, the authorities' certificates are."""

    certificate: Path
    key: Path
    client_ca: Path | None = None
    """PEM; without it no station can come with a certificate (security profile 3)."""

    @property
    def paths(self) -> tuple[Path, ...]:
        """Return all of them."""
        return (self.certificate, self.key, *([self.client_ca] if self.client_ca else []))

    def state(self) -> tuple[tuple[int, int, int], ...]:
        """Return what changes when one of the files does."""
        try:
            return tuple((found.st_mtime_ns, found.st_ino, found.st_size) for found in map(Path.stat, self.paths))
        except OSError:
            return ()

    def context(self) -> ssl.SSLContext:
        """Read them. Raises BadCertificateError."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(_CIPHERS)
        context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_CIPHER_SERVER_PREFERENCE | ssl.OP_NO_RENEGOTIATION
        try:
            # A pass phrase would be asked for at the terminal.
            context.load_cert_chain(self.certificate, self.key, password="")
        except (OSError, ValueError) as error:
            raise BadCertificateError(f"certificate {self.certificate} with key {self.key}: {error}") from error
        if self.client_ca is not None:
            try:
                context.load_verify_locations(self.client_ca)
            except OSError as error:
                raise BadCertificateError(f"authorities of stations {self.client_ca}: {error}") from error
            # Stations with passwords come through the same door; which of them need a certificate is theirs to be set.
            context.verify_mode = ssl.CERT_OPTIONAL
        return context
