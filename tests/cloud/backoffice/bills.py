"""Drivers who charge by bill, for the pages about bills."""

from typing import TYPE_CHECKING
from uuid import UUID

import httpx
from sqlalchemy import select, update

from konsento.models import Bill, Driver, DriverKind
from konsento.settings import BillEvery, Settings
from konsento.settlement import bills

from ..web.conftest import CODE

if TYPE_CHECKING:
    from konsento.services import Services

    from ..web.conftest import Bench

BANK = "Sakura Bank, Ginza branch\nOrdinary 1234567\nSAKURA ENERGY"
WISH = {"kind": "energy", "amount": "1", "unit": "kWh"}


def by_bill(settings: Settings, every: BillEvery = BillEvery.SESSION, **more: object) -> Settings:
    """Return settings with which accounts charge by bill."""
    on: dict[str, object] = {"bill": every, "bill_bank": BANK, "bill_most_minor": 100, "welcome_credit_minor": 0}
    return settings.model_copy(update=on | more)


async def confirmed(bench: Bench) -> None:
    """Have all mail addresses confirmed."""
    async with bench.services.database.transaction() as session:
        accounts = update(Driver).where(Driver.kind.in_((DriverKind.ACCOUNT, DriverKind.UNCONFIRMED)))
        await session.execute(accounts.values(email_verified_at=bench.clock.now(), kind=DriverKind.ACCOUNT))


async def charged(
    bench: Bench, browser: httpx.AsyncClient, provider: str = "bill", *, wh: str = "1000", seconds: int = 1200
) -> str:
    """Charge 1 kWh, ¥38, or less; returns the receipt's address."""
    answer = await browser.post(f"/o/{CODE}/start", data=WISH | {"provider": provider})
    assert answer.status_code == 303, bench.words(answer)
    await bench.site.charges(wh, seconds=seconds)
    return str(answer.headers["location"])


async def run(services: Services) -> None:
    """Have the hourly work done now."""
    await bills.begin(services)
    await services.work.drain()


async def the_bills(bench: Bench) -> list[Bill]:
    """Return all bills, the oldest first."""
    async with bench.services.database.transaction() as session:
        return list(await session.scalars(select(Bill).order_by(Bill.number)))


async def the_bill(bench: Bench) -> UUID:
    """Return the one bill there is."""
    (bill,) = await the_bills(bench)
    return bill.id


async def issued(bench: Bench, browser: httpx.AsyncClient) -> UUID:
    """Have a driver charge by bill at a server that did not offer it before; returns the bill's id."""
    settings = bench.services.settings
    settings.bill, settings.bill_bank = BillEvery.SESSION, BANK
    await confirmed(bench)
    await charged(bench, browser, wh="100", seconds=120)  # soon: a member's sign-in is fresh for a while only
    settings.bill = BillEvery.OFF
    return (await the_bills(bench))[-1].id
