"""A controlled site with one simulated outlet, moved by hand."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from controlled import Controlled
from simulated import ManualClock, SimulatedOutlet


@pytest.fixture
async def controlled(tmp_path: Path) -> AsyncIterator[Controlled]:
    """Return a site that has just started."""
    clock = ManualClock()
    world = Controlled(tmp_path / "journal.sqlite3", clock, SimulatedOutlet(clock))
    await world.start()
    yield world
    await world.kill()
