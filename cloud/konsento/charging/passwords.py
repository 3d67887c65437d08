"""Another password for a station, set over its own line (2.1 part 2, A01), by hand or on a schedule.

Nothing is lost whenever the process dies: the new password's hash is stored before the password is sent, and what was
valid stays so until the station has come with the new one, or has answered that it does not take it.
"""

import logging
from datetime import timedelta
from enum import Enum, auto
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit.ids import new_token
from konsento.kit.work import Again, Job
from konsento.models import SecurityProfile, Site, Work, WorkState
from konsento.ocpp import CallError, CallRefused, CallTimeout
from konsento.ocpp import messages as ocpp
from konsento.operations import audit
from konsento.services import Services
from konsento.sites import proofs
from konsento.sites.errors import PasswordsUnderWay, UnknownSite
from konsento.sites.repository import site_by_station
from konsento.sites.setup import PASSWORD_LENGTH

log = logging.getLogger(__name__)

MOST_UNDER_WAY: Final = 3
"""Passwords that were sent without an answer, any of which the station may have."""
LOOK_EVERY_S: Final = 3600.0
AT_ONCE: Final = 20
"""Stations that get a password at one look: not a whole deployment at once, should something be wrong with it."""
TRY_AGAIN_S: Final = 86_400.0
"""After which a station that did not take one is asked again."""
_TAKEN: Final = {ocpp.SetVariableStatus.ACCEPTED, ocpp.SetVariableStatus.REBOOT_REQUIRED}
_UNCLEAR: Final = {"InternalError", "GenericError"}


class Outcome(Enum):
    """What became of a password that was sent."""

    TAKEN = auto()
    REFUSED = auto()
    """The station has the one of before."""
    UNCLEAR = auto()
    """Nobody knows; both let it in."""


async def change(services: Services, station_id: str, member_id: UUID | None = None) -> tuple[Outcome, str]:
    """Have a station take a new password; returns what became of it, and the password.

    `member_id` is None where nobody asked for it but the schedule. Raises `UnknownSite`, `PasswordsUnderWay`.
    """
    password = new_token(PASSWORD_LENGTH)
    stored = proofs.stored_random(password)
    async with services.database.transaction() as session:
        site = await _site(session, station_id)
        if len(site.next_password_hashes) >= MOST_UNDER_WAY:
            raise PasswordsUnderWay
        before, site.password_changed_at = site.password_changed_at, services.clock.now()
        site.next_password_hashes = [*site.next_password_hashes, stored]
        await _note(session, services, station_id, member_id, set_at_site=True)
    # Only now: a station that has taken it may come back with it at once.
    outcome = await _send(services, station_id, password)
    if outcome is not Outcome.TAKEN:
        async with services.database.transaction() as session:
            site = await _site(session, station_id)
            if outcome is Outcome.REFUSED:
                site.next_password_hashes = [one for one in site.next_password_hashes if one != stored]
                site.password_changed_at = before
            await _note(session, services, station_id, member_id, answer=outcome.name.lower())
    return outcome, password


async def replace(services: Services, station_id: str, member_id: UUID) -> str:
    """Make a new password, the only one from now on, without asking the station; returns it. Raises `UnknownSite`."""
    password = new_token(PASSWORD_LENGTH)
    async with services.database.transaction() as session:
        site = await _site(session, station_id)
        site.password_hash, site.next_password_hashes = proofs.stored_random(password), []
        site.password_changed_at = services.clock.now()
        await _note(session, services, station_id, member_id, set_at_site=False)
    return password


def install(services: Services) -> None:
    """Register the due work; `begin` has it called."""

    @services.work.on("passwords")
    async def look(_job: Job) -> Again:
        await ask_for_old_ones(services)
        return Again(LOOK_EVERY_S)

    @services.work.on("password")
    async def one(job: Job) -> Again | None:
        try:
            outcome, _ = await change(services, job.key)
        except UnknownSite:
            return None
        except PasswordsUnderWay:
            log.warning("station %s has answered none of %d new passwords", job.key, MOST_UNDER_WAY)
            return None
        if outcome is Outcome.REFUSED:
            log.warning("station %s does not take a new password", job.key)
        return None


async def begin(services: Services) -> None:
    """Have passwords renewed on the schedule from now on, where there is one."""
    if services.settings.ocpp_password_days:
        async with services.database.transaction() as session:
            await services.work.add(session, "passwords", "all", after_s=LOOK_EVERY_S)


async def ask_for_old_ones(services: Services) -> int:
    """Have stations whose passwords are old get new ones; returns how many."""
    days = services.settings.ocpp_password_days
    if not days:
        return 0
    now = services.clock.now()
    query = (
        select(Site.station_id)
        .where(
            Site.connected,
            Site.security_profile.in_([SecurityProfile.BASIC, SecurityProfile.TLS_BASIC]),
            Site.password_changed_at.is_(None) | (Site.password_changed_at < now - timedelta(days=days)),
        )
        .order_by(Site.password_changed_at.is_not(None), Site.password_changed_at)
    )
    asked = 0
    async with services.database.transaction() as session:
        for station_id in await session.scalars(query):
            work = await session.get(Work, ("password", station_id))
            if work is not None and (work.state is WorkState.DUE or now - work.due_at < timedelta(seconds=TRY_AGAIN_S)):
                continue
            await services.work.add(session, "password", station_id)
            asked += 1
            if asked >= AT_ONCE:
                break
    return asked


async def _send(services: Services, station_id: str, password: str) -> Outcome:
    data = ocpp.SetVariableData(
        component=ocpp.Component(name="SecurityCtrlr"),
        variable=ocpp.Variable(name="BasicAuthPassword"),
        attribute_value=password,
    )
    try:
        answer = await services.router.call(station_id, ocpp.SetVariables(set_variable_data=[data]))
    except CallTimeout:
        return Outcome.UNCLEAR
    except CallRefused as error:
        return Outcome.UNCLEAR if error.code in _UNCLEAR else Outcome.REFUSED
    except CallError:
        return Outcome.REFUSED
    return Outcome.TAKEN if answer.set_variable_result[0].attribute_status in _TAKEN else Outcome.REFUSED


async def _site(session: AsyncSession, station_id: str) -> Site:
    site = await site_by_station(session, station_id, for_update=True)
    if site is None:
        raise UnknownSite
    return site


async def _note(
    session: AsyncSession, services: Services, station_id: str, member_id: UUID | None, **details: Any
) -> None:
    if member_id is None:
        details["scheduled"] = True
    await audit.note(
        session, services.clock.now(), member_id, action="site.password", subject=station_id, details=details
    )
