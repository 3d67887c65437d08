"""What is going on now: sites, outlets, sessions, money of today, alarms."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID
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
from konsento.models import OutletStatus
from konsento.operations import repository as operations
from konsento.services import Services
from konsento.web.language import language_of
from konsento.web.who import Wired

router = APIRouter()

MOST_RUNNING = 50


@dataclass(frozen=True, kw_only=True)
class Overview:
    """What the page shows."""

    sites: list[SiteNow]
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


@router.get("/")
async def overview_page(request: Request, services: Wired, member: Member) -> Response:
    """Show it; the script of the page asks for the same again every few seconds."""
    now = await _overview(language_of(request), services)
    return office_page(request, "overview.html", member=member, now=now)


@router.get("/live")
async def live(request: Request, services: Wired, member: Member) -> Response:
    """Answer the inner part of the page as it is now."""
    now = await _overview(language_of(request), services)
    return office_page(request, "overview_now.html", member=member, now=now)


async def _overview(language: Language, services: Services) -> Overview:
    at = services.clock.now()
    async with services.database.transaction() as session:
        sites = await repository.sites_now(session)
        money, wh = await _today(session, sites, at)
        running = await repository.running_sessions(session, MOST_RUNNING)
        alarms = await operations.count_open(session)
    outlets: defaultdict[OutletStatus, int] = defaultdict(int)
    for site in sites:
        for status, number in site.outlets.items():
            # What an outlet said before its site went away says nothing.
            outlets[status if site.site.connected else OutletStatus.UNKNOWN] += number
    currencies = money or {services.settings.currency: 0}
    return Overview(
        sites=sites,
        outlets=[(OUTLET_TONES[s], language.text(name), outlets[s]) for s, name in OUTLETS.items() if outlets[s]],
        sites_connected=sum(site.site.connected for site in sites),
        power=language.power(sum(site.power_w for site in sites)),
        running=sum(site.running for site in sites),
        sessions=[session_row(language, charging, None) for charging in running],
        energy=language.energy(wh),
        revenue=" + ".join(language.money(minor, currency) for currency, minor in sorted(currencies.items())),
        alarms=alarms,
        at=at,
    )


async def _today(session: AsyncSession, sites: list[SiteNow], at: datetime) -> tuple[dict[str, int], int]:
    """Return minor units by currency, and Wh, that were billed since midnight at each site."""
    by_zone: defaultdict[str, list[UUID]] = defaultdict(list)
    for now in sites:
        by_zone[now.site.time_zone].append(now.site.id)
    money: defaultdict[str, int] = defaultdict(int)
    wh = 0
    for zone, site_ids in by_zone.items():
        midnight = at.astimezone(ZoneInfo(zone)).replace(hour=0, minute=0, second=0, microsecond=0)
        for currency, minor, billed in await repository.billed_since(session, site_ids, midnight.astimezone(UTC)):
            money[currency] += minor
            wh += billed
    return dict(money), wh
