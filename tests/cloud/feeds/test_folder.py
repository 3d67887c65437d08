"""Files that are dropped into a source's folder are read once and put away."""

import os
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from konsento.feeds import folder, sources
from konsento.feeds import work as feeds_work
from konsento.models import SourceState

from ..grid.files import Sample, area_file
from .conftest import REGION, TOMORROW, Feeds

OLD = 60
"""Seconds ago that a file of these tests was written."""


@pytest.fixture
async def watched(feeds: Feeds) -> UUID:
    source_id = await feeds.add(url="", folder="tokyo")
    await feeds_work.begin(feeds.core.services)
    await feeds.core.work()
    return source_id


def place(feeds: Feeds) -> Path:
    root = feeds.core.services.settings.feeds_folder
    assert root is not None
    return root / "tokyo"


def drop(feeds: Feeds, name: str, content: bytes, age_s: int = OLD) -> None:
    path = place(feeds) / name
    path.write_bytes(content)
    written = path.stat().st_mtime - age_s
    os.utime(path, (written, written))


async def look(feeds: Feeds) -> list[str]:
    """Have the folder looked into; returns what lies there afterwards."""
    feeds.core.clock.advance(timedelta(seconds=folder_s()))
    await feeds.core.work()
    return sorted(str(path.relative_to(place(feeds))) for path in place(feeds).rglob("*") if path.is_file())


def folder_s() -> float:
    return feeds_work.FOLDER_S


def tomorrow() -> Sample:
    return area_file(REGION, TOMORROW)


async def test_a_dropped_file_is_used_and_put_away(feeds: Feeds, watched: UUID) -> None:
    drop(feeds, "AREA_YOSOKU.csv", tomorrow().content)

    assert await look(feeds) == ["done/AREA_YOSOKU.csv"]

    assert (await feeds.source(watched)).state is SourceState.GOOD
    assert (await feeds.decisions())[-1].outcome == "new"


async def test_a_bad_file_is_put_away_with_the_reason_and_keeps_no_other_waiting(feeds: Feeds, watched: UUID) -> None:
    drop(feeds, "a.csv", b"Sorry, no data today", age_s=OLD + 1)
    drop(feeds, "b.csv", tomorrow().content)

    assert await look(feeds) == ["bad/a.csv", "bad/a.csv.reason.txt", "done/b.csv"]

    assert "“Sorry, no data today”" in (place(feeds) / "bad" / "a.csv.reason.txt").read_text()
    assert (await feeds.source(watched)).state is SourceState.GOOD


async def test_what_is_not_whole_yet_or_no_file_is_left_alone(feeds: Feeds, watched: UUID, tmp_path: Path) -> None:
    drop(feeds, "new.csv", tomorrow().content, age_s=-1)
    drop(feeds, "x.csv.part", tomorrow().content)
    drop(feeds, ".hidden", tomorrow().content)
    (tmp_path / "elsewhere.csv").write_bytes(tomorrow().content)
    (place(feeds) / "link.csv").symlink_to(tmp_path / "elsewhere.csv")

    assert await look(feeds) == [".hidden", "link.csv", "new.csv", "x.csv.part"]

    assert (await feeds.source(watched)).state is SourceState.NEW


async def test_a_name_that_was_there_before_loses_nothing(feeds: Feeds, watched: UUID) -> None:
    for day in (TOMORROW, TOMORROW + timedelta(days=1)):
        drop(feeds, "day.csv", area_file(REGION, day).content)
        left = await look(feeds)

    assert left == ["done/day.2.csv", "done/day.csv"]


async def test_a_crash_before_it_was_put_away_reads_it_again_and_changes_nothing(
    feeds: Feeds, watched: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop(feeds, "day.csv", tomorrow().content)
    with monkeypatch.context() as broken:
        broken.setattr(folder, "_move", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        assert await look(feeds) == ["day.csv"]

    assert await look(feeds) == ["done/day.csv"]
    assert [one.outcome for one in await feeds.decisions()].count("new") == 1


async def test_a_source_that_is_switched_off_takes_nothing(feeds: Feeds, watched: UUID) -> None:
    async with feeds.core.services.database.transaction() as session:
        sources.switch(await sources.find_source(session, watched), on=False)
    drop(feeds, "day.csv", tomorrow().content)

    assert await look(feeds) == ["day.csv"]
