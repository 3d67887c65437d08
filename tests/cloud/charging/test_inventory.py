"""Outlets appear by themselves: from their states, and from the device model that a site reports after a boot."""

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from konsento.charging import inventory
from konsento.models import WITH_OFFERS, Outlet, OutletStatus, Site
from konsento.ocpp import CallRefused, CallTimeout, StationBusy, StationOffline
from konsento.ocpp.messages import (
    BootNotification,
    ChargingStation,
    Component,
    ConnectorStatus,
    DeviceModelStatus,
    Evse,
    GetBaseReport,
    GetBaseReportResponse,
    NotifyReport,
    ReportBase,
    ReportData,
    StatusNotification,
    Variable,
    VariableAttribute,
    VariableCharacteristics,
)
from konsento.sites import service as sites
from konsento.sites import setup
from konsento.sites.errors import NotOnSaleYet, OutletDisabled
from konsento.sites.outlets import MOST_OUTLETS
from konsento.sites.setup import OutletDetails

from ..conftest import AT, STATION

if TYPE_CHECKING:
    from tests.cloud.conftest import Core

BOOT = BootNotification(
    charging_station=ChargingStation(model="Konsento site", vendor_name="Konsento"), reason="PowerUp"
)
WHOLE = inventory.request_id(ReportBase.FULL_INVENTORY)


def told(
    evse: int, variable: str, value: str | None = None, *, component: str = "EVSE", limit: Any = None, unit: str = "W"
) -> ReportData:
    return ReportData(
        component=Component(name=component, evse=Evse(id=evse)),
        variable=Variable(name=variable),
        variable_attribute=[VariableAttribute(value=value)],
        variable_characteristics=VariableCharacteristics(
            data_type="string", supports_monitoring=False, unit=unit, max_limit=limit
        ),
    )


async def report(core: Core, *pages: list[ReportData], request_id: int = WHOLE, whole: bool = True) -> None:
    for number, items in enumerate(pages):
        page = NotifyReport(
            request_id=request_id,
            generated_at=AT,
            seq_no=number,
            tbc=number < len(pages) - 1 or not whole,
            report_data=items or None,
        )
        await core.handlers.answer(STATION, page)


async def says(core: Core, evse: int, status: ConnectorStatus = ConnectorStatus.AVAILABLE) -> None:
    message = StatusNotification(timestamp=AT, connector_status=status, evse_id=evse, connector_id=1)
    await core.handlers.answer(STATION, message)


async def outlets(core: Core) -> dict[int, Outlet]:
    async with core.services.database.transaction() as session:
        site = await session.scalar(select(Site).where(Site.station_id == STATION))
        assert site is not None
        rows = await session.scalars(select(Outlet).where(Outlet.site_id == site.id).options(WITH_OFFERS))
        return {row.evse_id: row for row in rows}


async def test_an_outlet_that_a_site_tells_of_appears_and_is_not_for_sale(core: Core) -> None:
    await says(core, 3)
    outlet = (await outlets(core))[3]

    assert (outlet.name, outlet.tariff_names, outlet.status) == ("No. 3", [], OutletStatus.AVAILABLE)
    async with core.services.database.transaction() as session:
        found = await sites.outlet_by_code(session, outlet.code)
    assert isinstance(sites.obstacle(found, core.clock.now()), NotOnSaleYet)
    with pytest.raises(NotOnSaleYet):
        await core.start(code=outlet.code)
    assert core.router.asked == []


async def test_a_state_of_the_whole_site_makes_no_outlet(core: Core) -> None:
    await says(core, 0)

    assert set(await outlets(core)) == {1, 2}


async def test_a_site_is_asked_for_its_outlets_once_after_a_boot(core: Core) -> None:
    core.router.answers[GetBaseReport] = lambda _: GetBaseReportResponse(status=DeviceModelStatus.ACCEPTED)
    await core.handlers.answer(STATION, BOOT)
    await core.handlers.answer(STATION, BOOT)
    assert core.router.asked == []
    core.clock.advance(timedelta(seconds=5))
    await core.work()
    await core.work()

    (asked,) = core.router.asked
    assert asked.report_base is ReportBase.FULL_INVENTORY


