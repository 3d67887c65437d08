"""Whoever wants to know what was decided about a day of a region: advice to drivers, messages to sites.

The floors above put themselves in when they are installed, after `feeds.work`.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.models import WindowDecision

type Listener = Callable[[AsyncSession, str, WindowDecision], Awaitable[None]]
"""Called with the deciding transaction, the region's code and the decision: it may add due work there."""

listeners: Final[list[Listener]] = []
"""Those of this process."""
