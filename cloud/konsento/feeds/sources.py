"""The sources: which there are, and what is said about them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.feeds import places
from konsento.feeds.errors import (
    BadInterval,
    BadSourceAddress,
    BadSourceFolder,
    BadSourceKey,
    BadSourceName,
    SourceKnown,
    UnknownSource,
    UnknownSourceFormat,
    UnknownSourceRegion,
)
from konsento.feeds.places import BadPlaceError
from konsento.grid.areas import AREAS
from konsento.grid.readers import FORMATS
from konsento.grid.regions import WantedRegion, add_region
from konsento.grid.rule import Rule
from konsento.kit import addresses
from konsento.kit.addresses import NotAllowedError
from konsento.kit.ids import new_id
from konsento.models import GridFile, GridRegion, GridSource, SourceState
from konsento.settings import Settings

LONGEST_NAME: Final = 100
LONGEST_KEY: Final = 200
LEAST_EVERY_S, MOST_EVERY_S = 60, 7 * 86_400
LEAST_STALE_S, MOST_STALE_S = 3600, 60 * 86_400
_FOLDER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_KEY: Final = re.compile(r"[!-~]([ -~]*[!-~])?")
_SOME_DAY: Final = date(2026, 12, 31)
"""To see what an address looks like with a date in it."""


@dataclass(frozen=True, kw_only=True)
class WantedSource:
    """What is said about a source."""

    name: str
    format: str
    region: str | None = None
    """None: its files say it."""
    url: str = ""
    folder: str = ""
    every_s: int = 3600
    stale_after_s: int = 129_600


async def all_sources(session: AsyncSession) -> list[GridSource]:
    """Return all sources by name."""
    return list(await session.scalars(select(GridSource).order_by(GridSource.name)))


async def find_source(session: AsyncSession, source_id: UUID, *, lock: bool = False) -> GridSource:
    """Return a source. Raises `UnknownSource`."""
    source = await session.get(GridSource, source_id, with_for_update=lock or None)
    if source is None:
        raise UnknownSource
    return source


async def last_file(session: AsyncSession, source_id: UUID, *, good: bool) -> GridFile | None:
    """Return the last good file of a source, or the last bad one."""
    query = select(GridFile).where(GridFile.source_id == source_id, GridFile.good == good)
    return await session.scalar(query)


async def add_source(session: AsyncSession, settings: Settings, wanted: WantedSource, secret: str = "") -> GridSource:
    """Add a source. Raises a subclass of `BadSource`."""
    source = GridSource(
        id=new_id(), name="", format="", region=None, secret="", state=SourceState.NEW, problem="", reason={}
    )
    await change_source(session, settings, source, wanted, secret)
    session.add(source)
    await session.flush()
    return source


async def change_source(
    session: AsyncSession, settings: Settings, source: GridSource, wanted: WantedSource, secret: str | None = None
) -> dict[str, Any]:
    """Change what is said about a source, None for the key that it has; returns what is new, without the key.

    Raises a subclass of `BadSource`.
    """
    wanted = replace(wanted, name=" ".join(wanted.name.split()), url=wanted.url.strip(), folder=wanted.folder.strip())
    await _add_known_region(session, wanted.region)
    await _check(session, settings, source, wanted)
    if secret is not None:
        if len(secret) > LONGEST_KEY or (secret and not _KEY.fullmatch(secret)):
            raise BadSourceKey
        source.secret = secret
    new = {name: value for name, value in vars(wanted).items() if getattr(source, name) != value}
    for name, value in new.items():
        setattr(source, name, value)
    return new


def switch(source: GridSource, *, on: bool) -> bool:
    """Switch a source on or off; returns whether that is new. Its data stay."""
    if on is (source.state is not SourceState.OFF):
        return False
    back = SourceState.NEW if source.good_at is None else SourceState.GOOD
    source.state = back if on else SourceState.OFF
    source.problem, source.reason, source.bad_since = "", {}, None
    return True


async def zone_of(session: AsyncSession, settings: Settings, source: GridSource) -> ZoneInfo:
    """Return by whose clock the days of a source begin: its region's, or the operator's."""
    region = await session.get(GridRegion, source.region) if source.region is not None else None
    return ZoneInfo(region.time_zone if region is not None else settings.time_zone)


def newest_data(source: GridSource) -> datetime | None:
    """Return as of when what a source says is: when it was last read, or the end of its data where that is before."""
    if source.good_at is None:
        return None
    return min(source.good_at, source.data_until) if source.data_until is not None else source.good_at


def origin_of(address: str) -> str:
    """Return scheme, host and port of an address."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def is_inner(address: str, settings: Settings) -> bool:
    """Tell whether an address is at an origin that the operator has named (`KONSENTO_FEEDS_ORIGINS`)."""
    return origin_of(address) in settings.feeds_origins.split()


def check_address(address: str, settings: Settings) -> None:
    """Raise `NotAllowedError` for an address, with its dates filled in, that nothing may be fetched from."""
    try:
        inner = is_inner(address, settings)
    except ValueError:
        raise NotAllowedError from None
    if not inner:
        addresses.check(address, loopback=False)


async def _add_known_region(session: AsyncSession, code: str | None) -> None:
    """Add a region that is in every list, so that its first source can be added; nothing is advised in it yet."""
    if code is None or code not in AREAS or await session.get(GridRegion, code) is not None:
        return
    area = AREAS[code]
    wanted = WantedRegion(code=code, name_en=area.name_en, name_ja=area.name_ja, time_zone=area.time_zone)
    await add_region(session, wanted, Rule(), advises=False)


async def _check(session: AsyncSession, settings: Settings, source: GridSource, wanted: WantedSource) -> None:
    if not 0 < len(wanted.name) <= LONGEST_NAME or not wanted.name.isprintable():
        raise BadSourceName(most=LONGEST_NAME)
    if wanted.format not in FORMATS:
        raise UnknownSourceFormat
    if wanted.region is not None and await session.get(GridRegion, wanted.region) is None:
        raise UnknownSourceRegion(region=wanted.region)
    if wanted.url:
        _check_url(wanted.url, settings)
    if wanted.folder and not _FOLDER.fullmatch(wanted.folder):
        raise BadSourceFolder
    if not (LEAST_EVERY_S <= wanted.every_s <= MOST_EVERY_S and LEAST_STALE_S <= wanted.stale_after_s <= MOST_STALE_S):
        raise BadInterval(least=LEAST_EVERY_S // 60, most=MOST_EVERY_S // 86_400)
    same = [GridSource.name == wanted.name]
    if wanted.folder:
        same.append(GridSource.folder == wanted.folder)
    with session.no_autoflush:
        query = select(GridSource.id).where(or_(*same), GridSource.id != source.id)
        if await session.scalar(query.limit(1)) is not None:
            raise SourceKnown


def _check_url(url: str, settings: Settings) -> None:
    try:
        origin = urlsplit(url).netloc
        filled = places.filled(url, _SOME_DAY)
        # The key may be long, and its place is no sign of an address.
        check_address(filled.replace(places.SECRET, "key"), settings)
    except BadPlaceError, NotAllowedError, ValueError:
        raise BadSourceAddress(places=places.EXAMPLES) from None
    if len(url) > addresses.LENGTH or "{" in origin:
        raise BadSourceAddress(places=places.EXAMPLES)


async def fetched(session: AsyncSession) -> Sequence[GridSource]:
    """Return the sources that are fetched from an address."""
    query = select(GridSource).where(GridSource.url != "", GridSource.state != SourceState.OFF)
    return list(await session.scalars(query))
