"""What the back office reads across the domains; it changes nothing here."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from konsento.models import (
    ACTIVE,
    WITH_OUTLET,
    AccountKind,
    AuditEntry,
    ChargingSession,
    Driver,
    LedgerAccount,
    MeterEvent,
    OcppFrame,
    Outlet,
    OutletStatus,
    Payment,
    Receipt,
    SessionState,
    SignIn,
    Site,
    StaffMember,
    Transfer,
)


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


async def billed_since(session: AsyncSession, site_ids: Sequence[UUID], since: datetime) -> list[tuple[str, int, int]]:
    """Return currency, minor units and Wh of what was billed at these sites since then."""
    query = (
        select(Receipt.currency, func.sum(Receipt.amount_minor), func.sum(Receipt.billed_wh))
        .join(ChargingSession, ChargingSession.id == Receipt.session_id)
        .where(ChargingSession.site_id.in_(site_ids), Receipt.issued_at >= since)
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


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which sessions are looked for; what is empty does not narrow the search."""

    text: str = ""
    """An id, a transaction id, a request number, or an outlet's code."""
    site_id: UUID | None = None
    state: SessionState | None = None
    since: datetime | None = None
    until: datetime | None = None
    driver_id: UUID | None = None
    sort: str = "created"
    down: bool = True


SORTS: dict[str, ColumnElement[object]] = {
    "created": ChargingSession.created_at,  # type: ignore[dict-item]  # a mapped column is such an element
    "energy": ChargingSession.delivered_mwh,  # type: ignore[dict-item]
    "seconds": ChargingSession.seconds,  # type: ignore[dict-item]
    "state": ChargingSession.state,  # type: ignore[dict-item]
}


async def find_sessions(
    session: AsyncSession, wanted: Wanted, *, offset: int, most: int
) -> list[tuple[ChargingSession, Receipt | None]]:
    """Return sessions with outlet, site and receipt."""
    order = SORTS.get(wanted.sort, SORTS["created"])
    query = (
        select(ChargingSession, Receipt)
        .outerjoin(Receipt, Receipt.session_id == ChargingSession.id)
        .where(*_conditions(wanted))
        .options(WITH_OUTLET)
        .order_by(order.desc() if wanted.down else order.asc(), ChargingSession.id.desc())
        .offset(offset)
        .limit(most)
    )
    return [(row[0], row[1]) for row in await session.execute(query)]


async def count_sessions(session: AsyncSession, wanted: Wanted) -> int:
    """Count the sessions that `find_sessions` finds."""
    query = select(func.count()).select_from(ChargingSession).where(*_conditions(wanted))
    return await session.scalar(query) or 0


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.text:
        conditions.append(_named(wanted.text))
    if wanted.site_id is not None:
        conditions.append(ChargingSession.site_id == wanted.site_id)
    if wanted.state is not None:
        conditions.append(ChargingSession.state == wanted.state)
    if wanted.since is not None:
        conditions.append(ChargingSession.created_at >= wanted.since)
    if wanted.until is not None:
        conditions.append(ChargingSession.created_at < wanted.until)
    if wanted.driver_id is not None:
        conditions.append(ChargingSession.driver_id == wanted.driver_id)
    return conditions


def _named(text: str) -> ColumnElement[bool]:
    code = "".join(c for c in text.upper() if c.isalnum())
    ways: list[ColumnElement[bool]] = [
        ChargingSession.transaction_id == text,
        ChargingSession.outlet_id.in_(select(Outlet.id).where(Outlet.code == code)),
    ]
    if text.isdecimal() and len(text) <= 10:
        ways.append(ChargingSession.remote_start_id == int(text))
    with suppress(ValueError):
        ways.append(ChargingSession.id == UUID(text))
    return or_(*ways)


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


async def meter_events(session: AsyncSession, session_id: UUID, most: int) -> list[MeterEvent]:
    """Return a session's meter events, up to `most` of them, in order."""
    query = select(MeterEvent).where(MeterEvent.session_id == session_id).order_by(MeterEvent.seq_no).limit(most)
    return list(await session.scalars(query))


async def frames_of(session: AsyncSession, charging: ChargingSession, station_id: str, most: int) -> list[OcppFrame]:
    """Return the frames that are about a session, in order: by its transaction, and by the request to start it."""
    about: ColumnElement[bool] = OcppFrame.remote_start_id == charging.remote_start_id
    if charging.transaction_id is not None:
        about = or_(about, OcppFrame.transaction_id == charging.transaction_id)
    query = (
        select(OcppFrame)
        .where(OcppFrame.station_id == station_id, about)
        .order_by(OcppFrame.at, OcppFrame.id)
        .limit(most)
    )
    return list(await session.scalars(query))


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


async def all_sites(session: AsyncSession) -> list[Site]:
    """Return all sites by name."""
    return list(await session.scalars(select(Site).order_by(Site.name)))


async def outlets_at(session: AsyncSession, site_id: UUID) -> list[Outlet]:
    """Return the outlets of a site by number, the site loaded."""
    query = select(Outlet).where(Outlet.site_id == site_id).options(joinedload(Outlet.site)).order_by(Outlet.evse_id)
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


async def sign_ins_of(session: AsyncSession, driver_id: UUID, now: datetime) -> list[SignIn]:
    """Return the browsers in which a driver is signed in, the last used first."""
    query = (
        select(SignIn)
        .where(SignIn.driver_id == driver_id, SignIn.expires_at > now)
        .order_by(SignIn.last_used_at.desc())
    )
    return list(await session.scalars(query))
