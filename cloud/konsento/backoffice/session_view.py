"""Sessions as the staff sees them: a row of a table, and everything about one."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from konsento.backoffice.render import exact_time
from konsento.backoffice.timeline import History
from konsento.backoffice.words import PAYMENTS, PROVIDERS, STATE_TONES, STATES, ended
from konsento.kit.i18n import Language
from konsento.kit.power_words import power_text
from konsento.models import ACTIVE, ChargingSession, PaymentState, Receipt
from konsento.pricing import Price
from konsento.pricing.texts import basis_text
from konsento.sites import codes
from konsento.web.price_view import price_text
from konsento.web.session_view import limit_text


@dataclass(frozen=True, kw_only=True)
class SessionRow:
    """One session in a table."""

    id: UUID
    created_at: datetime
    time_zone: str
    outlet: str
    code: str
    site: str
    station_id: str
    state: str
    word: str
    """The state as it is called in addresses."""
    tone: str
    limit: str
    energy: str
    seconds: str
    power: str
    amount: str
    """What was billed; empty before."""
    end: str


def session_row(language: Language, charging: ChargingSession, receipt: Receipt | None) -> SessionRow:
    """Describe a session with outlet and site."""
    outlet = charging.outlet
    running = charging.state in ACTIVE
    return SessionRow(
        id=charging.id,
        created_at=charging.created_at,
        time_zone=outlet.site.time_zone,
        outlet=outlet.name,
        code=codes.label(outlet.code),
        site=outlet.site.name,
        station_id=outlet.site.station_id,
        state=language.text(STATES[charging.state]),
        word=charging.state.value,
        tone=STATE_TONES[charging.state],
        limit=limit_text(language, charging.limit_kind, charging.limit_amount, charging.currency),
        energy=language.energy(receipt.billed_wh if receipt else charging.delivered_mwh // 1000),
        seconds=language.duration(charging.seconds),
        power=language.power(charging.power_w) if running and charging.power_w is not None else "",
        amount=language.money(receipt.amount_minor, receipt.currency) if receipt else "",
        end=ended(language, charging),
    )


def _price(language: Language, charging: ChargingSession) -> str:
    price = Price.from_dict(charging.price)
    text = price_text(language, price)
    if price.basis is None:
        return text
    return f"{text} ({basis_text(language, price.basis, ZoneInfo(price.time_zone))})"


def facts(language: Language, history: History) -> list[tuple[str, str]]:
    """Return the agreement, the measurement and the money, by name."""
    charging, receipt, payment, text = history.charging, history.receipt, history.payment, language.text
    zone = charging.outlet.site.time_zone
    found = [
        (text("Price"), _price(language, charging)),
        (text("Limit"), limit_text(language, charging.limit_kind, charging.limit_amount, charging.currency)),
        (text("Told to the site"), _told(language, charging)),
        (text("Hold"), language.money(charging.hold_minor, charging.currency)),
        (
            text("Power · supplier"),
            f"{power_text(language, charging.power_type, charging.power_name)} · {charging.supplier}",
        ),
        (text("Meter at the start"), _register(language, charging.begin_mwh)),
        (text("Delivered"), language.energy(charging.delivered_mwh // 1000)),
        (text("Time of supply"), language.duration(charging.seconds)),
        (text("Last heard of"), exact_time(language, charging.last_update, zone)),
        (text("Transaction"), charging.transaction_id or "–"),
        (text("Start request"), str(charging.remote_start_id)),
    ]
    if payment is not None:
        word = PAYMENTS.get(payment.state)
        state = text(word) if word is not None else payment.state.value
        # What is held is not taken yet, and what was given back was held.
        amount = payment.captured_minor if payment.state is PaymentState.CAPTURED else payment.hold_minor
        provider = text(PROVIDERS.get(payment.provider, payment.provider))
        found.append((text("Payment"), f"{provider}: {state}, {language.money(amount, payment.currency)}"))
    if receipt is not None:
        found.append((text("Receipt"), f"{receipt.number}: {language.money(receipt.amount_minor, receipt.currency)}"))
    return found


def _told(language: Language, charging: ChargingSession) -> str:
    energy = language.energy(charging.energy_cap_wh)
    return f"{energy}, {language.duration(charging.time_limit_s)}" if charging.time_limit_s else energy


def _register(language: Language, mwh: int | None) -> str:
    return language.energy(mwh // 1000) if mwh is not None else "–"


def _power(language: Language, charging: ChargingSession) -> str:
    return power_text(language, charging.power_type, charging.power_name)
