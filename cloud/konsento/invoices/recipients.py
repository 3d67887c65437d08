"""Whom documents are made out to: a company or a person that the driver names, for all of them or for one."""

from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.accounts.contact import normal_address, normal_name
from konsento.invoices import repository
from konsento.invoices.errors import NoInvoice, RecipientIncomplete
from konsento.models import InvoiceRecipient, Recipient


async def of_driver(session: AsyncSession, driver_id: UUID) -> tuple[str, str]:
    """Return name and address that a driver's documents are made out to from now on; empty for nobody."""
    found = (await repository.recipients_of(session, [driver_id])).get(driver_id)
    return (found.name, found.address) if found is not None else ("", "")


async def name_for_all(session: AsyncSession, driver_id: UUID, name: str, address: str) -> None:
    """Have a driver's documents made out to somebody from now on; an empty name and address: to nobody.

    Raises `RecipientIncomplete`, `NameTooLong`, `AddressTooLong`.
    """
    name, address = _checked(name, address)
    if not name:
        await session.execute(delete(Recipient).where(Recipient.driver_id == driver_id))
        return
    await session.merge(Recipient(driver_id=driver_id, name=name, address=address))


async def of_session(session: AsyncSession, driver_id: UUID, session_id: UUID) -> tuple[str, str]:
    """Return whom the documents of a driver's own session are made out to; empty for nobody. Raises `NoInvoice`."""
    invoice = await repository.of_source(session, session_id)
    if invoice is None or await repository.of_driver(session, driver_id, invoice.id) is None:
        raise NoInvoice
    found = await repository.recipient_of(session, invoice.id)
    return (found.name, found.address) if found is not None else ("", "")


async def name_for_session(session: AsyncSession, driver_id: UUID, session_id: UUID, name: str, address: str) -> None:
    """Have copies of a session's documents made out to somebody. Raises as `name_for_all` and `of_session`.

    The documents stay as they are: a simplified invoice needs no addressee, and says nothing else than before.
    """
    name, address = _checked(name, address)
    await of_session(session, driver_id, session_id)
    for invoice in await repository.of_sessions(session, [session_id]):
        if name:
            copy = InvoiceRecipient(invoice_id=invoice.id, driver_id=driver_id, name=name, address=address)
            await session.merge(copy)
        else:
            await session.execute(delete(InvoiceRecipient).where(InvoiceRecipient.invoice_id == invoice.id))


def _checked(name: str, address: str) -> tuple[str, str]:
    name, address = normal_name(name), normal_address(address)
    if address and not name:
        raise RecipientIncomplete
    return name, address
