"""The computation system on a real database of each kind."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from konsento.environment import access
from konsento.environment.access import Role
from konsento.environment.base import Office
from konsento.environment.computation import app as computation
from konsento.environment.computation import work
from konsento.environment.computation.cli import APP
from konsento.environment.computation.models import Token
from konsento.environment.computation.settings import ComputationSettings, Span
from konsento.kit.clock import ManualClock
from konsento.kit.migrating import migrate

AT = datetime(2026, 3, 20, 6, 10, tzinfo=UTC)
"""Within the time for which the shipped factors of Japan are made."""


@dataclass
class System:
    """The wired computation system."""

    office: Office
    settings: ComputationSettings
    clock: ManualClock
    app: FastAPI
    http: httpx.AsyncClient

    async def token(self, role: Role, *regions: str) -> dict[str, str]:
        """Return the header of a new token."""
        async with self.office.database.transaction() as session:
            token = await access.make(
                session, Token, name=uuid4().hex, role=role, regions=regions, now=self.clock.now()
            )
        return {"Authorization": f"Bearer {token}"}

    async def deliver(self, headers: dict[str, str], items: list[dict[str, Any]]) -> dict[str, Any]:
        """Deliver a batch; returns the answer."""
        answer = await self.http.post("/v1/measurements", json={"measurements": items}, headers=headers)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def compute(self, operator: dict[str, str]) -> None:
        """Have everything computed."""
        answer = await self.http.post("/v1/runs", headers=operator)
        assert answer.status_code == 202, answer.text
        await self.office.work.drain()

    async def get(self, path: str, headers: dict[str, str], **query: Any) -> Any:
        """Return what an operation answers."""
        answer = await self.http.get(path, headers=headers, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def send_file(self, path: str, headers: dict[str, str], raw: bytes, **query: Any) -> Any:
        """Import a file and have everything computed; returns the answer."""
        answer = await self.http.post(path, headers=headers, params=query, content=raw)
        assert answer.status_code == 200, answer.text
        await self.office.work.drain()
        return answer.json()

    async def work(self, passing: timedelta = timedelta()) -> None:
        """Let time pass and have all due work done."""
        self.clock.advance(passing)
        await self.office.work.drain()


@pytest.fixture(params=["sqlite", "postgresql"])
async def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An own database of each kind, with all tables."""
    if request.param == "sqlite":
        url = f"sqlite+aiosqlite:///{tmp_path / 'computation.sqlite3'}"
    else:
        socket = request.getfixturevalue("postgres")
        name = f"computation_{uuid4().hex}"
        connection = await asyncpg.connect(host=socket, user="postgres", database="postgres")
        await connection.execute(f"CREATE DATABASE {name}")
        await connection.close()
        url = f"postgresql+asyncpg://postgres:@/{name}?host={socket}"
    await asyncio.to_thread(migrate, url, APP.migrations)
    return url


@pytest.fixture
async def settings(database_url: str) -> ComputationSettings:
    """Settings that tests change before they open the system."""
    return ComputationSettings(database_url=database_url, period=Span.DAY, publish_unfinished=True)


@pytest.fixture
async def system(settings: ComputationSettings) -> AsyncIterator[System]:
    """The computation system, with the shipped factors."""
    clock = ManualClock(AT)
    office = computation.wire(settings, clock)
    work.install(office, settings)
    app = computation.made(office, settings)
    await work.begin(office, settings)
    await office.work.drain()
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://computation") as http:
        yield System(office, settings, clock, app, http)
    await office.database.close()