@pytest.mark.parametrize(
    ("error", "times"),
    [
        (StationOffline(STATION, "GetBaseReport"), 1),
        (CallTimeout(STATION, "GetBaseReport", "no answer in time"), 1),
        (CallRefused(STATION, "GetBaseReport", "NotSupported"), 1),
        (StationBusy(STATION, "GetBaseReport"), 2),
    ],
)
async def test_a_site_that_does_not_report_is_left_alone(core: Core, error: Exception, times: int) -> None:
    core.router.answers[GetBaseReport] = lambda _: error
    await core.handlers.answer(STATION, BOOT)
    for _ in range(3):
        core.clock.advance(timedelta(seconds=inventory.ASK_AGAIN_S))
        await core.work()
        if times == 2:
            core.router.answers[GetBaseReport] = lambda _: GetBaseReportResponse(status=DeviceModelStatus.REJECTED)

    assert len(core.router.asked) == times


async def test_what_a_report_tells_is_kept(core: Core) -> None:
    await says(core, 4)
    await report(
        core,
        [
            told(3, "Model", "Outlet P3"),
            told(3, "FirmwareVersion", "1.2.0"),
            told(3, "Power", "0", limit=Decimal("3.2"), unit="kW"),
            told(3, "ACVoltage", "203.4", unit="V"),
        ],
        [
            told(3, "AvailabilityState", "Faulted"),
            told(4, "acvoltage", "98.7", component="connector", unit="V"),
            told(1, "Model", "Outlet P1"),
            told(1, "ACVoltage", "100", unit="V"),
            told(2, "Model", "Outlet P1"),
        ],
    )
    now = await outlets(core)

    third = now[3]
    assert (third.model, third.firmware, third.rated_w, third.volts) == ("Outlet P3", "1.2.0", 3200, 200)
    assert third.status is OutletStatus.FAULTED
    assert (now[4].volts, now[4].rated_w) == (100, 1500)
    # What the operator has set about one that is sold stays.
    assert (now[1].model, now[1].volts, now[1].rated_w) == ("Outlet P1", 200, 3000)


async def rate(core: Core, evse: int, *, sold: bool = True, **values: int) -> None:
    """Set an outlet's ratings as an operator does in the back office."""
    tariffs = tuple((await outlets(core))[1].tariff_names) if sold else ()
    async with core.services.database.transaction() as session:
        site = await session.scalar(select(Site).where(Site.station_id == STATION))
        assert site is not None
        outlet = await session.scalar(
            select(Outlet).where(Outlet.site_id == site.id, Outlet.evse_id == evse).options(WITH_OFFERS)
        )
        assert outlet is not None
        shown = {"rated_w": outlet.rated_w, "volts": outlet.volts, **values}
        blank = dict.fromkeys(("most_wh", "most_s", "plan_x", "plan_y"))
        setup.change_outlet(outlet, OutletDetails(name="A", tariff_names=tariffs, **shown, **blank))


def rated(watts: int, volts: int, evse: int = 3) -> list[ReportData]:
    return [told(evse, "Power", "0", limit=Decimal(watts)), told(evse, "ACVoltage", str(volts), unit="V")]


async def ratings(core: Core, evse: int = 3) -> tuple[int, int]:
    outlet = (await outlets(core))[evse]
    return outlet.rated_w, outlet.volts


async def test_ratings_follow_the_report_also_when_the_outlet_is_sold(core: Core) -> None:
    await report(core, rated(1500, 101))
    first = await ratings(core)
    await rate(core, 3)
    await report(core, rated(1200, 99))

    assert (first, await ratings(core)) == ((1500, 100), (1200, 100))


@pytest.mark.parametrize("sold", [True, False])
async def test_an_operators_own_ratings_are_not_overwritten_by_later_reports(core: Core, sold: bool) -> None:
    await report(core, rated(3000, 202))
    await rate(core, 3, sold=sold, rated_w=1500)
    await report(core, rated(3000, 202))
    same = await ratings(core)
    await report(core, rated(2400, 232))

    # Each by itself: what nobody has typed is the site's.
    assert (same, await ratings(core)) == ((1500, 200), (1500, 230))


