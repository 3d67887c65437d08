"""A hold that lapses before a session can be billed: the session is made shorter, or not begun. Pure."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from konsento.charging.errors import HoldTooShort
from konsento.charging.limits import MOST_S
from konsento.charging.quote import Quote
from konsento.models import LimitKind

KEPT_BACK: Final = timedelta(hours=12)
"""Between the end of a session and its bill: its site may be away, and the provider too."""
SHORTEST_S: Final = 600
"""A session that would have to be shorter is not begun."""


def within_hold(quote: Quote, lapses_at: datetime | None, now: datetime) -> Quote:
    """Return the quote with as much time as the hold lasts. Raises `HoldTooShort` where the driver wants more.

    `lapses_at` is None where the provider has not said.
    """
    if lapses_at is None:
        return quote
    left_s = int((lapses_at - KEPT_BACK - now).total_seconds())
    if left_s >= (quote.time_limit_s or MOST_S):
        return quote
    if quote.requested.kind is LimitKind.TIME or left_s < SHORTEST_S:
        raise HoldTooShort
    return replace(quote, time_limit_s=left_s)
