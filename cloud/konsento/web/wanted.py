"""What a driver wants taken off a bill, as it travels through the pages to the start."""

from pydantic import BaseModel

from konsento.kit import typed
from konsento.rewards.errors import BadPoints
from konsento.rewards.service import Wanted


class Off(BaseModel):
    """Coupon and points, as typed."""

    coupon: str = ""
    use_points: str = ""
    """Not empty where points are wanted."""
    points: str = ""
    """At most so many."""

    def wanted(self) -> Wanted:
        """Read it. Raises `BadPoints`."""
        if not self.use_points:
            return Wanted(coupon=self.coupon)
        try:
            number = typed.decimal(typed.plain(self.points[:20]))
        except ValueError:
            raise BadPoints from None
        if number != int(number) or number < 0:
            raise BadPoints
        return Wanted(coupon=self.coupon, points=int(number))
