"""A deployment of several processes: two gateways, one with pages, one with due work, PostgreSQL and NATS.

Parts of it are killed, stopped and started while stations deliver. No event is lost or counted twice: what is billed is
what the stations measured.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from konsento.settings import Settings
from rig.engines import NatsServer, Postgres
from rig.paths import program
from rig.ports import Ports
from rig.process import Process, run
from rig.server import until_healthy

from . import composed
from .played_station import PlayedStation

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]

STATIONS = 8
PASSWORD = "correct horse battery"
STATION_PASSWORD = "station-password-1"
CODES = [f"K7F{3 * digit}" for digit in "23456789"]


@dataclass
class Server:
    """One process of the deployment."""

    process: Process
    url: str
    """Of its pages, or of its health alone."""
    ocpp: str

    async def start(self) -> None:
        await self.process.start()
        await until_healthy(self.process, self.url)


@dataclass
class Deployment:
    """All of it."""

    folder: Path
    postgres: Postgres
    nats: NatsServer
    servers: dict[str, Server] = field(default_factory=dict)
    stations: list[PlayedStation] = field(default_factory=list)

    @property
    def pages(self) -> str:
        return self.servers["pages"].url

    async def rows(self, sql: str, *values: Any) -> list[Any]:
        return await self.postgres.execute(sql, *values, database="konsento")


BILLS = """
    SELECT sites.station_id, receipts.billed_wh, receipts.measured_mwh, charging_sessions.id
    FROM receipts JOIN charging_sessions ON charging_sessions.id = receipts.session_id
    JOIN sites ON sites.id = charging_sessions.site_id WHERE transaction_id = ANY($1)
"""
EVENTS = """
    SELECT session_id, count(*), min(seq_no), max(seq_no) FROM meter_events
    WHERE transaction_id = ANY($1) GROUP BY session_id
"""

HELD = """
    SELECT count(*) AS pending FROM ledger_transfers AS held
    WHERE kind = 'pending' AND NOT EXISTS (SELECT 1 FROM ledger_transfers WHERE pending_id = held.id)
