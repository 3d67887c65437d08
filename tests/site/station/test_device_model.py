"""The device model: what a server reads, sets and has reported."""

from typing import Any

import pytest
from csms import Payload
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from station.conftest import Linked

from custom_components.konsento.control.driver import OutletFacts
from custom_components.konsento.station.device_model import DeviceModel, Variable


def variable(component: str, name: str, **more: Any) -> Payload:
    instance = {"instance": more.pop("instance")} if "instance" in more else {}
    evse = {"evse": more.pop("evse")} if "evse" in more else {}
    return {"component": {"name": component, **evse}, "variable": {"name": name, **instance}, **more}


async def read(linked: Linked, *items: Payload) -> list[Payload]:
    frame = await linked.csms.ask("GetVariables", {"getVariableData": list(items)})
    results: list[Payload] = frame[2]["getVariableResult"]
    return results


async def write(linked: Linked, item: Payload, value: str) -> Payload:
    frame = await linked.csms.ask("SetVariables", {"setVariableData": [{**item, "attributeValue": value}]})
    result: Payload = frame[2]["setVariableResult"][0]
    return result


def reported(linked: Linked) -> list[Payload]:
    parts = [payload for action, payload in linked.csms.heard if action == "NotifyReport"]
    return [item for part in parts for item in part["reportData"]]


async def test_the_whole_model_is_reported_in_parts_that_say_whether_more_come(linked: Linked) -> None:
    await linked.online()
    frame = await linked.csms.ask("GetBaseReport", {"requestId": 7, "reportBase": "FullInventory"})
    assert frame[2] == {"status": "Accepted"}
    await linked.csms.until(lambda: any(a == "NotifyReport" and not p["tbc"] for a, p in linked.csms.heard))

    parts = [payload for action, payload in linked.csms.heard if action == "NotifyReport"]
    assert [part["seqNo"] for part in parts] == list(range(len(parts)))
    assert [part["tbc"] for part in parts] == [True] * (len(parts) - 1) + [False]
    assert {part["requestId"] for part in parts} == {7}
    names = {(item["component"]["name"], item["variable"]["name"]) for item in reported(linked)}
    assert {
        ("ChargingStation", "AvailabilityState"),
        ("EVSE", "AvailabilityState"),
        ("Connector", "ConnectorType"),
        ("OCPPCommCtrlr", "HeartbeatInterval"),
        ("SecurityCtrlr", "SecurityProfile"),
        ("TxCtrlr", "TxStartPoint"),
        ("SampledDataCtrlr", "TxUpdatedInterval"),
        ("ReservationCtrlr", "NonEvseSpecific"),
        ("DeviceDataCtrlr", "ItemsPerMessage"),
    } <= names


async def test_what_is_reported_can_be_read_with_the_same_value(linked: Linked) -> None:
    await linked.online()
    await linked.csms.ask("GetBaseReport", {"requestId": 1, "reportBase": "FullInventory"})
    await linked.csms.until(lambda: any(a == "NotifyReport" and not p["tbc"] for a, p in linked.csms.heard))
    items = [item for item in reported(linked) if item["variable"]["name"] != "DateTime"]
    results = await read(linked, *({"component": i["component"], "variable": i["variable"]} for i in items))

    for item, result in zip(items, results, strict=True):
        attribute = item["variableAttribute"][0]
        if attribute["mutability"] == "WriteOnly":
            assert (result["attributeStatus"], "value" in attribute) == ("Rejected", False)
        else:
            assert (result["attributeStatus"], result["attributeValue"]) == ("Accepted", attribute["value"]), item


async def test_what_an_outlet_measures_is_reported_with_its_unit(linked: Linked) -> None:
    linked.outlet.more["voltage_v"] = 201.26
    linked.outlet.changed()
    await linked.online()
    await linked.csms.ask("GetBaseReport", {"requestId": 1, "reportBase": "FullInventory"})
    await linked.csms.until(lambda: any(a == "NotifyReport" and not p["tbc"] for a, p in linked.csms.heard))

    shown = {
        (item["variable"]["name"], item["variableCharacteristics"].get("unit")): item["variableAttribute"][0]["value"]
        for item in reported(linked)
        if item["component"]["name"] == "EVSE" and item["variableCharacteristics"]["dataType"] == "decimal"
    }
    assert shown == {("Power", "W"): "0.0", ("ACVoltage", "V"): "201.3"}


