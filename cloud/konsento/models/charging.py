"""Charging sessions, their changes of limit, and the meter events that sites send about them."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, BigInteger, ColumnElement, ForeignKey, Index, String, UniqueConstraint, and_, text
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from konsento.kit.db import Base, words
from konsento.models.outlet import Metering, Outlet


class SessionState(StrEnum):
    """Where in its life a session is."""

    STARTING = "starting"
    """The money is held; the site has been asked and has not said yet."""
    CHARGING = "charging"
    """The outlet supplies, or may."""
    SUSPENDED = "suspended"
    """The outlet has paused supply and may go on with the same session."""
    ENDED = "ended"
    """Supply is over; the bill is being made."""
    SETTLED = "settled"
    """Billed. Final."""
    FAILED = "failed"
    """Never supplied anything; the hold is released. Final."""


ACTIVE = (SessionState.STARTING, SessionState.CHARGING, SessionState.SUSPENDED)
"""States in which a session keeps its outlet from all others."""
FINAL = (SessionState.SETTLED, SessionState.FAILED)
"""States in which nothing changes any more."""


class LimitKind(StrEnum):
    """What the driver limited the session by."""

    FULL = "full"
    """Nothing but the most that the outlet and the hold allow: it ends when the car takes no more."""
    ENERGY = "energy"
    TIME = "time"
    MONEY = "money"


class ChargingSession(Base):
    """One charging: from the driver's request to its settlement.

    What the driver agreed to (price, tax, power type, supplier, limits) is copied in here and honoured, whatever
    becomes of the tariff and of its supplier's contract.
    """

    __tablename__ = "charging_sessions"
    __table_args__ = (
        UniqueConstraint("site_id", "remote_start_id"),
        UniqueConstraint("site_id", "transaction_id"),
        Index(
            "uq_charging_sessions_active_outlet",
            "outlet_id",
            unique=True,
            sqlite_where=text("state IN ('starting', 'charging', 'suspended')"),
            postgresql_where=text("state IN ('starting', 'charging', 'suspended')"),
        ),
        Index("ix_charging_sessions_driver_id_created_at", "driver_id", "created_at"),
        # What the back office searches by.
        Index("ix_charging_sessions_created_at_id", "created_at", "id"),
        Index("ix_charging_sessions_site_id_created_at", "site_id", "created_at"),
        Index("ix_charging_sessions_outlet_id_created_at", "outlet_id", "created_at"),
        Index("ix_charging_sessions_state_created_at", "state", "created_at"),
        Index("ix_charging_sessions_end_reason_created_at", "end_reason", "created_at"),
        Index("ix_charging_sessions_transaction_id", "transaction_id"),
        Index("ix_charging_sessions_remote_start_id", "remote_start_id"),
        Index("ix_charging_sessions_id_token", "id_token"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    driver_id: Mapped[UUID] = mapped_column(ForeignKey("drivers.id"))
    outlet_id: Mapped[UUID] = mapped_column(ForeignKey("outlets.id"))
    site_id: Mapped[UUID] = mapped_column(ForeignKey("sites.id"))
    state: Mapped[SessionState] = mapped_column(words(SessionState))

    limit_kind: Mapped[LimitKind] = mapped_column(words(LimitKind))
    limit_amount: Mapped[int] = mapped_column(BigInteger)
    """What the driver asked for: Wh, seconds or minor units; 0 for `full`."""
    energy_limit_wh: Mapped[int | None]
    """The energy that was agreed; None for a limit by time alone."""
    energy_cap_wh: Mapped[int]
    """What the site is told as its energy limit: the agreed energy, else what the hold can pay for."""
    time_limit_s: Mapped[int | None]

    price: Mapped[dict[str, Any]] = mapped_column(JSON)
    """All that was agreed about the price, as `pricing.Price.to_dict` gives it."""
    unit_price: Mapped[Decimal]
    """Its headline: per kWh in major units, tax included."""
    currency: Mapped[str] = mapped_column(String(3))
    tax_rate: Mapped[Decimal]
    offer: Mapped[str] = mapped_column(String(64), default="")
    """Name of the tariff that the driver chose; empty for sessions of before there was a choice."""
    power_type: Mapped[str] = mapped_column(String(20))
    """The standard word (`catalogue.power.TRAVELLING`), as it goes to the site and comes back with the measurement."""
    power_name: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    """What the operator calls a power type of its own, by language; empty for a standard one."""
    supplier: Mapped[str] = mapped_column(String(100))
    supplier_code: Mapped[str] = mapped_column(String(32), default="")
    carbon_g_per_kwh: Mapped[int | None]
    """As the tariff said; None: not known."""
    supplier_share: Mapped[Decimal] = mapped_column(default=Decimal(0))
    """What the supplier gets of the net amount by its contract at the start, 0 to 1; 0 without a contract."""
    owner_share: Mapped[Decimal] = mapped_column(default=Decimal(0))
    """Likewise the site's owner."""
    metering: Mapped[Metering] = mapped_column(words(Metering), default=Metering.VERIFIED)
    """On what basis the outlet measured at the start."""
    rated_w: Mapped[int]
    hold_minor: Mapped[int] = mapped_column(BigInteger)
    """The most that can be billed; what is held for it. A change of the limit raises it at once and lowers it when
    the outlet has confirmed."""
    limit_change_id: Mapped[UUID | None]
    """The `LimitChange` that the outlet has not confirmed yet."""
    limits_kept: Mapped[bool] = mapped_column(default=False)
    """A station that is not ours has said that it keeps to these limits by itself (2.1, E16: LimitSet)."""

    remote_start_id: Mapped[int]
    """The number of the start request; all that the site knows of whose session this is."""
    id_token: Mapped[str] = mapped_column(String(20))
    """Random; made for this session alone."""
    transaction_id: Mapped[str | None] = mapped_column(String(36))
    """The site's own name for it."""

    created_at: Mapped[datetime]
    start_expires_at: Mapped[datetime]
    """The site does not execute the start request from this time on."""
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    stop_requested_at: Mapped[datetime | None]
    stop_reason: Mapped[str] = mapped_column(String(50), default="")
    """OCPP's word for why this server had it stopped; empty where the driver did, or nobody."""
    end_reason: Mapped[str] = mapped_column(String(50), default="")
    """OCPP's word for why supply ended; empty before."""
    failure: Mapped[str] = mapped_column(String(50), default="")
    """Why it failed: a reason code of the site, or ours (`charging.errors`); empty otherwise."""

    begin_mwh: Mapped[int | None] = mapped_column(BigInteger)
    """The outlet's register at the start, mWh."""
    delivered_mwh: Mapped[int] = mapped_column(BigInteger, default=0)
    """Measured so far; the bill counts all stored events again."""
    metered_at: Mapped[datetime | None]
    """The time of the last register that counted, by the site's clock."""
    metered_s: Mapped[int | None]
    """Seconds of supply that the site counted until then."""
    seconds: Mapped[int] = mapped_column(default=0)
    """Seconds of supply."""
    priced: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """What was used so far at which rate (`charging.cost`); None where the energy alone tells what it costs, and before
    the first reading."""
    power_w: Mapped[int | None]
    last_seq_no: Mapped[int] = mapped_column(default=-1)
    last_update: Mapped[datetime | None]
    """The time of the newest event, by the site's clock."""
    heard_at: Mapped[datetime | None]
    """When the newest event arrived, by this server's clock."""
    drawn_mwh: Mapped[int] = mapped_column(BigInteger, default=0)
    """What had been delivered when the car was last seen to draw."""
    drawn_at: Mapped[datetime | None]
    """When that was heard, by this server's clock; before anything is drawn, the first event."""

    mail_wanted: Mapped[bool] = mapped_column(default=False)
    """The driver wants a mail when this charging ends or is interrupted."""

    outlet: Mapped[Outlet] = relationship(lazy="raise")


