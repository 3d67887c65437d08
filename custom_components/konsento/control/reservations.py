"""Outlets that are kept for somebody: one reservation per outlet, until it is used, cancelled or over (OCPP 2.1, H).

Whom an outlet is kept for is a token that only its management server can read something into. It is kept as a salted
hash, which is enough to recognise it.
"""

import asyncio
import hashlib
import logging
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum

from .clock import Clock
from .journal import Journal
from .signals import Signal

_LOGGER = logging.getLogger(__name__)

_KIND = "reservation"
_LONGEST_WAIT_S = 3600.0


class Over(StrEnum):
    """Why a reservation is no more (ReservationUpdateStatusEnumType)."""

    EXPIRED = "Expired"
    REMOVED = "Removed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Reservation:
    """One outlet for one holder of a token, until a moment (UTC)."""

    server: str
    id: int
    evse: int
    salt: str
    digest: str
    expires_at: datetime

    @classmethod
    async def of(cls, server: str, reservation_id: int, evse: int, token: str, expires_at: datetime) -> Reservation:
        """Return a reservation for whoever has this token."""
        salt = secrets.token_hex(16)
        return cls(
            server=server,
            id=reservation_id,
            evse=evse,
            salt=salt,
            digest=await _digest(salt, token),
            expires_at=expires_at,
        )

    async def admits(self, server: str, token: str) -> bool:
        """Whether a start with this token is the one that the outlet is kept for."""
        return server == self.server and secrets.compare_digest(await _digest(self.salt, token), self.digest)


async def _digest(salt: str, token: str) -> str:
    # A slow hash: the number of a card is short enough to be found from a fast one by trying all. OCPP compares tokens
    # without regard to case.
    digest = await asyncio.to_thread(
        hashlib.scrypt, token.casefold().encode(), salt=bytes.fromhex(salt), n=2**14, r=8, p=1
    )
    return digest.hex()


class Reservations:
    """The reservations of a site. They outlive the program."""

    def __init__(
        self, journal: Journal, clock: Clock, is_usable: Callable[[Reservation], bool], on_change: Callable[[int], None]
    ) -> None:
        """`on_change` hears the number of every outlet that is kept for somebody now, or no longer."""
        self._journal = journal
        self._clock = clock
        self._is_usable = is_usable
        self._on_change = on_change
        self._by_evse: dict[int, Reservation] = {}
        self._changed = Signal()
        self._listeners: dict[str, Callable[[int, Over], None]] = {}

    async def open(self) -> None:
        """Read the journal."""
        for body in (await self._journal.remembered(_KIND)).values():
            kept = Reservation(**{**body, "expires_at": datetime.fromisoformat(body["expires_at"])})
            self._by_evse[kept.evse] = kept

    async def run(self) -> None:
        """Give outlets free when their time is over or they are out of order, until cancelled."""
        while True:
            await self.look()
            now = self._clock.now()
            ends = [(kept.expires_at - now).total_seconds() for kept in self._by_evse.values()]
            await self._changed.wait(min([_LONGEST_WAIT_S, *ends]) + 0.01)

    async def look(self) -> None:
        """Give those free whose time is over now, or that nobody could use."""
        for kept in list(self._by_evse.values()):
            if self._clock.now() >= kept.expires_at:
                await self._drop(kept, Over.EXPIRED)
            elif not self._is_usable(kept):
                await self._drop(kept, Over.REMOVED)

    def outlet_changed(self, evse: int) -> None:
        """Look soon whether an outlet can still be used."""
        if evse in self._by_evse:
            self._changed.notify()

    def on_over(self, server: str, callback: Callable[[int, Over], None]) -> Callable[[], None]:
        """Call back with the id of a reservation of a server that is over without having been used or cancelled."""
        self._listeners[server] = callback
        return lambda: self._listeners.pop(server, None) and None

    def on(self, evse: int) -> Reservation | None:
        """Return what an outlet is kept for."""
        kept = self._by_evse.get(evse)
        return kept if kept and self._clock.now() < kept.expires_at else None

    async def keep(self, reservation: Reservation) -> None:
        """Reserve; one of the same id is replaced, also at another outlet."""
        moved = [
            evse
            for evse, kept in self._by_evse.items()
            if (kept.server, kept.id) == (reservation.server, reservation.id) and evse != reservation.evse
        ]
        # In memory first: whoever asks at the same moment must find the outlet taken.
        self._by_evse[reservation.evse] = reservation
        for evse in moved:
            del self._by_evse[evse]
            await self._journal.remember(_KIND, str(evse), None)
            self._on_change(evse)
        body = {**asdict(reservation), "expires_at": reservation.expires_at.isoformat()}
        await self._journal.remember(_KIND, str(reservation.evse), body)
        self._changed.notify()
        self._on_change(reservation.evse)

    async def cancel(self, server: str, reservation_id: int) -> bool:
        """Give an outlet free; False when there is no such reservation of that server."""
        for kept in list(self._by_evse.values()):
            if (kept.server, kept.id) == (server, reservation_id):
                await self._drop(kept)
                return True
        return False

    async def use(self, evse: int) -> None:
        """Forget it: its holder has started."""
        if kept := self._by_evse.get(evse):
            await self._drop(kept)

    async def forget_server(self, server: str) -> None:
        """Give up what a server has reserved."""
        for kept in list(self._by_evse.values()):
            if kept.server == server:
                await self._drop(kept)

    async def _drop(self, kept: Reservation, why: Over | None = None) -> None:
        await self._journal.remember(_KIND, str(kept.evse), None)
        self._by_evse.pop(kept.evse, None)
        self._on_change(kept.evse)
        if why:
            _LOGGER.info("Outlet %s: reservation %s is over (%s)", kept.evse, kept.id, why)
            if callback := self._listeners.get(kept.server):
                callback(kept.id, why)
