"""Where an outlet is, and a first look at it before it is taken into a site."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aioesphomeapi.client import APIClient
from aioesphomeapi.core import (
    APIConnectionError,
    EncryptionPlaintextAPIError,
    InvalidAuthAPIError,
    InvalidEncryptionKeyAPIError,
    RequiresEncryptionAPIError,
)
from aioesphomeapi.model import DeviceInfo
from zeroconf.asyncio import AsyncZeroconf

PROJECT = "konsento.outlet"
"""`esphome: project: name:` of an outlet's firmware."""
DEFAULT_PORT = 6053
_KEEPALIVE_S = 5.0
"""A dead link is noticed after 4.5 times this (22 s); the library's default would take up to 115 s."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OutletAddress:
    """How an outlet is reached. `key`: base64 of the native API's encryption key, None without encryption."""

    host: str
    port: int = DEFAULT_PORT
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """Who answered: the MAC (12 hexadecimal digits) stays, name and address may change."""

    mac: str
    name: str


class UnreachableError(Exception):
    """Nobody answers there."""


class KeyRequiredError(Exception):
    """The outlet speaks encrypted only and no key was given."""


class WrongKeyError(Exception):
    """The key is not the outlet's, or the outlet does not encrypt."""


class NotAnOutletError(Exception):
    """An ESPHome device with another firmware."""


class GuardedError(Exception):
    """An outlet that guards itself, and is to be added as one."""


class NoPartsError(Exception):
    """A device without a relay, or without a meter."""


class NoReadingError(Exception):
    """A relay that does not say what it is, or a meter that tells no number."""


def mac_of(info: DeviceInfo) -> str:
    """Return a device's MAC as it is stored: 12 hexadecimal digits."""
    return info.mac_address.replace(":", "").lower()


def make_client(address: OutletAddress, zeroconf: AsyncZeroconf, expected_mac: str | None = None) -> APIClient:
    """Return a client that uses the shared zeroconf: a second responder on the same port would disturb both."""
    return APIClient(
        address.host,
        address.port,
        None,
        client_info="Konsento",
        keepalive=_KEEPALIVE_S,
        zeroconf_instance=zeroconf,
        noise_psk=address.key,
        expected_mac=expected_mac,
        provide_time=False,
    )


async def identify(address: OutletAddress, zeroconf: AsyncZeroconf) -> Identity:
    """Connect, look who answers, disconnect.

    Raises UnreachableError, KeyRequiredError, WrongKeyError or NotAnOutletError.
    """
    async with connected(address, zeroconf) as client:
        info = await client.device_info()
    if info.project_name != PROJECT:
        raise NotAnOutletError(info.project_name or info.name)
    return identity_of(info)


def identity_of(info: DeviceInfo) -> Identity:
    """Return who has answered."""
    return Identity(mac_of(info), info.friendly_name or info.name)


@asynccontextmanager
async def connected(address: OutletAddress, zeroconf: AsyncZeroconf) -> AsyncIterator[APIClient]:
    """Connect for a look, and disconnect. Raises UnreachableError, KeyRequiredError or WrongKeyError."""
    client = make_client(address, zeroconf)
    try:
        await client.connect(login=True)
        yield client
    except RequiresEncryptionAPIError as error:
        raise KeyRequiredError from error
    except (InvalidEncryptionKeyAPIError, EncryptionPlaintextAPIError, InvalidAuthAPIError) as error:
        raise WrongKeyError from error
    except (APIConnectionError, TimeoutError, OSError) as error:
        raise UnreachableError(str(error)) from error
    finally:
        await client.disconnect(force=True)