WITH_OUTLET = joinedload(ChargingSession.outlet, innerjoin=True).joinedload(Outlet.site, innerjoin=True)
"""Option of a query: loads a session's outlet and site with it."""


class LimitChange(Base):
    """A new limit that the driver chose while the session ran, counted from its start like the first one."""

    __tablename__ = "limit_changes"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    session_id: Mapped[UUID] = mapped_column(ForeignKey("charging_sessions.id"), index=True)
    kind: Mapped[LimitKind] = mapped_column(words(LimitKind))
    amount: Mapped[int] = mapped_column(BigInteger)
    """Wh, seconds or minor units; 0 for `full`."""
    energy_limit_wh: Mapped[int | None]
    energy_cap_wh: Mapped[int]
    time_limit_s: Mapped[int | None]
    hold_minor: Mapped[int] = mapped_column(BigInteger)
    """What is held once it is confirmed."""
    asked_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    """When the outlet had it; None while it has not, and for ever where another change or the end came first."""


class MeterEvent(Base):
    """One TransactionEvent, kept before it was acknowledged. The site may send it again; it counts once."""

    __tablename__ = "meter_events"
    __table_args__ = (
        # The only index beside the key: each further one would cost as much as an event itself.
        Index(
            "ix_meter_events_unplaced",
            "received_at",
            sqlite_where=text("session_id IS NULL"),
            postgresql_where=text("session_id IS NULL"),
        ),
    )

    site_id: Mapped[UUID] = mapped_column(ForeignKey("sites.id"), primary_key=True)
    transaction_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    seq_no: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    session_id: Mapped[UUID | None] = mapped_column(ForeignKey("charging_sessions.id"))
    """None while it cannot be told whose transaction this is."""
    event_type: Mapped[str] = mapped_column(String(10))
    at: Mapped[datetime]
    """By the site's clock."""
    received_at: Mapped[datetime]
    offline: Mapped[bool]
    trigger: Mapped[str] = mapped_column(String(50))
    charging_state: Mapped[str] = mapped_column(String(50), default="")
    stopped_reason: Mapped[str] = mapped_column(String(50), default="")
    remote_start_id: Mapped[int | None]
    evse_id: Mapped[int | None]
    seconds: Mapped[int | None]
    begin_mwh: Mapped[int | None] = mapped_column(BigInteger)
    """A register that the event itself calls the one at the start, mWh."""
    register_mwh: Mapped[int | None] = mapped_column(BigInteger)
    """The register at this event, mWh; None where it came without energy."""
    power_w: Mapped[int | None]


def events_of(charging: ChargingSession) -> ColumnElement[bool]:
    """Return the condition that meter events are of that session, by their key: there is no index by session."""
    return and_(MeterEvent.site_id == charging.site_id, MeterEvent.transaction_id == charging.transaction_id)
