"""The platform on a real database, with the computation system played at the other end of the wire."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import asyncpg
import httpx
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from konsento.environment import access
from konsento.environment.access import Role
from konsento.environment.base import Office
from konsento.environment.platform import app as platform
from konsento.environment.platform import work
from konsento.environment.platform.cli import APP
from konsento.environment.platform.models import Token
from konsento.environment.platform.sending import Computation
from konsento.environment.platform.settings import PlatformSettings
from konsento.kit.clock import ManualClock
from konsento.kit.migrating import migrate

AT = datetime(2026, 11, 22, 6, 10, tzinfo=UTC)
OUTLET = "K3VQ5B2XJ6M7D4TZ5A2YHNCLPE"
OTHER_OUTLET = "A2YHNCLPEK3VQ5B2XJ6M7D4TZ5"


def item(**more: Any) -> dict[str, Any]:
    """Return a measurement as a site sends it."""
    return {
        "id": str(uuid4()),
        "outlet": OUTLET,
        "region": "JP-13",
        "start": "2026-11-22T01:58:03Z",
        "end": "2026-11-22T04:06:11Z",
        "wh": 6000,
        "power_type": "solar",
        "supplier": "A0269",
        "use": "resold",
        **more,
    }


@dataclass
class PlayedComputation:
    """Plays the computation system: takes what comes as the contract says, and fails as it is told."""

    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    taken: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Measurements and rows of sums that count, by id."""
    lose_answers: int = 0
    """So many answers are lost after the request was taken."""
    status: int = 200
    refuse: dict[str, str] = field(default_factory=dict)
    """Reasons by the id of a measurement."""
    wanted: bool = False
    headers: list[dict[str, str]] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    answer: asyncio.Event = field(default_factory=asyncio.Event)
    """Answers wait for it."""

    async def measurements(self, request: web.Request) -> web.StreamResponse:
        body = await self._read(request)
        refused, repeated = [], 0
        for index, one in enumerate(body["measurements"]):
            if one["id"] in self.refuse:
                refused.append({"index": index, "id": one["id"], "reason": self.refuse[one["id"]], "detail": "no"})
            elif one["id"] in self.taken:
                assert self.taken[one["id"]] == one
                repeated += 1
            else:
                self.taken[one["id"]] = one
        accepted = len(body["measurements"]) - repeated - len(refused)
        return await self._answer(request, {"accepted": accepted, "repeated": repeated, "refused": refused})

    async def sums(self, request: web.Request) -> web.StreamResponse:
        body = await self._read(request)
        known = body["id"] in self.taken
        assert not known or self.taken[body["id"]] == body
        self.taken[body["id"]] = body
        return await self._answer(request, {"repeated": known})

    async def ask(self, _request: web.Request) -> web.StreamResponse:
        return web.json_response({"wanted": self.wanted})

    async def _read(self, request: web.Request) -> dict[str, Any]:
        body: dict[str, Any] = await request.json()
        self.requests.append((request.path, body))
        self.headers.append(dict(request.headers))
        if self.status != 200:
            raise _Failed(self.status)
        return body

    async def _answer(self, request: web.Request, answer: dict[str, Any]) -> web.StreamResponse:
        self.asked.set()
        await self.answer.wait()
        if self.lose_answers:
            self.lose_answers -= 1
            assert request.transport is not None
            request.transport.close()
        return web.json_response(answer)

    @property
    def wh(self) -> int:
        """The energy that counts."""
        return sum(one["wh"] if "wh" in one else sum(row["wh"] for row in one["rows"]) for one in self.taken.values())


class _Failed(web.HTTPException):
    def __init__(self, status: int) -> None:
        self.status_code = status
        super().__init__()


@dataclass
class Platform:
    """The wired platform."""

    office: Office
    settings: PlatformSettings
    clock: ManualClock
    http: httpx.AsyncClient
    computation: PlayedComputation

    async def token(self, name: str = "tama", role: Role = Role.SITE, regions: tuple[str, ...] = ()) -> dict[str, str]:
        """Return the header of a new token."""
        async with self.office.database.transaction() as session:
            token = await access.make(session, Token, name=name, role=role, regions=regions, now=self.clock.now())
        return {"Authorization": f"Bearer {token}"}

    async def deliver(self, headers: dict[str, str], *items: Any) -> dict[str, Any]:
        """Deliver a batch; returns the answer."""
        answer = await self.http.post("/v1/measurements", json={"measurements": list(items)}, headers=headers)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def wh(self, operator: dict[str, str], region: str = "JP", **more: Any) -> int:
        """Return the energy of a region."""
        return int((await self.sums(operator, region, **more))["wh"])

    async def sums(self, operator: dict[str, str], region: str = "JP", by: tuple[str, ...] = ()) -> dict[str, Any]:
        """Return the sums of a region in the month of the tests."""
        query = {"region": region, "from": "2026-11-01T00:00:00Z", "to": "2026-12-01T00:00:00Z", "by": list(by)}
        answer = await self.http.get("/v1/sums", params=query, headers=operator)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def work(self, passing: timedelta = timedelta()) -> None:
        """Let time pass and have all due work done."""
        self.clock.advance(passing)
        await self.office.work.drain()


@pytest.fixture(params=["sqlite", "postgresql"])
async def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An own database of each kind, with all tables."""
    if request.param == "sqlite":
        url = f"sqlite+aiosqlite:///{tmp_path / 'platform.sqlite3'}"
    else:
        socket = request.getfixturevalue("postgres")
        name = f"platform_{uuid4().hex}"
        connection = await asyncpg.connect(host=socket, user="postgres", database="postgres")
        await connection.execute(f"CREATE DATABASE {name}")
        await connection.close()
        url = f"postgresql+asyncpg://postgres:@/{name}?host={socket}"
    await asyncio.to_thread(migrate, url, APP.migrations)
    return url


@pytest.fixture
async def computation() -> AsyncIterator[tuple[PlayedComputation, str]]:
    """The played computation system and its address."""
    played = PlayedComputation()
    played.answer.set()
    app = web.Application()
    app.router.add_post("/v1/measurements", played.measurements)
    app.router.add_post("/v1/sums", played.sums)
    app.router.add_get("/v1/wanted", played.ask)
    async with TestServer(app) as server:
        yield played, str(server.make_url("")).rstrip("/")


@pytest.fixture
async def settings(database_url: str, computation: tuple[PlayedComputation, str]) -> PlatformSettings:
    """Settings that tests change before they open the platform."""
    return PlatformSettings(
        database_url=database_url, computation_url=computation[1], computation_token=SecretStr("ken_of-this-platform")
    )


@pytest.fixture
async def opened(settings: PlatformSettings, computation: tuple[PlayedComputation, str]) -> AsyncIterator[Platform]:
    """The platform, on each kind of database."""
    clock = ManualClock(AT)
    office = platform.wire(settings, clock)
    app = platform.made(office, settings)
    async with (
        aiohttp.ClientSession() as http,
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://platform") as client,
    ):
        work.install(office, settings, Computation(settings=settings, database=office.database, clock=clock, http=http))
        yield Platform(office, settings, clock, client, computation[0])
    await office.database.close()


def golden(name: str) -> Any:
    """Return a golden file of these tests."""
    return json.loads((Path(__file__).parent / "golden" / name).read_text())
