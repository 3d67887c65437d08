"""Outlets that are kept for somebody."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from csms import Payload, start_request
from simulated import ManualClock, request
from station.conftest import Linked, linked_to, one_site

from custom_components.konsento.control.words import Connector, Refusal


def reserve(number: int = 1, *, token: str = "TOKEN000000000000001", seconds: float = 600, **more: Any) -> Payload:
    return {
        "id": number,
        "expiryDateTime": (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat(),
        "idToken": {"idToken": token, "type": "Central"},
        "evseId": 1,
        **more,
    }


async def test_a_reserved_outlet_is_given_to_its_holder_only(linked: Linked) -> None:
    await linked.online()
    assert (await linked.csms.ask("ReserveNow", reserve()))[2] == {"status": "Accepted"}
    await linked.csms.until(lambda: linked.csms.states()[-1] == "Reserved")

    other = await linked.csms.ask("RequestStartTransaction", start_request(2))
    assert (other[2]["status"], other[2]["statusInfo"]["reasonCode"]) == ("Rejected", "OutletReserved")
    await linked.started(1, energyLimitWh=5)
    await linked.csms.until(lambda: linked.csms.states()[-1] == "Occupied")
    await linked.supply(20)
    await linked.csms.until(lambda: linked.csms.states()[-1] == "Available")


async def test_a_reservation_ends_by_itself_and_the_server_hears_of_it(linked: Linked) -> None:
    await linked.online()
    await linked.csms.ask("ReserveNow", reserve(5, seconds=1))
    await linked.csms.until(lambda: linked.csms.states()[-1] == "Reserved")
    await linked.csms.until(lambda: linked.csms.states()[-1] == "Available")
    await linked.csms.until(lambda: linked.csms.heard[-1][0] == "ReservationStatusUpdate")

    assert linked.csms.heard[-1][1] == {"reservationId": 5, "reservationUpdateStatus": "Expired"}


async def test_a_reservation_can_be_cancelled(linked: Linked) -> None:
    await linked.online()
    await linked.csms.ask("ReserveNow", reserve(5))

    assert (await linked.csms.ask("CancelReservation", {"reservationId": 6}))[2] == {"status": "Rejected"}
    assert (await linked.csms.ask("CancelReservation", {"reservationId": 5}))[2] == {"status": "Accepted"}
    await linked.started(2)


async def test_a_reservation_of_the_same_id_replaces_the_first(linked: Linked) -> None:
    await linked.online()
    await linked.csms.ask("ReserveNow", reserve(5, token="SOMEBODY"))
    assert (await linked.csms.ask("ReserveNow", reserve(5)))[2] == {"status": "Accepted"}

    await linked.started(1)


async def test_an_outlet_is_reserved_once(linked: Linked) -> None:
    await linked.online()
    await linked.csms.ask("ReserveNow", reserve(5))

    assert (await linked.csms.ask("ReserveNow", reserve(6)))[2]["status"] == "Occupied"


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"evseId": 9}, "Rejected"),
        ({"seconds": -5}, "Rejected"),
    ],
)
async def test_what_cannot_be_reserved_is_refused(linked: Linked, asked: dict[str, Any], status: str) -> None:
    await linked.online()

    assert (await linked.csms.ask("ReserveNow", reserve(**asked)))[2]["status"] == status


async def test_no_outlet_at_all_is_not_reserved(linked: Linked) -> None:
    await linked.online()
    anyone = {key: value for key, value in reserve().items() if key != "evseId"}

    assert (await linked.csms.ask("ReserveNow", anyone))[2]["status"] == "Rejected"


async def test_busy_faulty_and_absent_outlets_are_not_reserved(linked: Linked) -> None:
    await linked.online()
    transaction = await linked.started()
    assert (await linked.csms.ask("ReserveNow", reserve()))[2]["status"] == "Occupied"
    await linked.csms.ask("RequestStopTransaction", {"transactionId": transaction})
    await linked.csms.until(lambda: linked.csms.last() == "Ended")
    linked.outlet.trip()
    assert (await linked.csms.ask("ReserveNow", reserve()))[2]["status"] == "Faulted"
    linked.outlet.set_online(False)
    assert (await linked.csms.ask("ReserveNow", reserve()))[2]["status"] == "Unavailable"


async def test_a_reservation_on_an_outlet_that_breaks_is_given_up(linked: Linked) -> None:
    await linked.online()
    await linked.csms.ask("ReserveNow", reserve(5))
    linked.outlet.lose_meter(True)
    await linked.csms.until(lambda: linked.csms.heard[-1][0] == "ReservationStatusUpdate")

    assert linked.csms.heard[-1][1] == {"reservationId": 5, "reservationUpdateStatus": "Removed"}


async def test_a_reservation_outlives_a_restart_and_its_token_is_not_on_disk(linked: Linked, tmp_path: Path) -> None:
    await linked.online()
    await linked.csms.ask("ReserveNow", reserve(5))
    await linked.disconnect()
    await linked.site.close()
    linked.station.close()

    assert b"TOKEN" not in (tmp_path / "journal.sqlite3").read_bytes()
    async with one_site(tmp_path / "journal.sqlite3") as (site, outlet), linked_to(linked.csms, site, outlet) as again:
        assert site.connector("server", 1) == (Connector.RESERVED, None)
        assert site.connector("another", 1) == (Connector.OCCUPIED, None)
        again.connect()
        await again.csms.until(lambda: again.csms.connections == 2)
        await again.csms.until(lambda: again.csms.states()[-1] == "Reserved")
        await again.started(1)


async def test_the_owner_does_not_start_on_a_reserved_outlet_either(linked: Linked) -> None:
    await linked.online()
    await linked.csms.ask("ReserveNow", reserve(5))
    own = request(1, ManualClock(), server="local", valid_s=10**9)
    answer = await asyncio.wait_for(linked.site.start(own), 5)
    assert answer.refusal is Refusal.RESERVED
