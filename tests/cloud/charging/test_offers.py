"""What a driver buys: one of several offers, kept by the session whatever becomes of it."""

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, update

from konsento.catalogue import service as catalogue
from konsento.catalogue import suppliers
from konsento.catalogue.errors import NoTariff, OfferGone
from konsento.charging import metering
from konsento.charging import service as charging
from konsento.charging.choice import usual_offer
from konsento.charging.errors import AlreadyChargingHere, MeteringNotAgreed
from konsento.charging.limits import RequestedLimit
from konsento.models import (
    ChargingSession,
    Contract,
    LimitKind,
    Metering,
    MeteringAgreement,
    OutletStatus,
    Supplier,
    Tariff,
)
from konsento.ocpp.messages import RequestStartTransaction
from konsento.settlement import service as settlement
from konsento.sites import service as sites

from ..conftest import AT, CODES, ENDED, STARTED, Core, event_of, whole_session
from ..supply import WIND, sell, supply

CODE, OTHER = CODES
TEN_WH = RequestedLimit(kind=LimitKind.ENERGY, amount=10)
ALL = ("demo", "roof", "wind")


async def sold(core: Core, *names: str, code: str = CODE, basis: Metering = Metering.VERIFIED) -> None:
    async with core.services.database.transaction() as session:
        if await session.scalar(select(Tariff.id).where(Tariff.name == "wind")) is None:
            await supply(session, AT - timedelta(days=1))
        await sell(session, code, names, basis, "n5" if basis is Metering.NOTIFIED else "")


async def buy(core: Core, offer: str | None, code: str = CODE, **more: object) -> ChargingSession:
    return await charging.start(core.services, core.driver_id, code, TEN_WH, offer=offer, **more)  # type: ignore[arg-type]


async def over(core: Core, session: ChargingSession) -> None:
    for event in whole_session(session):
        await core.send(event)
    await core.work()
    core.clock.advance(timedelta(minutes=1))
    await core.outlet_status(OutletStatus.AVAILABLE)


async def offers_at(core: Core, code: str = CODE) -> list[str]:
    async with core.services.database.transaction() as session:
        outlet = await sites.outlet_by_code(session, code)
        return [offer.name for offer in await catalogue.offers_of(session, outlet, core.clock.now())]


async def test_an_outlet_sells_in_its_order_and_who_names_nothing_buys_the_first(core: Core) -> None:
    await sold(core, "wind", "demo")

    session = await buy(core, None)

    assert await offers_at(core) == ["wind", "demo"]
    assert (session.offer, session.unit_price) == ("wind", Decimal("42.5"))


async def test_the_session_keeps_what_was_bought_whatever_becomes_of_it(core: Core) -> None:
    await sold(core, *ALL)
    session = await buy(core, "wind")
    async with core.services.database.transaction() as tx:
        await tx.execute(update(Tariff).values(carbon_g_per_kwh=900, power_type="coal"))
        (contract,) = await tx.scalars(select(Contract))
        await suppliers.end_contract(tx, WIND, contract.id, AT + timedelta(seconds=1), AT)
        await tx.execute(update(Supplier).values(name="Somebody else"))
    core.clock.advance(timedelta(seconds=2))

    await over(core, session)

    async with core.services.database.transaction() as tx:
        kept = await tx.get_one(ChargingSession, session.id)
        receipt = await settlement.receipt(tx, core.driver_id, session.id)
    assert await offers_at(core) == ["demo", "roof"]
    assert (kept.offer, kept.power_type, kept.carbon_g_per_kwh) == ("wind", "wind", 25)
    assert (kept.supplier_share, kept.owner_share) == (Decimal("0.7"), Decimal("0.1"))
    assert (receipt.supplier, receipt.power_type, receipt.carbon_g_per_kwh) == ("Kaze Power", "wind", 25)
    assert receipt.unit_price == Decimal("42.5")


async def test_the_site_is_told_the_standard_power_type_and_the_supplier_and_nothing_of_the_driver(core: Core) -> None:
    await sold(core, *ALL)

    session = await buy(core, "roof")
    await core.send(event_of(session, 0, "1000", kind=STARTED))

    request = core.router.asked[-1]
    assert isinstance(request, RequestStartTransaction)
    assert request.custom_data is not None
    told = {name: request.custom_data[name] for name in ("powerType", "supplier", "supplierCode")}
    assert told == {"powerType": "solar", "supplier": "Sakura Energy", "supplierCode": ""}
    assert session.power_name == {"en": "Our own roof", "ja": "当店の屋根"}
    for word in ("roof", "0.7", "first", "example.com", str(core.driver_id), core.driver_id.hex):
        assert word not in repr(request)


