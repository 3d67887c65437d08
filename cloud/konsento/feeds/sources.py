"""The sources that an operator has set up."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.feeds import places
from konsento.feeds.errors import BadFolder, BadSource, BadSourceAddress, FolderTaken, SourceKnown, UnknownSource
from konsento.grid import readers
from konsento.grid.regions import find_region
from konsento.kit import addresses
from konsento.kit.addresses import NotAllowedError
from konsento.kit.ids import new_id
from konsento.models import GridFile, GridSource, SourceState
from konsento.settings import Settings

LONGEST_NAME: Final = 100
LONGEST_SECRET: Final = 200
EVERY_S: Final = (300, 7 * 86_400)
STALE_S: Final = (3600, 60 * 86_400)
_FOLDER: Final = re.compile(r"[A-Za-z0-9_-]{1,50}")


@dataclass(frozen=True, kw_only=True)
class WantedSource:
    """What is said about a source."""

    name: str
    format: str
    region: str | None = None
    url: str = ""
    folder: str = ""
    secret: str | None = None
    """None: the one of before."""
    every_s: int = 3600
    stale_after_s: int = 129_600
    off: bool = False


async def all_sources(session: AsyncSession) -> list[GridSource]:
    """Return all sources by name."""
    return list(await session.scalars(select(GridSource).order_by(GridSource.name)))


async def find_source(session: AsyncSession, source_id: UUID) -> GridSource:
    """Return a source. Raises `UnknownSource`."""
    source = await session.get(GridSource, source_id)
    if source is None:
        raise UnknownSource
    return source


async def source_named(session: AsyncSession, name: str) -> GridSource | None:
    """Return the source of that name."""
    return await session.scalar(select(GridSource).where(GridSource.name == name))


async def add_source(session: AsyncSession, settings: Settings, wanted: WantedSource) -> GridSource:
    """Add a source. Raises the reasons of `BadSource`, `SourceKnown` and `UnknownRegion`."""
    source = GridSource(id=new_id(), state=SourceState.NEW, secret="", problem="")
    await _fill(session, settings, source, wanted)
    session.add(source)
    await session.flush()
    return source


async def change_source(session: AsyncSession, settings: Settings, source: GridSource, wanted: WantedSource) -> None:
    """Change what is said about a source. Raises as `add_source` does."""
    await _fill(session, settings, source, wanted)
    await session.flush()


async def remove_source(session: AsyncSession, source: GridSource) -> None:
    """Remove a source and what it has told; decisions that were made with it stay, with their inputs."""
    await session.execute(delete(GridFile).where(GridFile.source_id == source.id))
    await session.delete(source)


async def file_of(session: AsyncSession, source_id: UUID, *, good: bool) -> GridFile | None:
    """Return the last good file of a source, or the last one where that is bad."""
    query = select(GridFile).where(GridFile.source_id == source_id, GridFile.good.is_(good))
    return await session.scalar(query)


async def _fill(session: AsyncSession, settings: Settings, source: GridSource, wanted: WantedSource) -> None:
    name, secret = wanted.name.strip(), wanted.secret
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable() or wanted.format not in readers.FORMATS:
        raise BadSource
    if not EVERY_S[0] <= wanted.every_s <= EVERY_S[1] or not STALE_S[0] <= wanted.stale_after_s <= STALE_S[1]:
        raise BadSource
    if secret is not None and (len(secret) > LONGEST_SECRET or not secret.isprintable() or not secret.isascii()):
        raise BadSource
    if wanted.url:
        _check_address(settings, wanted.url)
    if wanted.folder and not _FOLDER.fullmatch(wanted.folder):
        raise BadFolder
    if wanted.region is not None:
        await find_region(session, wanted.region)
    same = await source_named(session, name)
    if same is not None and same.id != source.id:
        raise SourceKnown
    if wanted.folder:
        query = select(GridSource.id).where(GridSource.folder == wanted.folder, GridSource.id != source.id)
        if await session.scalar(query) is not None:
            raise FolderTaken
    source.name, source.format, source.region = name, wanted.format, wanted.region
    source.url, source.folder = wanted.url, wanted.folder
    source.every_s, source.stale_after_s = wanted.every_s, wanted.stale_after_s
    if secret is not None:
        source.secret = secret
    if wanted.off:
        source.state = SourceState.OFF
    elif source.state is SourceState.OFF:
        source.state = SourceState.NEW


def _check_address(settings: Settings, url: str) -> None:
    if not places.good(url):
        raise BadSourceAddress
    try:
        addresses.check(places.filled(url, date(2026, 1, 1), "key"), loopback=settings.feeds_to_loopback)
    except NotAllowedError:
        raise BadSourceAddress from None
