"""Where webhooks may go: never into the network that the server stands in."""

import ipaddress
import socket
from typing import Any

import pytest

from konsento.kit import addresses
from konsento.kit.addresses import NotAllowedError, NotPublicError, PublicResolver

NOT_PUBLIC = [
    "127.0.0.1",
    "127.1.2.3",
    "0.0.0.0",  # noqa: S104  # nothing binds to it
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fc00::1",
    "fd12:3456::1",
    "ff02::1",
    "2001:db8::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::7f00:1",
    "64:ff9b::a00:1",
    "2002:7f00:1::",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "fec0::1",
    "::7f00:1",
]
PUBLIC = ["8.8.8.8", "93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"]


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_what_is_not_public_is_refused(address: str) -> None:
    host = f"[{address}]" if ":" in address else address

    assert not addresses.is_public(ipaddress.ip_address(address))
    with pytest.raises(NotAllowedError):
        addresses.check(f"https://{host}/hook", loopback=False)


@pytest.mark.parametrize("address", PUBLIC)
def test_what_is_public_may_be_told(address: str) -> None:
    host = f"[{address}]" if ":" in address else address

    assert addresses.check(f"https://{host}/hook", loopback=False)


@pytest.mark.parametrize(
    "url",
    [
        "http://fleet.example/hook",
        "ftp://fleet.example/hook",
        "file:///etc/passwd",
        "https://",
        "https:///hook",
        "fleet.example/hook",
        "",
        "https://ann:secret@fleet.example/hook",
        "https://@fleet.example/hook",
        "https://fleet.example/hook#part",
        "https://fleet.example:0/hook",
        "https://fleet.example:99999/hook",
        "https://fleet.example:x/hook",
        "https://fleet.example/a b",
        "https://fleet.example/\r\nX: y",
        "https://fleet.example\\@evil.test/",
        "https://[::1/hook",
        "https://localhost/hook",
        "https://localhost./hook",
        "https://db.localhost/hook",
        "https://intranet/hook",
        "https://printer.local/hook",
        "https://metadata.google.internal/hook",
        "https://2130706433/hook",
        "https://0x7f.0.0.1/hook",
        "https://127.1/hook",
        "https://0177.0.0.01/hook",
        "https://フリート.example/hook",
        "https://fleet.example/" + "x" * 500,
    ],
)
def test_what_is_no_public_https_address_is_refused(url: str) -> None:
    with pytest.raises(NotAllowedError):
        addresses.check(url, loopback=False)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000/hook", "http://localhost/hook", "https://[::1]:8443/hook"])
def test_this_machine_may_be_told_in_development_alone(url: str) -> None:
    assert addresses.check(url, loopback=True) == url
    with pytest.raises(NotAllowedError):
        addresses.check(url, loopback=False)


@pytest.mark.parametrize("url", ["http://fleet.example/", "http://10.0.0.1/", "https://10.0.0.1/"])
def test_development_opens_this_machine_and_nothing_else(url: str) -> None:
    with pytest.raises(NotAllowedError):
        addresses.check(url, loopback=True)


def played(monkeypatch: pytest.MonkeyPatch, *found: str) -> None:
    """Have every name look up to these addresses."""

    def getaddrinfo(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        return [
            (socket.AF_INET6 if ":" in one else socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in found
        ]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@pytest.mark.parametrize("address", NOT_PUBLIC)
async def test_a_name_that_leads_to_what_is_not_public_is_refused(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    played(monkeypatch, "8.8.8.8", address)

    with pytest.raises(NotPublicError):
        await PublicResolver(loopback=False).resolve("fleet.example", 443)


async def test_the_connection_goes_to_the_address_that_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    played(monkeypatch, "8.8.8.8", "2606:2800:220:1:248:1893:25c8:1946")

    found = await PublicResolver(loopback=False).resolve("fleet.example", 443)

    assert [one["host"] for one in found] == ["8.8.8.8", "2606:2800:220:1:248:1893:25c8:1946"]
    assert {one["hostname"] for one in found} == {"fleet.example"}
    assert all(one["flags"] & socket.AI_NUMERICHOST for one in found)
