"""Files that are dropped into a source's folder: each is read once, and moved to where its fate can be seen."""

import asyncio
import logging
from datetime import datetime
from pathlib import Path
from typing import Final

from konsento.feeds import fetching, taking
from konsento.feeds.sources import all_sources
from konsento.feeds.taking import Came
from konsento.models import GridSource, SourceState
from konsento.services import Services

log = logging.getLogger(__name__)

SETTLED_S: Final = 5.0
"""A file that changed later is still being written."""
AT_ONCE: Final = 50
"""Files of one look."""
DONE, BAD = "done", "bad"


async def look(services: Services) -> int:
    """Take in what lies in the folders of the sources; returns how many files. Opens its own transactions."""
    root = services.settings.feeds_folder
    if root is None:
        return 0
    async with services.database.transaction() as session:
        sources = [one for one in await all_sources(session) if one.folder and one.state is not SourceState.OFF]
    taken = 0
    for source in sources:
        for path in await asyncio.to_thread(_waiting, root / source.folder):
            await _take(services, source, path)
            taken += 1
    return taken


async def _take(services: Services, source: GridSource, path: Path) -> None:
    try:
        content = await asyncio.to_thread(_content, path)
    except OSError as error:
        log.warning("data source %s: %s cannot be read: %s", source.name, path, error)
        return
    stamp = services.clock.now()
    if content is None:
        await taking.note_trouble(services, source.id, f"{path.name} is larger than {fetching.LARGEST // 10**6} MB")
        await asyncio.to_thread(_move, path, BAD, stamp, "It is too large.")
        return
    unreadable = await taking.take(services, source.id, Came(name=path.name, content=content))
    if unreadable is None:
        await asyncio.to_thread(_move, path, DONE, stamp, "")
    else:
        await asyncio.to_thread(_move, path, BAD, stamp, str(unreadable))


def _content(path: Path) -> bytes | None:
    """Return what is in a file; None where that is too much."""
    return path.read_bytes() if path.stat().st_size <= fetching.LARGEST else None


def _waiting(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    newest = datetime.now().timestamp() - SETTLED_S  # noqa: DTZ005  # the file system's own clock
    files = [path for path in folder.iterdir() if path.is_file() and not path.is_symlink()]
    settled = [path for path in files if not path.name.startswith(".") and path.stat().st_mtime <= newest]
    # In the order in which they came: the later one counts.
    return sorted(settled, key=lambda path: (path.stat().st_mtime, path.name))[:AT_ONCE]


def _move(path: Path, where: str, at: datetime, reason: str) -> None:
    folder = path.parent / where
    folder.mkdir(exist_ok=True)
    target = folder / f"{at:%Y%m%dT%H%M%S}-{path.name}"
    path.rename(target)
    if reason:
        target.with_name(f"{target.name}.reason.txt").write_text(f"{reason}\n", encoding="utf-8")
