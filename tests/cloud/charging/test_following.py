"""Prices that follow the grid: the one of the start is shown, agreed to, held for, billed and explained."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import event, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.catalogue import following
from konsento.catalogue import service as catalogue
from konsento.catalogue.apply import WantedTariff, apply_tariff
from konsento.catalogue.following import Ahead
from konsento.charging import service as charging
from konsento.charging.errors import PriceChanged
from konsento.charging.limits import RequestedLimit
from konsento.charging.wish import Wish
from konsento.invoices import service as invoices
from konsento.kit.db import Database
from konsento.models import ChargingSession, LimitKind, Metering, Outlet, ReceiptLine, Site, Tariff
from konsento.pricing import Band, Why
from konsento.settlement import service as settlement
from konsento.sites import service as sites

from ..conftest import AT, CODES, Core, rate, reprice, whole_session
from ..following import SPOT, WINDOWS, follow, traded
from ..recommended import recommend

TEN_WH = RequestedLimit(kind=LimitKind.ENERGY, amount=10)
SLOT = datetime(2026, 11, 22, 1, 30, tzinfo=UTC)
"""The one of the market in which `AT`, two minutes before its end, lies."""
HOUR = timedelta(hours=1)


async def offer_now(core: Core) -> catalogue.Offer:
    async with core.services.database.transaction() as session:
        outlet = await sites.outlet_by_code(session, CODES[0])
        (offer,) = await catalogue.offers_of(session, outlet, core.clock.now())
        return offer


async def ahead(core: Core, begin: datetime, until: datetime) -> list[Ahead]:
    async with core.services.database.transaction() as session:
        return await following.ahead(session, await sites.outlet_by_code(session, CODES[0]), begin, until)


async def start(core: Core, agreed: str | None = None) -> ChargingSession:
    wish = Wish(driver_id=core.driver_id, outlet_code=CODES[0], requested=TEN_WH, agreed=agreed)
    return await charging.start(core.services, wish)


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """Collect what is asked of a database."""
    asked: list[str] = []

    def note(*args: object) -> None:
        asked.append(str(args[2]))

    engine = database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    yield asked
    event.remove(engine, "before_cursor_execute", note)


async def test_a_session_is_billed_at_the_price_of_its_start_though_the_slot_changes_while_it_runs(core: Core) -> None:
    await follow(core.services, SPOT)
    await traded(core.services, SLOT, "10", "40", "-30")

    session = await start(core, (await offer_now(core)).price.fingerprint)
    core.clock.advance(timedelta(minutes=40))
    for message in whole_session(session):
        await core.send(message)
    await core.work()

    async with core.services.database.transaction() as tx:
        receipt = await settlement.receipt(tx, core.driver_id, session.id)
        (line,) = await tx.scalars(select(ReceiptLine))
        document = await invoices.own_invoice(tx, core.driver_id, session.id)
    # 10 yen of the slot of 10:30 by the wall with 10 % of tax, × 100 + 1000.
    assert (line.unit_price, receipt.amount_minor, receipt.hold_minor) == (Decimal(2100), 21, 25)
    basis = receipt.price.basis
    assert basis is not None
    assert (basis.why, basis.begin, basis.spot) == (Why.SPOT, SLOT, Decimal(10))
    assert document.content.lines[0].basis == basis.to_dict()


async def test_a_page_that_was_open_while_the_slot_changed_starts_nothing_at_another_price(core: Core) -> None:
    await follow(core.services, SPOT)
    await traded(core.services, SLOT, "10", "12", "12")
    shown = (await offer_now(core)).price
    core.clock.advance(timedelta(minutes=3))

    with pytest.raises(PriceChanged):
        await start(core, shown.fingerprint)
    again = (await offer_now(core)).price
    core.clock.advance(timedelta(minutes=30))
    session = await start(core, again.fingerprint)  # the next slot has the same price: nothing to agree to anew

    assert await core.available() == 5000 - session.hold_minor
    assert (session.unit_price, session.price["basis"]["begin"]) == (Decimal(2320), (SLOT + HOUR).isoformat())


async def test_where_the_spot_price_is_not_known_the_prices_own_counts(core: Core) -> None:
    await follow(core.services, SPOT)
    await traded(core.services, SLOT - HOUR, "10", "10")  # until the slot of now
    await traded(core.services, SLOT, "10", currency="EUR")
    await traded(core.services, SLOT, "10", region="DE")

    offer = await offer_now(core)

    assert offer.price.basis is not None
    assert (offer.price.unit_price, offer.price.basis.why, offer.valid_until) == (Decimal(3850), Why.UNKNOWN, None)


@pytest.mark.parametrize(("spot", "per_kwh"), [("-30", 1000), ("0", 1000), ("0.5", 1055), ("36.37", 5000)])
async def test_negative_and_absurd_spot_prices_end_at_floor_and_cap(core: Core, spot: str, per_kwh: int) -> None:
    await follow(core.services, SPOT)
    await traded(core.services, SLOT, spot)

    offer = await offer_now(core)

    assert offer.price.unit_price == per_kwh
    assert offer.valid_until == SLOT + timedelta(minutes=30)
    assert (await start(core)).hold_minor >= per_kwh * 10 // 1000


async def test_in_a_recommended_window_energy_costs_less_and_a_site_outside_of_all_regions_has_none(core: Core) -> None:
    await follow(core.services, WINDOWS)
    outside = await offer_now(core)
    await recommend(core.services, (AT - HOUR, AT + HOUR))
    inside = await offer_now(core)
    async with core.services.database.transaction() as session:
        await session.execute(update(Site).values(region=None))
    nowhere = await offer_now(core)

    assert [offer.price.unit_price for offer in (outside, inside, nowhere)] == [3850, 2000, 3850]
    assert (inside.valid_until, outside.valid_until) == (AT + HOUR, None)
    whys = [offer.price.basis and offer.price.basis.why for offer in (outside, inside, nowhere)]
    assert whys == [Why.OUTSIDE, Why.WINDOW, Why.OUTSIDE]


async def test_an_outlet_that_may_not_bill_energy_is_not_sold_at_what_follows_the_grid(core: Core) -> None:
    await reprice(core.services, rate("energy", "0"))
    await follow(core.services, SPOT)
    async with core.services.database.transaction() as session:
        await session.execute(update(Outlet).values(metering=Metering.ESTIMATED))
        outlet = await sites.outlet_by_code(session, CODES[0])
        on_sale = await catalogue.on_sale(session, core.clock.now())
        for_database = await session.scalar(select(Outlet.id).where(on_sale.sold(), Outlet.id == outlet.id))

    assert (on_sale.offers_of(outlet), for_database) == ([], None)


async def test_what_energy_will_cost_is_told_slot_by_slot_as_far_as_it_is_known(core: Core) -> None:
    await follow(core.services, SPOT)
    await traded(core.services, SLOT, "10", "10", "-30")

    found = await ahead(core, AT, AT + 2 * HOUR)

    half = timedelta(minutes=30)
    assert [(one.begin, one.end, one.per_kwh, one.known) for one in found] == [
        (AT, SLOT + half, Decimal(2100), True),
        (SLOT + half, SLOT + HOUR, Decimal(2100), True),
        (SLOT + HOUR, SLOT + HOUR + half, Decimal(1000), True),
        (SLOT + HOUR + half, AT + 2 * HOUR, Decimal(3850), False),
    ]
    assert {(one.offer, one.currency) for one in found} == {("demo", "JPY")}


async def test_what_windows_will_cost_is_known_for_the_days_that_were_decided(core: Core) -> None:
    await follow(core.services, WINDOWS)
    await recommend(core.services, (AT + HOUR, AT + 3 * HOUR))
    midnight = datetime(2026, 11, 23, tzinfo=ZoneInfo("Asia/Tokyo")).astimezone(UTC)

    found = await ahead(core, AT, AT + timedelta(hours=48))

    assert [(one.begin, one.end, one.per_kwh, one.known) for one in found] == [
        (AT, AT + HOUR, Decimal(3850), True),
        (AT + HOUR, AT + 3 * HOUR, Decimal(2000), True),
        (AT + 3 * HOUR, midnight, Decimal(3850), True),
        (midnight, AT + timedelta(hours=48), Decimal(3850), False),
    ]


async def test_a_planned_price_is_told_ahead_and_one_that_follows_nothing_by_its_bands(core: Core) -> None:
    planned = WantedTariff(
        name="demo",
        rates=(rate("energy", "40"), rate("energy", "20", Band(from_minute=720, to_minute=780))),
        currency="JPY",
        tax_rate=Decimal("0.1"),
        power_type="solar",
        supplier="Sakura Energy",
    )
    async with core.services.database.transaction() as session:
        await apply_tariff(session, planned, AT + HOUR)

    found = await ahead(core, AT, AT + 3 * HOUR)

    noon = datetime(2026, 11, 22, 3, tzinfo=UTC)
    assert [(one.begin, one.end, one.per_kwh) for one in found] == [
        (AT, AT + HOUR, Decimal(3850)),
        (AT + HOUR, noon, Decimal(40)),
        (noon, noon + HOUR, Decimal(20)),
        (noon + HOUR, AT + 3 * HOUR, Decimal(40)),
    ]


async def test_on_the_day_of_25_hours_every_quarter_has_its_own_price_and_starts_agree_with_what_was_told(
    core: Core,
) -> None:
    await follow(core.services, SPOT)
    midnight = datetime(2026, 10, 25, tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)
    await traded(core.services, midnight, *(f"{number / 4}" for number in range(100)), minutes=15)
    async with core.services.database.transaction() as session:
        await session.execute(update(Site).values(time_zone="Europe/Berlin"))
        await session.execute(update(Tariff).values(valid_from=midnight))

    found = await ahead(core, midnight, midnight + 25 * HOUR)

    assert len(found) == 100
    assert all(one.known for one in found)
    assert len({one.per_kwh for one in found}) == 100  # also of the hour that the clocks show twice
    for one in found[7:14]:
        core.clock.advance(one.begin + timedelta(minutes=14) - core.clock.now())
        assert (await offer_now(core)).price.unit_price == one.per_kwh


async def test_a_page_of_many_outlets_asks_for_the_grid_once_and_one_without_such_prices_never(core: Core) -> None:
    async def asked_of_grid() -> int:
        async with core.services.database.transaction() as session:
            rows = await sites.find(session, "", "", 100)
            with statements(core.services.database) as asked:
                await _all_offers(session, rows, core.clock.now())
        return sum("spot_prices" in one or "grid_windows" in one for one in asked)

    before = await asked_of_grid()
    await follow(core.services, SPOT)
    await traded(core.services, SLOT, "10")

    assert (before, await asked_of_grid()) == (0, 1)


async def _all_offers(session: AsyncSession, rows: list[Outlet], at: datetime) -> None:
    on_sale = await catalogue.on_sale(session, at)
    assert [len(on_sale.offers_of(row)) for row in rows] == [1, 1]
