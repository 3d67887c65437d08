"""Reservations (OCPP 2.1 H)."""

from ..control.reservations import Over, Reservation
from ..control.words import Refusal
from .frames import Payload
from .link import Actions, Link
from .messages import status_info

_STATUS = {
    Refusal.BUSY: "Occupied",
    Refusal.FAULTED: "Faulted",
    Refusal.OFFLINE: "Unavailable",
    Refusal.DISABLED: "Unavailable",
}


class Reserving:
    """The reservations of one management server, as it asks for them."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self.actions: Actions = {"ReserveNow": self._reserve, "CancelReservation": self._cancel}

    async def _reserve(self, payload: Payload) -> Payload:
        if "evseId" not in payload:
            # As the variable NonEvseSpecific says (H01.FR.07).
            return {"status": "Rejected", "statusInfo": status_info("NoEvse", "a site reserves named outlets only")}
        reservation = await Reservation.of(
            self._link.server,
            payload["id"],
            payload["evseId"],
            payload["idToken"]["idToken"],
            self._link.time(payload["expiryDateTime"], "expiryDateTime"),
        )
        refusal = await self._link.site.reserve(reservation)
        if refusal is None:
            return {"status": "Accepted"}
        return {"status": _STATUS.get(refusal, "Rejected"), "statusInfo": status_info(refusal)}

    async def _cancel(self, payload: Payload) -> Payload:
        known = await self._link.site.reservations.cancel(self._link.server, payload["reservationId"])
        return {"status": "Accepted" if known else "Rejected"}

    def over(self, reservation_id: int, why: Over) -> None:
        """Tell that a reservation is over without having been used or cancelled."""
        self._link.send(
            "ReservationStatusUpdate", {"reservationId": reservation_id, "reservationUpdateStatus": str(why)}
        )
