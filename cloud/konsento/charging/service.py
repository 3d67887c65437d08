"""Starting, stopping and looking at sessions."""

import logging
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.charging import changing, presence, remote, repository
from konsento.charging.errors import AlreadyChargingHere, CheckoutNeeded, UnknownSession
from konsento.charging.lapse import within_hold
from konsento.charging.limits import MOST_S
from konsento.charging.progress import MOST_POINTS, Progress, progress_of
from konsento.charging.quote import Quote, Terms, quoted
from konsento.charging.wish import Wish, check, look_up
from konsento.kit.db import after_commit
from konsento.kit.ids import new_id, new_token
from konsento.models import ACTIVE, ChargingSession, Outlet, Payment, Receipt, SessionState
from konsento.rewards import service as rewards
from konsento.services import Services
from konsento.settlement import paying
from konsento.settlement import service as settlement
from konsento.sites import service as sites
from konsento.sites.errors import OutletBusy

log = logging.getLogger(__name__)

LONGEST_S: Final = MOST_S + 3600.0
"""Beyond the longest limit and every delay: a session that is on for so long is stopped."""
ASK_AGAIN_S: Final = 20.0
"""When the due work takes over a start or stop whose request died with this process: after the call's own time."""


@dataclass(frozen=True, kw_only=True)
class _Order:
    wish: Wish
    provider: str
    session_id: UUID
    payment_id: UUID | None
    shown_before: bool


async def start(
    services: Services,
    wish: Wish,
    provider: str = "balance",
    *,
    session_id: UUID | None = None,
    payment_id: UUID | None = None,
    shown_before: bool = False,
) -> ChargingSession:
    """Start a session: hold the money, commit, then ask the site. Opens its own transactions.

    Returns the session with outlet and site, in one of three states: `charging`; `failed` with the site's reason and
    the hold released; or `starting`, when the site was asked and has not answered, in which case due work finds out.
    Asked for the same again while the first one runs (a button pressed twice), it returns that one.
    The same holds for a `session_id` that the caller chose before, also when that session is over.
    An amount of money is in the server's currency. `provider` names the way to pay (`payments.ways`), `payment_id` what
    is held outside for it already (`checkout`), where presence was shown before; so it was with `shown_before` (when it
    was planned). Coupon and points are kept for the session, and come back if it fails.
    Raises the reasons of `sites.errors`, `NoTariff`, `OfferGone`, `MeteringNotAgreed`, `BadLimit`, `BalanceTooLow`,
    `CardDeclined`, `UnknownMethod`, `AlreadyChargingHere`, `PriceChanged`, those of `CannotDiscount`, `StillUnpaid`,
    `CheckoutNeeded` where it has to be held outside first, `HoldGone`, `HoldTooSmall`, `HoldTooShort`, and
    `PresenceNeeded` where `presence.ask` has to come first.
    """
    order = _Order(
        wish=wish,
        provider=provider,
        session_id=session_id or new_id(),
        payment_id=payment_id,
        shown_before=shown_before,
    )
    try:
        # Where another replica's session takes the outlet between the look and the insert, the next look finds it.
        charging, is_new = await services.database.attempt(lambda session: _prepare(session, services, order))
    except IntegrityError:
        raise OutletBusy from None
    if is_new:
        log.info("session %s asks outlet %s to start", charging.id, charging.outlet.code)
        # Nobody else has seen it yet, so it is as it was committed.
        await remote.send_start(services, charging)
    async with services.database.transaction() as session:
        return await _own(session, wish.driver_id, charging.id)


async def _prepare(session: AsyncSession, services: Services, order: _Order) -> tuple[ChargingSession, bool]:
    wish = order.wish
    driver_id, requested = wish.driver_id, wish.requested
    made_before = await repository.session_of_driver(session, driver_id, order.session_id)
    if made_before is not None:
        return made_before, False
    outlet = await sites.outlet_by_code(session, wish.outlet_code)
    active = await repository.active_at(session, outlet.id)
    if active is not None:
        if active.driver_id != driver_id:
            raise OutletBusy
        is_same = (active.limit_kind, active.limit_amount) == (requested.kind, requested.amount)
        # What is held for another charging is given back.
        if not is_same or wish.offer not in {None, active.offer} or order.payment_id is not None:
            raise AlreadyChargingHere
        return active, False
    buyable = await look_up(session, services, wish, outlet)
    held = await paying.payment_of(session, order.payment_id) if order.payment_id is not None else None
    quote = await _agreed(session, services, order, buyable.terms, held)
    off = await check(session, services, wish, buyable, quote)
    if held is None and not order.shown_before:
        # After everything that could be wrong with the wish, before anything is held for it.
        await presence.use(session, services, driver_id, outlet)
    charging = _new_session(services, order, outlet, quote)
    session.add(charging)
    await session.flush()
    if held is not None:
        await paying.adopt(session, charging, held.id)
    else:
        await settlement.hold(session, services, charging, order.provider)
    await rewards.reserve(session, off, charging)
    await services.work.add(session, "start", str(charging.id), after_s=ASK_AGAIN_S)
    await services.work.add(session, "longest", str(charging.id), after_s=LONGEST_S)
    return charging, True