async def test_an_operator_who_enters_what_is_reported_follows_the_reports_again(core: Core) -> None:
    await report(core, rated(3000, 202))
    await rate(core, 3, rated_w=1500)
    await report(core, rated(2400, 202))
    await rate(core, 3, rated_w=2400)
    await report(core, rated(2000, 202))

    assert await ratings(core) == (2000, 200)


async def test_what_was_assumed_and_then_priced_is_the_operators(core: Core) -> None:
    await says(core, 3)
    await rate(core, 3)
    await report(core, rated(1500, 101))
    outlet = (await outlets(core))[3]

    assert (outlet.rated_w, outlet.volts, outlet.reported_w, outlet.reported_volts) == (3000, 200, 1500, 100)


async def test_a_report_without_ratings_leaves_them(core: Core) -> None:
    await report(core, rated(1500, 101))
    await report(core, [told(3, "Model", "Outlet P3")])

    assert await ratings(core) == (1500, 100)


async def test_a_voltage_that_wanders_stays_the_same_circuit(core: Core) -> None:
    await report(core, rated(1500, 104))
    await report(core, rated(1500, 107))

    assert await ratings(core) == (1500, 100)


async def test_an_outlet_that_comes_back_is_asked_what_it_is(core: Core) -> None:
    core.router.answers[GetBaseReport] = lambda _: GetBaseReportResponse(status=DeviceModelStatus.ACCEPTED)

    async def asked_after(*states: tuple[ConnectorStatus, str | None]) -> int:
        before = len(core.router.asked)
        for status, reason in states:
            data = {"vendorId": "org.konsento", "reason": reason} if reason else None
            message = StatusNotification(
                timestamp=AT, connector_status=status, evse_id=1, connector_id=1, custom_data=data
            )
            await core.handlers.answer(STATION, message)
        core.clock.advance(timedelta(seconds=inventory.AFTER_RETURN_S))
        await core.work()
        return len(core.router.asked) - before

    away, there = (ConnectorStatus.UNAVAILABLE, "offline"), (ConnectorStatus.AVAILABLE, None)
    assert await asked_after(away) == 0
    assert await asked_after(away, there, away, there) == 1
    assert await asked_after(there, (ConnectorStatus.OCCUPIED, None), there) == 0
    assert await asked_after((ConnectorStatus.UNAVAILABLE, "disabled"), there) == 0


async def test_an_outlet_that_is_not_listed_any_more_is_gone_and_comes_back(core: Core) -> None:
    await report(core, [told(1, "Model", "A"), told(3, "Model", "B")])
    second = (await outlets(core))[2]
    assert (second.status, second.status_reason) == (OutletStatus.UNAVAILABLE, "gone")
    async with core.services.database.transaction() as session:
        found = await sites.outlet_by_code(session, second.code)
    assert isinstance(sites.obstacle(found, core.clock.now()), OutletDisabled)

    await report(core, [told(n, "AvailabilityState", "Available") for n in (1, 2, 3)])
    second = (await outlets(core))[2]
    assert (second.status, second.status_reason) == (OutletStatus.AVAILABLE, "")


@pytest.mark.parametrize(
    ("request_id", "listed", "whole"),
    [
        (inventory.request_id(ReportBase.SUMMARY_INVENTORY), [told(1, "Model", "A")], True),
        (WHOLE, [told(1, "Model", "A")], False),
        (WHOLE, [], True),
        (WHOLE, [told(1, "Model", "A"), told(1001, "Model", "A")], True),
    ],
)
async def test_only_a_whole_report_says_what_is_not_there(
    core: Core, request_id: int, listed: list[ReportData], whole: bool
) -> None:
    await report(core, listed, request_id=request_id, whole=whole)

    assert (await outlets(core))[2].status is OutletStatus.AVAILABLE


