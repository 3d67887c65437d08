"""What control needs from an outlet, whatever the outlet is made of."""

from collections.abc import Callable
from typing import Protocol

from .limits import Limits
from .report import OutletReport
from .words import EndReason


class OutletRefusedError(Exception):
    """The outlet has understood and said no; nothing has changed. `code` is one of docs/contracts.md §1."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(f"{code}: {sentence}")
        self.code = code


class OutletSilentError(Exception):
    """No answer: the outlet may or may not have done it."""


class OutletDriver(Protocol):
    """The connection to one outlet.

    Every command raises OutletRefusedError or OutletSilentError.
    """

    @property
    def report(self) -> OutletReport | None:
        """The newest reading; None while the outlet is not connected or has not yet told everything."""

    def listen(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call back after every change of `report`; returns what ends that."""

    async def session_start(self, session_id: str, limits: Limits, lease_s: int) -> None:
        """Close the relay under these limits."""

    async def session_renew(self, session_id: str, seq: int, lease_s: int) -> None:
        """Prolong the lease of a session; closes the relay again when it was suspended."""

    async def session_stop(self, session_id: str, reason: EndReason) -> None:
        """End a session."""

    def hang_up(self) -> None:
        """Drop a connection that no longer answers, so that a new one is made."""
