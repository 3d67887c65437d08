"""Whether a driver stands before the outlet that they name. A copied sticker leads to another one.

A check keeps its outlet for one driver, so there is no question whose a press was: a second driver is told that
somebody is starting there, and has their turn when the first one has started, given up, or let the time run out. What
was shown is good for one start at this outlet. The site learns that somebody asks, never who.
"""

import logging
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.charging import presence_repository as repository
from konsento.charging.errors import (
    PresenceNeeded,
    PresenceOver,
    PresenceTaken,
    TooManyPresenceChecks,
    UnknownPresenceCheck,
)
from konsento.charging.repository import active_at
from konsento.kit.errors import KonsentoError
from konsento.kit.ids import new_id
from konsento.kit.work import Again, Job
from konsento.models import PENDING, AlarmKind, Outlet, Presence, PresenceCheck, PresenceMethod, PresenceState
from konsento.ocpp import CallError, CallRefused
from konsento.ocpp.messages import VENDOR_ID, DataTransfer, DataTransferResponse, DataTransferStatus, StatusInfo
from konsento.operations import alarms
from konsento.services import Services
from konsento.sites import service as sites
from konsento.sites.errors import OutletBusy, OutletOffline

log = logging.getLogger(__name__)

PATIENCE: Final = timedelta(minutes=2)
"""How long a check waits for the driver, and how long what was shown is good for a start."""
BLINKS_S: Final = 30
"""How long the lamp blinks. The same check has it blink again no sooner."""
ANSWER_S: Final = 10.0
"""How long the driver is let wait for the lamp; an outlet that takes longer cannot be reached now."""
MOST_CHECKS: Final = 10
"""Checks of one driver in `KEPT`, so that nobody makes lamps blink, or keeps outlets from others, all day."""
KEPT: Final = timedelta(hours=1)
AHEAD: Final = timedelta(seconds=60)
"""A press that lies further in the future comes from a clock that tells nothing."""
SLACK: Final = timedelta(seconds=3)
"""A press may be so much older than the check: how well a site knows the server's clock."""
FORGET: Final = "presence-old"
PRESSED: Final = "ButtonPressed"
IDENTIFY: Final = "Identify"
OUTLET_OFFLINE: Final = "OutletOffline"
"""Reason code of a site that cannot reach the outlet now (contracts, 2)."""


def install(services: Services) -> None:
    """Register the handler that forgets old checks."""

    @services.work.on(FORGET)
    async def forget(_job: Job) -> Again | None:
        async with services.database.transaction() as session:
            left = await repository.forget(session, services.clock.now() - KEPT)
        return Again(KEPT.total_seconds()) if left else None


def needed(outlet: Outlet) -> bool:
    """Tell whether a start at this outlet, whose site is loaded, needs a check."""
    return outlet.site.presence is not PresenceCheck.NONE


async def obstacle(session: AsyncSession, outlet: Outlet, at: datetime) -> KonsentoError | None:
    """Return why nobody needs to show anything at an outlet, whose site is loaded, now: nothing can be started."""
    active = await active_at(session, outlet.id)
    return OutletBusy() if active is not None else sites.obstacle(outlet, at)


async def ask(services: Services, driver_id: UUID, outlet_code: str) -> Presence:
    """Begin a check, or return the one that the driver has here; has the lamp blink. Opens its own transactions.

    Where outlet or site can be asked neither way the method is `label`, and the operator is told. Raises the reasons of
    `sites.errors`, `PresenceTaken`, `TooManyPresenceChecks`.
    """
    try:
        # Where another replica's check comes between the look and the insert, the next look finds it.
        check, outlet, is_new = await services.database.attempt(
            lambda session: _begin(session, services, driver_id, outlet_code)
        )
    except IntegrityError:
        raise PresenceTaken from None
    return check if not is_new else await _blink(services, outlet, check)


