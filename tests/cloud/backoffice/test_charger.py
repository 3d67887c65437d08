"""The page of a site shows its charger: what it is, its connectors, and who keeps the limits of sessions."""

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from konsento.charging import handlers as charging_handlers
from konsento.models import Role, Site, StationOwner
from konsento.ocpp import Handlers, Version
from konsento.ocpp.messages import (
    BootNotification,
    ChargingStation,
    ConnectorStatus,
    StatusNotification,
)
from konsento.sites import chargers, stations

from ..conftest import AT, STATION

if TYPE_CHECKING:
    from tests.cloud.backoffice.conftest import Office

PAGE = f"/office/sites/{STATION}"


async def started(office: Office, vendor: str = "Acme", limits: str = "") -> None:
    about = ChargingStation(model="Post 22", vendor_name=vendor, serial_number="P-1", firmware_version="9.1")
    bench = office.bench
    handlers = Handlers(bench.clock)
    charging_handlers.install(bench.services, handlers)
    await handlers.answer(STATION, BootNotification(charging_station=about, reason="PowerUp"))
    status = StatusNotification(timestamp=AT, connector_status=ConnectorStatus.OCCUPIED, evse_id=1, connector_id=1)
    await handlers.answer(STATION, status)
    async with bench.services.database.transaction() as session:
        site = await stations.repository.site_by_station(session, STATION)
        assert isinstance(site, Site)
        charger = await chargers.charger_of(session, site)
        charger.limits, charger.sample_s = limits, 15
        await chargers.note_kinds(session, site, {(1, 1): "cType2"})


async def test_nothing_is_shown_of_a_station_that_has_not_started(office: Office) -> None:
    async with office.member(Role.VIEWER) as browser:
        assert 'id="charger"' not in (await browser.get(PAGE)).text


async def test_what_a_charger_is_and_its_connectors_are_shown(office: Office) -> None:
    await started(office)
    async with office.member(Role.VIEWER) as browser:
        page = (await browser.get(PAGE)).text

    for fact in ("Acme", "Post 22", "P-1", "9.1", "OCPP 2.1", "15 s", "Type 2", "plugged in, nobody charges"):
        assert fact in page
    assert "up to 32 Wh more can flow" in page


@pytest.mark.parametrize(
    ("station", "sentence"),
    [
        (("Konsento", "", Version.V21), "The outlets keep the limits of sessions by themselves"),
        (("Acme", "maxEnergy,maxTime", Version.V21), "The charger says that it keeps the limits"),
        (("Acme", "maxEnergy,maxTime", Version.V201), "The charger keeps no limits."),
        (("Acme", "", Version.V16), "The charger keeps no limits."),
    ],
)
async def test_who_keeps_limits_is_said(office: Office, station: tuple[str, str, Version], sentence: str) -> None:
    vendor, limits, version = station
    await started(office, vendor, limits)
    async with office.bench.services.database.transaction() as session:
        await session.execute(update(StationOwner).values(version=version))
    async with office.member(Role.VIEWER) as browser:
        assert sentence in (await browser.get(PAGE)).text