async def test_a_report_with_a_page_missing_changes_nothing(core: Core) -> None:
    def page(number: int, *, tbc: bool, request_id: int = WHOLE) -> NotifyReport:
        items = [told(number + 3, "Model", "A")]
        return NotifyReport(request_id=request_id, generated_at=AT, seq_no=number, tbc=tbc, report_data=items)

    for pages in (
        [page(0, tbc=True), page(2, tbc=False)],
        [page(1, tbc=False)],
        [page(0, tbc=True), page(1, tbc=False, request_id=WHOLE - 1)],
        [page(0, tbc=True), page(1, tbc=True), page(1, tbc=False)],
    ):
        for one in pages:
            await core.handlers.answer(STATION, one)

    assert set(await outlets(core)) == {1, 2}
    assert (await outlets(core))[2].status is OutletStatus.AVAILABLE


async def test_ten_thousand_outlets_are_not_taken(core: Core, caplog: pytest.LogCaptureFixture) -> None:
    numbers = range(1, 10_001)
    pages = [[told(n, "Model", "x") for n in numbers[i : i + 500]] for i in range(0, 10_000, 500)]
    await report(core, *pages)
    for evse in (2000, 5000, 2**31 - 1):
        await says(core, evse)
    now = await outlets(core)

    assert len(now) == MOST_OUTLETS
    assert max(now) == MOST_OUTLETS
    warned = [record for record in caplog.records if record.levelname == "WARNING"]
    assert 1 <= len(warned) <= 4
    assert len({outlet.code for outlet in now.values()}) == MOST_OUTLETS


@pytest.mark.parametrize(
    "item",
    [
        told(3, "Power", "NaN", limit=Decimal(-5)),
        told(3, "Power", limit=Decimal(99999999999999)),
        told(3, "ACVoltage", "1e999999999", unit="V"),
        told(3, "ACVoltage", "二百", unit="V"),
        told(3, "ACVoltage", "-230", unit="V"),
        told(3, "AvailabilityState", "Melting"),
        told(3, "Model", "\x00\x1b[31m" + "x" * 2000),
        told(3, "Model", None),
    ],
)
async def test_nonsense_in_a_report_makes_an_outlet_with_the_usual_values(core: Core, item: ReportData) -> None:
    await report(core, [item])
    outlet = (await outlets(core))[3]

    assert (outlet.rated_w, outlet.volts, outlet.status) == (3000, 200, OutletStatus.UNKNOWN)
    assert outlet.model.isprintable()
    assert len(outlet.model) <= 50


def common_name(value: str) -> ReportData:
    item = told(1, "CommonName", value, component="ChargingStation")
    return ReportData(
        component=Component(name="ChargingStation"),
        variable=item.variable,
        variable_attribute=item.variable_attribute,
        variable_characteristics=item.variable_characteristics,
    )


async def name_of(core: Core) -> str | None:
    async with core.services.database.transaction() as session:
        site = await session.scalar(select(Site).where(Site.station_id == STATION))
        assert site is not None
        return site.common_name


async def test_a_site_says_once_what_all_its_servers_call_it(core: Core) -> None:
    await report(core, [told(1, "Model"), common_name("K3VQ5B2XJ6M7")])
    first = await name_of(core)
    await report(core, [told(1, "Model"), common_name("ANOTHERNAME2")])

    assert (first, await name_of(core)) == ("K3VQ5B2XJ6M7", "K3VQ5B2XJ6M7")


@pytest.mark.parametrize("nonsense", ["", "short", "k3vq5b2xj6m7", "K3VQ5B2XJ6M7.1", "A" * 33])
async def test_nonsense_is_no_common_name(core: Core, nonsense: str) -> None:
    await report(core, [told(1, "Model"), common_name(nonsense)])

    assert await name_of(core) is None


async def test_the_name_of_another_site_is_not_taken(core: Core, caplog: pytest.LogCaptureFixture) -> None:
    async with core.services.database.transaction() as session:
        details = setup.SiteDetails(name="Minato", place="", time_zone="Asia/Tokyo", latitude=None, longitude=None)
        site, _ = await setup.create(session, details, AT)
        site.common_name = "K3VQ5B2XJ6M7"
    await report(core, [told(1, "Model"), common_name("K3VQ5B2XJ6M7")])

    assert await name_of(core) is None
    assert "as another site here is" in caplog.text