async def limits_of(linked: Linked) -> dict[str, float | None]:
    """Ask for the largest values of what the outlet measures."""
    await linked.online()
    await linked.csms.ask("GetBaseReport", {"requestId": 1, "reportBase": "FullInventory"})
    await linked.csms.until(lambda: any(a == "NotifyReport" and not p["tbc"] for a, p in linked.csms.heard))
    return {
        item["variable"]["name"]: item["variableCharacteristics"].get("maxLimit")
        for item in reported(linked)
        if item["component"]["name"] == "EVSE" and item["variableCharacteristics"]["dataType"] == "decimal"
    }


@pytest.mark.parametrize(
    ("facts", "volts", "most"),
    [
        # Both ratings: at 200 V the power is the narrower one, at 100 V the current.
        ({"max_power_w": 3000.0, "max_current_a": 15.0}, 201.3, 3000),
        ({"max_power_w": 3000.0, "max_current_a": 16.0}, 201.3, 3000),
        ({"max_power_w": 3000.0, "max_current_a": 15.0}, 96.4, 1500),
        ({"max_power_w": 3000.0, "max_current_a": 12.5}, 238.0, 2875),
        ({"max_power_w": 1500.0}, 103.9, 1500),
        # At a voltage of no circuit nothing follows from the current.
        ({"max_power_w": 3000.0, "max_current_a": 15.0}, 150.0, 3000),
        # What does not say its ratings.
        ({}, 201.3, None),
    ],
)
async def test_the_rating_of_an_outlet_is_the_largest_power_that_it_reports(
    linked: Linked, facts: dict[str, float], volts: float, most: int | None
) -> None:
    linked.outlet.facts = OutletFacts(**facts)
    linked.outlet.more = {"voltage_v": volts, "current_a": 0.0}

    assert await limits_of(linked) == {"Power": most, "ACVoltage": None, "ACCurrent": facts.get("max_current_a")}


async def test_an_outlet_that_is_away_tells_no_rating_rather_than_half_of_it(linked: Linked) -> None:
    linked.outlet.facts = OutletFacts(max_power_w=3000.0, max_current_a=15.0)
    linked.outlet.set_online(False)

    assert await limits_of(linked) == {}


async def test_a_report_can_be_of_what_can_be_set_only(linked: Linked) -> None:
    await linked.online()
    await linked.csms.ask("GetBaseReport", {"requestId": 1, "reportBase": "ConfigurationInventory"})
    await linked.csms.until(lambda: reported(linked) != [])

    assert {item["variableAttribute"][0]["mutability"] for item in reported(linked)} == {"ReadWrite", "WriteOnly"}


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({"componentVariable": [{"component": {"name": "evse"}, "variable": {"name": "model"}}]}, {"Model"}),
        (
            {"componentVariable": [{"component": {"name": "Connector", "evse": {"id": 1, "connectorId": 1}}}]},
            {"AvailabilityState", "ConnectorType", "Available", "SupplyPhases"},
        ),
        (
            {"componentCriteria": ["Problem"], "componentVariable": [{"component": {"name": "EVSE"}}]},
            {
                "AvailabilityState",
                "Available",
                "Problem",
                "SupplyPhases",
                "Power",
                "EvseId",
                "FirmwareVersion",
                "Model",
                "VendorName",
            },
        ),
    ],
)
async def test_a_report_can_be_of_chosen_components(linked: Linked, asked: Payload, names: set[str]) -> None:
    linked.outlet.fault = "overcurrent"
    linked.outlet.changed()
    await linked.online()
    frame = await linked.csms.ask("GetReport", {"requestId": 3, **asked})
    assert frame[2] == {"status": "Accepted"}
    await linked.csms.until(lambda: reported(linked) != [])

    assert {item["variable"]["name"] for item in reported(linked)} == names


