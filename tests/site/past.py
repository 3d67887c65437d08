"""Sessions of before, as the journal keeps them."""

import itertools
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from custom_components.konsento.control import half_hours
from custom_components.konsento.control.journal import Journal
from custom_components.konsento.control.limits import Limits
from custom_components.konsento.control.session import LOCAL, Phase, Session
from custom_components.konsento.control.words import EndReason

_numbers = itertools.count(1)


async def ran(journal: Journal, outlet: str, evse: int, parts: Mapping[datetime, int], **more: Any) -> Session:
    """Write down a session that took so many mWh in the half hours that begin then."""
    number = next(_numbers)
    start, end = min(parts), max(parts) + timedelta(minutes=30)
    values: dict[str, Any] = {
        "server": LOCAL,
        "half_hours": tuple((half_hours.half_hour_of(at), mwh) for at, mwh in sorted(parts.items())),
        "energy_mwh": sum(parts.values()),
        "supply_s": 1800 * len(parts),
        "end_reason": EndReason.ENERGY_LIMIT,
        **more,
    }
    session = Session(
        id=f"past-{number}",
        remote_start_id=number,
        outlet=outlet,
        evse=evse,
        limits=Limits(energy_wh=100_000),
        expires_at=start,
        register_start_mwh=0,
        phase=Phase.ENDED,
        started_at=start,
        ended_at=end,
        read_at=end,
        **values,
    )
    await journal.save(session, [], end)
    return session
