"""The recommended window that a driver has chosen, as it travels through the pages to the plan."""

from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.advice import planned
from konsento.grid.windows import Window
from konsento.services import Services
from konsento.sites import service as sites
from konsento.web.wish import Wish


def window_key(window: Window) -> str:
    """Return what names a window in an address: when it begins."""
    return window.begin.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")


def last_start(window: Window) -> datetime:
    """Return by when it starts by itself in a window, if nothing comes in between."""
    return window.begin + planned.spread(window)


async def chosen_window(session: AsyncSession, services: Services, code: str, wish: Wish) -> Window | None:
    """Return the window in which a wish is to start by itself; None for a start now, also in a window that is on.

    Raises `WindowGone`, `UnknownOutlet`.
    """
    if not wish.window:
        return None
    now = services.clock.now()
    outlet = await sites.outlet_by_code(session, code)
    window = await planned.window_at(session, outlet, wish.begin(), now)
    return window if window.begin > now else None
