"""The life of one charging, as pure steps: each returns the session after it and the events to tell.

A session is a value. Control writes the new value and its events to the journal first and uses them afterwards, so that
whatever was told had been on disk before.
"""

from collections.abc import Collection
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from . import half_hours
from .events import EventKind, SessionEvent, Trigger
from .half_hours import HalfHours
from .holds import Hold, Suspension, held_for
from .limits import Limits
from .report import OutletReport
from .words import EndReason, OutletState, Refusal, SessionKind

LOCAL = "local"
"""In the place of a management server: a session that the site's owner has started. Nobody is told about it."""
NOTE_LENGTH = 60
"""Characters of an owner's note."""
_RENEWALS_PER_RUN = 1_000_000
"""More renewals than one run of the program can make in a session: a day of one per 100 ms."""


def kind_of(server: str) -> SessionKind:
    """Return for whom the sessions of a server, or of LOCAL in its place, are."""
    return SessionKind.LOCAL if server == LOCAL else SessionKind.DRIVER


class Phase(StrEnum):
    """Where a session stands."""

    REQUESTED = "requested"
    """Written down, but not yet known whether the outlet has started."""
    RUNNING = "running"
    ENDED = "ended"


@dataclass(frozen=True, kw_only=True, slots=True)
class StartRequest:
    """What a management server asks for. `remote_start_id` identifies it: asked twice, it is done once."""

    server: str
    remote_start_id: int
    evse: int
    limits: Limits
    expires_at: datetime
    """Not begun after this time, UTC."""
    token: str = field(default="", repr=False)
    """Only compared with the one that a reservation was made with; neither kept nor logged."""
    power_type: str = ""
    """As the driver has chosen: solar, wind, …; stays with the measurement."""
    supplier: str = ""
    """The retailer of the energy; stays with the measurement."""
    supplier_code: str = ""
    """The retailer's registration number, empty where the server gave none."""
    note: str = field(default="", repr=False)
    """What the owner has written on a session of the own; stays on the site."""

    @property
    def kind(self) -> SessionKind:
        """For whom it is."""
        return kind_of(self.server)


