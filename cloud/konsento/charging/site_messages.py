"""What a site is told that is no session: a message of ours, whole each time, which it may not know (contracts, 2)."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

from konsento.kit.work import Again, Job
from konsento.ocpp import CallError, CallRefused
from konsento.ocpp.messages import VENDOR_ID, DataTransfer, DataTransferStatus
from konsento.services import Services

log = logging.getLogger(__name__)

SETTLED_S: Final = 3.0
"""From a connection to what is told at each: the site's boot comes first, and says whether it is ours."""
_ANSWER_S: Final = 20.0
_PLACES: Final = 4
"""Many sites are told at once, after a restart or for a whole region; other due work does not wait for them."""


def tell_by_work(services: Services, work: str, tell: Callable[[Services, str], Awaitable[None]]) -> None:
    """Have `tell` done as the due work `work`, whose keys are stations, and whenever a station connects."""

    @services.work.on(work, places=_PLACES)
    async def tell_one(job: Job) -> Again | None:
        await tell(services, job.key)
        return None

    async def connected(station_id: str) -> None:
        async with services.database.transaction() as session:
            await services.work.add(session, work, station_id, after_s=SETTLED_S)

    services.router.on_connect(connected)


async def tell_site(services: Services, station_id: str, message: str, data: dict[str, Any]) -> None:
    """Send `data` as the DataTransfer `message`. Outside transactions: the site may take its time.

    What it answers changes nothing here: one that does not know the message has no use for it, and one that was not
    reached is told again when it connects.
    """
    request = DataTransfer(vendor_id=VENDOR_ID, message_id=message, data=data)
    try:
        answer = await services.router.call(station_id, request, timeout_s=_ANSWER_S)
    except CallRefused as error:
        log.info("station %s does not take %s: %s", station_id, message, error)
    except CallError as error:
        log.info("station %s was not told %s: %s", station_id, message, error)
    else:
        if answer.status is not DataTransferStatus.ACCEPTED:
            reason = answer.status_info.reason_code if answer.status_info is not None else ""
            log.info("station %s does not take %s: %s %s", station_id, message, answer.status.value, reason)
