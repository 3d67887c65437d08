"""What is to be charged, as programs ask for it: with what is held here, or with a checkout."""

from uuid import UUID

from pydantic import Field

from konsento.api.schemas import Asked, AskedLimit, Whole
from konsento.charging.wish import Wish


class AskedCharging(Asked):
    """What is to be charged, where, and what the driver has agreed to."""

    outlet: str = Field(max_length=64, description="The outlet's code.", examples=["K7F29Q"])
    limit: AskedLimit
    price_id: str | None = Field(
        default=None,
        max_length=64,
        description="The `id` of the price that the driver was shown; when another one counts by now, nothing starts "
        "(`PriceChanged`). Left out, the price of the start counts.",
        examples=[None],
    )
    coupon: str | None = Field(
        default=None,
        max_length=64,
        description="Code of a coupon: it comes off the bill at the end, and back if the session fails. What is held "
        "stays the same.",
        examples=["SUNNY10"],
    )
    points: Whole = Field(
        default=0,
        ge=0,
        le=10**9,
        description="How many of the driver's eco points the bill may take at most (`GET /points`).",
        examples=[0],
    )
    offer: str = Field(
        default="",
        max_length=64,
        description="Which of the outlet's offers; left out, the first. One that is not sold any more starts nothing "
        "(`OfferGone`).",
        examples=["day"],
    )
    agreed_metering: str = Field(
        default="",
        max_length=16,
        description="Version of the explanation (`metering.explanation` of the outlet) that the driver has read and "
        "agreed to. Needed once before the first start at an outlet with a notified meter (`MeteringNotAgreed`).",
        examples=[""],
    )

    def wish(self, driver_id: UUID, currency: str) -> Wish:
        """Return what is asked for. Raises `BadLimit`."""
        return Wish(
            driver_id=driver_id,
            outlet_code=self.outlet,
            requested=self.limit.read(currency),
            offer=self.offer or None,
            agreed=self.price_id,
            agreed_metering=self.agreed_metering or None,
            coupon=self.coupon or "",
            points=self.points,
        )
