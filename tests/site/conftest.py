"""What the tests of a site share."""

from collections.abc import AsyncIterator

import pytest
from csms import Csms
from receiver import Receiver


@pytest.fixture
async def csms(socket_enabled: None) -> AsyncIterator[Csms]:
    """Return a management server that waits for the site; afterwards every message must have fitted its schema."""
    server = Csms()
    await server.start()
    yield server
    await server.stop()
    assert server.invalid == []


@pytest.fixture
async def receiver(socket_enabled: None) -> AsyncIterator[Receiver]:
    """Return who takes measurements."""
    server = Receiver()
    await server.start()
    yield server
    await server.stop()
