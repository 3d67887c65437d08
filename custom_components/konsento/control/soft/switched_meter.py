"""What a soft guard needs from a plain outlet: a switch that obeys, mostly, and a meter that reports when it likes."""

from dataclasses import dataclass
from typing import Protocol

from ..driver import Connected


@dataclass(frozen=True, slots=True)
class Reading:
    """One number that a meter has told. The same number told again is another reading."""

    value: float
    at: float
    """When it was heard, s of `Clock.monotonic`."""


class SwitchedMeter(Connected, Protocol):
    """A relay and a meter without a mind of their own. What has reported is the relay."""

    @property
    def has_counter(self) -> bool:
        """Whether there is an energy counter: then that is what is billed."""

    @property
    def has_power(self) -> bool:
        """Whether there is a power reading."""

    @property
    def relay(self) -> bool | None:
        """True = closed; None while the device does not say."""

    @property
    def power(self) -> Reading | None:
        """The newest power, W; None while there is none: a sensor that is away, or tells no number."""

    @property
    def counter(self) -> Reading | None:
        """The newest state of the energy counter, mWh; None while there is none."""

    @property
    def voltage_v(self) -> float | None:
        """Line voltage where it is measured."""

    @property
    def current_a(self) -> float | None:
        """Current where it is measured."""

    async def turn(self, on: bool) -> None:
        """Send a command to the relay; that it was sent says nothing about the relay. Raises OutletSilentError."""

    async def loopback(self) -> None:
        """Return when the device has answered something. Raises OutletSilentError or OutletRefusedError."""
