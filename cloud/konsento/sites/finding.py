"""Finding sites: by name and place, on a part of the map, near a point."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from math import floor
from typing import Final
from unicodedata import normalize
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.models import Outlet, Site
from konsento.sites import repository
from konsento.sites.errors import OutletBusy, OutletOffline, UnknownSite
from konsento.sites.geometry import Box, Point, distance_m
from konsento.sites.service import obstacle

GROUPS_ACROSS: Final = 8
"""Into how many columns and rows a part of the map is divided where its sites are too many to be shown one by one."""
_LEAST_DEGREES: Final = 1e-6
# Hiragana to katakana: the same sounds, in the same order, 96 places on.
_KATAKANA: Final = {code: code + 96 for code in range(ord("ぁ"), ord("ゖ") + 1)}


class SiteState(StrEnum):
    """What a site is for somebody who looks for a place to charge."""

    FREE = "free"
    """At least one outlet can be used now."""
    BUSY = "busy"
    """All that could be used are in use."""
    OFFLINE = "offline"
    """The server is not in contact with it, or with any of its outlets."""
    CLOSED = "closed"
    """No outlet is in service, or the site is outside its opening hours."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a site is: all that is needed to look for it."""

    site_id: UUID
    name: str
    at: Point | None
    """None for a site that is not on the map."""
    distance_m: int | None
    """From where was asked, as the crow flies; None where no point was named."""


@dataclass(frozen=True, kw_only=True)
class FoundSite:
    """A site and how many of its outlets can be used."""

    site: Site
    state: SiteState
    outlets: int
    """That something is sold at."""
    free: int
    distance_m: int | None

    @property
    def at(self) -> Point | None:
        """Where it is; None for a site that is not on the map."""
        latitude, longitude = self.site.latitude, self.site.longitude
        return None if latitude is None or longitude is None else Point(latitude, longitude)


@dataclass(frozen=True, kw_only=True)
class Group:
    """Sites that lie together on the map."""

    at: Point
    """Their middle."""
    sites: int


def searchable(text: str) -> str:
    """Return a text so that what reads alike is alike: full and half width, capitals, hiragana and katakana."""
    return "".join(normalize("NFKC", text).casefold().translate(_KATAKANA).split())


async def places(
    session: AsyncSession,
    sold: ColumnElement[bool],
    *,
    words: str = "",
    box: Box | None = None,
    near: Point | None = None,
) -> list[Place]:
    """Return where the sites are that have an outlet for which `sold` holds: by distance from `near`, else by age.

    Every word of `words` occurs in name or place. `box` and `near` leave out sites that are not on the map.
    """
    wanted = [searchable(word) for word in normalize("NFKC", words).split()]
    found: list[Place] = []
    for site_id, name, place, latitude, longitude in await repository.places(session, sold, box):
        at = None if latitude is None or longitude is None else Point(latitude, longitude)
        if near is not None and at is None:
            continue
        if wanted:
            text = searchable(f"{name} {place}")
            if not all(word in text for word in wanted):
                continue
        distance = distance_m(near, at) if near is not None and at is not None else None
        found.append(Place(site_id=site_id, name=name, at=at, distance_m=distance))
    return sorted(found, key=lambda one: (one.distance_m or 0, one.site_id))


async def described(
    session: AsyncSession, sold: ColumnElement[bool], found: Sequence[Place], at: datetime
) -> list[FoundSite]:
    """Return the sites of these places, in their order, with the state of their outlets. For some hundred at most."""
    outlets: defaultdict[UUID, list[Outlet]] = defaultdict(list)
    for outlet in await repository.outlets_sold(session, sold, [one.site_id for one in found]):
        outlets[outlet.site_id].append(outlet)
    return [_found(group[0].site, group, one.distance_m, at) for one in found if (group := outlets[one.site_id])]


async def site_with_outlets(
    session: AsyncSession, site_id: UUID, sold: ColumnElement[bool], at: datetime
) -> tuple[FoundSite, list[Outlet]]:
    """Return a site and its outlets for which `sold` holds, by number. Raises `UnknownSite`, also without any."""
    outlets = await repository.outlets_sold(session, sold, [site_id])
    if not outlets:
        raise UnknownSite
    return _found(outlets[0].site, outlets, None, at), outlets


def grouped(found: Sequence[Place], box: Box) -> list[Group]:
    """Return places on the map gathered by the part of `box` that they lie in."""
    height = max(box.north - box.south, _LEAST_DEGREES) / GROUPS_ACROSS
    width = max((box.east - box.west) % 360 or 360, _LEAST_DEGREES) / GROUPS_ACROSS
    parts: defaultdict[tuple[int, int], list[Point]] = defaultdict(list)
    for one in found:
        if one.at is not None:
            # By a grid of the whole Earth, not of the box, so that groups stay when the map is moved.
            parts[floor(one.at.latitude / height), floor(one.at.longitude / width)].append(one.at)
    return [Group(at=_middle(part), sites=len(part)) for _, part in sorted(parts.items())]


def bounds(found: Sequence[Place]) -> Box | None:
    """Return the smallest box around places on the map, None around none. It does not cross the 180th meridian."""
    on_map = [one.at for one in found if one.at is not None]
    if not on_map:
        return None
    latitudes, longitudes = [at.latitude for at in on_map], [at.longitude for at in on_map]
    return Box(min(latitudes), min(longitudes), max(latitudes), max(longitudes))


def _middle(points: Sequence[Point]) -> Point:
    return Point(sum(at.latitude for at in points) / len(points), sum(at.longitude for at in points) / len(points))


def _found(site: Site, outlets: Sequence[Outlet], distance: int | None, now: datetime) -> FoundSite:
    obstacles = [obstacle(outlet, now) for outlet in outlets]
    if any(one is None for one in obstacles):
        state = SiteState.FREE
    elif any(isinstance(one, OutletBusy) for one in obstacles):
        state = SiteState.BUSY
    elif any(isinstance(one, OutletOffline) for one in obstacles):
        state = SiteState.OFFLINE
    else:
        state = SiteState.CLOSED
    free = sum(one is None for one in obstacles)
    return FoundSite(site=site, state=state, outlets=len(outlets), free=free, distance_m=distance)
