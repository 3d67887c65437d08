"""An outlet that does not take the key says so; a listener stands in for it, as the host build speaks no encryption."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from unittest.mock import MagicMock

import pytest

from custom_components.konsento.outlet.address import KeyRequiredError, OutletAddress, WrongKeyError, identify
from custom_components.konsento.outlet.guarded import GuardedOutlet
from rig.changes import Changes

KEY = "QRTIErOb/fcE9Ukd/5qA3RGYMn0Y+p06U58SCtOXvPc="
ENCRYPTED = b"\x01"
"""First byte of a frame of an outlet that encrypts."""
PLAIN = b"\x00"


@asynccontextmanager
async def listening(first_byte: bytes) -> AsyncIterator[int]:
    """Answer whoever connects with the first byte of one of the two protocols."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(first_byte + bytes(8))
        await reader.read()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def until(outlet: GuardedOutlet, condition: Callable[[], bool]) -> None:
    changes = Changes()
    unlisten = outlet.listen(changes.told)
    await changes.until(condition, 60)
    unlisten()


@pytest.mark.parametrize(
    ("first_byte", "key", "error"), [(ENCRYPTED, None, KeyRequiredError), (PLAIN, KEY, WrongKeyError)]
)
async def test_an_outlet_that_does_not_take_the_key_is_told_apart_from_one_that_is_away(
    socket_enabled: None, mock_async_zeroconf: MagicMock, first_byte: bytes, key: str | None, error: type[Exception]
) -> None:
    async with listening(first_byte) as port:
        address = OutletAddress(host="127.0.0.1", port=port, key=key)
        with pytest.raises(error):
            await identify(address, mock_async_zeroconf)
        outlet = GuardedOutlet(address, "aabbccddeeff", "A1", mock_async_zeroconf)
        await outlet.start()
        await until(outlet, lambda: outlet.key_refused)
        assert not outlet.connected
        await outlet.stop()


async def test_an_outlet_that_is_away_asks_for_no_key(socket_enabled: None, mock_async_zeroconf: MagicMock) -> None:
    async with listening(PLAIN) as port:
        pass
    outlet = GuardedOutlet(OutletAddress(host="127.0.0.1", port=port), "aabbccddeeff", "A1", mock_async_zeroconf)
    await outlet.start()
    await outlet.tried(10)

    assert not outlet.key_refused
    await outlet.stop()
