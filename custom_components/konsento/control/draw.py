"""What an outlet drew at most of late: one low reading makes no room for others, and a high one is remembered."""

from collections import deque

LATELY_S = 600.0
"""A draw is forgotten after so long: a car that pauses for minutes and goes on finds its place unoccupied."""
KNOWN_S = 120.0
"""So long after its relay has closed, the draw of a session is known: cars take up to a minute to begin."""


class Draw:
    """The readings of one outlet. Times are of a monotonic clock, s."""

    def __init__(self) -> None:
        self._peaks: deque[tuple[float, float]] = deque()
        """Time and power; the power falls from each to the next."""
        self._session = ""
        self._closed_since: float | None = None

    def read(self, now: float, session: str, closed: bool, power_w: float | None) -> None:
        """Take a reading in; `power_w` is None while the outlet tells nothing."""
        if session != self._session:
            # Another car.
            self._session, self._closed_since = session, None
            self._peaks.clear()
        if not closed:
            self._closed_since = None
        elif self._closed_since is None:
            self._closed_since = now
        if power_w is not None and closed:
            while self._peaks and self._peaks[-1][1] <= power_w:
                self._peaks.pop()
            self._peaks.append((now, power_w))
        # The newest stays, however old: without readings nothing is known to have changed.
        while len(self._peaks) > 1 and self._peaks[0][0] < now - LATELY_S:
            self._peaks.popleft()

    @property
    def peak_w(self) -> float | None:
        """The most that the session drew of late; None when nothing of it is known."""
        return self._peaks[0][1] if self._peaks else None

    def is_known(self, now: float) -> bool:
        """Whether it has drawn for long enough to say what it draws."""
        return self._closed_since is not None and now - self._closed_since >= KNOWN_S and bool(self._peaks)
