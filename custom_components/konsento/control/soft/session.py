"""A session as a plain outlet's guard remembers it."""

from dataclasses import dataclass, field
from typing import Any

from ..limits import Limits
from ..words import EndReason


@dataclass(kw_only=True, slots=True)
class SoftSession:
    """What a soft guard knows of the running or the last session. Energies in mWh, times in s."""

    id: str = ""
    limits: Limits = field(default_factory=Limits)
    energy: float = 0.0
    doubtful: float = 0.0
    """Not billed, but counts against the limit; mWh."""
    supply_s: float = 0.0
    doubtful_s: float = 0.0
    clock_started: bool = False
    used: bool = False
    power_lost: bool = False
    last_seq: int = -1
    end_reason: EndReason | None = None

    @property
    def running(self) -> bool:
        """Whether there is a session that has not ended."""
        return bool(self.id) and self.end_reason is None

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> SoftSession:
        """Return what `dataclasses.asdict` had made of one."""
        reason = data["end_reason"]
        return cls(
            **{**data, "limits": Limits.from_json(data["limits"]), "end_reason": EndReason(reason) if reason else None}
        )
