"""An outlet's register as statistics need it: it never falls and never leaps, whatever becomes of the device.

Home Assistant takes the differences of a register for energy. One that falls below nine tenths counts as a new one,
with all that is on it; one that falls by less counts as negative energy; one that leaps counts in full. So a device
that lost its memory, or was replaced by one that had been used elsewhere, must not be seen in it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from .soft.energy import MOST_W

_J_PER_MWH = 3.6
_SLACK_MWH = 1_000_000
"""A clock that was wrong while the program started hides so much energy at most: that of the longest lease."""


def flowed(before_mwh: int, after_mwh: int, seconds: float) -> int:
    """Return what flowed between two readings of one device's register, mWh.

    A register that fell has begun anew from 0. More than an outlet can supply in that time is another register.
    """
    step = after_mwh - before_mwh if after_mwh >= before_mwh else after_mwh
    return step if step <= _SLACK_MWH + MOST_W * max(0.0, seconds) / _J_PER_MWH else 0


@dataclass(slots=True)
class Register:
    """What the devices of one outlet have supplied, from the first reading of the first one on."""

    device: str
    """Which one was read last."""
    device_mwh: int
    """Its own register."""
    total_mwh: int
    read_at: datetime

    @classmethod
    def first(cls, device: str, device_mwh: int, now: datetime) -> Self:
        """Begin with what a device says."""
        return cls(device, device_mwh, device_mwh, now)

    def take(self, device: str, device_mwh: int, now: datetime) -> bool:
        """Take a reading. 0 is none: a device says it that has not read its memory yet, or has lost it.

        Returns whether it no longer goes on from the one before: what was remembered until then must not be used again.
        """
        anew = device != self.device
        if anew:
            self.device, self.device_mwh = device, device_mwh
        elif device_mwh:
            step = flowed(self.device_mwh, device_mwh, (now - self.read_at).total_seconds())
            anew = step != device_mwh - self.device_mwh
            self.total_mwh += step
            self.device_mwh = device_mwh
        self.read_at = now
        return anew

    def to_json(self) -> dict[str, Any]:
        """Return it for the disk."""
        return {
            "device": self.device,
            "device_mwh": self.device_mwh,
            "total_mwh": self.total_mwh,
            "read_at": self.read_at.isoformat(),
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Go on with what `to_json` had returned."""
        return cls(value["device"], value["device_mwh"], value["total_mwh"], datetime.fromisoformat(value["read_at"]))
