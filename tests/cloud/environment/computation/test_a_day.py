"""A day of sessions: three regions, four power types, three suppliers, told again and again, by every route."""

import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any
from uuid import UUID

import pytest

from konsento.environment.access import Role
from konsento.environment.computation.keeping import rebuild
from konsento.environment.computation.models import RegionEntry
from konsento.environment.regions import read
from konsento.environment.registers import import_regions
from konsento.environment.wire import SLOT, Measurement, slot_of, spread

from .conftest import System
from .sheet import hourly, line, of_row

REGIONS = ("JP-13112", "JP-27100", "JP-47201")
POWER_TYPES = ("solar", "wind", "gas", "other")
SUPPLIERS = ("A0269", "A0272", "unknown")
DAY = datetime(2026, 3, 18, 15, tzinfo=UTC)
"""The 19th of March begins in Japan."""
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
TOWNS = (
    "code,parent,kind,name_en,name_ja,municipalities\n"
    "JP-13112,JP-13,municipality,Setagaya,世田谷区,\n"
    "JP-27100,JP-27,municipality,Osaka,大阪市,\n"
    "JP-47201,JP-47,municipality,Naha,那覇市,\n"
)


def day_of_sessions(count: int = 400) -> list[dict[str, Any]]:
    """Return what the sites measured in a day, some of it in half hours, some not."""
    chance = random.Random(8)  # noqa: S311  # the same every time
    free = defaultdict(lambda: DAY)
    sessions = []
    for number in range(count):
        outlet = number % 150
        start = free[outlet] + timedelta(seconds=chance.randrange(60, 7200))
        end = start + timedelta(seconds=chance.randrange(900, 14_400))
        if end > DAY + timedelta(days=1):
            continue
        free[outlet] = end
        wh = chance.randrange(0, int((end - start).total_seconds()) * 3)
        session: dict[str, Any] = {
            "id": str(UUID(int=chance.getrandbits(128), version=4)),
            "outlet": "".join(random.Random(outlet).choices(LETTERS, k=26)),  # noqa: S311
            "region": REGIONS[outlet % 3],
            "start": start.isoformat(),
            "end": end.isoformat(),
            "wh": wh,
            "power_type": chance.choice(POWER_TYPES),
            "supplier": chance.choice(SUPPLIERS),
            "use": "own" if outlet % 5 == 0 else "resold",
        }
        if number % 3:
            session["slices"] = half_hours_of(start, end, wh, chance)
        sessions.append(session)
    return sorted(sessions, key=lambda one: (one["outlet"], one["start"]))


def half_hours_of(start: datetime, end: datetime, wh: int, chance: random.Random) -> list[dict[str, Any]]:
    slots = []
    slot = slot_of(start)
    while slot < end:
        slots.append(slot)
        slot += SLOT
    cuts = sorted(chance.randrange(wh + 1) for _ in slots[1:])
    parts = [after - before for before, after in zip([0, *cuts], [*cuts, wh], strict=True)]
    return [{"start": at.isoformat(), "wh": part} for at, part in zip(slots, parts, strict=True)]


