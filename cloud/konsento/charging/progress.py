"""What a driver sees of a session, at any time of its life."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from konsento.charging.cost import cost_so_far_minor
from konsento.charging.quote import agreed_price
from konsento.charging.sold import Sold, sold_in
from konsento.models import ACTIVE, ChargingSession, LimitChange, LimitKind, Receipt, SessionState
from konsento.pricing import Price

MOST_POINTS: Final = 120
"""Points of the power curve; more than a phone's screen can tell apart."""


@dataclass(frozen=True)
class CurvePoint:
    """Power at a moment."""

    seconds: int
    """Since supply began."""
    watts: int


@dataclass(frozen=True, kw_only=True)
class Progress:
    """A session as its driver sees it."""

    session_id: UUID
    state: SessionState
    stopping: bool
    """The driver has asked to stop and supply has not ended yet."""
    failure: str
    """Reason code of a failed session (`charging.errors.failure` makes a sentence of it); empty otherwise."""

    outlet_name: str
    outlet_code: str
    site_name: str
    place: str
    time_zone: str
    site_connected: bool

    changing: tuple[LimitKind, int] | None
    """Another limit that the outlet has not confirmed yet, as kind and amount."""
    limit_kind: LimitKind
    limit_amount: int
    """Wh, seconds or minor units, as the driver asked; 0 until full."""
    energy_limit_wh: int | None
    time_limit_s: int | None
    share: Decimal
    """How much of the limit is reached, 0 to 1: of that one which is nearer."""

    delivered_mwh: int
    seconds: int
    """Of supply."""
    power_w: int | None
    curve: tuple[CurvePoint, ...]

    price: Price
    amount_minor: int
    """Price of what was used so far; the billed amount once settled."""
    hold_minor: int
    billed_wh: int | None
    """None until settled."""
    billed_minor: int | None

    sold: Sold

    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    end_reason: str
    """OCPP's word; empty before the end."""
    last_update: datetime | None
    """Time of the newest news from the outlet, by its clock."""
    heard_at: datetime | None
    """When they arrived, by the server's."""
    expected_end: datetime | None
    """When the limit will be reached if nothing changes; None where that cannot be told."""
    mail_wanted: bool
    """The driver gets a mail when it ends or is interrupted."""

    @property
    def currency(self) -> str:
        """ISO 4217."""
        return self.price.currency


def progress_of(
    charging: ChargingSession,
    power: list[tuple[datetime, int]],
    receipt: Receipt | None,
    change: LimitChange | None = None,
) -> Progress:
    """Return what there is to see. `power`, its times and watts, may be left empty where no curve is needed."""
    price = agreed_price(charging)
    so_far = cost_so_far_minor(price, charging.delivered_mwh, charging.priced, charging.hold_minor)
    outlet = charging.outlet
    running = charging.state in ACTIVE
    return Progress(
        session_id=charging.id,
        state=charging.state,
        stopping=running and charging.stop_requested_at is not None,
        failure=charging.failure,
        outlet_name=outlet.name,
        outlet_code=outlet.code,
        site_name=outlet.site.name,
        place=outlet.site.place,
        time_zone=outlet.site.time_zone,
        site_connected=outlet.site.connected,
        changing=(change.kind, change.amount) if change is not None else None,
        limit_kind=charging.limit_kind,
        limit_amount=charging.limit_amount,
        energy_limit_wh=charging.energy_limit_wh,
        time_limit_s=charging.time_limit_s,
        share=_share(charging),
        delivered_mwh=charging.delivered_mwh,
        seconds=charging.seconds,
        power_w=charging.power_w if running else None,
        curve=_curve(charging, power),
        price=price,
        amount_minor=receipt.amount_minor if receipt else so_far,
        hold_minor=charging.hold_minor,
        billed_wh=receipt.billed_wh if receipt else None,
        billed_minor=receipt.amount_minor if receipt else None,
        sold=sold_in(charging),
        created_at=charging.created_at,
        started_at=charging.started_at,
        ended_at=charging.ended_at,
        end_reason=charging.end_reason,
        last_update=charging.last_update,
        heard_at=charging.heard_at,
        expected_end=_expected_end(charging),
        mail_wanted=charging.mail_wanted,
    )


def _share(charging: ChargingSession) -> Decimal:
    shares = [Decimal(0)]
    if charging.energy_limit_wh:
        shares.append(Decimal(charging.delivered_mwh) / (charging.energy_limit_wh * 1000))
    if charging.time_limit_s:
        shares.append(Decimal(charging.seconds) / charging.time_limit_s)
    return min(Decimal(1), max(shares))


def _curve(charging: ChargingSession, power: list[tuple[datetime, int]]) -> tuple[CurvePoint, ...]:
    if charging.started_at is None:
        return ()
    return tuple(CurvePoint(max(0, int((at - charging.started_at).total_seconds())), watts) for at, watts in power)


def _expected_end(charging: ChargingSession) -> datetime | None:
    if charging.state is not SessionState.CHARGING or charging.last_update is None:
        return None
    if charging.limit_kind is LimitKind.FULL:
        return None  # only the car knows
    left_s: list[int] = []
    if charging.energy_limit_wh and charging.power_w:
        left_mwh = max(0, charging.energy_limit_wh * 1000 - charging.delivered_mwh)
        left_s.append(left_mwh * 3600 // (charging.power_w * 1000))
    if charging.time_limit_s:
        left_s.append(max(0, charging.time_limit_s - charging.seconds))
    # By the server's clock: a site's may be wrong by hours.
    heard = charging.heard_at or charging.last_update
    return heard + timedelta(seconds=min(left_s)) if left_s else None
