"""What the back office reads across the domains; it changes nothing here."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from konsento.models import (
    ACTIVE,
    WITH_OFFERS,
    WITH_OUTLET,
    AccountKind,
    AuditEntry,
    ChargingSession,
    Driver,
    LedgerAccount,
    OcppFrame,
    Outlet,
    OutletOffer,
    OutletStatus,
    Payment,
    Receipt,
    SignIn,
    Site,
    StaffMember,
    StationLink,
    Transfer,
)

LONGEST_CALL: Final = timedelta(minutes=2)
"""Between a call and its answer."""


@dataclass(frozen=True, kw_only=True)
class SiteNow:
    """A site and what goes on there."""

    site: Site
    outlets: dict[OutletStatus, int]
    running: int
    """Sessions that are on."""
    power_w: int
    """As last told."""

    @property
    def faulted(self) -> int:
        """How many outlets report a fault."""
        return self.outlets.get(OutletStatus.FAULTED, 0)

    @property
    def total(self) -> int:
        """How many outlets it has."""
        return sum(self.outlets.values())


async def sites_now(session: AsyncSession) -> list[SiteNow]:
    """Return all sites with what goes on there, by name."""
    outlets: dict[UUID, dict[OutletStatus, int]] = {}
    query = select(Outlet.site_id, Outlet.status, func.count()).group_by(Outlet.site_id, Outlet.status)
    for site_id, status, number in await session.execute(query):
        outlets.setdefault(site_id, {})[status] = number
    on = (
        select(ChargingSession.site_id, func.count(), func.coalesce(func.sum(ChargingSession.power_w), 0))
        .where(ChargingSession.state.in_(ACTIVE))
        .group_by(ChargingSession.site_id)
    )
    running = {site_id: (number, int(watts or 0)) for site_id, number, watts in await session.execute(on)}
    return [
        SiteNow(
            site=site,
            outlets=outlets.get(site.id, {}),
            running=running.get(site.id, (0, 0))[0],
            power_w=running.get(site.id, (0, 0))[1],
        )
        for site in await session.scalars(select(Site).order_by(Site.name))
    ]


async def unsold_outlets(session: AsyncSession) -> dict[UUID, int]:
    """Return by site how many outlets nobody has priced yet."""
    query = select(Outlet.site_id, func.count()).where(~Outlet.offers.any()).group_by(Outlet.site_id)
    return {row[0]: row[1] for row in await session.execute(query)}


@dataclass(frozen=True, kw_only=True)
class TariffUse:
    """How many outlets of a site are sold at a tariff."""

    tariff_name: str
    station_id: str
    site_name: str
    outlets: int


async def tariff_uses(session: AsyncSession) -> list[TariffUse]:
    """Return where each tariff is used, by the sites' names."""
    query = (
        select(OutletOffer.tariff_name, Site.station_id, Site.name, func.count())
        .join(Outlet, Outlet.id == OutletOffer.outlet_id)
        .join(Site, Site.id == Outlet.site_id)
        .group_by(OutletOffer.tariff_name, Site.station_id, Site.name)
        .order_by(Site.name, Site.station_id)
    )
    return [
        TariffUse(tariff_name=str(row[0]), station_id=row[1], site_name=row[2], outlets=row[3])
        for row in await session.execute(query)
    ]


async def billed_since(session: AsyncSession, time_zone: str, since: datetime) -> list[tuple[str, int, int]]:
    """Return currency, minor units and Wh of what was billed at the sites of a time zone since then."""
    query = (
        select(Receipt.currency, func.sum(Receipt.amount_minor), func.sum(Receipt.billed_wh))
        .join(ChargingSession, ChargingSession.id == Receipt.session_id)
        .join(Site, Site.id == ChargingSession.site_id)
        .where(Receipt.issued_at >= since, Site.time_zone == time_zone)
        .group_by(Receipt.currency)
    )
    return [(row[0], int(row[1]), int(row[2])) for row in await session.execute(query)]


async def running_sessions(session: AsyncSession, most: int) -> list[ChargingSession]:
    """Return sessions that are on, the newest first, with outlet and site."""
    query = (
        select(ChargingSession)
        .where(ChargingSession.state.in_(ACTIVE))
        .options(WITH_OUTLET)
        .order_by(ChargingSession.created_at.desc())
        .limit(most)
    )
    return list(await session.scalars(query))


async def session_with_all(session: AsyncSession, session_id: UUID) -> ChargingSession | None:
    """Return a session with outlet and site."""
    return await session.scalar(select(ChargingSession).where(ChargingSession.id == session_id).options(WITH_OUTLET))


async def payment_of(session: AsyncSession, session_id: UUID) -> Payment | None:
    """Return a session's payment."""
    return await session.scalar(select(Payment).where(Payment.session_id == session_id))