async def _begin(
    session: AsyncSession, services: Services, driver_id: UUID, outlet_code: str
) -> tuple[Presence, Outlet, bool]:
    now = services.clock.now()
    outlet = await sites.outlet_by_code(session, outlet_code)
    in_the_way = await obstacle(session, outlet, now)
    if in_the_way is not None:
        raise in_the_way
    await repository.end_overdue(session, outlet.id, now)
    pending = await repository.pending_at(session, outlet.id)
    if pending is not None:
        if pending.driver_id != driver_id:
            raise PresenceTaken
        if not _can_blink_again(pending, now):
            return pending, outlet, False
    if await repository.asked_since(session, driver_id, now - KEPT) >= MOST_CHECKS:
        raise TooManyPresenceChecks
    # One at a time: nobody keeps several outlets from others.
    await repository.end_of_driver(session, driver_id)
    check = Presence(
        id=new_id(),
        outlet_id=outlet.id,
        driver_id=driver_id,
        method=PresenceMethod.BUTTON if outlet.site.presence is PresenceCheck.BUTTON else PresenceMethod.LAMP,
        state=PresenceState.WAITING,
        asked_at=now,
        expires_at=now + PATIENCE,
    )
    session.add(check)
    await session.flush()
    await services.work.add(session, FORGET, "all", after_s=KEPT.total_seconds())
    return check, outlet, True


def _can_blink_again(check: Presence, now: datetime) -> bool:
    return (
        check.state is PresenceState.WAITING
        and check.method is PresenceMethod.LAMP
        and now >= check.asked_at + timedelta(seconds=BLINKS_S)
    )


async def _blink(services: Services, outlet: Outlet, check: Presence) -> Presence:
    """Have the lamp blink: to be seen, or to show which button is meant. Raises `OutletOffline`, and the check is over.

    What cannot blink is no outlet of ours, or one without our firmware, which tells no presses either.
    """
    seconds = {"evseId": outlet.evse_id, "seconds": BLINKS_S}
    request = DataTransfer(vendor_id=VENDOR_ID, message_id=IDENTIFY, data=seconds)
    offline = cannot = False
    try:
        answer = await services.router.call(outlet.site.station_id, request, timeout_s=ANSWER_S)
    except CallRefused as error:
        cannot = True
        log.warning("outlet %s cannot blink: %s", outlet.code, error)
    except CallError as error:
        offline = True
        log.info("outlet %s: %s", outlet.code, error)
    else:
        reason = answer.status_info.reason_code if answer.status_info is not None else ""
        offline = reason == OUTLET_OFFLINE
        cannot = answer.status is not DataTransferStatus.ACCEPTED and not offline
        if cannot:
            log.warning("outlet %s cannot blink: %s %s", outlet.code, answer.status.value, reason)
    if not offline and not cannot:
        return check
    async with services.database.transaction() as session:
        found = await repository.own(session, check.driver_id, check.id)
        if found is not None and found.state is PresenceState.WAITING:
            check = found
            if offline:
                check.state = PresenceState.OVER
            else:
                check.method = PresenceMethod.LABEL
                where = {"outlet": outlet.name, "site": outlet.site.name}
                await alarms.report(session, services.clock.now(), AlarmKind.PRESENCE_UNCHECKED, outlet.code, where)
    if offline:
        raise OutletOffline
    return check


async def look(session: AsyncSession, services: Services, driver_id: UUID, check_id: UUID) -> Presence:
    """Return an own check as it stands now. Raises `UnknownPresenceCheck`."""
    check = await repository.own(session, driver_id, check_id)
    if check is None:
        raise UnknownPresenceCheck
    _run_out(check, services.clock.now())
    return check


async def latest(session: AsyncSession, services: Services, driver_id: UUID, outlet_id: UUID) -> Presence | None:
    """Return the driver's newest check at an outlet as it stands now."""
    check = await repository.latest(session, driver_id, outlet_id)
    if check is not None:
        _run_out(check, services.clock.now())
    return check


async def kept_by_another(session: AsyncSession, services: Services, driver_id: UUID, outlet_id: UUID) -> bool:
    """Tell whether another driver's check keeps the outlet."""
    check = await repository.pending_at(session, outlet_id)
    return check is not None and check.driver_id != driver_id and check.expires_at > services.clock.now()


