"""Live views: woken at every change of a session."""

from collections.abc import AsyncIterator
from uuid import UUID

from konsento.services import Services


async def updates(services: Services, session_id: UUID) -> AsyncIterator[None]:
    """Yield once at once, then whenever the session may have changed; the caller reads `service.progress` each time.

    Changes between two steps of the iteration are one. Close it (`aclosing`) when the view goes away.
    """
    async with services.live.listening(session_id) as changed:
        while True:
            changed.clear()
            yield
            await changed.wait()
