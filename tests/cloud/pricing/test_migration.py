"""Prices of before there were components: tariffs and running sessions go on at the same price."""

import asyncio
from decimal import Decimal

from alembic import command

from konsento import migrations
from konsento.catalogue.service import price_of, tariff_in_force
from konsento.models import ChargingSession
from konsento.pricing import Price

from ..conftest import Core, rate, reprice, whole_session


async def test_prices_and_running_sessions_of_before_are_carried_over(core: Core) -> None:
    await reprice(core.services, rate("energy", "3850.55"))
    charging = await core.start()
    url = core.services.database.engine.url.render_as_string(hide_password=False)
    await core.services.database.engine.dispose()
    await asyncio.to_thread(command.downgrade, migrations.config(url), "0050-1")
    await asyncio.to_thread(migrations.migrate, url)

    async with core.services.database.transaction() as session:
        tariff = await tariff_in_force(session, "demo", core.clock.now())
        agreed = (await session.get_one(ChargingSession, charging.id)).price
    for event in whole_session(charging):
        await core.send(event)
    await core.work()

    same = Price.per_kwh(Decimal("3850.55"), "JPY", Decimal("0.1"))
    assert price_of(tariff, "UTC") == Price.from_dict(agreed) == same
    assert (await core.progress(charging.id)).billed_minor == 38
