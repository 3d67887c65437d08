"""What is going on now: sites, outlets, sessions, money of today, alarms."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from konsento.backoffice import repository
from konsento.backoffice.render import office_page
from konsento.backoffice.repository import SiteNow
from konsento.backoffice.session_view import SessionRow, session_row
from konsento.backoffice.who import Member
from konsento.backoffice.words import OUTLET_TONES, OUTLETS
from konsento.kit.i18n import Language
from konsento.models import ChargingSession, OutletStatus
from konsento.operations import repository as operations
from konsento.services import Services
from konsento.web.language import language_of
from konsento.web.who import Wired

router = APIRouter()

MOST_RUNNING = 20
MOST_SITES = 30
KEPT = timedelta(seconds=4)
"""So old may be what an open page is shown by itself: less than the time between two of its looks."""


@dataclass(frozen=True, kw_only=True)
class Overview:
    """What the page shows."""

    sites: list[SiteNow]
    """Those in trouble first, and no more than a page takes."""
    sites_in_all: int
    outlets: list[tuple[str, str, int]]
    """Tone, word and number of outlets in each state."""
    sites_connected: int
    power: str
    running: int
    """Sessions that are on, at all sites."""
    sessions: list[SessionRow]
    """The newest of them."""
    energy: str
    """Billed today, where each site is."""
    revenue: str
    alarms: int
    """That nobody has acknowledged."""
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Now:
    """What the database says, before it is put into words."""

    sites: list[SiteNow]
    money: dict[str, int]
    """Minor units by currency."""
    wh: int
    running: list[ChargingSession]
    alarms: int
    at: datetime


class Latest:
    """What was read last: pages that look every few seconds share it, however many of them are open."""

    def __init__(self) -> None:
        self._now: Now | None = None
        self._turn = asyncio.Lock()

    async def now(self, services: Services, *, kept: timedelta = timedelta()) -> Now:
        """Return what is going on, as of now or at most `kept` ago."""
        async with self._turn:
            at = services.clock.now()
            if self._now is None or not self._now.at <= at < self._now.at + kept:
                self._now = await _read(services, at)
            return self._now


@router.get("/")
async def overview_page(request: Request, services: Wired, member: Member) -> Response:
    """Show it; the script of the page asks for the same again every few seconds."""
    now = await _latest(request).now(services)
    return office_page(request, "overview.html", member=member, now=_overview(language_of(request), services, now))


@router.get("/live")
async def live(request: Request, services: Wired, member: Member) -> Response:
    """Answer the inner part of the page as it is now, or was a moment ago."""
    now = await _latest(request).now(services, kept=KEPT)
    return office_page(request, "overview_now.html", member=member, now=_overview(language_of(request), services, now))


def _latest(request: Request) -> Latest:
    latest: Latest = request.app.state.latest
    return latest


async def _read(services: Services, at: datetime) -> Now:
    async with services.database.transaction() as session:
        sites = await repository.sites_now(session)
        money, wh = await _today(session, sites, at)
        return Now(
            sites=sites,
            money=money,
            wh=wh,
            running=await repository.running_sessions(session, MOST_RUNNING),
            alarms=await operations.count_open(session),
            at=at,
        )


def _overview(language: Language, services: Services, now: Now) -> Overview:
    outlets: defaultdict[OutletStatus, int] = defaultdict(int)
    for site in now.sites:
        for status, number in site.outlets.items():
            # What an outlet said before its site went away says nothing.
            outlets[status if site.site.connected else OutletStatus.UNKNOWN] += number
    currencies = now.money or {services.settings.currency: 0}
    # Trouble first, then where most goes on.
    sites = sorted(now.sites, key=lambda one: (one.site.connected, not one.faulted, -one.running, one.site.name))
    return Overview(
        sites=sites[:MOST_SITES],
        sites_in_all=len(sites),
        outlets=[(OUTLET_TONES[s], language.text(name), outlets[s]) for s, name in OUTLETS.items() if outlets[s]],
        sites_connected=sum(site.site.connected for site in sites),
        power=language.power(sum(site.power_w for site in sites)),
        running=sum(site.running for site in sites),
        sessions=[session_row(language, charging, None) for charging in now.running],
        energy=language.energy(now.wh),
        revenue=" + ".join(language.money(minor, currency) for currency, minor in sorted(currencies.items())),
        alarms=now.alarms,
        at=now.at,
    )


async def _today(session: AsyncSession, sites: list[SiteNow], at: datetime) -> tuple[dict[str, int], int]:
    """Return minor units by currency, and Wh, that were billed since midnight at each site."""
    money: defaultdict[str, int] = defaultdict(int)
    wh = 0
    for zone in sorted({now.site.time_zone for now in sites}):
        midnight = at.astimezone(ZoneInfo(zone)).replace(hour=0, minute=0, second=0, microsecond=0)
        for currency, minor, billed in await repository.billed_since(session, zone, midnight.astimezone(UTC)):
            money[currency] += minor
            wh += billed
    return dict(money), wh
