"""Integration: the energy of a region, rolled up through the tree, by region, power type, supplier, use and time."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.environment.errors import UnknownRegion
from konsento.environment.platform.models import Total
from konsento.environment.regions import Tree


class By(StrEnum):
    """What sums are split by."""

    REGION = "region"
    """The regions directly in the one that is asked for, each with all that lies in it."""
    POWER_TYPE = "power_type"
    SUPPLIER = "supplier"
    USE = "use"
    HALF_HOUR = "half_hour"
    DAY = "day"
    MONTH = "month"


_PERIODS = frozenset({By.HALF_HOUR, By.DAY, By.MONTH})


async def integrate(
    session: AsyncSession,
    tree: Tree,
    *,
    region: str,
    start: datetime,
    end: datetime,
    by: Sequence[By],
    zone: ZoneInfo,
) -> list[dict[str, Any]]:
    """Return the sums of the half hours from `start` to before `end`, one for each combination of what `by` names.

    Each has `wh`, `measurements` (those that began in it) and a value for each word of `by`; a day or month is named by
    its first moment in `zone`. Raises `UnknownRegion`.
    """
    if region not in tree:
        raise UnknownRegion(region=region)
    columns = [Total.region, *(getattr(Total, one.value) for one in by if one not in _PERIODS | {By.REGION})]
    if _PERIODS.intersection(by):
        columns.append(Total.slot)
    rows = await session.execute(
        select(*columns, func.sum(Total.wh).label("wh"), func.sum(Total.measurements).label("measurements"))
        .where(Total.region.in_(tree.within(region)), Total.slot >= start, Total.slot < end)
        .group_by(*columns)
    )
    sums: dict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0, 0])
    for row in rows:
        key = tuple(_value(row, one, tree, region, zone) for one in by)
        sums[key][0] += int(row.wh)
        sums[key][1] += int(row.measurements)
    return [
        {**dict(zip((one.value for one in by), key, strict=True)), "wh": wh, "measurements": count}
        for key, (wh, count) in sorted(sums.items())
    ]


def _value(row: Any, by: By, tree: Tree, region: str, zone: ZoneInfo) -> Any:
    match by:
        case By.REGION:
            path = tree.path(row.region)
            at = path.index(region)
            return path[at - 1] if at else region
        case By.HALF_HOUR:
            return row.slot
        case By.DAY | By.MONTH:
            local = row.slot.astimezone(zone).replace(hour=0, minute=0)
            return (local.replace(day=1) if by is By.MONTH else local).astimezone(UTC)
        case _:
            return getattr(row, by.value).value if by is not By.SUPPLIER else row.supplier
