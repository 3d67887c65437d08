"""Link trace: whether the hops to an outlet answer, and how fast (IEEE 802.1ag)."""

import asyncio
import itertools
from dataclasses import dataclass
from time import monotonic

from .driver import OutletRefusedError, OutletSilentError
from .outlet import OutletControl

_LARGEST = 1_000_000
"""Numbers come back as 32-bit floats, which hold whole numbers up to 16 million."""
_numbers = itertools.count(1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Hop:
    """One part of the way."""

    name: str
    reachable: bool
    round_trip_s: float | None = None
    """None where nothing came back, or where nothing was sent."""
    error: str = ""
    """Why there is no round trip; empty with one."""


async def trace_outlet(control: OutletControl) -> Hop:
    """Send a number to an outlet and back; an outlet that does not answer in time is a hop that is not reachable."""
    sent = monotonic()
    try:
        async with asyncio.timeout(control.settings.answer_s):
            await control.driver.loopback(next(_numbers) % _LARGEST)
    except TimeoutError:
        return Hop(name=control.outlet, reachable=False, error=f"no answer within {control.settings.answer_s} s")
    except OutletSilentError as error:
        return Hop(name=control.outlet, reachable=False, error=str(error))
    except OutletRefusedError as error:
        # Whoever says no is there.
        return Hop(name=control.outlet, reachable=True, error=str(error))
    return Hop(name=control.outlet, reachable=True, round_trip_s=monotonic() - sent)
