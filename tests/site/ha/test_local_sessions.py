"""Energy that the owner gives away: kept like any other session, marked, billed to nobody, told to no server."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import voluptuous as vol
from csms import Csms, start_request
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.util import dt as dt_util
from parts import FIRST, SECOND, act, device_id, link
from pytest_homeassistant_custom_component.common import MockConfigEntry
from receiver import TOKEN, Receiver
from simulated import SimulatedOutlet
from states import state, until

from custom_components.konsento.control.limits import Limits
from custom_components.konsento.control.session import LOCAL, Phase, Session
from custom_components.konsento.control.words import EndReason
from custom_components.konsento.diagnostics import async_get_config_entry_diagnostics, async_get_device_diagnostics

NOTE = "Aunt Yuki's van"


@pytest.fixture
async def linked(hass: HomeAssistant, place: MockConfigEntry, csms: Csms) -> AsyncIterator[MockConfigEntry]:
    """Return a site that a management server knows."""
    await link(hass, place, csms)
    await csms.until(lambda: len(csms.states(2)) > 0)
    yield place
    assert csms.invalid == []


async def test_an_outlet_that_the_owner_uses_is_occupied_and_nothing_more_is_told(
    hass: HomeAssistant, linked: MockConfigEntry, outlet: SimulatedOutlet, csms: Csms
) -> None:
    started = await act(hass, "start_session", evse=1, energy=1, note=NOTE)
    await csms.until(lambda: csms.states(1)[-1] == "Occupied")
    # Whoever asks gets nothing of it, and cannot touch it.
    answer = await csms.ask("RequestStartTransaction", start_request(1))
    assert (answer[2]["status"], answer[2]["statusInfo"]["reasonCode"]) == ("Rejected", "OutletBusy")
    answer = await csms.ask("RequestStopTransaction", {"transactionId": started["session_id"]})
    assert answer[2]["status"] == "Rejected"
    answer = await csms.ask("GetTransactionStatus", {"transactionId": started["session_id"]})
    assert not answer[2].get("ongoingIndicator")
    assert outlet.relay

    outlet.energy_mwh = 500_000
    outlet.changed()
    await act(hass, "stop_session", evse=1)
    await csms.until(lambda: csms.states(1)[-1] == "Available")

    assert csms.events() == []
    heard = json.dumps(csms.heard)
    assert NOTE not in heard
    assert started["session_id"] not in heard


async def test_it_ends_at_its_limit_and_says_what_it_is(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet
) -> None:
    assert state(hass, "sensor.a1_kind_of_session") == "none"
    await act(hass, "start_session", evse=1, energy=1)
    await until(hass, lambda: state(hass, "sensor.a1_kind_of_session") == "local")
    assert state(hass, "sensor.a1_occupancy") == "charging"
    assert outlet.limits.energy_wh == 1000
    outlet.energy_mwh = 1_000_000
    outlet._keep_limits()
    outlet.changed()
    await until(hass, lambda: state(hass, "sensor.a1_kind_of_session") == "none")

    assert state(hass, "sensor.a1_last_end_reason") == "energy_limit_reached"


async def test_a_paid_session_is_shown_as_the_drivers(hass: HomeAssistant, linked: MockConfigEntry, csms: Csms) -> None:
    await csms.ask("RequestStartTransaction", start_request(1))
    await until(hass, lambda: state(hass, "sensor.a1_kind_of_session") == "driver")
    # The owner cannot use the outlet meanwhile.
    with pytest.raises(ServiceValidationError, match="A session runs at A1 already"):
        await act(hass, "start_session", evse=1, energy=1)


async def test_its_limits_are_kept_while_home_assistant_is_away(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet
) -> None:
    await act(hass, "start_session", evse=1, duration={"minutes": 10}, note=NOTE)
    assert await hass.config_entries.async_unload(place.entry_id)
    outlet.pass_time(1200)
    assert not outlet.relay
    assert await hass.config_entries.async_setup(place.entry_id)
    await until(hass, lambda: state(hass, "sensor.a1_state") != "unavailable")
    listed = (await act(hass, "list_sessions", evse=1))["sessions"]

    assert [(each["local"], each["note"]) for each in listed] == [(True, NOTE)]


async def test_a_reserved_outlet_is_not_given_away(hass: HomeAssistant, linked: MockConfigEntry, csms: Csms) -> None:
    until_then = (datetime.now(UTC) + timedelta(minutes=5)).isoformat().replace("+00:00", "Z")
    reserved = await csms.ask(
        "ReserveNow",
        {"id": 7, "evseId": 1, "expiryDateTime": until_then, "idToken": {"idToken": "TOKEN", "type": "Central"}},
    )
    assert reserved[2]["status"] == "Accepted"
    with pytest.raises(ServiceValidationError, match="A1 is reserved"):
        await act(hass, "start_session", evse=1, energy=1)


async def test_its_note_is_for_the_owner_alone(
    hass: HomeAssistant, linked: MockConfigEntry, outlet: SimulatedOutlet, receiver: Receiver, csms: Csms
) -> None:
    """Neither a server, nor a receiver of measurements, nor whoever reads diagnostics or the log learns it."""
    hass.config_entries.async_update_entry(
        linked,
        options={
            "measurements": {"url": receiver.url, "token": TOKEN, "region": "JP-13112", "schedule": "daily"},
        },
    )
    await until(hass, lambda: state(hass, "sensor.car_park_measurements_waiting") == "0")
    await act(hass, "start_session", evse=1, energy=1, note=f"  {NOTE} ")

    async def diagnosed() -> str:
        device = hass.data["device_registry"].async_get(device_id(hass, linked, FIRST))
        told = [
            await async_get_config_entry_diagnostics(hass, linked),
            await async_get_device_diagnostics(hass, linked, device),
        ]
        return json.dumps(told, default=str)

    assert NOTE not in await diagnosed()
    outlet.energy_mwh = 500_000
    outlet.changed()
    await act(hass, "stop_session", evse=1)
    await until(hass, lambda: state(hass, "sensor.car_park_measurements_waiting") == "1")
    await act(hass, "send_measurements")

    assert NOTE not in await diagnosed()
    assert [item["use"] for item in receiver.items.values()] == ["own"]
    assert NOTE.encode() not in b"".join(receiver.raw)
    assert NOTE not in json.dumps(csms.heard)
    news = hass.states.get("event.a1_news")
    assert news
    assert NOTE not in str(news.attributes)
    listed = (await act(hass, "list_sessions"))["sessions"]
    assert [each["note"] for each in listed] == [NOTE]


async def test_a_note_is_short(hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet) -> None:
    with pytest.raises(vol.Invalid):
        await act(hass, "start_session", evse=1, energy=1, note="x" * 61)
    assert outlet.starts == []
    await act(hass, "start_session", evse=1, energy=1, note="x" * 60)


# --- the list and its sums


def session(number: int, began: datetime, minutes: int = 30, **more: Any) -> Session:
    """Return a session of 1 kWh that is over."""
    values: dict[str, Any] = {
        "id": f"session-{number}",
        "server": LOCAL,
        "remote_start_id": number,
        "outlet": FIRST,
        "evse": 1,
        "limits": Limits(energy_wh=1000),
        "expires_at": began,
        "register_start_mwh": 0,
        "phase": Phase.ENDED,
        "energy_mwh": 1_000_000,
        "supply_s": minutes * 60,
        "end_reason": EndReason.LOCAL,
        "started_at": began,
        "ended_at": began + timedelta(minutes=minutes),
    }
    return Session(**(values | more))


async def keep(place: MockConfigEntry, *sessions: Session) -> None:
    journal = place.runtime_data.site.journal
    for each in sessions:
        assert each.ended_at
        await journal.save(each, [], each.ended_at)


async def test_long_lists_come_page_by_page(hass: HomeAssistant, place: MockConfigEntry) -> None:
    began = datetime.now(UTC) - timedelta(days=3)
    await keep(place, *(session(number, began + timedelta(hours=number)) for number in range(7)))

    pages, offset = [], 0
    while offset is not None:
        answer = await act(hass, "list_sessions", limit=3, offset=offset)
        assert answer["total"] == 7
        pages.append([each["session_id"][-1] for each in answer["sessions"]])
        offset = answer["next_offset"]
    assert pages == [["6", "5", "4"], ["3", "2", "1"], ["0"]]

    beyond = await act(hass, "list_sessions", offset=7)
    assert (beyond["sessions"], beyond["next_offset"]) == ([], None)
    for wrong in ({"limit": 0}, {"limit": 1001}, {"offset": -1}):
        with pytest.raises(vol.Invalid):
            await act(hass, "list_sessions", **wrong)


async def test_only_the_owners_or_only_the_drivers_sessions_are_listed(
    hass: HomeAssistant, place: MockConfigEntry
) -> None:
    began = datetime.now(UTC) - timedelta(hours=5)
    await keep(place, session(1, began), session(2, began + timedelta(hours=1), server="some server"))

    async def found(**wish: Any) -> list[str]:
        return [each["session_id"] for each in (await act(hass, "list_sessions", **wish))["sessions"]]

    assert await found() == ["session-2", "session-1"]
    assert await found(local=True) == ["session-1"]
    assert await found(local=False) == ["session-2"]


async def test_months_are_summed_up_by_kind_in_the_time_zone_of_the_site(
    hass: HomeAssistant, place: MockConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    await hass.config.async_set_time_zone("Asia/Tokyo")
    now = datetime(2026, 11, 20, 3, tzinfo=UTC)
    monkeypatch.setattr(dt_util, "utcnow", lambda: now)
    monkeypatch.setattr(dt_util, "now", lambda time_zone=None: now.astimezone(dt_util.get_default_time_zone()))
    midnight = datetime(2026, 10, 31, 15, tzinfo=UTC)
    half_hour = int(midnight.timestamp()) // 1800
    await keep(
        place,
        session(1, now - timedelta(days=1)),
        session(2, now - timedelta(days=2), server="a server", outlet=SECOND),
        # Over the end of the month: its energy counts where it flowed, itself where it began.
        session(
            3,
            midnight - timedelta(minutes=30),
            minutes=60,
            half_hours=((half_hour - 1, 250_000), (half_hour, 750_000)),
        ),
        session(4, midnight - timedelta(days=40)),
    )

    months = (await act(hass, "list_sessions", limit=1))["months"]
    assert months == [
        {"month": "2026-11", "kind": "local", "sessions": 1, "energy_wh": 1750.0},
        {"month": "2026-11", "kind": "driver", "sessions": 1, "energy_wh": 1000.0},
        {"month": "2026-10", "kind": "local", "sessions": 1, "energy_wh": 250.0},
        {"month": "2026-10", "kind": "driver", "sessions": 0, "energy_wh": 0.0},
    ]
    only = (await act(hass, "list_sessions", evse=2, local=False))["months"]
    assert [(each["kind"], each["sessions"]) for each in only] == [("driver", 1), ("driver", 0)]
