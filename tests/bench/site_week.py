"""A week of a site with 20 outlets: statistics, energy dashboard, history and list of sessions against the meters.

Virtual time, but the real core of Home Assistant with its recorder (`tests/site/week.py`): random cars, the owner's own
sessions, power cuts, lost links, restarts and kills of Home Assistant, outlets that lose their memory. Every difference
must be explained: what an outlet forgot before anybody had read it; what was read in a later hour than it flowed,
because nobody was there. `make bench ONLY=site_week DAYS=7 OUTLETS=20 SEED=1`.
"""

import asyncio
import json
import os
from typing import Any

from rig.bench import Row, Table
from rig.line import temporary_folder
from rig.paths import ROOT, program
from rig.ports import Ports

DAYS = float(os.environ.get("DAYS", "7"))
OUTLETS = int(os.environ.get("OUTLETS", "20"))
SEED = int(os.environ.get("SEED", "1"))


def run() -> Table:
    """Live through the days in a process of Home Assistant's environment; raises when a difference is unexplained."""
    found = asyncio.run(_live())
    if found["unexplained"]:
        raise RuntimeError("; ".join(found["unexplained"]))
    rows: list[Row] = [
        {
            "outlet": row["outlet"],
            "meter, Wh": row["true_wh"],
            "statistics, Wh": row["statistics_wh"],
            "never read, Wh": row["never_read_wh"],
            "read in a later hour, Wh": row["read_in_a_later_hour_wh"],
            "largest error of an hour, Wh": row["hour_off_wh"],
            "of a day, Wh": row["day_off_wh"],
        }
        for row in found["outlets"]
    ]
    return Table(
        rows=rows,
        facts={
            "days": DAYS,
            "outlets": OUTLETS,
            "seed": SEED,
            "meters_wh": round(sum(row["true_wh"] for row in found["outlets"]), 3),
            "statistics_wh": round(sum(row["statistics_wh"] for row in found["outlets"]), 3),
            "never_read_wh": round(sum(row["never_read_wh"] for row in found["outlets"]), 3),
            "unexplained": 0,
            "site_wh": found["site_wh"],
            "happened": found["happened"],
            "sessions": found["sessions"],
            "history": found["news"],
            "lost_by_kills_from_history": found["killed_happenings"],
        },
    )


async def _live() -> dict[str, Any]:
    folder = temporary_folder() / "week"
    folder.mkdir()
    arguments = [str(folder), str(DAYS), str(OUTLETS), str(SEED), str(Ports().take())]
    process = await asyncio.create_subprocess_exec(
        program("site", "python"),
        str(ROOT / "tests/site/week.py"),
        *arguments,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(str(ROOT / part) for part in ("", "tests/site", "tools"))},
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    if process.returncode:
        raise RuntimeError(errors.decode()[-4000:])
    found: dict[str, Any] = json.loads(output)
    return found
