"""What a management server recommends: the windows of its region ([0173]), for the site's automations."""

from datetime import datetime

from ..control.windows import AHEAD, LONGEST, MOST, Window
from .errors import RpcError
from .frames import Payload
from .link import Link
from .messages import status_info

MESSAGE = "RecommendedWindows"


class Recommending:
    """Takes the windows of one management server."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def take(self, data: object) -> Payload:
        """Take the list that a server tells in place of the one before; rejected as a whole if anything is wrong."""
        now = self._link.site.now()
        told = data.get("windows") if isinstance(data, dict) else None
        if not isinstance(told, list) or len(told) > MOST:
            return _bad(f"windows must be a list of at most {MOST}")
        try:
            windows = [self._window(one, now) for one in told]
        except (ValueError, RpcError) as error:
            return _bad(str(error))
        self._link.site.windows.take(self._link.server, windows, now)
        return {"status": "Accepted"}

    def _window(self, told: object, now: datetime) -> Window:
        if not isinstance(told, dict):
            raise ValueError("a window must have start and end")  # noqa: TRY004  # what came is wrong, not this program
        start, end = self._link.time(told.get("start"), "start"), self._link.time(told.get("end"), "end")
        if start >= end or end - start > LONGEST:
            raise ValueError(f"a window must end after it starts, within {LONGEST.total_seconds() / 3600:.0f} hours")
        if start - now > AHEAD:
            raise ValueError(f"a window must start within {AHEAD.days} days")
        return Window(start=start, end=end)


def _bad(sentence: str) -> Payload:
    return {"status": "Rejected", "statusInfo": status_info("BadWindows", sentence)}
