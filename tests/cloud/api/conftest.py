"""The real application with a driver's token in hand."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
import uvicorn
from sqlalchemy import select

from konsento.accounts import tokens
from konsento.accounts.tokens import Scope
from konsento.api.sessions import EXAMPLE
from konsento.charging import service as charging
from konsento.charging.limits import RequestedLimit
from konsento.charging.wish import Wish
from konsento.kit.ids import new_id
from konsento.kit.serving import PageServer
from konsento.models import Driver, LimitKind, Role
from konsento.settings import Settings
from konsento.staff import service as staff
from konsento.staff import tokens as staff_tokens

from ..databases import Template
from ..web.conftest import CODE, ORIGIN, Bench, quick_passwords, template, wired

__all__ = ["quick_passwords", "template"]

BASE = f"{ORIGIN}/api/v1"
WISH: dict[str, Any] = {"outlet": CODE, "limit": {"kind": "energy", "amount": 10}}
NOBODYS = "01890a5d-ac96-774b-bcce-b302099a8057"


@dataclass
class Api:
    """The application, and programs that use it."""

    bench: Bench

    async def driver(self, email: str = "ann@example.com") -> UUID:
        """Return a driver's id; a new one signs up."""
        async with self.bench.services.database.transaction() as session:
            known = await session.scalar(select(Driver.id).where(Driver.email == email))
        if known is None:
            async with self.bench.driver(email):
                return await self.driver(email)
        return known

    async def token(self, email: str = "ann@example.com", scopes: Iterable[Scope] = tuple(Scope)) -> str:
        """Return a new token of a driver."""
        driver_id = await self.driver(email)
        services = self.bench.services
        async with services.database.transaction() as session:
            now = services.clock.now()
            _, token = await tokens.make(session, driver_id, name="test", scopes=scopes, days=90, now=now)
        return token

    async def staff_token(self, role: Role = Role.ADMIN, name: str = "depot planner") -> str:
        """Return a new token of a new member of the staff."""
        services = self.bench.services
        async with services.database.transaction() as session:
            now = services.clock.now()
            email = f"{new_id()}@staff.example.com"
            member, _ = await staff.add(session, email=email, name="Kei", role=role, now=now)
            _, token = await staff_tokens.make(session, member.id, name=name, days=90, now=now)
        return token

    @asynccontextmanager
    async def program(self, token: str = "", **headers: str) -> AsyncIterator[httpx.AsyncClient]:
        """Open a program's connection: no cookies, no origin."""
        transport = httpx.ASGITransport(self.bench.app, raise_app_exceptions=False)
        sent = {**({"Authorization": f"Bearer {token}"} if token else {}), **headers}
        async with httpx.AsyncClient(transport=transport, base_url=BASE, headers=sent) as client:
            yield client

    @asynccontextmanager
    async def ann(self, **headers: str) -> AsyncIterator[httpx.AsyncClient]:
        """Open a program's connection with a token of the first driver that may do everything."""
        async with self.program(await self.token(), **headers) as client:
            yield client


async def start(program: httpx.AsyncClient, key: str = "start-1", **more: Any) -> dict[str, Any]:
    """Start a session of 10 Wh at the first outlet."""
    answer = await program.post("/sessions", json=WISH | more, headers={"Idempotency-Key": key})
    assert answer.status_code == 201, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


@pytest.fixture
async def settings(template: Template, tmp_path: Path) -> AsyncIterator[Settings]:
    async with template.copied(tmp_path) as url:
        yield Settings(database_url=url, public_url=ORIGIN, operator_name="Sakura Energy", welcome_credit_minor=3000)


@pytest.fixture
async def api(settings: Settings) -> AsyncIterator[Api]:
    async with wired(settings) as bench:
        yield Api(bench)


class Server(threading.Thread):
    """The application in a thread of its own, with a settled session of the driver."""

    def __init__(self, options: Settings) -> None:
        super().__init__(daemon=True)
        self._options = options
        self.ready = threading.Event()
        self.headers: dict[str, dict[str, str]] = {"nobody": {}}
        self.token = ""
        """May do everything."""
        self.base = ""

    def run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        async with wired(self._options) as bench:
            api = Api(bench)
            self.token = await api.token()
            little = await api.token(scopes=(Scope.ACCOUNT_READ,))
            operators = await api.staff_token()
            for name, token in (("everything", self.token), ("little", little), ("staff", operators)):
                self.headers[name] = {"Authorization": f"Bearer {token}"}
            wish = RequestedLimit(kind=LimitKind.ENERGY, amount=10)
            await charging.start(
                bench.services,
                Wish(driver_id=await api.driver(), outlet_code=CODE, requested=wish),
                session_id=UUID(EXAMPLE),
            )
            await bench.site.charges("10")
            self.server = PageServer(uvicorn.Config(bench.app, port=0, log_config=None, lifespan="off"))
            serving = asyncio.create_task(self.server.serve())
            await self.server.listening.wait()
            port = self.server.servers[0].sockets[0].getsockname()[1]
            self.base = f"http://127.0.0.1:{port}/api/v1"
            self.ready.set()
            await serving


@pytest.fixture(scope="module")
def server(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with asyncio.Runner() as runner:
        copied = template.copied(tmp_path_factory.mktemp("schema"))
        options = Settings(
            database_url=runner.run(copied.__aenter__()),
            public_url=ORIGIN,
            welcome_credit_minor=3000,
            api_requests_per_minute=1_000_000,
        )
        server = Server(options)
        server.start()
        assert server.ready.wait(30)
        yield server
        server.server.should_exit = True
        server.join(30)
        runner.run(copied.__aexit__(None, None, None))
