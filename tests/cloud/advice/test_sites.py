"""What a site is told of recommended windows, so that its automations can follow them."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from konsento.advice import sites
from konsento.charging.site_messages import SETTLED_S
from konsento.models import Site
from konsento.ocpp import CallRefused, StationOffline
from konsento.ocpp.messages import DataTransfer

from ..conftest import AT, STATION, Core
from ..recommended import REGION, recommend

BEGIN, END = AT + timedelta(hours=5), AT + timedelta(hours=9)


@pytest.fixture
async def told(core: Core) -> Core:
    """The core with a connected site that is told of windows."""
    sites.install(core.services)
    async with core.services.database.transaction() as session:
        await session.execute(update(Site).values(connected=True))
    return core


def messages(core: Core) -> list[object]:
    return [one.data for one in core.router.asked if isinstance(one, DataTransfer) and one.message_id == sites.MESSAGE]


async def decided(core: Core) -> None:
    async with core.services.database.transaction() as session:
        await sites.tell_region(session, core.services, REGION)
    await core.work()


async def test_a_site_is_told_all_windows_of_the_next_two_days_after_a_decision(told: Core) -> None:
    later = AT + timedelta(hours=60)
    await recommend(told.services, (AT - timedelta(hours=3), AT), (BEGIN, END), (later, later + timedelta(hours=2)))

    await decided(told)

    window = {"start": BEGIN.isoformat(), "end": END.isoformat()}
    assert messages(told) == [{"windows": [window], "issuedAt": AT.isoformat()}]


async def test_a_site_is_told_that_nothing_is_recommended_any_more(told: Core) -> None:
    await recommend(told.services)

    await decided(told)

    assert messages(told) == [{"windows": [], "issuedAt": AT.isoformat()}]


async def test_a_site_is_told_again_whenever_it_connects(told: Core) -> None:
    await recommend(told.services, (BEGIN, END))
    await told.router.connect()
    assert messages(told) == []

    told.clock.advance(timedelta(seconds=SETTLED_S))
    await told.work()

    assert len(messages(told)) == 1


@pytest.mark.parametrize("of_site", [{"region": None}, {"ours": False}, {"connected": False}])
async def test_other_stations_hear_nothing_of_it(told: Core, of_site: dict[str, object]) -> None:
    await recommend(told.services, (BEGIN, END))
    async with told.services.database.transaction() as session:
        await session.execute(update(Site).values(**of_site))

    await decided(told)

    assert messages(told) == []


@pytest.mark.parametrize(
    "trouble", [StationOffline(STATION, "DataTransfer"), CallRefused(STATION, "DataTransfer", "NotSupported", "no")]
)
async def test_a_site_that_cannot_be_told_keeps_nothing_else_waiting(told: Core, trouble: Exception) -> None:
    await recommend(told.services, (BEGIN, END))
    told.router.answers[DataTransfer] = lambda _: trouble

    await decided(told)

    assert len(messages(told)) == 1
