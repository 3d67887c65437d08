"""The life of one charging, as pure steps: each returns the session after it and the events to tell.

A session is a value. Control writes the new value and its events to the journal first and uses them afterwards, so that
whatever was told had been on disk before.
"""

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from .events import EventKind, SessionEvent, Trigger
from .limits import Limits
from .report import OutletReport
from .words import EndReason, OutletState, Refusal, TimerStart

_RENEWALS_PER_RUN = 1_000_000
"""More renewals than one run of the program can make in a session: a day of one per 100 ms."""


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
    id_token: str
    id_token_type: str = "Central"  # noqa: S105  # a kind of token, not one


@dataclass(frozen=True, slots=True)
class StartAnswer:
    """What a request was answered: the session that it became, its relay closed, or why not."""

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
    id_token: str
    """Emptied as soon as the first event has it: what is no longer needed is no longer kept."""
    id_token_type: str
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
    stop_reason: EndReason | None = None
    """Set when somebody wants it to end; kept until the outlet has ended it."""
    end_reason: EndReason | None = None

    @classmethod
    def requested(cls, session_id: str, request: StartRequest, outlet: str, register_mwh: int) -> Session:
        """Return the session that a request would become."""
        return cls(
            id=session_id,
            server=request.server,
            remote_start_id=request.remote_start_id,
            outlet=outlet,
            evse=request.evse,
            limits=request.limits,
            expires_at=request.expires_at,
            id_token=request.id_token,
            id_token_type=request.id_token_type,
            register_start_mwh=register_mwh,
        )

    @property
    def register_mwh(self) -> int:
        """The register that the management server is told, mWh."""
        return self.register_start_mwh + self.energy_mwh

    def begun(self, at: datetime) -> tuple[Session, list[SessionEvent]]:
        """Begin: the outlet has closed its relay. This event's register is the one before any energy flowed."""
        running = replace(self, phase=Phase.RUNNING, supplying=True)
        after, events = running._tell(
            EventKind.STARTED,
            Trigger.REMOTE_START,
            at,
            remote_start_id=self.remote_start_id,
            id_token=self.id_token,
            id_token_type=self.id_token_type,
        )
        return replace(after, id_token=""), events

    def read(self, report: OutletReport) -> Session:
        """Return it with the meter of a report about it."""
        return replace(
            self,
            # A late reading is smaller; energy that was told is never taken back.
            energy_mwh=max(self.energy_mwh, report.energy_mwh),
            supply_s=max(self.supply_s, report.supply_s),
            power_w=report.power_w,
        )

    def observed(self, report: OutletReport, at: datetime) -> tuple[Session, list[SessionEvent]]:
        """Take in what the outlet reports about this session."""
        seen = self.read(report)
        if report.end_reason is not None or report.state in {OutletState.ENDED, OutletState.FAULT, OutletState.IDLE}:
            return seen.ended(report.end_reason or EndReason.OTHER, at, report)
        supplying = report.state is OutletState.SUPPLYING
        if supplying == self.supplying:
            return seen, []
        return replace(seen, supplying=supplying)._tell(EventKind.UPDATED, Trigger.CHARGING_STATE, at, report)

    def sampled(
        self, at: datetime, report: OutletReport | None = None, trigger: Trigger = Trigger.PERIODIC
    ) -> tuple[Session, list[SessionEvent]]:
        """Tell the meter."""
        return self._tell(EventKind.UPDATED, trigger, at, report)

    def suspended_unseen(self, at: datetime) -> tuple[Session, list[SessionEvent]]:
        """Conclude that an outlet that cannot be reached has opened its relay: its lease has run out."""
        return replace(self, supplying=False, power_w=0.0)._tell(EventKind.UPDATED, Trigger.CHARGING_STATE, at)

    def ended(
        self, reason: EndReason, at: datetime, report: OutletReport | None = None
    ) -> tuple[Session, list[SessionEvent]]:
        """End it with the energy known so far."""
        over = replace(self, phase=Phase.ENDED, supplying=False, power_w=0.0, end_reason=reason)
        return over._tell(EventKind.ENDED, Trigger.of_end(reason), at, report, end_reason=reason)

    def stopping(self, reason: EndReason) -> Session:
        """Note that somebody wants it to end; the first reason counts."""
        return self if self.stop_reason else replace(self, stop_reason=reason)

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
        return {**asdict(self), "expires_at": self.expires_at.isoformat()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Session:
        """Return the session that the journal kept."""
        limits = data["limits"]
        return cls(
            **{
                **data,
                "limits": Limits(**{**limits, "timer_start": TimerStart(limits["timer_start"])}),
                "expires_at": datetime.fromisoformat(data["expires_at"]),
                "phase": Phase(data["phase"]),
                "stop_reason": EndReason(data["stop_reason"]) if data["stop_reason"] else None,
                "end_reason": EndReason(data["end_reason"]) if data["end_reason"] else None,
            }
        )
