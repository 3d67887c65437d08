"""Who can be sent a bill, and where to."""

from uuid import UUID

from sqlalchemy import delete, update
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.accounts.contact import normal_address, normal_name
from konsento.models import Bill, BillAddress, Driver, DriverKind
from konsento.payments.bills.errors import NoBillAddress
from konsento.settings import BillEvery, Settings


async def can_be_billed(session: AsyncSession, settings: Settings, driver: Driver) -> bool:
    """Tell whether a driver may pay by bill: an account whose mail address is confirmed, or that has given another."""
    if settings.bill is BillEvery.OFF or driver.kind is not DriverKind.ACCOUNT:
        return False
    return driver.email_verified_at is not None or await of_driver(session, driver.id) is not None


async def of_driver(session: AsyncSession, driver_id: UUID) -> BillAddress | None:
    """Return where a driver's bills are posted to; None where they are mailed."""
    return await session.get(BillAddress, driver_id)


async def name(session: AsyncSession, driver_id: UUID, name: str, address: str) -> None:
    """Have a driver's bills posted from now on; an empty name and address: mailed.

    Raises `NoBillAddress`, `NameTooLong`, `AddressTooLong`.
    """
    name, address = normal_name(name), normal_address(address)
    if bool(name) != bool(address):
        raise NoBillAddress
    if name:
        await session.merge(BillAddress(driver_id=driver_id, name=name, address=address))
    else:
        await session.execute(delete(BillAddress).where(BillAddress.driver_id == driver_id))


async def forget(session: AsyncSession, driver_id: UUID) -> None:
    """Take a driver's name and address off the bills, which stay; nobody is reminded of them any more."""
    gone = update(Bill).where(Bill.driver_id == driver_id)
    await session.execute(gone.values(recipient="", recipient_address="", look_at=None))
