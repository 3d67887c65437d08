"""The calendar of recommended windows: what stays the same, what is cancelled, in both languages."""

from datetime import timedelta

import pytest
from icalendar import Calendar

from konsento.advice import calendar
from konsento.kit.i18n import LANGUAGES

from ..recommended import REGION
from .drivers import DAY, Town

NEXT = DAY + timedelta(days=1)


async def fetched(town: Town, language: str = "en") -> bytes:
    async with town.core.services.database.transaction() as session:
        some = await calendar.entries(session, [REGION], town.core.clock.now())
    spoken = LANGUAGES.get(language)
    assert spoken is not None
    return calendar.written(spoken, town.core.services.settings, some)


def events(content: bytes) -> list[tuple[str, str, int]]:
    return [
        (str(one["UID"]), str(one["STATUS"]), int(one["SEQUENCE"]))
        for one in Calendar.from_ical(content).walk("VEVENT")
    ]


async def test_a_window_keeps_its_name_whatever_becomes_of_it(town: Town) -> None:
    await town.decide()
    first = await fetched(town)
    town.core.clock.advance(timedelta(hours=1))
    await town.decide()
    assert await fetched(town) == first
    assert events(first) == [("JP-A03-2026-11-23-1@konsento.test", "CONFIRMED", 0)]

    await town.decide(DAY, (10, 16))
    [moved] = Calendar.from_ical(await fetched(town)).walk("VEVENT")
    assert events(await fetched(town)) == [("JP-A03-2026-11-23-1@konsento.test", "CONFIRMED", 1)]
    assert moved.decoded("DTSTART").isoformat() == "2026-11-23T01:00:00+00:00"

    await town.decide(DAY, None)
    [withdrawn] = Calendar.from_ical(await fetched(town)).walk("VEVENT")
    assert events(await fetched(town)) == [("JP-A03-2026-11-23-1@konsento.test", "CANCELLED", 2)]
    assert withdrawn.decoded("DTSTART") == moved.decoded("DTSTART")
    assert calendar.etag(await fetched(town)) != calendar.etag(first)


@pytest.mark.parametrize(("language", "name"), [("en", "Good times to charge"), ("ja", "充電におすすめの時間帯")])
async def test_it_is_in_the_drivers_language_and_says_how_often_to_look(town: Town, language: str, name: str) -> None:
    await town.decide()
    await town.decide(NEXT)

    made = Calendar.from_ical(await fetched(town, language))

    assert str(made["NAME"]) == str(made["X-WR-CALNAME"]) == name
    assert made["REFRESH-INTERVAL"].dt == timedelta(hours=6)
    assert len(made.walk("VEVENT")) == 2


async def test_what_is_over_for_a_week_is_not_in_it(town: Town) -> None:
    await town.decide()
    town.core.clock.advance(timedelta(days=9))

    assert events(await fetched(town)) == []
