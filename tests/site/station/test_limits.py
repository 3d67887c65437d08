"""Limits that a management server changes, and servers that have none of our words."""

from pathlib import Path
from typing import Any

import pytest
from csms import Csms, Payload
from station.conftest import Linked, linked_to, one_site

from custom_components.konsento.control.limits import Limits

PLAIN = {"evseId": 1, "remoteStartId": 1, "idToken": {"idToken": "ABC", "type": "ISO14443"}}


def answering(limit: dict[str, Any]) -> Any:
    """Return a server that puts a limit into its answer to the first event."""

    def answer(event: Payload) -> Payload:
        return {"transactionLimit": limit} if event["eventType"] == "Started" else {}

    return answer


async def test_a_limit_in_an_answer_holds_and_is_told(linked: Linked) -> None:
    linked.csms.answers["TransactionEvent"] = answering({"maxEnergy": 5.9, "maxTime": 3600})
    await linked.online()
    await linked.started()
    await linked.csms.until(lambda: len(linked.csms.events()) == 2)

    assert linked.outlet.limits == Limits(energy_wh=5, time_s=3600)
    event = linked.csms.events()[1]
    assert event["triggerReason"] == "LimitSet"
    assert event["transactionInfo"]["transactionLimit"] == {"maxEnergy": 5, "maxTime": 3600}
    await linked.supply(20)
    await linked.csms.until(lambda: linked.csms.last() == "Ended")
    assert linked.csms.events()[-1]["transactionInfo"]["stoppedReason"] == "EnergyLimitReached"


async def test_a_limit_that_is_not_named_stays(linked: Linked) -> None:
    linked.csms.answers["TransactionEvent"] = answering({"maxTime": 60})
    await linked.online()
    await linked.started(energyLimitWh=1000)
    await linked.csms.until(lambda: len(linked.csms.events()) == 2)

    assert linked.outlet.limits == Limits(energy_wh=1000, time_s=60)


@pytest.mark.parametrize(
    "limit",
    [{"maxEnergy": 0}, {"maxEnergy": -5}, {"maxTime": 0}, {"maxCost": 3}, {"maxEnergy": 1000.7}, {}],
    ids=str,
)
async def test_a_limit_that_says_nothing_new_or_cannot_be_kept_changes_nothing(
    linked: Linked, limit: dict[str, Any]
) -> None:
    linked.csms.answers["TransactionEvent"] = answering(limit)
    await linked.online()
    await linked.started(energyLimitWh=1000)
    await linked.csms.until(lambda: len(linked.csms.events()) == 1)
    await linked.csms.ask("TriggerMessage", {"requestedMessage": "Heartbeat"})
    await linked.csms.until(lambda: linked.csms.heard[-1][0] == "Heartbeat")

    assert len(linked.csms.events()) == 1
    assert linked.outlet.limits == Limits(energy_wh=1000)


async def test_a_limit_beyond_what_an_outlet_can_count_is_its_greatest(linked: Linked) -> None:
    linked.csms.answers["TransactionEvent"] = answering({"maxEnergy": 10**9})
    await linked.online()
    await linked.started(energyLimitWh=1000)
    await linked.csms.until(lambda: len(linked.csms.events()) == 2)

    assert linked.outlet.limits == Limits(energy_wh=100_000)


async def test_a_server_of_another_make_starts_with_its_limit_in_the_answer(linked: Linked) -> None:
    linked.csms.answers["TransactionEvent"] = answering({"maxEnergy": 10})
    await linked.online()
    frame = await linked.csms.ask("RequestStartTransaction", PLAIN)
    await linked.csms.until(lambda: len(linked.csms.events()) == 2)

    assert frame[2]["status"] == "Accepted"
    assert linked.outlet.limits.energy_wh == 10
    # Its own token, as it sent it: servers of other makes find their session by it.
    assert linked.csms.events()[0]["idToken"] == PLAIN["idToken"]


async def test_a_server_of_ocpp_2_0_1_starts_and_stops_by_itself(tmp_path: Path, socket_enabled: None) -> None:
    csms = Csms(("ocpp2.0.1",))
    await csms.start()
    async with one_site(tmp_path / "journal.sqlite3") as (site, outlet), linked_to(csms, site, outlet) as linked:
        await linked.online()
        frame = await csms.ask("RequestStartTransaction", PLAIN)
        await linked.supply(10)
        await csms.ask("RequestStopTransaction", {"transactionId": frame[2]["transactionId"]})
        await csms.until(lambda: csms.last() == "Ended")

        assert "transactionLimit" not in csms.events()[0]["transactionInfo"]
        assert csms.events()[-1]["transactionInfo"]["stoppedReason"] == "Remote"
        assert not outlet.relay
    await csms.stop()
    assert csms.invalid == []


async def test_power_type_and_supplier_stay_with_the_measurement(linked: Linked) -> None:
    await linked.online()
    await linked.started(energyLimitWh=5, powerType="solar", supplier="Kaze Denki")
    await linked.supply(20)
    await linked.csms.until(lambda: linked.csms.last() == "Ended")

    first, last = linked.csms.events()[0], linked.csms.events()[-1]
    assert "customData" not in first
    assert last["customData"] == {"vendorId": "org.konsento", "powerType": "solar", "supplier": "Kaze Denki"}
