"""What a driver wants, as it travels through the pages from the outlet to the start."""

from datetime import datetime
from typing import Final, Self
from urllib.parse import urlencode
from uuid import UUID

from konsento.advice.errors import WindowGone
from konsento.charging.limits import RequestedLimit, parse_limit
from konsento.models import LimitKind
from konsento.payments import service as payments
from konsento.payments.ways import Way
from konsento.web.wanted import Off

UNITS: Final[dict[str, str]] = {LimitKind.ENERGY: "kWh", LimitKind.TIME: "min", LimitKind.MONEY: "major"}
"""The units of the form."""


class Wish(Off):
    """What the driver wants, as typed. Nothing is refused here: `parse_limit` says why, in the driver's words."""

    kind: str = ""
    amount: str = ""
    unit: str = ""
    offer: str = ""
    """Name of what is bought; empty where there is nothing to choose, or nothing chosen yet."""
    window: str = ""
    """When the recommended window begins in which it is to start by itself (`window_key`); empty for a start now."""
    inside: bool = False
    """Whether it is to end with that window."""

    def read(self, currency: str) -> RequestedLimit:
        """Read it; without a unit in the one that stands beside the field. Raises `BadLimit`."""
        return parse_limit(self.kind, self.amount, self.unit or UNITS.get(self.kind), currency)

    def begin(self) -> datetime:
        """Return when the window begins in which it is to start. Raises `WindowGone` for what is no time."""
        try:
            at = datetime.fromisoformat(self.window)
        except ValueError:
            raise WindowGone from None
        if at.tzinfo is None:
            raise WindowGone
        return at

    def with_offer(self, name: str) -> Self:
        """Return the same wish for another offer."""
        return self.model_copy(update={"offer": name})

    def address(self, page_address: str) -> str:
        """Return the address of a page with this wish in its form."""
        given = {name: value for name, value in self.model_dump().items() if value not in {"", None, False}}
        return f"{page_address}?{urlencode(given)}" if given else page_address


class PaidWish(Wish):
    """What the driver has agreed to, and how it is paid."""

    provider: str = payments.DEFAULT
    price: str | None = None
    """The fingerprint of the one that was shown."""
    metering: str = ""
    """Version of the explanation of the meter that was agreed to; empty for none."""
    save_card: bool = False
    """A new card is kept for next time."""
    once: UUID | None = None
    """What a checkout is called, however often the button is pressed."""

    @property
    def way(self) -> Way:
        """How it is paid."""
        return Way.read(self.provider)
