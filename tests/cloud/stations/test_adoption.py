"""A charger that is not ours becomes outlets of its site, from what it says of itself."""

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from konsento.models import Charger, OutletStatus, PendingStation, V16Transaction
from konsento.sites import chargers, pending
from konsento.sites.outlets import USUAL_CHARGER_W
from konsento.sites.repository import outlets_of, site_by_station
from konsento.sites.setup import SiteDetails

from .line import RefusedError
from .v2 import V201, Charger2, Manners
from .v16 import Charger16
from .v16 import Manners as Manners16

if TYPE_CHECKING:
    from .line import Payload
    from .world import World

DETAILS = SiteDetails(name="Harbour", place="Pier 3", time_zone="Asia/Tokyo", latitude=None, longitude=None)


def variable(component: str, name: str, value: str, evse: int = 0, connector: int = 0, **limits: Any) -> Payload:
    where: Payload = {"name": component}
    if evse:
        where["evse"] = {"id": evse} | ({"connectorId": connector} if connector else {})
    item: Payload = {"component": where, "variable": {"name": name}, "variableAttribute": [{"value": value}]}
    if limits:
        item["variableCharacteristics"] = {"dataType": "decimal", "supportsMonitoring": False} | limits
    return item


REPORT = [
    variable("ChargingStation", "Available", "true"),
    variable("TxCtrlr", "SupportedLimits", "maxEnergy,maxTime,maxCost"),
    variable("EVSE", "Available", "true", 3),
    variable("EVSE", "Power", "0", 3, unit="kW", maxLimit=150),
    variable("Connector", "ConnectorType", "cCCS2", 3, 1),
    variable("Connector", "ConnectorType", "cG105", 3, 2),
    variable("EVSE", "Power", "0", 4, unit="W", maxLimit=22000),
    variable("Connector", "ConnectorType", "sType2", 4, 1),
    variable("Connector", "ACVoltage", "231", 4, 1),
    variable("EVSE", "Available", "false", 5),
]


async def report(charger: Charger2) -> None:
    charger.line.on["GetBaseReport"] = lambda _: {"status": "Accepted"}
    await charger.boot()
    (asked,) = charger.line.calls("GetBaseReport")
    for number, items in enumerate((REPORT[:5], REPORT[5:])):
        page = {
            "requestId": asked["requestId"],
            "generatedAt": charger.now(),
            "seqNo": number,
            "tbc": number == 0,
            "reportData": items,
        }
        await charger.line.call("NotifyReport", page)


async def known_of(world: World) -> tuple[Charger, dict[tuple[int, int], str]]:
    site = await world.site()
    async with world.services.database.transaction() as session:
        connectors = await chargers.connectors_of(session, site)
        charger = await chargers.charger_of(session, site)
    return charger, {(one.evse_id, one.connector_id): one.kind for one in connectors if one.kind}


async def test_evses_and_connectors_become_outlets_with_names_and_ratings(world: World) -> None:
    charger = await Charger2.dial(world)
    await report(charger)
    outlets = await world.outlets()

    assert (outlets[3].name, outlets[3].rated_w) == ("No. 3 (CCS 2, CHAdeMO)", 150_000)
    assert (outlets[4].name, outlets[4].rated_w, outlets[4].volts) == ("No. 4 (Type 2)", 22_000, 230)
    assert 5 not in outlets
    known, kinds = await known_of(world)
    assert (known.make, known.model, known.serial, known.firmware) == ("Acme", "Post 22", "P-1", "9.1")
    assert known.limits == "maxEnergy,maxTime,maxCost"
    assert kinds == {(3, 1): "cCCS2", (3, 2): "cG105", (4, 1): "sType2"}


async def test_what_is_not_rated_is_taken_for_a_charger_and_not_for_a_socket(world: World) -> None:
    charger = await Charger2.dial(world, V201)
    # Before it says whose make it is.
    await charger.status("Available", 6)
    assert (await world.outlets())[6].rated_w == 3000
    await charger.boot()

    assert (await world.outlets())[6].rated_w == USUAL_CHARGER_W


async def test_a_charger_of_1_6_becomes_as_many_outlets_as_it_has_connectors(world: World) -> None:
    charger = await Charger16.dial(world)
    charger.settings["NumberOfConnectors"] = "4"
    await charger.boot()
    outlets = await world.outlets()
    known, _ = await known_of(world)

    assert set(outlets) == {1, 2, 3, 4}
    assert (outlets[4].name, outlets[4].rated_w) == ("No. 4", USUAL_CHARGER_W)
    assert outlets[4].status is OutletStatus.UNKNOWN
    assert (known.make, known.model, known.serial, known.firmware) == ("Acme", "Wall 7", "A-77", "1.2.3")
    assert known.sample_s == 15


async def test_the_interval_of_a_charger_that_takes_no_settings_is_asked_for(world: World) -> None:
    charger = await Charger2.dial(world, V201, Manners(refuses_settings=True))
    await charger.boot()
    known, _ = await known_of(world)

    assert known.sample_s == 60


async def test_one_that_tells_no_interval_either_is_left_alone(world: World) -> None:
    charger = await Charger16.dial(world, Manners16(refuses_settings=True))
    await charger.boot()
    known, _ = await known_of(world)

    assert known.sample_s is None
    assert not (await world.site()).ours


async def test_a_charger_of_1_6_waits_for_the_operator_and_is_adopted_then(world: World) -> None:
    line = await world.dial("ocpp1.6", "acme-77")
    boot = {"chargePointVendor": "Acme", "chargePointModel": "Wall 7", "firmwareVersion": "1.2.3"}
    start = {"connectorId": 1, "idTag": "CARD1", "meterStart": 0, "timestamp": "2026-11-22T01:58:00Z"}
    assert (await line.call("BootNotification", boot))["status"] == "Pending"
    for action, payload in (("StartTransaction", start), ("Authorize", {"idTag": "CARD1"})):
        with pytest.raises(RefusedError, match="SecurityError"):
            await line.call(action, payload)
    async with world.services.database.transaction() as session:
        assert (await session.scalars(select(V16Transaction))).all() == []
        row = (await session.scalars(select(PendingStation))).one()
        assert (row.station_id, row.vendor, row.version) == ("acme-77", "Acme", "ocpp1.6")
        await pending.accept(session, row, DETAILS)
    line.on["GetConfiguration"] = lambda _: {
        "configurationKey": [{"key": "NumberOfConnectors", "readonly": True, "value": "1"}]
    }
    line.on["ChangeConfiguration"] = lambda _: {"status": "Accepted"}
    assert (await line.call("BootNotification", boot))["status"] == "Accepted"
    await world.wait(5)

    async with world.services.database.transaction() as session:
        site = await site_by_station(session, "acme-77")
        assert site is not None
        (outlet,) = await outlets_of(session, site.id)
    assert (outlet.name, outlet.rated_w, outlet.tariff_names) == ("No. 1", USUAL_CHARGER_W, [])