async def _agreed(
    session: AsyncSession, services: Services, order: _Order, terms: Terms, held: Payment | None
) -> Quote:
    """Return what is agreed to, by what is held outside or can be held here."""
    requested = order.wish.requested
    if held is not None:
        return within_hold(quoted(terms, requested, held.hold_minor), held.capture_before, services.clock.now())
    if paying.is_external(services, order.provider):
        raise CheckoutNeeded
    funds = await settlement.funds(session, services, order.wish.driver_id, order.provider)
    return quoted(terms, requested, order.wish.within(funds))


def _new_session(services: Services, order: _Order, outlet: Outlet, agreed: Quote) -> ChargingSession:
    now = services.clock.now()
    return ChargingSession(
        id=order.session_id,
        driver_id=order.wish.driver_id,
        outlet_id=outlet.id,
        outlet=outlet,
        site_id=outlet.site_id,
        state=SessionState.STARTING,
        limit_kind=agreed.requested.kind,
        limit_amount=agreed.requested.amount,
        energy_limit_wh=agreed.energy_limit_wh,
        energy_cap_wh=agreed.energy_cap_wh,
        time_limit_s=agreed.time_limit_s,
        price=agreed.price.to_dict(),
        unit_price=agreed.price.unit_price,
        currency=agreed.currency,
        tax_rate=agreed.price.tax_rate,
        **vars(agreed.sold),
        rated_w=agreed.rated_w,
        hold_minor=agreed.hold_minor,
        # Random, not counted: a database restored from a backup must not use a number that the site has seen.
        remote_start_id=1 + secrets.randbelow(2**31 - 1),
        id_token=new_token(),
        created_at=now,
        start_expires_at=now + timedelta(seconds=services.settings.start_expiry_s),
        end_reason="",
        failure="",
        delivered_mwh=0,
        seconds=0,
        last_seq_no=-1,
        drawn_mwh=0,
        stop_reason="",
        mail_wanted=False,
    )


async def stop(services: Services, driver_id: UUID, session_id: UUID) -> None:
    """Ask the site to stop a driver's session. Opens its own transactions. Raises `UnknownSession`.

    Returns when the site has answered or cannot be reached; in that case due work asks again, and the outlet keeps to
    its limits meanwhile. A session that is over is left as it is.
    """
    async with services.database.transaction() as session:
        charging = await _own(session, driver_id, session_id)
        if charging.state not in ACTIVE:
            return
        if charging.stop_requested_at is None:
            charging.stop_requested_at = services.clock.now()
        await services.work.add(session, "stop", str(session_id), after_s=ASK_AGAIN_S)
        after_commit(session, lambda: services.live.publish(session_id))
    await remote.send_stop(services, charging)


async def progress(session: AsyncSession, driver_id: UUID, session_id: UUID) -> Progress:
    """Return what a driver sees of an own session. Raises `UnknownSession`."""
    charging = await _own(session, driver_id, session_id)
    power = await repository.power_of(session, charging, MOST_POINTS)
    receipt = await session.get(Receipt, session_id)
    return progress_of(charging, power, receipt, await changing.pending(session, charging))


async def history(
    session: AsyncSession,
    driver_id: UUID,
    period: tuple[datetime, datetime] | None = None,
    most: int | None = None,
    skipped: int = 0,
) -> list[Progress]:
    """Return a driver's sessions, the newest first, without their curves.

    `period` is from and until (exclusive) and counts the request; `most` and `skipped` give a part of the list.
    """
    return await _with_receipts(session, await repository.of_driver(session, driver_id, period, most, skipped))


async def listed(session: AsyncSession, driver_id: UUID, asked: repository.Asked, most: int) -> list[Progress]:
    """Return the part of a driver's sessions that is asked for, the newest first, without their curves."""
    return await _with_receipts(session, await repository.part_of_driver(session, driver_id, asked, most))


async def _with_receipts(session: AsyncSession, sessions: list[ChargingSession]) -> list[Progress]:
    receipts = {
        receipt.session_id: receipt
        for receipt in await session.scalars(select(Receipt).where(Receipt.session_id.in_([s.id for s in sessions])))
    }
    return [progress_of(charging, [], receipts.get(charging.id)) for charging in sessions]


async def running(session: AsyncSession, driver_id: UUID) -> list[Progress]:
    """Return a driver's sessions that are on, the newest first, without their curves."""
    return [progress_of(charging, [], None) for charging in await repository.active_of_driver(session, driver_id)]


async def first(session: AsyncSession, driver_id: UUID) -> Progress | None:
    """Return a driver's oldest session, without its curve."""
    charging = await repository.oldest_of_driver(session, driver_id)
    return progress_of(charging, [], None) if charging is not None else None


async def unsettled(session: AsyncSession, driver_id: UUID) -> bool:
    """Tell whether a driver has a session that is on, or ended and not billed yet."""
    return await repository.unsettled_of_driver(session, driver_id)


async def want_mail(session: AsyncSession, driver_id: UUID, session_id: UUID, *, wanted: bool) -> None:
    """Note whether a driver wants a mail at the end of an own session. Raises `UnknownSession`."""
    (await _own(session, driver_id, session_id)).mail_wanted = wanted


async def silent(session: AsyncSession, before: datetime) -> list[ChargingSession]:
    """Return all running sessions, with outlet and site, of which nothing has been heard since `before`."""
    return await repository.silent_since(session, before)


async def _own(session: AsyncSession, driver_id: UUID, session_id: UUID) -> ChargingSession:
    charging = await repository.session_of_driver(session, driver_id, session_id)
    if charging is None:
        raise UnknownSession
    return charging
