"""Sites are found by what people type, on parts of the map and by distance; only what can be used is listed."""

from collections.abc import Sequence
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit.db import Database
from konsento.kit.ids import new_id
from konsento.models import Outlet, OutletStatus, Site
from konsento.sites import finding
from konsento.sites.errors import UnknownSite
from konsento.sites.finding import Place, SiteState
from konsento.sites.geometry import Box, Point, distance_m

from ..conftest import AT

TOKYO, OSAKA, FIJI = Point(35.6812, 139.7671), Point(34.7025, 135.4959), Point(-17.8, 178.0)
SOLD = Outlet.offers.any(tariff_name="day")


async def add(
    session: AsyncSession,
    name: str,
    place: str = "",
    at: Point | None = TOKYO,
    statuses: Sequence[OutletStatus] = (OutletStatus.AVAILABLE,),
    *,
    connected: bool = True,
    tariff: str | None = "day",
) -> UUID:
    site = Site(
        id=new_id(),
        station_id=name.encode().hex()[-40:],
        password_hash="-",
        name=name,
        place=place,
        time_zone="Asia/Tokyo",
        latitude=at.latitude if at else None,
        longitude=at.longitude if at else None,
        connected=connected,
    )
    session.add(site)
    await session.flush()
    for number, status in enumerate(statuses, start=1):
        session.add(
            Outlet(
                id=new_id(),
                site_id=site.id,
                evse_id=number,
                code=new_id().hex[-16:],
                name=f"Outlet {number}",
                rated_w=3000,
                volts=200,
                tariff_names=[tariff] if tariff else [],
                status=status,
                status_reason="disabled" if status is OutletStatus.UNAVAILABLE else "",
            )
        )
    await session.flush()
    return site.id


def names(places: Sequence[Place]) -> list[str]:
    return [place.name for place in places]


@pytest.mark.parametrize(
    "typed", ["さくら", "サクラ", "ｻｸﾗ", "sakura mall", "ＳＡＫＵＲＡ", "mall　サクラ", "世田谷", "Setagaya サクラ", ""]
)
async def test_width_capitals_and_kana_make_no_difference(database: Database, typed: str) -> None:
    async with database.transaction() as session:
        await add(session, "サクラモール Sakura Mall", "世田谷区 Setagaya")
        found = await finding.places(session, SOLD, words=typed)

    assert names(found) == ["サクラモール Sakura Mall"]


@pytest.mark.parametrize("typed", ["sakura osaka", "%", "_", "'", "さくらんぼ"])
async def test_every_word_has_to_occur(database: Database, typed: str) -> None:
    async with database.transaction() as session:
        await add(session, "サクラモール Sakura Mall", "世田谷区 Setagaya")
        found = await finding.places(session, SOLD, words=typed)

    assert found == []


async def test_the_nearest_come_first_and_what_is_not_on_the_map_is_not_near(database: Database) -> None:
    async with database.transaction() as session:
        for name, at in (("Osaka", OSAKA), ("Tokyo", TOKYO), ("nowhere", None), ("Fiji", FIJI)):
            await add(session, name, at=at)
        near = await finding.places(session, SOLD, near=Point(35.0, 139.0))
        found = await finding.described(session, SOLD, near, AT)
        everywhere = await finding.places(session, SOLD)

    assert names(near) == [one.site.name for one in found] == ["Tokyo", "Osaka", "Fiji"]
    assert [one.distance_m for one in found] == [one.distance_m for one in near]
    assert len(everywhere) == 4


@pytest.mark.parametrize(
    ("box", "found"),
    [
        (Box(35, 139, 36, 140), ["Tokyo"]),
        (Box(-90, -180, 90, 180), ["Osaka", "Tokyo", "Fiji"]),
        (Box(-20, 177, -10, -177), ["Fiji"]),
        (Box(0, 0, 1, 1), []),
    ],
)
async def test_a_part_of_the_map_holds_what_lies_in_it_also_over_the_date_line(
    database: Database, box: Box, found: list[str]
) -> None:
    async with database.transaction() as session:
        for name, at in (("Osaka", OSAKA), ("Tokyo", TOKYO), ("nowhere", None), ("Fiji", FIJI)):
            await add(session, name, at=at)

        assert names(await finding.places(session, SOLD, box=box)) == found


S = OutletStatus


@pytest.mark.parametrize(
    ("statuses", "connected", "state", "free"),
    [
        ((S.AVAILABLE, S.OCCUPIED), True, SiteState.FREE, 1),
        ((S.OCCUPIED, S.RESERVED, S.FAULTED), True, SiteState.BUSY, 0),
        ((S.UNKNOWN, S.FAULTED), True, SiteState.OFFLINE, 0),
        ((S.FAULTED, S.UNAVAILABLE), True, SiteState.CLOSED, 0),
        ((S.AVAILABLE, S.AVAILABLE), False, SiteState.OFFLINE, 0),
    ],
)
async def test_a_site_is_what_its_best_outlet_is(
    database: Database, statuses: Sequence[S], connected: bool, state: SiteState, free: int
) -> None:
    async with database.transaction() as session:
        await add(session, "Sakura", statuses=statuses, connected=connected)
        (found,) = await finding.described(session, SOLD, await finding.places(session, SOLD), AT)

    assert (found.state, found.free, found.outlets) == (state, free, len(statuses))


@pytest.mark.parametrize("tariff", [None, "ended"])
async def test_a_site_at_which_nothing_is_sold_is_not_listed(database: Database, tariff: str | None) -> None:
    async with database.transaction() as session:
        site_id = await add(session, "Sakura", tariff=tariff)

        assert await finding.places(session, SOLD) == []
        with pytest.raises(UnknownSite):
            await finding.site_with_outlets(session, site_id, SOLD, AT)


def test_distances_are_those_of_the_globe() -> None:
    assert distance_m(TOKYO, TOKYO) == 0
    assert distance_m(TOKYO, OSAKA) == pytest.approx(403_000, rel=0.006)
    assert distance_m(Point(0, 179.5), Point(0, -179.5)) == pytest.approx(111_195, rel=0.006)


POINTS = st.builds(Point, st.floats(-90, 90), st.floats(-180, 180))


@given(POINTS, POINTS)
def test_a_distance_is_the_same_both_ways_and_at_most_half_way_round(a: Point, b: Point) -> None:
    assert distance_m(a, b) == distance_m(b, a)
    assert 0 <= distance_m(a, b) <= 20_016_000


@given(st.lists(POINTS, min_size=1, max_size=60), POINTS, POINTS)
def test_every_site_of_a_part_of_the_map_is_in_one_group_which_lies_among_them(
    points: list[Point], one: Point, other: Point
) -> None:
    south, north = sorted((one.latitude, other.latitude))
    box = Box(south, one.longitude, north, other.longitude)
    places = [Place(site_id=new_id(), name="x", at=at, distance_m=None) for at in points]
    groups = finding.grouped(places, box)
    around = finding.bounds(places)

    assert sum(group.sites for group in groups) == len(points)
    assert around is not None
    for group in groups:
        assert around.south - 1e-9 <= group.at.latitude <= around.north + 1e-9
        assert around.west - 1e-9 <= group.at.longitude <= around.east + 1e-9
