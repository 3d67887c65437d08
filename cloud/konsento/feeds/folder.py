"""The watched folder: below it each source has a folder of its own, into which files are dropped.

A file is read once, and moved to `done/` beside it, or to `bad/` with a text that says why.
"""

import asyncio
import logging
import time
from pathlib import Path
from typing import Final
from uuid import UUID

from sqlalchemy import select

from konsento.feeds import taking
from konsento.feeds.errors import FileTooLarge, SourceOff, UnknownSource
from konsento.feeds.taking import Outcome
from konsento.grid.readers.file import LARGEST
from konsento.kit.errors import KonsentoError
from konsento.models import GridSource, SourceState
from konsento.services import Services

log = logging.getLogger(__name__)

SETTLED_S: Final = 2.0
"""A file that was written to a shorter time ago is left alone: it may not be whole."""
DONE: Final = "done"
BAD: Final = "bad"
_PARTS: Final = (".part", ".partial", ".tmp", ".crdownload", ".filepart")
"""Ends of names under which programs write what is not whole yet."""
_AT_ONCE: Final = 20
"""Files of one source in one look, within the lease of due work."""


async def look(services: Services) -> int:
    """Take the files that lie in the folders of the sources; returns how many there were."""
    folder = services.settings.feeds_folder
    if folder is None:
        return 0
    async with services.database.transaction() as session:
        query = select(GridSource.id, GridSource.folder).where(
            GridSource.folder != "", GridSource.state != SourceState.OFF
        )
        watched = [(row[0], row[1]) for row in await session.execute(query)]
    count = 0
    for source_id, name in watched:
        try:
            files = await asyncio.to_thread(_files, folder / name)
            for file in files:
                await _take(services, source_id, file)
                count += 1
        except UnknownSource, SourceOff:  # meanwhile
            continue
        except OSError as error:
            # One folder that cannot be written to keeps no other waiting; what lies there is read again.
            log.error("the folder %s: %s", folder / name, error.strerror)  # noqa: TRY400  # says it all
    return count


def _files(folder: Path) -> list[Path]:
    """Return the whole files of a folder, the oldest first; the folder is made where there is none."""
    folder.mkdir(parents=True, exist_ok=True)
    settled = time.time() - SETTLED_S
    found = [
        (changed, path)
        for path in folder.iterdir()
        if not path.name.startswith(".")
        and not path.name.endswith(_PARTS)
        and path.is_file()
        and not path.is_symlink()
        and (changed := path.stat().st_mtime) <= settled
    ]
    return [path for _, path in sorted(found)[:_AT_ONCE]]


async def _take(services: Services, source_id: UUID, file: Path) -> None:
    error: KonsentoError | None
    try:
        content = await asyncio.to_thread(_content, file)
    except FileTooLarge as too_large:
        await taking.failed(services, source_id, too_large)
        error = too_large
    else:
        # After a crash between this and the move it is read again, which changes nothing.
        taken = await taking.take(services, source_id, file.name, content)
        error = taken.error if taken.outcome is Outcome.BAD else None
    await asyncio.to_thread(_move, file, error)


def _content(file: Path) -> bytes:
    if file.stat().st_size > LARGEST:
        raise FileTooLarge(megabytes=LARGEST // 1_000_000)
    return file.read_bytes()


def _move(file: Path, error: KonsentoError | None) -> None:
    folder = file.parent / (DONE if error is None else BAD)
    folder.mkdir(exist_ok=True)
    target = folder / file.name
    number = 1
    while target.exists():
        number += 1
        target = folder / f"{file.stem}.{number}{file.suffix}"
    file.rename(target)
    if error is not None:
        target.with_name(f"{target.name}.reason.txt").write_text(f"{error}\n", encoding="utf-8")
