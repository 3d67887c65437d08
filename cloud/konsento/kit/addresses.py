"""Where a server may go by itself at the word of others: to public addresses over HTTPS.

Not into the network that it stands in (SSRF).

A name is looked up once, every address that it has is checked, and the connection goes to a checked address: a name
that points elsewhere a moment later gains nothing.
"""

import asyncio
import ipaddress
import socket
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Final, override
from urllib.parse import urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult

LENGTH: Final = 500
_NAT64: Final = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))


class NotAllowedError(ValueError):
    """An address that nothing may be sent to."""


class NotPublicError(OSError):
    """A host has an address that nothing may be sent to."""


def check(url: str, *, loopback: bool) -> str:
    """Return an address that this server may go to, as far as can be told without looking it up.

    `loopback` also allows this machine, over HTTP too. Raises `NotAllowedError`.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise NotAllowedError from None
    plain = url.isascii() and url.isprintable() and " " not in url and "\\" not in url
    if not plain or len(url) > LENGTH or not host or port == 0:
        raise NotAllowedError
    if parts.username is not None or parts.password is not None or "#" in url:
        raise NotAllowedError
    here = loopback and _is_loopback(host)
    if parts.scheme != "https" and not (here and parts.scheme == "http"):
        raise NotAllowedError
    if here:
        return url
    literal = _literal(host)
    # A name without a dot, or that ends in a number, is none that the public network knows.
    if literal is None and ("." not in host.rstrip(".") or host.rstrip(".").rpartition(".")[2].isdecimal()):
        raise NotAllowedError
    if (literal is not None and not is_public(literal)) or host.rstrip(".").endswith(
        (".localhost", ".local", ".internal")
    ):
        raise NotAllowedError
    return url


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Tell whether an address belongs to the public network, also the one that is wrapped into it."""
    if isinstance(address, IPv6Address):
        if address.is_site_local or address.is_reserved or any(address in network for network in _NAT64):
            return False
        wrapped = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if wrapped is not None:
            return False
    return address.is_global and not address.is_multicast


class PublicResolver(AbstractResolver):
    """Looks up names and refuses those that have any address that is not public."""

    def __init__(self, *, loopback: bool) -> None:
        self._loopback = loopback

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family)
        return [self._checked(host, port, *one) for one in found]

    def _checked(self, host: str, port: int, family: int, _type: int, proto: int, _name: str, at: Any) -> ResolveResult:
        address = ipaddress.ip_address(at[0].partition("%")[0])
        if not is_public(address) and not (self._loopback and address.is_loopback):
            raise NotPublicError(f"{host} is not a public address")
        return ResolveResult(
            hostname=host,
            host=at[0],
            port=port,
            family=family,
            proto=proto,
            flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
        )

    @override
    async def close(self) -> None:
        """Nothing is open."""


def _literal(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_loopback(host: str) -> bool:
    literal = _literal(host)
    return host == "localhost" or (literal is not None and literal.is_loopback)
