"""A running session as the process that takes in its events remembers it, and the step from one event to the next.

By far the most events are the next reading of a session that simply goes on. For those nothing need be looked up: what
the session has delivered follows from this record and the event alone. Pure: nothing here reads or writes anything.
"""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from konsento.charging.cost import Priced, priced_next
from konsento.charging.meter import Readings, seconds
from konsento.charging.quote import agreed_price
from konsento.models import ChargingSession, SessionState
from konsento.ocpp.messages import TransactionEvent, TransactionEventType
from konsento.pricing import Price
from konsento.settlement.measurement import Point, counts

DRAWN_MWH: Final = 20_000
"""Less than this in all the time of `KONSENTO_IDLE_MINUTES` is a charger on standby (20 Wh in 30 minutes: 40 W)."""
SEEN_EVERY: Final = timedelta(seconds=5)
"""How often it is noted that a site is there whose events do nothing but add up."""
PAUSED: Final = "SuspendedEVSE"
"""OCPP's charging state of an outlet that has paused supply."""


class Running(Struct, frozen=True, kw_only=True, gc=False):
    """What the next event is measured against: columns of the session, as they were at its last event."""

    session_id: UUID
    site_id: UUID
    rated_w: int
    most_mwh: int
    """The energy limit in force."""
    most_s: int | None
    suspended: bool
    last_seq_no: int
    begin_mwh: int
    last: Point
    """The last reading that counted."""
    price: Price
    priced: Priced | None
    """What was used so far at which rate; None where energy alone counts."""
    seconds: int
    power_w: int | None
    drawn_mwh: int
    drawn_at: datetime
    seen_at: datetime
    """When it was last noted that the site is there."""

    @property
    def delivered_mwh(self) -> int:
        """The energy so far."""
        return self.last.mwh - self.begin_mwh


def running(charging: ChargingSession, now: datetime) -> Running | None:
    """Return the record of a session, or None where its next event may take more than adding up.

    `now` is when its site was seen, and that was noted.
    """
    if charging.state not in {SessionState.CHARGING, SessionState.SUSPENDED}:
        return None
    if charging.limit_change_id is not None or charging.stop_requested_at is not None:
        return None
    # While nothing has flowed, a zero may yet turn out to be a placeholder: that takes all events.
    if charging.begin_mwh is None or charging.metered_at is None or charging.delivered_mwh <= 0:
        return None
    price = agreed_price(charging)
    if charging.drawn_at is None or (charging.priced is None and not price.flat):
        return None
    return Running(
        session_id=charging.id,
        site_id=charging.site_id,
        rated_w=charging.rated_w,
        most_mwh=charging.energy_cap_wh * 1000,
        most_s=charging.time_limit_s,
        suspended=charging.state is SessionState.SUSPENDED,
        last_seq_no=charging.last_seq_no,
        begin_mwh=charging.begin_mwh,
        last=Point(charging.begin_mwh + charging.delivered_mwh, charging.metered_at, charging.metered_s),
        price=price,
        priced=charging.priced,
        seconds=charging.seconds,
        power_w=charging.power_w,
        drawn_mwh=charging.drawn_mwh,
        drawn_at=charging.drawn_at,
        seen_at=now,
    )


def following(
    before: Running, event: TransactionEvent, read: Readings, now: datetime, idle: timedelta | None
) -> Running | None:
    """Return the record after an event, or None where the event is not simply the next one, or has consequences.

    `idle` is after how long without drawing a session is ended, None for never.
    """
    info = event.transaction_info
    suspended = info.charging_state == PAUSED
    if (
        event.seq_no != before.last_seq_no + 1
        or event.event_type is not TransactionEventType.UPDATED
        or suspended is not before.suspended
        or read.begin_mwh is not None
        or info.transaction_limit is not None
        or info.stopped_reason is not None
    ):
        return None
    spent = seconds(info.time_spent_charging)
    last, priced = before.last, before.priced
    if read.register_mwh is not None:
        told = Point(read.register_mwh, event.timestamp, spent)
        if counts(last, told, before.rated_w):
            if priced is not None:
                priced = priced_next(before.price, priced, last, told)
            last = told
    supplied = max(before.seconds, spent or 0)
    delivered_mwh = last.mwh - before.begin_mwh
    if delivered_mwh >= before.most_mwh or (before.most_s is not None and supplied >= before.most_s):
        return None
    drawn_mwh, drawn_at = before.drawn_mwh, before.drawn_at
    if suspended or delivered_mwh - drawn_mwh >= DRAWN_MWH:
        drawn_mwh, drawn_at = delivered_mwh, now
    elif idle is not None and now - drawn_at >= idle:
        return None
    return replace(
        before,
        last_seq_no=event.seq_no,
        last=last,
        priced=priced,
        seconds=supplied,
        power_w=before.power_w if read.power_w is None else read.power_w,
        drawn_mwh=drawn_mwh,
        drawn_at=drawn_at,
        seen_at=now if now - before.seen_at >= SEEN_EVERY else before.seen_at,
    )
