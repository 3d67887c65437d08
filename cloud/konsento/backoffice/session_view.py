"""Sessions as the staff sees them: a row of a table, and everything about one."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from konsento.backoffice.words import STATE_TONES, STATES
from konsento.kit.i18n import Language
from konsento.models import ACTIVE, ChargingSession, Receipt
from konsento.web.session_view import limit_text
from konsento.web.words import end_reason


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
        code=outlet.code,
        site=outlet.site.name,
        station_id=outlet.site.station_id,
        state=language.text(STATES[charging.state]),
        tone=STATE_TONES[charging.state],
        limit=limit_text(language, charging.limit_kind, charging.limit_amount, charging.currency),
        energy=language.energy(receipt.billed_wh if receipt else charging.delivered_mwh // 1000),
        seconds=language.duration(charging.seconds),
        power=language.power(charging.power_w) if running and charging.power_w is not None else "",
        amount=language.money(receipt.amount_minor, receipt.currency) if receipt else "",
        end=language.text(end_reason(charging.end_reason)) if charging.end_reason else charging.failure,
    )