async def transfers_of(session: AsyncSession, session_id: UUID) -> list[tuple[Transfer, AccountKind, AccountKind]]:
    """Return a session's transfers with the kinds of their accounts, in order."""
    debit, credit = LedgerAccount.__table__.alias("debit"), LedgerAccount.__table__.alias("credit")
    query = (
        select(Transfer, debit.c.kind, credit.c.kind)
        .join(debit, debit.c.id == Transfer.debit_id)
        .join(credit, credit.c.id == Transfer.credit_id)
        .where(Transfer.session_id == session_id)
        .order_by(Transfer.created_at, Transfer.id)
    )
    return [(row[0], row[1], row[2]) for row in await session.execute(query)]


async def exchange_of(session: AsyncSession, frame: OcppFrame) -> list[OcppFrame]:
    """Return a frame with the other half of its call and answer, in order."""
    if not frame.message_id:
        return [frame]
    query = (
        select(OcppFrame)
        .where(
            OcppFrame.station_id == frame.station_id,
            OcppFrame.at.between(frame.at - LONGEST_CALL, frame.at + LONGEST_CALL),
            OcppFrame.message_id == frame.message_id,
        )
        .order_by(OcppFrame.at, OcppFrame.id)
        .limit(10)
    )
    return list(await session.scalars(query))


async def link_of(session: AsyncSession, station_id: str) -> StationLink | None:
    """Return what is measured on a station's line; None where it was never connected."""
    return await session.get(StationLink, station_id)


async def frames_at(session: AsyncSession, station_id: str, most: int) -> list[OcppFrame]:
    """Return a station's newest frames, the newest first."""
    query = (
        select(OcppFrame)
        .where(OcppFrame.station_id == station_id)
        .order_by(OcppFrame.at.desc(), OcppFrame.id.desc())
        .limit(most)
    )
    return list(await session.scalars(query))


async def entries_about(session: AsyncSession, subject: str, most: int) -> list[tuple[AuditEntry, str | None]]:
    """Return what the staff did about a subject and who did it, the newest first."""
    who = func.coalesce(func.nullif(StaffMember.name, ""), StaffMember.email)
    query = (
        select(AuditEntry, who)
        .outerjoin(StaffMember, StaffMember.id == AuditEntry.member_id)
        .where(AuditEntry.subject == subject)
        .order_by(AuditEntry.at.desc(), AuditEntry.id.desc())
        .limit(most)
    )
    return [(row[0], row[1]) for row in await session.execute(query)]


async def time_zones(session: AsyncSession) -> dict[UUID, str]:
    """Return the time zone of every site."""
    return {row.id: row.time_zone for row in await session.execute(select(Site.id, Site.time_zone))}


async def all_sites(session: AsyncSession) -> list[Site]:
    """Return all sites by name."""
    return list(await session.scalars(select(Site).order_by(Site.name)))


async def outlets_at(session: AsyncSession, site_id: UUID) -> list[Outlet]:
    """Return the outlets of a site by number, the site loaded."""
    query = (
        select(Outlet)
        .where(Outlet.site_id == site_id)
        .options(joinedload(Outlet.site), WITH_OFFERS)
        .order_by(Outlet.evse_id)
    )
    return list(await session.scalars(query))


async def find_drivers(session: AsyncSession, text: str, most: int) -> list[Driver]:
    """Return drivers by mail address or name (parts of them) or id."""
    part = text.casefold()
    ways: list[ColumnElement[bool]] = [
        Driver.email.contains(part, autoescape=True),
        func.lower(Driver.name).contains(part, autoescape=True),
    ]
    with suppress(ValueError):
        ways.append(Driver.id == UUID(text))
    return list(await session.scalars(select(Driver).where(or_(*ways)).order_by(Driver.email).limit(most)))


async def drivers_by_email(session: AsyncSession, part: str, most: int) -> list[Driver]:
    """Return drivers, guests among them, whose mail address has this in it; a whole address finds only its own."""
    whole = select(Driver).where(Driver.email == part).order_by(Driver.created_at.desc()).limit(most)
    if found := list(await session.scalars(whole)):
        return found
    query = select(Driver).where(Driver.email.contains(part, autoescape=True)).order_by(Driver.email).limit(most)
    return list(await session.scalars(query))


async def sign_ins_of(session: AsyncSession, driver_id: UUID, now: datetime) -> list[SignIn]:
    """Return the browsers in which a driver is signed in, the last used first."""
    query = (
        select(SignIn)
        .where(SignIn.driver_id == driver_id, SignIn.expires_at > now)
        .order_by(SignIn.last_used_at.desc())
    )
    return list(await session.scalars(query))