def sums_of(sessions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return sessions as a platform forwards them in sums."""
    groups: dict[tuple[Any, ...], dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for session in sessions:
        for slot, wh in spread(Measurement.model_validate(session)):
            key = (session["region"], session["power_type"], session["supplier"], session["use"], slot.isoformat())
            groups[key][session["outlet"]].append(wh)
    return [
        dict(zip(("region", "power_type", "supplier", "use", "slot"), key, strict=True))
        | {
            "wh": sum(sum(wh) for wh in outlets.values()),
            "measurements": sum(len(wh) for wh in outlets.values()),
            "outlets": len(outlets),
            "largest_wh": max(sum(wh) for wh in outlets.values()),
        }
        for key, outlets in sorted(groups.items())
    ]


async def straight(system: System, sessions: list[dict[str, Any]]) -> None:
    site = await system.token(Role.SITE)
    batches = [sessions[:150], sessions[150:300], sessions[300:]]
    # The whole day twice, and the second batch once more.
    for batch in (*batches, batches[1], *batches):
        answer = await system.deliver(site, batch)
        assert answer["refused"] == []


async def by_sets(system: System, sessions: list[dict[str, Any]]) -> None:
    platform = await system.token(Role.PLATFORM)
    for region in (*REGIONS, *reversed(REGIONS)):
        await system.deliver(platform, [one for one in sessions if one["region"] == region])


async def by_sums(system: System, sessions: list[dict[str, Any]]) -> None:
    platform = await system.token(Role.PLATFORM)
    rows = sums_of(sessions)
    for number, first in enumerate([*range(0, len(rows), 500)] * 2):
        delivery = {"id": str(UUID(int=first + 1, version=4)), "rows": rows[first : first + 500]}
        answer = await system.http.post("/v1/sums", json=delivery, headers=platform)
        assert answer.status_code == 200, answer.text
        assert answer.json() == {"repeated": number >= (len(rows) + 499) // 500}


async def mixed(system: System, sessions: list[dict[str, Any]]) -> None:
    await straight(system, sessions[:300])
    await by_sums(system, sessions[300:])


ROUTES = {"straight": straight, "by sets": by_sets, "by sums": by_sums, "some straight, some by sums": mixed}
MIX_GAS_KWH, MIX_SOLAR_KWH = 3000, 1000
MIX = {"direct": Fraction(3 * 370, 4), "upstream": Fraction(3 * 120 + 48, 4)}
"""g/kWh of three parts of gas and one of solar power."""


async def with_towns(system: System) -> dict[str, str]:
    """Add the towns, and the mix of Tokyo for the first half of the day; returns an operator's header."""
    async with system.office.database.transaction() as session:
        await import_regions(session, RegionEntry, read(TOWNS), system.clock.now())
    operator = await system.token(Role.OPERATOR)
    rows = [f"{(DAY + n * SLOT).isoformat()},{MIX_GAS_KWH * 2 / 1000},{MIX_SOLAR_KWH * 2 / 1000}" for n in range(24)]
    raw = "\n".join(["start,gas,solar", *rows]).encode()
    assert (await system.send_file("/v1/mix", operator, raw, region="JP-A03"))["added"] == 24
    return operator


@pytest.mark.parametrize("route", ROUTES)
async def test_a_day_told_again_and_again_counts_once_and_is_what_a_spreadsheet_says(
    system: System, route: str
) -> None:
    operator = await with_towns(system)
    sessions = day_of_sessions()
    await ROUTES[route](system, sessions)
    await system.compute(operator)

    found = await system.get("/v1/results", operator, exact=True)
    meters: dict[tuple[str, ...], int] = defaultdict(int)
    known: dict[tuple[str, ...], list[tuple[int, Fraction, Fraction]]] = defaultdict(list)
    unknown: dict[tuple[str, ...], int] = defaultdict(int)
    for session in sessions:
        key = (session["region"], session["power_type"], session["supplier"], session["use"])
        meters[key] += session["wh"]
        for slot, wh in spread(Measurement.model_validate(session)):
            if session["region"] == "JP-13112" and slot < DAY + 24 * SLOT:
                known[key].append((wh, MIX["direct"], MIX["upstream"]))
            else:
                unknown[key] += wh
    assert len(meters) >= 36, "three regions, four power types, three suppliers"
    assert found["total"]["wh"] == sum(session["wh"] for session in sessions)
    rows = {(row["region"], row["power_type"], row["supplier"], row["use"]): row for row in found["rows"]}
    assert rows.keys() == meters.keys()
    for key, wh in meters.items():
        assert rows[key]["period"] == "2026-03-19"
        sheet = line(*key, wh)
        assert of_row(rows[key], sheet) == sheet, key
        by_average = line(*key, unknown[key])
        by_mix = hourly(key[3], known[key])
        for scope in ("scope2", "scope3"):
            expected = by_average[f"{scope}_location"] + by_mix[f"{scope}_hourly"]
            assert abs(rows[key][f"{scope}_hourly"] - expected) <= 1, key
        assert rows[key]["hourly_wh"] == wh - unknown[key]
    for name in ("wh", "scope2_location", "scope3_market"):
        assert found["total"][name] == sum(row[name] for row in found["rows"])


async def test_all_routes_give_the_same_half_hours_and_the_same_published_total(system: System, tmp_path: Any) -> None:
    operator = await with_towns(system)
    sessions = day_of_sessions()
    await mixed(system, sessions)
    query = {"from": DAY.isoformat(), "to": (DAY + timedelta(days=1)).isoformat()}
    rows = await system.get("/v1/energy", operator, **query)
    expected: dict[tuple[str, ...], int] = defaultdict(int)
    for session in sessions:
        for slot, wh in spread(Measurement.model_validate(session)):
            key = (session["region"], session["power_type"], session["supplier"])
            expected[(f"{slot:%Y-%m-%dT%H:%M:%SZ}", *key)] += wh
    assert {(row["start"], row["region"], row["power_type"], row["supplier"]): row["wh"] for row in rows} == expected


async def test_energy_added_up_anew_is_the_same(system: System) -> None:
    operator = await with_towns(system)
    await mixed(system, day_of_sessions())
    await system.compute(operator)
    before = await system.get("/v1/results", operator, exact=True)
    async with system.office.database.transaction() as session:
        await rebuild(session, system.settings.zone)
    await system.compute(operator)
    after = await system.get("/v1/results", operator, exact=True)
    assert after["rows"] == before["rows"]
    assert after["run"]["id"] > before["run"]["id"]
