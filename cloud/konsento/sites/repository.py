"""Queries on sites and outlets."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import contains_eager, joinedload

from konsento.models import WITH_OFFERS, FloorPlan, Outlet, Site, StationOwner
from konsento.sites.geometry import Box

type SitePlace = Row[UUID, str, str, float | None, float | None]


async def outlet_by_code(session: AsyncSession, code: str) -> Outlet | None:
    """Return the outlet with this normalised code, its site and offers loaded."""
    query = select(Outlet).where(Outlet.code == code).options(joinedload(Outlet.site), WITH_OFFERS)
    return await session.scalar(query)


async def outlet_by_id(session: AsyncSession, outlet_id: UUID) -> Outlet:
    """Return the outlet with this id, its site and offers loaded."""
    query = select(Outlet).where(Outlet.id == outlet_id).options(joinedload(Outlet.site), WITH_OFFERS)
    return (await session.scalars(query)).one()


async def outlets_with(session: AsyncSession, words: str, after: str | None, most: int) -> list[Outlet]:
    """Return outlets, by code, in whose names or place a text occurs, sites and offers loaded; `after` is a code."""
    query = select(Outlet).join(Site, Site.id == Outlet.site_id).options(joinedload(Outlet.site), WITH_OFFERS)
    if words:
        places = (Outlet.code, Outlet.name, Site.name, Site.place)
        query = query.where(or_(*(place.icontains(words, autoescape=True) for place in places)))
    if after is not None:
        query = query.where(Outlet.code > after)
    return list(await session.scalars(query.order_by(Outlet.code).limit(most)))


async def places(session: AsyncSession, sold: ColumnElement[bool], box: Box | None) -> Sequence[SitePlace]:
    """Return id, name, place and position of sites in a part of the map that have an outlet for which `sold` holds.

    Columns, not objects: a search goes through all of them.
    """
    has_outlet = select(Outlet.id).where(Outlet.site_id == Site.id, sold).exists()
    query = select(Site.id, Site.name, Site.place, Site.latitude, Site.longitude).where(has_outlet)
    if box is not None:
        east, west = Site.longitude <= box.east, Site.longitude >= box.west
        query = query.where(
            Site.latitude.between(box.south, box.north), and_(west, east) if box.west <= box.east else or_(west, east)
        )
    return (await session.execute(query)).all()


async def outlets_sold(session: AsyncSession, sold: ColumnElement[bool], site_ids: Collection[UUID]) -> list[Outlet]:
    """Return the outlets of sites for which `sold` holds, by site and number, their sites and offers loaded."""
    query = (
        select(Outlet)
        .join(Site, Site.id == Outlet.site_id)
        .options(contains_eager(Outlet.site), WITH_OFFERS)
        .where(Site.id.in_(site_ids), sold)
        .order_by(Site.id, Outlet.evse_id)
    )
    return list(await session.scalars(query))


async def outlet_by_evse(session: AsyncSession, site_id: UUID, evse_id: int) -> Outlet | None:
    """Return outlet number `evse_id` of a site, its offers loaded."""
    query = select(Outlet).where(Outlet.site_id == site_id, Outlet.evse_id == evse_id).options(WITH_OFFERS)
    return await session.scalar(query)


async def outlets_of(session: AsyncSession, site_id: UUID) -> list[Outlet]:
    """Return all outlets of a site, by number, their offers loaded."""
    query = select(Outlet).where(Outlet.site_id == site_id).options(WITH_OFFERS).order_by(Outlet.evse_id)
    return list(await session.scalars(query))


async def count_outlets(session: AsyncSession, site_id: UUID) -> int:
    """Count the outlets of a site."""
    return await session.scalar(select(func.count()).select_from(Outlet).where(Outlet.site_id == site_id)) or 0


async def code_among(session: AsyncSession, candidates: Collection[str]) -> str | None:
    """Return one of these codes that an outlet has, or None."""
    return await session.scalar(select(Outlet.code).where(Outlet.code.in_(candidates)).limit(1))


async def floor_plan(session: AsyncSession, site_id: UUID) -> FloorPlan | None:
    """Return the floor plan of a site."""
    return await session.get(FloorPlan, site_id)


async def forget_places(session: AsyncSession, site_id: UUID) -> None:
    """Take all outlets of a site from its floor plan."""
    await session.execute(update(Outlet).where(Outlet.site_id == site_id).values(plan_x=None, plan_y=None))


async def site_by_station(session: AsyncSession, station_id: str, *, for_update: bool = False) -> Site | None:
    """Return the site with this OCPP identity; `for_update` keeps others from changing it meanwhile."""
    query = select(Site).where(Site.station_id == station_id)
    return await session.scalar(query.with_for_update() if for_update else query)


async def site_by_common_name(session: AsyncSession, name: str) -> Site | None:
    """Return the site that all its management servers call so."""
    return await session.scalar(select(Site).where(Site.common_name == name))


async def outlet_at(session: AsyncSession, site_id: UUID, evse_id: int) -> Outlet | None:
    """Return outlet number `evse_id` of a site, its site and offers loaded."""
    query = select(Outlet).where(Outlet.site_id == site_id, Outlet.evse_id == evse_id)
    return await session.scalar(query.options(joinedload(Outlet.site), WITH_OFFERS))


async def outlets_at(session: AsyncSession, site_id: UUID) -> list[Outlet]:
    """Return all outlets of a site, by number, their site and offers loaded."""
    query = select(Outlet).where(Outlet.site_id == site_id).order_by(Outlet.evse_id)
    return list(await session.scalars(query.options(joinedload(Outlet.site), WITH_OFFERS)))


async def has_owner(session: AsyncSession, station_id: str) -> bool:
    """Tell whether any process holds a connection of the station."""
    query = select(StationOwner.epoch).where(
        StationOwner.station_id == station_id, StationOwner.replica_id.is_not(None)
    )
    return await session.scalar(query) is not None


async def sites_by_stations(session: AsyncSession, station_ids: Collection[str]) -> list[Site]:
    """Return the sites with these OCPP identities."""
    return list(await session.scalars(select(Site).where(Site.station_id.in_(station_ids))))