async def test_what_is_not_sold_any_more_starts_nothing_and_costs_nothing(core: Core) -> None:
    await sold(core, "demo")

    with pytest.raises(OfferGone):
        await buy(core, "wind")

    assert core.router.asked == []
    assert await core.available() == 5000


async def test_another_offer_while_a_charging_runs_is_not_taken_for_the_same_wish(core: Core) -> None:
    await sold(core, *ALL)
    first = await buy(core, "wind")

    assert (await buy(core, "wind")).id == first.id
    with pytest.raises(AlreadyChargingHere):
        await buy(core, "demo")


async def test_what_a_driver_bought_last_is_offered_first_there_and_its_power_elsewhere(core: Core) -> None:
    await sold(core, *ALL)
    await sold(core, "demo", "wind", "roof", code=OTHER)

    async def usual(code: str, driver: object = core.driver_id) -> str:
        async with core.services.database.transaction() as session:
            outlet = await sites.outlet_by_code(session, code)
            offers = await catalogue.offers_of(session, outlet, core.clock.now())
            return (await usual_offer(session, driver, outlet.id, offers)).name  # type: ignore[arg-type]

    assert await usual(CODE) == "demo"
    await over(core, await buy(core, "roof"))
    assert (await usual(CODE), await usual(OTHER)) == ("roof", "roof")
    await over(core, await buy(core, "wind"))
    assert (await usual(CODE), await usual(OTHER)) == ("wind", "wind")
    await sold(core, "demo", "roof")
    assert (await usual(CODE), await usual(CODE, core.other_driver_id), await usual(CODE, None)) == ("demo",) * 3


async def test_a_supplier_without_a_contract_sells_nothing_and_the_operator_needs_none(core: Core) -> None:
    await sold(core, *ALL)
    async with core.services.database.transaction() as session:
        (contract,) = await session.scalars(select(Contract))
        await suppliers.end_contract(session, WIND, contract.id, core.clock.now(), core.clock.now())
    assert await offers_at(core) == ["demo", "roof"]

    async with core.services.database.transaction() as session:
        wanted = suppliers.WantedSupplier(code="A0269", name="Sakura Energy")
        await suppliers.add_supplier(session, wanted)
    assert await offers_at(core) == ["roof"]

    async with core.services.database.transaction() as session:
        own = suppliers.WantedSupplier(code="A0269", name="Sakura Energy", is_operator=True)
        await suppliers.change_supplier(session, own)
    assert await offers_at(core) == ["demo", "roof"]


async def test_at_an_outlet_that_estimates_only_time_is_sold_and_an_amount_of_energy_ends_by_time(core: Core) -> None:
    await sold(core, *ALL, "by-time", basis=Metering.ESTIMATED)

    session = await buy(core, None)

    assert await offers_at(core) == ["by-time"]
    assert (session.metering, session.limit_kind, session.limit_amount) == (Metering.ESTIMATED, LimitKind.ENERGY, 10)
    assert (session.energy_limit_wh, session.time_limit_s) == (None, 12)
    await core.send(event_of(session, 0, "1000", kind=STARTED))
    await core.send(event_of(session, 1, "1012", seconds=60, kind=ENDED, reason="TimeLimitReached"))
    await core.work()
    async with core.services.database.transaction() as tx:
        receipt = await settlement.receipt(tx, core.driver_id, session.id)
    assert receipt.metering is Metering.ESTIMATED


async def test_where_nothing_may_be_sold_nothing_starts(core: Core) -> None:
    await sold(core, "demo", basis=Metering.ESTIMATED)

    with pytest.raises(NoTariff):
        await buy(core, None)


async def test_a_notified_meter_is_agreed_to_once_by_every_driver(core: Core) -> None:
    await sold(core, "demo", basis=Metering.NOTIFIED)
    for version in (None, "1999-01"):
        with pytest.raises(MeteringNotAgreed):
            await buy(core, None, agreed_metering=version)
    assert core.router.asked == []

    await over(core, await buy(core, None, agreed_metering=metering.VERSION))
    await buy(core, None)

    async with core.services.database.transaction() as session:
        (agreed,) = await session.scalars(select(MeteringAgreement))
    assert (agreed.driver_id, agreed.version, agreed.agreed_at) == (core.driver_id, metering.VERSION, AT)
    await sold(core, "demo", code=OTHER, basis=Metering.NOTIFIED)
    with pytest.raises(MeteringNotAgreed):
        await charging.start(core.services, core.other_driver_id, OTHER, TEN_WH)
