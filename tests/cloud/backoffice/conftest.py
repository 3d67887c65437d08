"""The back office on the application of the drivers' pages: members with a role, signed in in their browsers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

import httpx
import pyotp
import pytest
from sqlalchemy import select

from konsento.models import AuditEntry, Role
from konsento.staff import service as staff

from ..web.conftest import Bench, bench, quick_passwords, settings, template  # noqa: F401  # fixtures

STAFF_PASSWORD = "mauve anchor tiny river"


@dataclass
class Office:
    """The back office, around the drivers' bench."""

    bench: Bench

    async def code(self, secret: str) -> str:
        """Return what an authenticator with this secret shows now."""
        return pyotp.TOTP(secret).at(self.bench.clock.now())

    async def enrolled(self, role: Role, email: str = "") -> tuple[UUID, str]:
        """Make a member whose access is set up; returns the id and a signed-in browser's token."""
        services = self.bench.services
        async with services.database.transaction() as session:
            address = email or f"{role.value}@staff.example.com"
            _, invitation = await staff.add(session, email=address, name="", role=role, now=services.clock.now())
            shown = await staff.enrolment(session, invitation, services.clock.now())
        code = await self.code(shown.totp_secret)
        welcome = await staff.enrol(services.database, services.clock, invitation, password=STAFF_PASSWORD, code=code)
        return welcome.member_id, welcome.token

    @asynccontextmanager
    async def member(self, role: Role, language: str = "en") -> AsyncIterator[httpx.AsyncClient]:
        """Open a browser in which a new member with this role is signed in."""
        _, token = await self.enrolled(role)
        async with self.bench.browser(language) as browser:
            browser.cookies.set("konsento_staff", token, path="/office")
            yield browser

    async def log(self, action: str = "") -> list[AuditEntry]:
        """Return the audit log's entries whose action begins like this, the oldest first."""
        async with self.bench.services.database.transaction() as session:
            query = select(AuditEntry).where(AuditEntry.action.startswith(action)).order_by(AuditEntry.id)
            return list(await session.scalars(query))


@pytest.fixture
def office(bench: Bench) -> Office:  # noqa: F811  # pytest's way of naming a fixture
    return Office(bench)