@dataclass(frozen=True, slots=True)
class StartAnswer:
    """What a request was answered: the session that it became, its relay closed or waiting to be, or why not."""

    session_id: str | None
    refusal: Refusal | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """One charging at one outlet for one management server."""

    id: str
    server: str
    remote_start_id: int
    outlet: str
    evse: int
    limits: Limits
    expires_at: datetime
    register_start_mwh: int
    """The outlet's lifetime register before the relay closed, mWh."""
    phase: Phase = Phase.REQUESTED
    supplying: bool = False
    energy_mwh: int = 0
    """As the outlet measured it, mWh."""
    supply_s: int = 0
    power_w: float = 0.0
    next_seq_no: int = 0
    renewals: int = 0
    """Sequence number of the last continuity check; the outlet refuses one that does not rise."""
    holds: frozenset[Hold] = frozenset()
    """Who wants it to wait; without anybody it is supplied."""
    suspended_for: Suspension | None = None
    """Why it was not supplied the last time that it was not."""
    wanted_limits: Limits | None = None
    """Set when somebody wants other limits; kept until the outlet has taken them."""
    stop_reason: EndReason | None = None
    """Set when somebody wants it to end; kept until the outlet has ended it."""
    end_reason: EndReason | None = None
    power_type: str = ""
    supplier: str = ""
    supplier_code: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    read_at: datetime | None = None
    """Since when the next rise of the meter has flowed."""
    half_hours: HalfHours = ()
    """When the energy flowed. Adds up to it, except in a session that an earlier version of the program has begun."""
    note: str = field(default="", repr=False)
    """The owner's words for a session of the own: in the journal, for the owner; told to nobody else."""

    @classmethod
    def requested(
        cls,
        session_id: str,
        request: StartRequest,
        outlet: str,
        register_mwh: int,
        holds: Collection[Hold] = (),
    ) -> Session:
        """Return the session that a request would become; with `holds` it begins waiting."""
        return cls(
            id=session_id,
            server=request.server,
            remote_start_id=request.remote_start_id,
            outlet=outlet,
            evse=request.evse,
            limits=request.limits,
            expires_at=request.expires_at,
            register_start_mwh=register_mwh,
            power_type=request.power_type,
            supplier=request.supplier,
            supplier_code=request.supplier_code,
            note=request.note,
            holds=frozenset(holds),
        )

    @property
    def kind(self) -> SessionKind:
        """For whom it is."""
        return kind_of(self.server)

    @property
    def register_mwh(self) -> int:
        """The register that the management server is told, mWh."""
        return self.register_start_mwh + self.energy_mwh

    def begun(self, at: datetime) -> tuple[Session, list[SessionEvent]]:
        """Begin: the outlet has taken it. This event's register is the one before any energy flowed."""
        why = held_for(self.holds)
        running = replace(self, phase=Phase.RUNNING, supplying=not why, suspended_for=why, started_at=at, read_at=at)
        return running._tell(
            EventKind.STARTED, Trigger.REMOTE_START, at, remote_start_id=self.remote_start_id, limits=self.limits
        )

    def read(self, report: OutletReport, at: datetime) -> Session:
        """Return it with the meter of a report about it."""
        # A late reading is smaller; energy that was told is never taken back.
        more = max(0, report.energy_mwh - self.energy_mwh)
        since = self.read_at or at
        return replace(
            self,
            energy_mwh=self.energy_mwh + more,
            half_hours=half_hours.added(self.half_hours, more, since, at),
            # A counter that rises in large steps says afterwards what has flowed since the last one.
            read_at=since if not more and report.power_w else at,
            supply_s=max(self.supply_s, report.supply_s),
            power_w=report.power_w,
        )

    def observed(self, report: OutletReport, at: datetime) -> tuple[Session, list[SessionEvent]]:
        """Take in what the outlet reports about this session."""
        seen = self.read(report, at)
        if report.end_reason is not None or report.state in {OutletState.ENDED, OutletState.FAULT, OutletState.IDLE}:
            return seen.ended(self._reason_of(report), at, report)
        supplying = report.state is OutletState.SUPPLYING
        if supplying == self.supplying:
            return seen, []
        changed = replace(seen, supplying=supplying)
        if not supplying:
            changed = replace(changed, suspended_for=seen._suspension(report))
        return changed._tell(EventKind.UPDATED, Trigger.CHARGING_STATE, at, report)

    def _suspension(self, report: OutletReport | None) -> Suspension:
        if why := held_for(self.holds):
            return why
        if report and (report.faulted or report.lease_left_s):
            return Suspension.DEVICE
        return Suspension.LEASE

    def suspension(self, report: OutletReport | None) -> Suspension | None:
        """Return why it is not supplied now, by the newest report; None while it is, and unless it is under way."""
        if self.phase is not Phase.RUNNING or self.supplying:
            return None
        why = self._suspension(report)
        # Between the release and the closing of the relay nothing else has come up.
        return self.suspended_for if why is Suspension.LEASE and report and self.suspended_for else why

    def _reason_of(self, report: OutletReport) -> EndReason:
        reason = report.end_reason or EndReason.OTHER
        # The outlet knows fewer words than whoever had it stopped.
        return self.stop_reason if self.stop_reason and reason is self.stop_reason.for_outlet else reason

    def limited(self, limits: Limits, at: datetime) -> tuple[Session, list[SessionEvent]]:
        """Take other limits, which the outlet has accepted."""
        return replace(self, limits=limits, wanted_limits=None)._tell(
            EventKind.UPDATED, Trigger.LIMIT_SET, at, limits=limits
        )

    def sampled(
        self, at: datetime, report: OutletReport | None = None, trigger: Trigger = Trigger.PERIODIC
    ) -> tuple[Session, list[SessionEvent]]:
        """Tell the meter."""
        return self._tell(EventKind.UPDATED, trigger, at, report)

    def suspended_unseen(self, at: datetime) -> tuple[Session, list[SessionEvent]]:
        """Conclude that an outlet that cannot be reached has opened its relay: its lease has run out."""
        unseen = replace(self, supplying=False, power_w=0.0, suspended_for=self._suspension(None))
        return unseen._tell(EventKind.UPDATED, Trigger.CHARGING_STATE, at)

    def ended(
        self, reason: EndReason, at: datetime, report: OutletReport | None = None
    ) -> tuple[Session, list[SessionEvent]]:
        """End it with the energy known so far."""
        over = replace(self, phase=Phase.ENDED, supplying=False, power_w=0.0, end_reason=reason, ended_at=at)
        sold = {"power_type": self.power_type, "supplier": self.supplier}
        return over._tell(EventKind.ENDED, Trigger.of_end(reason), at, report, end_reason=reason, **sold)

    def corrected(self, report: OutletReport, at: datetime) -> tuple[Session, list[SessionEvent]]:
        """Tell, after the end, that an outlet that was away had measured more than was known."""
        return replace(self.read(report, at), power_w=0.0)._tell(EventKind.UPDATED, Trigger.ABNORMAL, at, report)

    def stopping(self, reason: EndReason) -> Session:
        """Note that somebody wants it to end; the first reason counts."""
        return self if self.stop_reason else replace(self, stop_reason=reason)

    def held(self, why: Hold) -> Session:
        """Note that somebody wants it to wait."""
        return self._held_by(self.holds | {why})

    def released(self, why: Hold) -> Session:
        """Note that somebody no longer wants it to wait."""
        return self._held_by(self.holds - {why})

    def _held_by(self, holds: frozenset[Hold]) -> Session:
        why = None if self.supplying else held_for(holds)
        return replace(self, holds=holds, suspended_for=why or self.suspended_for)

    def renewed(self) -> Session:
        """Count one more continuity check, about to be sent."""
        return replace(self, renewals=self.renewals + 1)

    def resumed(self) -> Session:
        """Take the session over in a new run of the program.

        How many renewals the last run sent is not written down each time; the numbers of this run begin above all.
        """
        return replace(self, renewals=(self.renewals // _RENEWALS_PER_RUN + 1) * _RENEWALS_PER_RUN)

    def _tell(
        self, kind: EventKind, trigger: Trigger, at: datetime, report: OutletReport | None = None, **more: Any
    ) -> tuple[Session, list[SessionEvent]]:
        event = SessionEvent(
            session_id=self.id,
            seq_no=self.next_seq_no,
            kind=kind,
            trigger=trigger,
            at=at,
            evse=self.evse,
            register_mwh=self.register_mwh,
            power_w=self.power_w,
            supplying=self.supplying,
            supply_s=self.supply_s,
            voltage_v=report.voltage_v if report else None,
            current_a=report.current_a if report else None,
            **more,
        )
        return replace(self, next_seq_no=self.next_seq_no + 1), [event]

    def to_json(self) -> dict[str, Any]:
        """Return what the journal keeps."""
        return {
            **{key: value.isoformat() if isinstance(value, datetime) else value for key, value in asdict(self).items()},
            "holds": sorted(self.holds),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Session:
        """Return the session that the journal kept."""
        return cls(
            **{
                **data,
                "limits": Limits.from_json(data["limits"]),
                "wanted_limits": Limits.from_json(wanted) if (wanted := data.get("wanted_limits")) else None,
                **{name: datetime.fromisoformat(data[name]) for name in _TIMES if data.get(name)},
                "phase": Phase(data["phase"]),
                "holds": frozenset(Hold(hold) for hold in data.get("holds", ())),
                "suspended_for": Suspension(why) if (why := data.get("suspended_for")) else None,
                "half_hours": tuple((number, mwh) for number, mwh in data.get("half_hours", ())),
                "stop_reason": EndReason(data["stop_reason"]) if data["stop_reason"] else None,
                "end_reason": EndReason(data["end_reason"]) if data["end_reason"] else None,
            }
        )


_TIMES = tuple(each.name for each in fields(Session) if each.name.endswith("_at"))
