"""The real application with a driver's token in hand."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select

from konsento.accounts import tokens
from konsento.accounts.tokens import Scope
from konsento.models import Driver
from konsento.settings import Settings

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
def settings(template: Path, tmp_path: Path) -> Settings:
    path = tmp_path / "konsento.sqlite3"
    path.write_bytes(template.read_bytes())
    return Settings(
        database_url=f"sqlite+aiosqlite:///{path}",
        public_url=ORIGIN,
        operator_name="Sakura Energy",
        welcome_credit_minor=3000,
    )


@pytest.fixture
async def api(settings: Settings) -> AsyncIterator[Api]:
    async with wired(settings) as bench:
        yield Api(bench)
