"""What control needs from an outlet, whatever the outlet is made of."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from .limits import Limits
from .report import OutletReport
from .words import EndReason


class OutletRefusedError(Exception):
    """The outlet has understood and said no; nothing has changed.

    `code` is one of docs/contracts.md §1, or `not_supported` for what this kind of outlet cannot do at all.
    """

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(f"{code}: {sentence}")
        self.code = code
        self.sentence = sentence


class OutletSilentError(Exception):
    """No answer: the outlet may or may not have done it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OutletFacts:
    """What an outlet is. Empty or None where it does not say."""

    manufacturer: str = ""
    model: str = ""
    firmware: str = ""
    """Version of the outlet's firmware."""
    max_power_w: float | None = None
    """The most that it may supply for hours, W."""
    max_current_a: float | None = None
    """The same as a current, A; the lower of the two counts."""
    can_wait: bool = False
    """Whether it takes a lease of 0: a session that waits, with its relay open, for as long as somebody says so."""
    missing: tuple[str, ...] = ()
    """What the site needs and this firmware does not have: it must be updated."""


class Connected(Protocol):
    """A connection that makes itself, again and again, from `start` to `stop`."""

    @property
    def connected(self) -> bool:
        """Whether the outlet can be talked to."""

    @property
    def facts(self) -> OutletFacts:
        """What the outlet has told about itself, as long as it is known."""

    @property
    def key_refused(self) -> bool:
        """Whether the outlet does not take the encryption key, or wants one that is not known."""

    @property
    def address_taken(self) -> bool:
        """Whether another device answers where the outlet should."""

    def listen(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call back after everything new, also about what stands in its way; returns what ends that."""

    async def start(self) -> None:
        """Begin to connect."""

    async def stop(self) -> None:
        """End the connection for good."""

    async def tried(self, timeout_s: float) -> None:
        """Wait until the outlet has reported or could not be reached, at most `timeout_s` seconds."""

    def hang_up(self) -> None:
        """Drop a connection that no longer answers, so that a new one is made."""


class OutletDriver(Connected, Protocol):
    """One outlet. Every command raises OutletRefusedError or OutletSilentError."""

    @property
    def guarded(self) -> bool:
        """Whether the outlet keeps limits and lease by itself, also while nobody here is alive."""

    @property
    def report(self) -> OutletReport | None:
        """The newest reading; None while the outlet is not connected or has not yet told everything."""

    async def session_start(self, session_id: str, limits: Limits, lease_s: int) -> None:
        """Close the relay under these limits. With a lease of 0 (`facts.can_wait`) the session begins suspended."""

    async def session_renew(self, session_id: str, seq: int, lease_s: int) -> None:
        """Prolong the lease of a session; closes the relay again when it was suspended.

        A lease of 0 (`facts.can_wait`) opens the relay and lets the session wait anew.
        """

    async def session_limit(self, session_id: str, limits: Limits) -> None:
        """Change the limits of a session, counted from its start; ends it when they are used up already."""

    async def session_stop(self, session_id: str, reason: EndReason) -> None:
        """End a session."""

    async def enable(self, enabled: bool) -> None:
        """Take sessions, or refuse them; refusing ends a running one."""

    async def clear_fault(self, fault: str) -> None:
        """Forget a latched fault whose cause is gone."""

    async def loopback(self, number: int) -> None:
        """Send a number there and back: returns when the outlet has shown it (IEEE 802.1ag's loopback)."""

    async def identify(self, seconds: int) -> None:
        """Have the outlet's light blink, 1 to 60 s."""
