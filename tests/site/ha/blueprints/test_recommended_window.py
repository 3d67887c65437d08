"""The announcement of recommended windows: once, with its end, and not at night."""

from datetime import datetime, timedelta

from blueprinted import GoOn, Make, Pigeonhole, settled
from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.konsento.control.windows import Window

SENSOR = "binary_sensor.car_park_charging_recommended"
NOBODY_SLEEPS = {"quiet_from": "00:00:00", "quiet_until": "00:00:00"}


def recommend(place: MockConfigEntry, *windows: tuple[datetime, datetime]) -> None:
    place.runtime_data.site.windows.take(
        "server", [Window(start=start, end=end) for start, end in windows], dt_util.utcnow()
    )


def at(hour: int, minute: int = 0, day: int = 0) -> datetime:
    """Return a time of today, or of a later day."""
    return dt_util.now().replace(hour=hour, minute=minute, second=0, microsecond=0) + timedelta(days=day)


async def test_the_beginning_is_announced_with_the_end(
    clock: GoOn, place: MockConfigEntry, make: Make, office: Pigeonhole
) -> None:
    await make("recommended_window", site=SENSOR, notifiers=["notify.office"])
    recommend(place, (at(13), at(15, 30)), (at(18), at(19)))
    await clock("12:59")
    assert office.messages == []
    await clock("13:01")
    assert office.messages == [("Charge now", "Charging is recommended now, until 15:30.")]
    await clock("15:31")
    assert len(office.messages) == 1


async def test_the_end_is_announced_where_the_owner_wants_it(
    clock: GoOn, place: MockConfigEntry, make: Make, office: Pigeonhole
) -> None:
    await make("recommended_window", site=SENSOR, notifiers=["notify.office"], also_end=True, language="ja")
    recommend(place, (at(13), at(15)))
    await clock("13:01")
    await clock("15:01")
    assert [text for _, text in office.messages] == [
        "今が充電のおすすめ時間です（15:00 まで）。",
        "充電のおすすめ時間は終わりました。",
    ]


async def test_nobody_is_woken_and_what_still_lasts_is_announced_in_the_morning(
    clock: GoOn, place: MockConfigEntry, make: Make, office: Pigeonhole
) -> None:
    await make("recommended_window", site=SENSOR, notifiers=["notify.office"], also_end=True)
    recommend(place, (at(23), at(23, 30)), (at(5, day=1), at(9, day=1)))
    await clock("23:01")
    await clock("05:01")
    assert office.messages == []
    await clock("07:00")
    assert office.messages == [("Charge now", "Charging is recommended now, until 09:00.")]


async def test_what_was_announced_in_the_evening_is_not_announced_in_the_morning(
    clock: GoOn, place: MockConfigEntry, make: Make, office: Pigeonhole
) -> None:
    await make("recommended_window", site=SENSOR, notifiers=["notify.office"])
    recommend(place, (at(21), at(9, day=1)))
    await clock("21:01")
    await clock("07:00")
    assert len(office.messages) == 1


async def test_windows_that_are_told_again_or_known_again_after_a_restart_are_no_news(
    clock: GoOn, place: MockConfigEntry, hass: HomeAssistant, make: Make, office: Pigeonhole
) -> None:
    recommend(place, (at(11), at(15)))
    await make("recommended_window", site=SENSOR, notifiers=["notify.office"], **NOBODY_SLEEPS)
    recommend(place, (at(11), at(16)))
    await settled()
    hass.states.async_set(SENSOR, "unavailable")
    hass.states.async_set(SENSOR, "on")
    await settled()
    assert office.messages == []


async def test_more_can_be_done_with_the_text(
    hass: HomeAssistant, clock: GoOn, place: MockConfigEntry, make: Make, office: Pigeonhole
) -> None:
    said: list[str] = []

    async def say(call: ServiceCall) -> None:
        said.append(call.data["text"])

    hass.services.async_register("loudspeaker", "say", say)
    more = [{"action": "loudspeaker.say", "data": {"text": "{{ message }}"}}]
    await make("recommended_window", site=SENSOR, notifiers=["notify.office"], also_end=True, more=more)
    recommend(place, (at(13), at(15)))
    await clock("13:01")
    await clock("15:01")
    assert said == ["Charging is recommended now, until 15:00."]
