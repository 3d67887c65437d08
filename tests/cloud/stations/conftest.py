"""The server that the chargers dial."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ..conftest import Template
from .world import World
from .world import world as running


@pytest.fixture
async def world(furnished: Template, tmp_path: Path) -> AsyncIterator[World]:
    """A server on a furnished database."""
    async with running(furnished, tmp_path) as world:
        yield world
