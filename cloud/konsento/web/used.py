"""The outlets that a driver used last."""

from collections.abc import Sequence
from typing import Final

from konsento.charging.progress import Progress

LOOKED_BACK: Final = 20
"""Sessions among which the outlets are that a driver used last."""
_MOST: Final = 3


def used_last(sessions: Sequence[Progress]) -> list[Progress]:
    """Return the last session at each of the outlets that a driver used last; of sessions, the newest first."""
    last: dict[str, Progress] = {}
    for progress in sessions:
        last.setdefault(progress.outlet_code, progress)
    return list(last.values())[:_MOST]
