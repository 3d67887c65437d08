"""Holds, bills and receipts."""

import logging
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit.work import WorkQueue
from konsento.models import ChargingSession, Metering, Receipt
from konsento.payments import later, taking, ways
from konsento.payments import service as payments
from konsento.payments.bills import terms
from konsento.payments.errors import TooMuchLater
from konsento.payments.service import Hold
from konsento.payments.ways import Way
from konsento.pricing import Price
from konsento.rewards import service as rewards
from konsento.rewards.facts import Given
from konsento.services import Services
from konsento.settlement import repository
from konsento.settlement.errors import NoReceipt

log = logging.getLogger(__name__)


async def funds(session: AsyncSession, services: Services, driver_id: UUID, provider: str, method: str = "") -> int:
    """Return how much a provider can hold for a driver, in minor units. Raises `UnknownMethod`."""
    return (await ways.method(session, services, driver_id, Way(provider=provider, method=method))).available_minor


async def funds_with_hold(session: AsyncSession, services: Services, charging: ChargingSession) -> int:
    """Return how much can be held for a session whose hold would be given up for it."""
    held = await payments.held_of(session, charging.id)
    if held.external:
        return held.hold_minor  # it cannot become more
    if held.provider in later.NAMES:
        left = await later.left(session, services.settings, charging.driver_id, held.provider)
        return max(0, left) + charging.hold_minor
    left = await funds(session, services, charging.driver_id, held.provider)
    return left + charging.hold_minor if held.provider == payments.DEFAULT else left


async def is_overdue(session: AsyncSession, services: Services, driver_id: UUID) -> bool:
    """Tell whether a driver has owed something for too long to begin another charging."""
    return await terms.is_overdue(session, services.settings, driver_id, services.clock.now())


async def paid_with(session: AsyncSession, session_id: UUID) -> str:
    """Return what a session is paid with: a provider of ours, or an external one's word, for example `card`."""
    return await payments.paid_with(session, session_id)


async def change_hold(session: AsyncSession, charging: ChargingSession, hold_minor: int, at: datetime) -> None:
    """Hold another amount for a session. Raises `BalanceTooLow`, `CardDeclined`."""
    await payments.change_hold(session, charging.id, hold_minor, at)
    charging.hold_minor = hold_minor


async def may_owe(session: AsyncSession, services: Services, charging: ChargingSession, hold_minor: int) -> None:
    """Raise `TooMuchLater` where a session that is paid at the end would cost more than its driver may owe."""
    held = await payments.held_of(session, charging.id)
    if held.provider in later.NAMES:
        await later.lock(session, services.settings, charging.driver_id)
        left = await later.left(session, services.settings, charging.driver_id, held.provider)
        if max(0, left) + charging.hold_minor < hold_minor:
            raise TooMuchLater


async def hold(session: AsyncSession, services: Services, charging: ChargingSession, provider: str) -> None:
    """Hold the most that a session can cost. Raises `BalanceTooLow`, `CardDeclined`, `TooMuchLater`."""
    if provider in later.NAMES:
        await later.lock(session, services.settings, charging.driver_id)
        if await later.left(session, services.settings, charging.driver_id, provider) < charging.hold_minor:
            raise TooMuchLater
    wanted = Hold(
        session_id=charging.id,
        driver_id=charging.driver_id,
        amount_minor=charging.hold_minor,
        currency=charging.currency,
        provider=provider,
    )
    await payments.hold(session, wanted, charging.created_at)


async def release(session: AsyncSession, work: WorkQueue, session_id: UUID, at: datetime) -> None:
    """Give back all that is kept for a session that never supplied anything: money, coupon, points."""
    await taking.take_all(session, work, {session_id: 0}, at)
    await rewards.give_back(session, session_id, at)


@dataclass(frozen=True, kw_only=True)
class ReceiptView:
    """A receipt with all that is printed on it."""

    number: int
    """Consecutive, without gaps."""
    session_id: UUID
    issued_at: datetime
    site_name: str
    place: str
    time_zone: str
    outlet_name: str
    outlet_code: str
    started_at: datetime | None
    ended_at: datetime | None
    seconds: int
    """Of supply."""
    end_reason: str
    """OCPP's word, for example `EnergyLimitReached`."""
    power_type: str
    power_name: dict[str, str]
    """What the operator calls a power type of its own, by language; empty for a standard one."""
    supplier: str
    carbon_g_per_kwh: int | None
    metering: Metering
    measured_mwh: int
    begin_mwh: int | None
    end_mwh: int | None
    billed_wh: int
    unit_price: Decimal
    """Per kWh in major units, tax included."""
    price: Price
    """All that was agreed about it."""
    currency: str
    amount_minor: int
    """Paid, tax included."""
    tax_minor: int
    tax_rate: Decimal
    hold_minor: int
    released_minor: int
    provider: str
    """Who took the money."""
    given: Given
    """What was taken off, and what the driver got for it."""


async def receipt(session: AsyncSession, driver_id: UUID, session_id: UUID) -> ReceiptView:
    """Return the receipt of a driver's own session. Raises `NoReceipt`."""
    found = await repository.receipt_of(session, driver_id, session_id)
    if found is None:
        raise NoReceipt
    bill, charging = found
    given = (await rewards.given(session, [session_id])).get(session_id, Given())
    view = _view(bill, charging, await payments.paid_with(session, session_id), given)
    if (await payments.held_of(session, session_id)).provider in later.NAMES:
        return replace(view, hold_minor=0, released_minor=0)  # it was agreed, and never held
    return view


async def receipts(session: AsyncSession, driver_id: UUID, before: int | None, most: int) -> list[ReceiptView]:
    """Return a driver's receipts, the newest first; `before` is the number of the one that was given last."""
    found = await repository.receipts_of(session, driver_id, before, most)
    given = await rewards.given(session, [charging.id for _, charging, _ in found])
    return [_view(bill, charging, provider, given.get(charging.id, Given())) for bill, charging, provider in found]


def _view(bill: Receipt, charging: ChargingSession, provider: str, given: Given) -> ReceiptView:
    outlet = charging.outlet
    return ReceiptView(
        number=bill.number,
        session_id=charging.id,
        issued_at=bill.issued_at,
        site_name=outlet.site.name,
        place=outlet.site.place,
        time_zone=outlet.site.time_zone,
        outlet_name=outlet.name,
        outlet_code=outlet.code,
        started_at=charging.started_at,
        ended_at=charging.ended_at,
        seconds=charging.seconds,
        end_reason=charging.end_reason,
        power_type=charging.power_type,
        power_name=charging.power_name,
        supplier=charging.supplier,
        carbon_g_per_kwh=charging.carbon_g_per_kwh,
        metering=charging.metering,
        measured_mwh=bill.measured_mwh,
        begin_mwh=bill.begin_mwh,
        end_mwh=bill.end_mwh,
        billed_wh=bill.billed_wh,
        unit_price=bill.unit_price,
        price=Price.from_dict(charging.price),
        currency=bill.currency,
        amount_minor=bill.amount_minor,
        tax_minor=bill.tax_minor,
        tax_rate=bill.tax_rate,
        hold_minor=bill.hold_minor,
        released_minor=bill.released_minor,
        provider=provider,
        given=given,
    )
