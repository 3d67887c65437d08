"""A site without Home Assistant whose sessions are measured, and who takes the measurements."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession
from measured import Measured
from receiver import Receiver
from simulated import ManualClock


@pytest.fixture
async def measured(tmp_path: Path, receiver: Receiver) -> AsyncIterator[Measured]:
    """Return a site that has just begun to send."""
    async with ClientSession() as http:
        world = Measured(tmp_path / "journal.sqlite3", ManualClock(), http, receiver)
        await world.start()
        yield world
        await world.kill()