async def answer(
    session: AsyncSession, services: Services, driver_id: UUID, check_id: UUID, *, is_here: bool
) -> Presence:
    """Note what the driver says about lamp or label; with the button, only that it is another outlet.

    Who says no is believed: the operator is told that a label may be a copy. Raises `UnknownPresenceCheck`,
    `PresenceOver`.
    """
    check = await look(session, services, driver_id, check_id)
    if check.state is not PresenceState.WAITING:
        if check.state is PresenceState.SHOWN and is_here:
            return check
        raise PresenceOver
    if not is_here:
        check.state = PresenceState.DENIED
        outlet = await sites.outlet_by_id(session, check.outlet_id)
        where = {"outlet": outlet.name, "site": outlet.site.name}
        await alarms.report(session, services.clock.now(), AlarmKind.LABEL_DOUBTFUL, outlet.code, where)
        log.warning("outlet %s: a driver who came by its label stands before another one", outlet.code)
    elif check.method is not PresenceMethod.BUTTON:
        _shown(check, services.clock.now())
    return check


async def note_press(services: Services, station_id: str, data: Any) -> DataTransferResponse:
    """Take a press of an outlet's button: it shows that the driver whose check waits there is there.

    A press counts by its own time, so one from before the check, told late or twice, counts for nothing.
    """
    evse_id, at = _press_of(data)
    if evse_id is None or at is None:
        return _rejected("BadPress")
    now = services.clock.now()
    if at > now + AHEAD:
        log.warning("station %s: a press of outlet %d from the future; its clock is wrong", station_id, evse_id)
        return _rejected("BadTime")
    async with services.database.transaction() as session:
        site = await sites.site_of_station(session, station_id)
        outlet = await sites.outlet_of_site(session, site.id, evse_id) if site is not None else None
        if outlet is None:
            return _rejected("UnknownOutlet")
        check = await repository.pending_at(session, outlet.id)
        if check is None or check.state is not PresenceState.WAITING or check.method is not PresenceMethod.BUTTON:
            return _ACCEPTED
        if not check.asked_at - SLACK <= at < check.expires_at or check.expires_at <= now:
            log.info("outlet %s: a press at %s shows nothing now", outlet.code, at.isoformat(timespec="seconds"))
            return _ACCEPTED
        _shown(check, now)
    log.info("outlet %s: its button was pressed, and the driver who waits may start", outlet.code)
    return _ACCEPTED


async def use(session: AsyncSession, services: Services, driver_id: UUID, outlet: Outlet) -> None:
    """Use up what the driver has shown here, for a start. Raises `PresenceNeeded`. The outlet's site is loaded."""
    if not needed(outlet):
        return
    check = await repository.pending_at(session, outlet.id)
    if (
        check is None
        or check.driver_id != driver_id
        or check.state is not PresenceState.SHOWN
        or check.expires_at <= services.clock.now()
    ):
        raise PresenceNeeded
    check.state = PresenceState.USED


def _shown(check: Presence, now: datetime) -> None:
    check.state = PresenceState.SHOWN
    check.expires_at = now + PATIENCE


def _run_out(check: Presence, now: datetime) -> None:
    if check.state in PENDING and check.expires_at <= now:
        check.state = PresenceState.OVER


_ACCEPTED: Final = DataTransferResponse(status=DataTransferStatus.ACCEPTED)


def _rejected(reason: str) -> DataTransferResponse:
    return DataTransferResponse(status=DataTransferStatus.REJECTED, status_info=StatusInfo(reason_code=reason))


def _press_of(data: Any) -> tuple[int | None, datetime | None]:
    """Return outlet and time of a press; None for what cannot be read."""
    if not isinstance(data, dict):
        return None, None
    evse_id, text = data.get("evseId"), data.get("timestamp")
    try:
        at = datetime.fromisoformat(text) if isinstance(text, str) else None
        at = at.astimezone(UTC) if at is not None and at.tzinfo is not None else None
    except ValueError, OverflowError:
        at = None
    # True is 1 to Python, but no number to anyone else; beyond 31 bits it is none of OCPP's.
    is_number = isinstance(evse_id, int) and not isinstance(evse_id, bool) and 0 < evse_id < 2**31
    return (evse_id if is_number else None), at