"""

LIVING = "SELECT roles FROM replicas WHERE beat_at > now() - interval '30 seconds' ORDER BY roles"


def provisioning() -> str:
    text = '[[tariffs]]\nname = "day"\nunit_price = "38.5"\npower_type = "solar"\nsupplier = "Sakura Energy"\n'
    for number, code in enumerate(CODES):
        text += (
            f'\n[[sites]]\nstation_id = "site-{number}"\npassword = "{STATION_PASSWORD}"\nname = "Site {number}"\n'
            'time_zone = "Asia/Tokyo"\n'
            f'\n[[sites.outlets]]\nevse_id = 1\ncode = "{code}"\nname = "Outlet"\nrated_w = 3000\nvolts = 200\n'
            'tariff = "day"\n'
        )
    return text


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def deployment(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Deployment]:
    folder = tmp_path_factory.mktemp("scale")
    postgres, ports = Postgres(), Ports()
    nats = NatsServer(folder, *composed.services()["nats"]["command"])
    await postgres.execute("CREATE DATABASE konsento")
    await nats.start()
    made = Deployment(folder, postgres, nats)
    program_path = program("cloud", "konsento")
    pages_port = ports.take()
    # The settings are those of the compose file; only who is where is another matter here.
    instead = {
        "postgresql+asyncpg://konsento:postgres0password@postgres/konsento": postgres.url("konsento"),
        "@nats:4222": f"@127.0.0.1:{nats.port}",
        "https://charge.example": f"http://127.0.0.1:{pages_port}",
    }
    for name, service in (
        ("gateway-1", "gateway-1"),
        ("gateway-2", "gateway-2"),
        ("pages", "pages-1"),
        ("work", "work-1"),
    ):
        port, ocpp_port = pages_port if name == "pages" else ports.take(), ports.take()
        env = composed.environment(service, instead) | {
            "KONSENTO_PORT": str(port),
            "KONSENTO_OCPP_PORT": str(ocpp_port),
            "KONSENTO_WELCOME_CREDIT_MINOR": "1000000",
        }
        command = composed.services()[service]["command"]
        assert command[0] == "konsento"
        made.servers[name] = Server(
            Process(name, [program_path, *command[1:]], folder / f"{name}.log", env, folder),
            f"http://127.0.0.1:{port}",
            f"ws://127.0.0.1:{ocpp_port}/ocpp",
        )
    # All at once, on an empty database: one of them makes the tables.
    await asyncio.gather(*(server.start() for server in made.servers.values()))
    (folder / "sites.toml").write_text(provisioning())
    await run("konsento apply", [program_path, "apply", str(folder / "sites.toml")], env, folder)
    gateways = [made.servers["gateway-1"].ocpp, made.servers["gateway-2"].ocpp]
    for number in range(STATIONS):
        # Half of them prefer the one gateway, half the other.
        addresses = gateways if number % 2 == 0 else gateways[::-1]
        made.stations.append(PlayedStation(f"site-{number}", STATION_PASSWORD, addresses))
        made.stations[-1].start()
    await asyncio.gather(*(station.until(lambda s=station: bool(s.at)) for station in made.stations))  # type: ignore[misc]
    await until(lambda: nobody_away(made))
    yield made
    for station in made.stations:
        await station.stop()
    for server in made.servers.values():
        await server.process.stop()
    await nats.stop()
    postgres.close()


async def until(condition: Callable[[], Awaitable[bool]], patience: float = 40) -> None:
    """Wait for what only looking tells."""
    async with asyncio.timeout(patience):
        while not await condition():  # noqa: ASYNC110  # it happens in another process
            await asyncio.sleep(0.2)


async def away(deployment: Deployment) -> list[str]:
    """Return the stations that count as not connected."""
    return [row[0] for row in await deployment.rows("SELECT station_id FROM sites WHERE NOT connected")]


async def nobody_away(deployment: Deployment) -> bool:
    return not await away(deployment)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def driver(deployment: Deployment) -> AsyncIterator[httpx.AsyncClient]:
    """A driver's browser at the process with the pages."""
    headers = {"Origin": deployment.pages, "Accept-Language": "en"}
    async with httpx.AsyncClient(base_url=deployment.pages, headers=headers, timeout=40) as browser:
        signed_up = await browser.post(
            "/signup", data={"email": "ann@example.com", "password": PASSWORD, "name": "Ann Example"}
        )
        assert signed_up.status_code == 303, signed_up.text
        yield browser


async def wish(driver: httpx.AsyncClient, number: int) -> httpx.Response:
    """Ask for a session at a station."""
    return await driver.post(f"/o/{CODES[number]}/start", data={"kind": "energy", "amount": "10", "unit": "kWh"})


async def start(driver: httpx.AsyncClient, number: int) -> str:
    """Start a session at a station; returns the address of its page."""
    answer = await wish(driver, number)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


async def progress(driver: httpx.AsyncClient, session: str) -> dict[str, Any]:
    answer = await driver.get(f"{session}/progress")
    shown: dict[str, Any] = answer.json()
    return shown


async def all_started(deployment: Deployment, driver: httpx.AsyncClient) -> dict[int, str]:
    """Have a session started at every station, and energy flowing; returns the pages."""
    sessions = dict(enumerate(await asyncio.gather(*(start(driver, number) for number in range(STATIONS)))))
    for station in deployment.stations:
        await station.until(lambda s=station: bool(s.supplies) and not s.supplies[-1].ended)  # type: ignore[misc]
        station.supply()
    await flowed(deployment)
    return sessions


async def flowed(deployment: Deployment, events: int = 15) -> None:
    """Wait until each station has had so many more events acknowledged."""
    wanted = [station.acknowledged + events for station in deployment.stations]
    await asyncio.gather(
        *(
            station.until(lambda s=station, n=number: s.acknowledged >= n, 60)  # type: ignore[misc]
            for station, number in zip(deployment.stations, wanted, strict=True)
            if not station.stays_away
        )
    )


