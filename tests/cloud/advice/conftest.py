"""What drivers are told: a region whose days are decided, a real mail server, and a push service."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ..conftest import opened
from ..databases import Template
from ..notifications.test_push import Phone, push_service
from .drivers import Town
from .drivers import town as opened_town


@pytest.fixture
async def phone() -> AsyncIterator[Phone]:
    """A browser, and its push service."""
    async with push_service() as phone:
        yield phone


@pytest.fixture
async def town(furnished: Template, tmp_path: Path, phone: Phone) -> AsyncIterator[Town]:
    """A region with a site, at eleven in the morning."""
    async with opened(furnished, tmp_path) as database, opened_town(database, push_services=phone.origin) as town:
        yield town
