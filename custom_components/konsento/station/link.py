"""What those have in common who answer a management server: the site, the server, and a way to tell more later."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ..control.site import SiteControl
from .errors import RpcError
from .frames import Payload

type Actions = dict[str, Callable[[Payload], Awaitable[Payload]]]
"""What is answered, by the name of the call."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """One management server, as those see it who answer its calls."""

    site: SiteControl
    server: str
    send: Callable[[str, Payload], None]
    """Call the server soon; kept while the line is down, the oldest dropped first."""
    clock_offset_s: Callable[[], float]
    """How far its clock is ahead of the site's."""

    def time(self, text: object, what: str) -> datetime:
        """Return a moment that the server has named, by the site's clock. Raises RpcError."""
        try:
            at = datetime.fromisoformat(str(text))
            if at.tzinfo is not None:
                return at.astimezone(UTC) - timedelta(seconds=self.clock_offset_s())
        except ValueError, OverflowError:  # no time, or one at the edge of the calendar
            pass
        raise RpcError("PropertyConstraintViolation", f"{what} is no time with a time zone")
