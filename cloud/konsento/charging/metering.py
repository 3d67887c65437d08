"""Notified meters: the driver reads how they measure and agrees, once for each version of the text."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.charging.errors import MeteringNotAgreed
from konsento.kit.i18n import marked
from konsento.models import Metering, MeteringAgreement, Outlet

VERSION: Final = "2026-11"
"""Of the text below. Another text gets another version, and every driver is asked anew."""
TEXT: Final = (
    marked(
        "This outlet measures with a meter that is not an officially verified one. The operator has notified its use"
        " under Japan's system for specified metering, and answers for its accuracy."
    ),
    marked(
        "The meter is of class {metering_class}. You are billed by what it measures. If you doubt a bill, write to the"
        " operator: the readings are kept and looked at."
    ),
)
"""Paragraphs, in the order in which they are read."""


async def has_agreed(session: AsyncSession, driver_id: UUID) -> bool:
    """Tell whether a driver has agreed to the text as it stands now."""
    return await session.get(MeteringAgreement, (driver_id, VERSION)) is not None


async def is_open(session: AsyncSession, outlet: Outlet, driver_id: UUID | None) -> bool:
    """Tell whether a driver, or somebody unknown, has to agree before a start at an outlet."""
    if outlet.metering is not Metering.NOTIFIED:
        return False
    return driver_id is None or not await has_agreed(session, driver_id)


async def settle(session: AsyncSession, outlet: Outlet, driver_id: UUID, version: str | None, at: datetime) -> None:
    """Write down that a driver has agreed to a version, where the outlet needs it and it is not written down yet.

    Raises `MeteringNotAgreed` where no version is given, or not the one that counts.
    """
    if not await is_open(session, outlet, driver_id):
        return
    if version != VERSION:
        raise MeteringNotAgreed
    session.add(MeteringAgreement(driver_id=driver_id, version=version, agreed_at=at))
    await session.flush()
