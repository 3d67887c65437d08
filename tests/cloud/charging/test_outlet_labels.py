"""What a site is told of its outlets' labels, so that its owner prints them without typing a code."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from konsento.charging import outlet_labels
from konsento.charging.site_messages import SETTLED_S
from konsento.models import Outlet, Site
from konsento.ocpp import CallRefused, StationOffline
from konsento.ocpp.messages import DataTransfer

from ..conftest import CODES, STATION, Core
from .test_inventory import report
from .test_inventory import told as about

PAGES = "HTTPS://CHARGE.EXAMPLE.ORG/O"


@pytest.fixture
async def told(core: Core) -> Core:
    """The core with a connected site that is told of its labels."""
    core.services.settings.public_url = "https://charge.example.org"
    outlet_labels.install(core.services)
    async with core.services.database.transaction() as session:
        await session.execute(update(Site).values(connected=True))
    return core


def messages(core: Core) -> list[Any]:
    asked = [one for one in core.router.asked if isinstance(one, DataTransfer)]
    return [one.data for one in asked if one.message_id == outlet_labels.MESSAGE]


async def changed(core: Core) -> None:
    async with core.services.database.transaction() as session:
        await outlet_labels.after_change(session, core.services.work, [STATION, "no such station"])
    await core.work()


async def test_a_site_is_told_code_and_page_of_each_outlet_whenever_it_connects(told: Core) -> None:
    await told.router.connect()
    assert messages(told) == []

    told.clock.advance(timedelta(seconds=SETTLED_S))
    await told.work()

    assert messages(told) == [
        {
            "outlets": [
                {"evseId": 1, "code": "K7F-29Q", "url": f"{PAGES}/{CODES[0]}"},
                {"evseId": 2, "code": "M4X-R8T", "url": f"{PAGES}/{CODES[1]}"},
            ]
        }
    ]


async def test_a_site_is_told_again_when_a_code_has_changed(told: Core) -> None:
    async with told.services.database.transaction() as session:
        await session.execute(update(Outlet).where(Outlet.evse_id == 2).values(code="R8TM4X"))

    await changed(told)

    assert messages(told)[0]["outlets"][1] == {"evseId": 2, "code": "R8T-M4X", "url": f"{PAGES}/R8TM4X"}


async def test_an_outlet_that_a_site_has_just_reported_gets_its_label_too(told: Core) -> None:
    await report(told, [about(number, "Model", "Smart plug") for number in (1, 2, 3)])
    await told.work()

    outlets = messages(told)[-1]["outlets"]
    assert [each["evseId"] for each in outlets] == [1, 2, 3]
    assert outlets[2]["url"] == f"{PAGES}/{outlets[2]['code'].replace('-', '')}"


@pytest.mark.parametrize("of_site", [{"ours": False}, {"connected": False}])
async def test_other_stations_hear_nothing_of_labels(told: Core, of_site: dict[str, object]) -> None:
    async with told.services.database.transaction() as session:
        await session.execute(update(Site).values(**of_site))

    await changed(told)

    assert messages(told) == []


async def test_a_station_of_another_make_hears_nothing_at_its_connection_either(told: Core) -> None:
    async with told.services.database.transaction() as session:
        await session.execute(update(Site).values(ours=False))
    await told.router.connect()
    told.clock.advance(timedelta(seconds=SETTLED_S))
    await told.work()

    assert messages(told) == []


@pytest.mark.parametrize(
    "trouble", [StationOffline(STATION, "DataTransfer"), CallRefused(STATION, "DataTransfer", "NotSupported", "no")]
)
async def test_a_site_that_takes_no_labels_keeps_nothing_else_waiting(told: Core, trouble: Exception) -> None:
    told.router.answers[DataTransfer] = lambda _: trouble

    await changed(told)

    assert len(messages(told)) == 1
