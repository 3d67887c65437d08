"""A settled session as its driver reads it: what was measured, what was taken, and how the one became the other."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from konsento import pricing
from konsento.kit.i18n import NBSP, Language
from konsento.models import Metering
from konsento.pricing import Price
from konsento.settlement.service import ReceiptView as Bill
from konsento.web.words import end_reason, paid_from, power_text


@dataclass(frozen=True, kw_only=True)
class ReceiptPage:
    """What the receipt page writes."""

    sentence: str
    when: str
    reason: str
    lines: list[tuple[str, str]]
    tax_rate: str
    tax: str
    total: str
    hold: str
    facts: list[tuple[str, str]]
    paid: str
    number: str


def receipt_page(language: Language, bill: Bill) -> ReceiptPage:
    """Describe a bill."""
    language = language.estimating(estimated=bill.metering is Metering.ESTIMATED)
    text = language.text
    total = language.money(bill.amount_minor, bill.currency)
    energy = language.energy(bill.billed_wh)
    return ReceiptPage(
        sentence=(
            text("Thank you. {amount} for {energy}.", amount=total, energy=energy)
            if bill.billed_wh or bill.amount_minor
            else text("Nothing was charged.")
        ),
        when=period(language, bill.started_at or bill.issued_at, bill.ended_at, ZoneInfo(bill.time_zone)),
        reason=text("Ended: {reason}.", reason=text(end_reason(bill.end_reason))),
        lines=_lines(language, bill),
        tax_rate=language.percent(bill.tax_rate),
        tax=language.money(bill.tax_minor, bill.currency),
        total=total,
        hold=_hold(language, bill),
        facts=_facts(language, bill),
        paid=text(paid_from(bill.provider)),
        number=str(bill.number),
    )


def period(language: Language, begin: datetime, end: datetime | None, zone: ZoneInfo) -> str:
    """Return from when until when, where the outlet is."""
    if end is None:
        return language.moment(begin, zone)
    same_day = begin.astimezone(zone).date() == end.astimezone(zone).date()
    until = language.clock(end, zone) if same_day else language.moment(end, zone)
    return f"{language.moment(begin, zone)} – {until}"


def _hold(language: Language, bill: Bill) -> str:
    if bill.hold_minor == 0:
        return ""
    held = language.money(bill.hold_minor, bill.currency)
    if bill.amount_minor == 0:
        return language.text("Held: {amount}, all of it is released.", amount=held)
    if bill.released_minor == 0:
        return language.text("Held: {amount}.", amount=held)
    return language.text("Held: {amount}, the rest is released.", amount=held)


def _lines(language: Language, bill: Bill) -> list[tuple[str, str]]:
    price = Price.per_kwh(bill.unit_price, bill.currency, bill.tax_rate)
    full = pricing.amount_minor(price, bill.billed_wh)
    per_kwh = language.text("{price} / kWh", price=language.unit_price(bill.unit_price, bill.currency))
    what = language.text("{energy} × {price}", energy=language.energy(bill.billed_wh), price=per_kwh)
    lines = [(what, language.money(full, bill.currency))]
    if full > bill.amount_minor:
        lines.append(
            (
                language.text("Above what was agreed, not billed"),
                language.money(bill.amount_minor - full, bill.currency),
            )
        )
    return lines


def _facts(language: Language, bill: Bill) -> list[tuple[str, str]]:
    text = language.text
    facts = [
        (text("Outlet"), bill.outlet_name),
        (text("Place"), f"{bill.site_name}, {bill.place}" if bill.place else bill.site_name),
        (text("Measured"), language.energy(Decimal(bill.measured_mwh) / 1000)),
    ]
    if bill.begin_mwh is not None and bill.end_mwh is not None:
        # Both with as many digits as the longer one needs, so that they can be subtracted at sight.
        digits = max(3, *(_digits(Decimal(mwh) / 1_000_000) for mwh in (bill.begin_mwh, bill.end_mwh)))
        begin, end = (language.number(Decimal(mwh) / 1_000_000, digits) for mwh in (bill.begin_mwh, bill.end_mwh))
        facts.append((text("Meter"), f"{begin} → {end}{NBSP}{language.energy_unit('kWh')}"))
    facts += [
        (text("Time of supply"), language.duration(bill.seconds)),
        (text("Power · supplier"), f"{power_text(language, bill.power_type, bill.power_name)} · {bill.supplier}"),
    ]
    return facts


def _digits(value: Decimal) -> int:
    return max(0, -int(value.normalize().as_tuple().exponent))
