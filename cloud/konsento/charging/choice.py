"""Which of an outlet's offers a driver is likely to want."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.catalogue.service import Offer
from konsento.models import ChargingSession


async def usual_offer(session: AsyncSession, driver_id: UUID | None, outlet_id: UUID, offers: Sequence[Offer]) -> Offer:
    """Return what a driver chose last at an outlet; else the power type that they chose last anywhere; else the first.

    `offers` is what is sold there, at least one; `driver_id` is None for somebody unknown.
    """
    if driver_id is None or len(offers) == 1:
        return offers[0]
    here = await _last(session, driver_id, ChargingSession.outlet_id == outlet_id)
    if here is not None:
        for offer in offers:
            if offer.name == here[0]:
                return offer
    anywhere = await _last(session, driver_id)
    if anywhere is not None:
        for offer in offers:
            if (offer.power_type, dict(offer.power.names)) == anywhere[1:]:
                return offer
    return offers[0]


async def _last(
    session: AsyncSession, driver_id: UUID, *where: ColumnElement[bool]
) -> tuple[str, str, dict[str, str]] | None:
    query = (
        select(ChargingSession.offer, ChargingSession.power_type, ChargingSession.power_name)
        .where(ChargingSession.driver_id == driver_id, *where)
        .order_by(ChargingSession.created_at.desc())
        .limit(1)
    )
    row = (await session.execute(query)).first()
    return (row[0], row[1], row[2]) if row is not None else None