async def all_settled(deployment: Deployment) -> None:
    """End all sessions, wait for their bills, and compare these with what was measured and sent."""
    supplies = {station.station_id: station.supplies[-1] for station in deployment.stations}
    for station in deployment.stations:
        station.supply(on=False)
        if not station.supplies[-1].ended:
            station.end()
    await asyncio.gather(*(station.until(lambda s=station: s.delivered, 60) for station in deployment.stations))  # type: ignore[misc]
    transactions = [supply.transaction_id for supply in supplies.values()]

    async def bills() -> list[Any]:
        return await deployment.rows(BILLS, transactions)

    async def all_billed() -> bool:
        return len(await bills()) == STATIONS

    await until(all_billed, 60)
    found = await bills()
    events = await deployment.rows(EVENTS, transactions)
    assert {row["station_id"]: row["measured_mwh"] for row in found} == {
        name: round(supply.wh * 1000) for name, supply in supplies.items()
    }
    assert all(row["billed_wh"] == row["measured_mwh"] // 1000 for row in found)
    by_session = {row["id"]: supplies[row["station_id"]].sent for row in found}
    assert {tuple(row) for row in events} == {(session, sent, 0, sent - 1) for session, sent in by_session.items()}
    (sums,) = await deployment.rows(
        "SELECT sum(debits_posted) AS debits, sum(credits_posted) AS credits, sum(debits_pending) AS pending "
        "FROM ledger_accounts"
    )
    assert (sums["debits"] - sums["credits"], sums["pending"]) == (0, 0)


async def test_the_compose_file_names_only_settings_that_there_are() -> None:
    known = {f"KONSENTO_{name.upper()}" for name in Settings.model_fields}
    services = composed.services()
    ours = {name: service for name, service in services.items() if service["image"] == "konsento"}

    assert {name for service in ours.values() for name in service["environment"]} <= known
    assert sorted(service["environment"]["KONSENTO_ROLES"] for service in ours.values()) == [
        *["gateway"] * 2,
        *["pages"] * 2,
        *["work"] * 2,
    ]
    told = {line.partition("=")[0] for line in (composed.FILE.parent / "compose.env.example").read_text().splitlines()}
    assert set(re.findall(r"\$\{(\w+)", composed.FILE.read_text())) == {name for name in told if name.isupper()}


async def test_the_health_checks_of_the_compose_file_pass(deployment: Deployment) -> None:
    for name, server in deployment.servers.items():
        service = "pages-1" if name == "pages" else "work-1" if name == "work" else name
        check = composed.services()[service]["healthcheck"]["test"][1:]
        here = [word.replace("http://127.0.0.1:8080", server.url) for word in check]
        await run(name, [program("cloud", here[0]), *here[1:]], {}, deployment.folder)


async def test_a_command_from_the_pages_reaches_a_station_at_either_gateway_and_the_page_follows(
    deployment: Deployment, driver: httpx.AsyncClient
) -> None:
    held = {station.at for station in deployment.stations}
    sessions = await all_started(deployment, driver)
    shown: list[int] = []
    async with asyncio.timeout(20), driver.stream("GET", f"{sessions[0]}/events") as stream:
        async for line in stream.aiter_lines():
            if line.startswith("data:"):
                shown.append(json.loads(line[5:])["delivered_wh"])
            if len(shown) >= 4:
                break
    (replicas,) = await deployment.rows("SELECT count(*) FROM replicas")
    await all_settled(deployment)

    assert held == {deployment.servers[name].ocpp for name in ("gateway-1", "gateway-2")}
    assert shown == sorted(shown)
    assert shown[-1] > shown[0]
    assert replicas[0] == 4


async def test_a_gateway_that_is_killed_under_load_loses_and_doubles_nothing(
    deployment: Deployment, driver: httpx.AsyncClient
) -> None:
    await all_started(deployment, driver)
    killed = deployment.servers["gateway-1"]
    theirs = [station for station in deployment.stations if station.at == killed.ocpp]
    connects = {station.station_id: station.connects for station in theirs}
    await killed.process.kill()
    await flowed(deployment)
    missed = await away(deployment)
    await killed.start()
    await flowed(deployment)
    await all_settled(deployment)

    assert theirs
    assert all(station.connects == connects[station.station_id] + 1 for station in theirs)
    assert all(station.at == deployment.servers["gateway-2"].ocpp for station in theirs)
    # The killed process is no reason to think a station away that is connected elsewhere; nor is its return.
    assert (missed, await away(deployment)) == ([], [])


async def test_postgresql_may_stop_and_start_under_load(deployment: Deployment, driver: httpx.AsyncClient) -> None:
    await all_started(deployment, driver)
    await asyncio.to_thread(deployment.postgres.stop)
    async with httpx.AsyncClient() as http:
        alive = [(await http.get(server.url + "/healthz")).status_code for server in deployment.servers.values()]
    await asyncio.sleep(1)
    await asyncio.to_thread(deployment.postgres.start)
    await flowed(deployment)
    await all_settled(deployment)

    assert alive == [200] * 4


async def test_nats_may_stop_and_start_under_load(deployment: Deployment, driver: httpx.AsyncClient) -> None:
    sessions = await all_started(deployment, driver)
    await deployment.nats.stop()
    # The meter does not need it, nor does the bill; a start does, and says so.
    await flowed(deployment)
    deployment.stations[0].supply(on=False)
    deployment.stations[0].end()

    async def settled() -> bool:
        return bool((await progress(driver, sessions[0]))["state"] == "settled")

    await until(settled)
    refused = await wish(driver, 0)
    (held,) = await deployment.rows(HELD)
    await deployment.nats.start()

    async def starts() -> bool:
        return (await wish(driver, 0)).status_code == 303

    await until(starts)
    deployment.stations[0].supply()
    await flowed(deployment)
    await all_settled(deployment)

    assert refused.status_code == 503
    assert "This outlet cannot be reached." in refused.text
    assert "Nothing was started, nothing is charged." in refused.text
    # What is held is held for the seven sessions that run.
    assert held["pending"] == STATIONS - 1
    assert len(deployment.stations[0].supplies) == len({s.remote_start_id for s in deployment.stations[0].supplies})


async def test_all_processes_may_be_started_anew_one_after_the_other(
    deployment: Deployment, driver: httpx.AsyncClient
) -> None:
    await all_started(deployment, driver)
    for names in (("gateway-1",), ("gateway-2",), ("pages", "work")):
        servers = [deployment.servers[name] for name in names]
        await asyncio.gather(*(server.process.stop() for server in servers))
        await asyncio.gather(*(server.start() for server in servers))
        await flowed(deployment, 5)
    await all_settled(deployment)
    replicas = await deployment.rows(LIVING)

    assert [row[0] for row in replicas] == ["gateway", "gateway", "pages", "work"]


async def test_a_station_whose_process_died_counts_as_away_until_it_is_back(
    deployment: Deployment,
) -> None:
    station = deployment.stations[0]
    station.stays_away = True
    gateway = next(server for server in deployment.servers.values() if server.ocpp == station.at)
    await gateway.process.kill()

    async def noticed() -> bool:
        return bool(await away(deployment))

    await until(noticed, 70)
    noticed_away = await away(deployment)
    await gateway.start()
    station.stays_away = False
    station.start()
    await until(lambda: nobody_away(deployment))

    assert noticed_away == [station.station_id]


async def test_nothing_went_wrong_that_nobody_expected(deployment: Deployment) -> None:
    deadlocks = await deployment.rows("SELECT deadlocks FROM pg_stat_database WHERE datname = 'konsento'")
    dead = await deployment.rows("SELECT kind, key, last_error FROM work WHERE state = 'dead'")

    assert [row[0] for row in deadlocks] == [0]
    assert dead == []
