"""The sites learn what stands on their outlets' labels, so that their owners can print them (contracts, 2)."""

import logging
from collections.abc import Collection
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit.work import Again, Job, WorkQueue
from konsento.models import Site
from konsento.ocpp import CallError, CallRefused
from konsento.ocpp.messages import VENDOR_ID, DataTransfer, DataTransferStatus
from konsento.services import Services
from konsento.sites import codes
from konsento.sites import service as sites
from konsento.sites.labels.label import address_of

log = logging.getLogger(__name__)

WORK: Final = "tell-labels"
MESSAGE: Final = "OutletLabels"
_PLACES: Final = 4
"""Sites come back together after a restart; other due work does not wait for them."""
MOST: Final = 1000
"""Outlets in one message (contracts, 2)."""
ANSWER_S: Final = 20.0
SETTLED_S: Final = 3.0
"""After a connection: the site's boot comes first, and says whether it is ours."""


def install(services: Services) -> None:
    """Register the due work, and tell a site whenever it connects."""

    @services.work.on(WORK, places=_PLACES)
    async def tell_one(job: Job) -> Again | None:
        await tell(services, job.key)
        return None

    async def connected(station_id: str) -> None:
        async with services.database.transaction() as session:
            await services.work.add(session, WORK, station_id, after_s=SETTLED_S)

    services.router.on_connect(connected)


async def after_change(session: AsyncSession, work: WorkQueue, station_ids: Collection[str]) -> None:
    """Have sites told after the commit that their outlets may have other codes; at their next connection else."""
    query = select(Site.station_id).where(Site.station_id.in_(station_ids), Site.ours, Site.connected)
    await work.add_all(session, WORK, list(await session.scalars(query)))


async def tell(services: Services, station_id: str) -> None:
    """Tell a site code and page of each of its outlets, in place of those of before. Opens its own transaction.

    What it answers changes nothing here: one that does not know the message has no use for it.
    """
    async with services.database.transaction() as session:
        site = await sites.site_of_station(session, station_id)
        if site is None or not site.ours:
            return
        outlets = await sites.outlets_of(session, site.id)
    told = [
        {
            "evseId": outlet.evse_id,
            "code": codes.label(outlet.code),
            "url": address_of(outlet.code, services.settings.public_url),
        }
        for outlet in outlets[:MOST]
    ]
    data: dict[str, Any] = {"outlets": told}
    try:
        answer = await services.router.call(
            station_id, DataTransfer(vendor_id=VENDOR_ID, message_id=MESSAGE, data=data), timeout_s=ANSWER_S
        )
    except CallRefused as error:
        log.info("station %s takes no labels: %s", station_id, error)
    except CallError as error:
        # It is told again when it connects.
        log.info("station %s was not told its labels: %s", station_id, error)
    else:
        if answer.status is not DataTransferStatus.ACCEPTED:
            reason = answer.status_info.reason_code if answer.status_info is not None else ""
            log.info("station %s takes no labels: %s %s", station_id, answer.status.value, reason)
