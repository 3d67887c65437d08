"""What a soft guard needs from a plain outlet: a switch that obeys, mostly, and a meter that reports when it likes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from .driver import OutletFacts


@dataclass(frozen=True, slots=True)
class Reading:
    """One number that a meter has told. The same number told again is another reading."""

    value: float
    at: float
    """When it was heard, s of `Clock.monotonic`."""


class SwitchedMeter(Protocol):
    """A relay and a meter without a mind of their own. Connects, and connects again, from `start` to `stop`."""

    @property
    def connected(self) -> bool:
        """Whether the relay can be commanded."""

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

    @property
    def facts(self) -> OutletFacts:
        """What the device has told about itself."""

    @property
    def key_refused(self) -> bool:
        """Whether the device does not take the encryption key, or wants one that is not known."""

    @property
    def address_taken(self) -> bool:
        """Whether another device answers where this one should."""

    def listen(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call back after everything that was heard; returns what ends that."""

    async def start(self) -> None:
        """Begin to connect."""

    async def stop(self) -> None:
        """End the connection for good."""

    async def tried(self, timeout_s: float) -> None:
        """Wait until the device has told its relay or could not be reached, at most `timeout_s` seconds."""

    def hang_up(self) -> None:
        """Drop a connection that no longer answers."""

    async def turn(self, on: bool) -> None:
        """Send a command to the relay; that it was sent says nothing about the relay. Raises OutletSilentError."""

    async def loopback(self) -> None:
        """Return when the device has answered something. Raises OutletSilentError or OutletRefusedError."""