async def test_a_report_of_nothing_says_so(linked: Linked) -> None:
    await linked.online()
    asked = {"componentCriteria": ["Problem"], "componentVariable": [{"component": {"name": "EVSE"}}]}

    assert (await linked.csms.ask("GetReport", {"requestId": 3, **asked}))[2] == {"status": "EmptyResultSet"}


async def test_intervals_are_set_within_their_range(linked: Linked) -> None:
    await linked.online()
    interval = variable("SampledDataCtrlr", "TxUpdatedInterval")

    assert (await write(linked, interval, "60"))["attributeStatus"] == "Accepted"
    assert linked.intervals == [60]
    for nonsense in ("0", "901", "-1", "1.5", "ten", "", "٣"):
        result = await write(linked, interval, nonsense)
        assert (result["attributeStatus"], result["attributeStatusInfo"]["reasonCode"]) == ("Rejected", "InvalidValue")
    assert linked.intervals == [60]


async def test_what_was_set_about_the_link_outlives_a_restart(linked: Linked) -> None:
    await linked.online()
    attempts = variable("OCPPCommCtrlr", "MessageAttempts", instance="TransactionEvent")
    assert (await write(linked, attempts, "3"))["attributeStatus"] == "Accepted"
    await linked.csms.drop()
    await linked.disconnect()
    linked.station.close()

    kept = await linked.site.journal.remembered("link_settings")
    assert kept["server"]["attempts"] == 3


async def test_the_password_is_handed_on_and_can_never_be_read(
    linked: Linked, caplog: pytest.LogCaptureFixture
) -> None:
    await linked.online()
    password = variable("SecurityCtrlr", "BasicAuthPassword")

    assert (await write(linked, password, "sixteen-or-more-characters"))["attributeStatus"] == "Accepted"
    assert (await write(linked, password, "too short"))["attributeStatus"] == "Rejected"
    assert linked.passwords == ["sixteen-or-more-characters"]
    assert (await read(linked, password))[0]["attributeStatus"] == "Rejected"
    assert "sixteen-or-more" not in caplog.text


@pytest.mark.parametrize(
    ("item", "status"),
    [
        (variable("NoSuchCtrlr", "X"), "UnknownComponent"),
        (variable("TxCtrlr", "X"), "UnknownVariable"),
        (variable("EVSE", "Model", evse={"id": 9}), "UnknownComponent"),
        (variable("TxCtrlr", "TxStartPoint", attributeType="Target"), "NotSupportedAttributeType"),
        (variable("txctrlr", "TXSTARTPOINT"), "Accepted"),
    ],
)
async def test_what_is_not_there_is_named(linked: Linked, item: Payload, status: str) -> None:
    await linked.online()

    assert (await read(linked, item))[0]["attributeStatus"] == status


async def test_what_can_only_be_read_is_not_set(linked: Linked) -> None:
    await linked.online()
    result = await write(linked, variable("TxCtrlr", "TxStartPoint"), "EVConnected")

    assert (result["attributeStatus"], result["attributeStatusInfo"]["reasonCode"]) == ("Rejected", "ReadOnly")


@given(text=st.text() | st.integers().map(str))
@settings(suppress_health_check=list(HealthCheck), deadline=None)
def test_a_number_that_is_accepted_is_within_its_range(text: str) -> None:
    kept = ["5"]
    model = DeviceModel(
        [Variable(component="C", name="V", kind="integer", least=2, most=9, read=lambda: kept[-1], write=kept.append)]
    )
    (result,) = model.put([{**variable("c", "v"), "attributeValue": text}])

    assert (result["attributeStatus"] == "Accepted") == (len(kept) == 2)
    assert 2 <= int(kept[-1]) <= 9
    assert model.get([variable("C", "V")])[0]["attributeValue"] == kept[-1]
