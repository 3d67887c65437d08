"""The demo's made-up days are read like a publisher's, and have a time in which charging is recommended."""

from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from konsento import provisioning
from konsento.grid import readers
from konsento.grid.finding import find
from konsento.grid.rule import Rule
from rig import grid


def test_each_of_the_demos_days_has_a_window_around_noon(tmp_path: Path) -> None:
    grid.drop_forecasts(tmp_path)
    (source,) = provisioning.parse(grid.SOURCES).sources
    files = sorted((tmp_path / source.folder).iterdir())
    assert len(files) == 3
    for file in files:
        reading = readers.read(file.read_bytes(), name=file.name, format=source.format, region=source.region)
        assert (len(reading.slots), reading.missing, reading.warnings) == (48, (), ())
        day = date.fromisoformat(file.stem[-8:])
        (window,) = find(reading.slots, Rule(), day, "Asia/Tokyo").windows
        begin = window.begin.astimezone(ZoneInfo("Asia/Tokyo"))
        assert (begin.date(), begin.hour) == (day, 8)
        assert window.end - window.begin >= timedelta(hours=6)
