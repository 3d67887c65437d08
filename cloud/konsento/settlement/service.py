"""Holds, bills and receipts."""

import logging
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID, uuid5

from sqlalchemy.ext.asyncio import AsyncSession

from konsento import pricing
from konsento.ledger import service as ledger
from konsento.ledger.service import Entry
from konsento.models import AccountKind, AlarmKind, ChargingSession, MeterEvent, Metering, Receipt, SessionState
from konsento.operations import alarms
from konsento.payments import service as payments
from konsento.payments.service import Hold
from konsento.pricing import Price, Usage
from konsento.settings import Settings
from konsento.settlement import repository
from konsento.settlement.errors import NoReceipt
from konsento.settlement.measurement import measure
from konsento.settlement.usage import usage_of

log = logging.getLogger(__name__)


async def funds(session: AsyncSession, settings: Settings, driver_id: UUID, provider: str) -> int:
    """Return how much a provider can hold for a driver, in minor units. Raises `UnknownMethod`."""
    return (await payments.method(session, settings, driver_id, provider)).available_minor


async def funds_with_hold(session: AsyncSession, settings: Settings, charging: ChargingSession) -> int:
    """Return how much can be held for a session whose hold would be given up for it."""
    provider = await payments.provider_of(session, charging.id)
    left = await funds(session, settings, charging.driver_id, provider)
    return left + charging.hold_minor if provider == payments.DEFAULT else left


async def provider_of(session: AsyncSession, session_id: UUID) -> str:
    """Return the name of the provider that holds a session's money, or took it."""
    return await payments.provider_of(session, session_id)


async def change_hold(session: AsyncSession, charging: ChargingSession, hold_minor: int, at: datetime) -> None:
    """Hold another amount for a session. Raises `BalanceTooLow`, `CardDeclined`."""
    await payments.change_hold(session, charging.id, hold_minor, at)
    charging.hold_minor = hold_minor


async def hold(session: AsyncSession, charging: ChargingSession, provider: str, at: datetime) -> None:
    """Hold the most that a session can cost. Raises `BalanceTooLow`, `CardDeclined`."""
    wanted = Hold(
        session_id=charging.id,
        driver_id=charging.driver_id,
        amount_minor=charging.hold_minor,
        currency=charging.currency,
        provider=provider,
    )
    await payments.hold(session, wanted, at)


async def release(session: AsyncSession, session_id: UUID, at: datetime) -> None:
    """Give back all that is held for a session that never supplied anything."""
    await payments.resolve(session, session_id, 0, at)


async def settle(session: AsyncSession, charging: ChargingSession, events: list[MeterEvent], at: datetime) -> Receipt:
    """Bill what the events prove: whole Wh, at the price that was agreed, never more than is held."""
    measured = measure(events, charging.rated_w)
    if measured.doubtful:
        log.warning("session %s: %d readings make no sense and bill nothing", charging.id, measured.doubtful)
        details = {"readings": measured.doubtful}
        await alarms.report(session, at, AlarmKind.METER_DOUBTFUL, str(charging.id), details)
    wh = measured.mwh // 1000
    price = Price.from_dict(charging.price)
    due = pricing.bill(price, usage_of(measured, events) or Usage(begin=at))
    amount = min(due.total_minor, charging.hold_minor)
    if amount < due.total_minor:
        log.warning("session %s: %d more than held; the driver does not pay it", charging.id, due.total_minor - amount)
    await payments.resolve(session, charging.id, amount, at)
    tax_minor = pricing.tax_in(price, amount)
    await _set_tax_aside(session, charging, tax_minor, at)
    receipt = Receipt(
        session_id=charging.id,
        number=await repository.next_receipt_number(session),
        issued_at=at,
        currency=charging.currency,
        measured_mwh=measured.mwh,
        begin_mwh=measured.begin_mwh,
        end_mwh=measured.end_mwh,
        billed_wh=wh,
        unit_price=charging.unit_price,
        amount_minor=amount,
        tax_minor=tax_minor,
        tax_rate=charging.tax_rate,
        hold_minor=charging.hold_minor,
        released_minor=charging.hold_minor - amount,
    )
    session.add(receipt)
    charging.delivered_mwh = measured.mwh
    charging.begin_mwh = measured.begin_mwh
    charging.state = SessionState.SETTLED  # from `ended` alone, as the table of `charging.life` has it
    log.info("session %s settled: %d Wh, %d %s (minor units)", charging.id, wh, amount, charging.currency)
    return receipt


async def _set_tax_aside(session: AsyncSession, charging: ChargingSession, tax_minor: int, at: datetime) -> None:
    if tax_minor == 0:
        return
    sales = await ledger.account(session, AccountKind.SALES, charging.currency)
    tax = await ledger.account(session, AccountKind.TAX, charging.currency)
    entry = Entry(id=uuid5(charging.id, "tax"), reason="tax", at=at, session_id=charging.id)
    await ledger.transfer(session, entry, sales, tax, tax_minor)


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


async def receipt(session: AsyncSession, driver_id: UUID, session_id: UUID) -> ReceiptView:
    """Return the receipt of a driver's own session. Raises `NoReceipt`."""
    found = await repository.receipt_of(session, driver_id, session_id)
    if found is None:
        raise NoReceipt
    bill, charging = found
    return _view(bill, charging, await payments.provider_of(session, session_id))


async def receipts(session: AsyncSession, driver_id: UUID, before: int | None, most: int) -> list[ReceiptView]:
    """Return a driver's receipts, the newest first; `before` is the number of the one that was given last."""
    return [_view(*found) for found in await repository.receipts_of(session, driver_id, before, most)]


def _view(bill: Receipt, charging: ChargingSession, provider: str) -> ReceiptView:
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
    )
