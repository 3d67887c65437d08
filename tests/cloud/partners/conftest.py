"""A partner's server, played on this machine, beside the real application."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiohttp import web
from sqlalchemy import select

from konsento.kit import handover
from konsento.models import PartnerKind, PartnerSite, Site
from konsento.partners import service as partners
from konsento.partners import work
from konsento.settings import Settings

from ..databases import Template
from ..web.conftest import ORIGIN, STATION, Bench, quick_passwords, template, wired

__all__ = ["quick_passwords", "template"]

NAME = "K3VQ5B2XJ6M7"
PARTNER_CODE = "WKYXCN"


@dataclass
class PlayedPartner:
    """Another supplier's server; answers as it is told."""

    url: str = ""
    key: str = field(default_factory=handover.new_key)
    id: UUID | None = None
    status: int = 200
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    silent: asyncio.Event | None = None
    """Set: it answers when this is set."""
    asked: list[str] = field(default_factory=list)
    was_asked: asyncio.Event = field(default_factory=asyncio.Event)
    per_kwh: str = "34"

    def told(self) -> dict[str, Any]:
        """Return its usual answer."""
        offer = {
            "name": "wind",
            "supplier": "Kaze Denki",
            "power_type": "wind",
            "currency": "JPY",
            "per_kwh": self.per_kwh,
            "parts": [{"kind": "energy", "price": self.per_kwh}],
            "tax_rate": "0.1",
            "carbon_g_per_kwh": 11,
        }
        outlet = {
            "outlet": f"{NAME}.1",
            "number": 1,
            "page": f"{self.url}/o/{PARTNER_CODE}",
            "state": "free",
            "state_as_of": None,
            "offers": [offer],
        }
        return {"operator": "Kaze Denki", "as_of": "2026-11-22T01:58:00Z", "outlets": [outlet]}

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path)
        self.was_asked.set()
        if self.silent is not None:
            await self.silent.wait()
        if self.body is not None:
            return web.Response(
                status=self.status, body=self.body, headers={"Content-Type": "application/json", **self.headers}
            )
        return web.json_response(self.told(), status=self.status, headers=self.headers)


@pytest.fixture
async def partner() -> AsyncIterator[PlayedPartner]:
    played = PlayedPartner()
    app = web.Application()
    app.router.add_route("*", "/{any:.*}", played.answer)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    played.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield played
    if played.silent is not None:
        played.silent.set()
    await runner.cleanup()


@pytest.fixture
async def settings(template: Template, tmp_path: Path) -> AsyncIterator[Settings]:
    async with template.copied(tmp_path) as url:
        yield Settings(
            database_url=url,
            public_url=ORIGIN,
            operator_name="Sakura Energy",
            welcome_credit_minor=3000,
            partners_to_loopback=True,
        )


@pytest.fixture
async def bench(settings: Settings, partner: PlayedPartner) -> AsyncIterator[Bench]:
    """The application, whose operator has registered the partner at the site."""
    async with wired(settings) as bench:
        services = bench.services
        async with services.database.transaction() as session:
            site = (await session.scalars(select(Site).where(Site.station_id == STATION))).one()
            await partners.set_common_name(session, site, NAME)
            found = await partners.add(
                session,
                services.settings,
                services.clock.now(),
                kind=PartnerKind.SUPPLIER,
                name="Kaze Denki",
                base_url=partner.url,
                key=partner.key,
            )
            await partners.serve(session, found, [site.id])
            partner.id = found.id
        yield bench


async def refreshed(bench: Bench) -> PartnerSite:
    """Have the partner asked now; returns what is known then."""
    services = bench.services
    async with services.database.transaction() as session:
        (link,) = await session.scalars(select(PartnerSite))
    await work.refresh(services, link.partner_id, link.site_id)
    async with services.database.transaction() as session:
        return (await session.scalars(select(PartnerSite))).one()
