"""The demo's region of the grid: a source of forecasts into whose folder made-up sunny days are dropped."""

import math
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

REGION: Final = "JP-A03"
FOLDER: Final = "tokyo"
SOURCES: Final = f"""
[[regions]]
code = "{REGION}"
advises = true

[[sources]]
name = "Made-up forecast of Tokyo"
format = "csv"
region = "{REGION}"
folder = "{FOLDER}"
"""
"""What an operator would write into the file for `konsento apply`."""
_ZONE: Final = ZoneInfo("Asia/Tokyo")
_DAYS: Final = 3
"""Today and what is forecast after it, also for a demo that goes past midnight."""
_SLOTS: Final = 48


def drop_forecasts(feeds: Path) -> None:
    """Drop the forecasts of the next days into the source's folder."""
    folder = feeds / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    today = datetime.now(_ZONE).date()
    for ahead in range(_DAYS):
        day = today + timedelta(days=ahead)
        (folder / f"{REGION}_{day:%Y%m%d}.csv").write_text("\n".join(_lines(day)) + "\n")


def _lines(day: date) -> Iterator[str]:
    """Return a day in the server's own layout: the sun is highest at noon, and there is more power than needed then."""
    yield "region,begin,minutes,demand,supply,wind_solar"
    for slot in range(_SLOTS):
        hour = slot / 2
        demand = 15_000_000 * (1 + 0.15 * math.sin((hour - 9) / 24 * 2 * math.pi))
        sun = max(0.0, math.sin((hour - 5.5) / 12.5 * math.pi)) if 5.5 <= hour < 18 else 0.0  # its hours
        supply = demand * (0.93 + 0.15 * sun)
        begin = datetime.combine(day, datetime.min.time(), _ZONE) + timedelta(minutes=30 * slot)
        numbers = (round(number) for number in (demand, supply, supply * (0.03 + 0.42 * sun)))
        yield f"{REGION},{begin:%Y-%m-%dT%H:%M%:z},30,{','.join(map(str, numbers))}"
