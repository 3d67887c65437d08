"""What the computation system does with deliveries: adds their energy to half hours and to the outlets' days."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import batched
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import delete, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.environment.base import Office, TokenRow
from konsento.environment.computation.errors import EnergyWouldBeLost, InvalidSums
from konsento.environment.computation.models import (
    Energy,
    Group,
    Measurement,
    OutletDay,
    SumDelivery,
    SumRow,
)
from konsento.environment.errors import IdTaken
from konsento.environment.intake import AT_ONCE, Taken, wire_of
from konsento.environment.wire import SLOT, PowerType, Sums, Use, spread
from konsento.environment.wire import Measurement as Item
from konsento.kit.db import insert

type GroupKey = tuple[str, PowerType, str, Use]
"""Region, power type, supplier, use."""

_READ_AT_ONCE: Final = 5000
_WRITTEN_AT_ONCE: Final = 10_000


def slot_number(moment: datetime) -> int:
    """Return the half hours since 1970 of the half hour that begins at a moment."""
    return int(moment.timestamp()) // int(SLOT.total_seconds())


def slot_start(number: int) -> datetime:
    """Return when a half hour begins."""
    return datetime.fromtimestamp(number * int(SLOT.total_seconds()), UTC)


def first_slot(day: date, zone: ZoneInfo) -> int:
    """Return the half hour in which a day begins."""
    return slot_number(datetime(day.year, day.month, day.day, tzinfo=zone))


class Sheet:
    """Energy to be added, gathered so that each row of the tables is written once."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._day_of_slot: dict[int, int] = {}
        self.energy: dict[tuple[int, GroupKey], int] = defaultdict(int)
        self.outlets: dict[tuple[int, GroupKey, int, str], int] = defaultdict(int)

    def add(self, item: Item) -> None:
        """Add a measurement."""
        key = (item.region, item.power_type, item.supplier, item.use)
        # An outlet has another reference in each month (UTC) in which measurements end.
        month = item.end.year * 12 + item.end.month
        for start, wh in spread(item):
            slot = slot_number(start)
            self.energy[slot, key] += wh
            self.outlets[self._day(slot), key, month, item.outlet] += wh

    def _day(self, slot: int) -> int:
        known = self._day_of_slot.get(slot)
        if known is None:
            known = self._day_of_slot[slot] = slot_start(slot).astimezone(self._zone).date().toordinal()
        return known

    async def write(self, session: AsyncSession) -> None:
        """Add all of it to the tables."""
        groups = await group_ids(session, {key for _, key in self.energy})
        # In one order everywhere, so that two transactions do not wait for each other.
        await _add_energy(session, {(slot, groups[key]): wh for (slot, key), wh in self.energy.items()})
        outlets = sorted(
            (day, groups[key], month, outlet, wh) for (day, key, month, outlet), wh in self.outlets.items()
        )
        rows = [{"day": d, "group_id": g, "month": m, "outlet": o, "wh": wh} for d, g, m, o, wh in outlets]
        await _add(session, OutletDay, ("day", "group_id", "month", "outlet"), rows)


async def group_ids(session: AsyncSession, keys: Iterable[GroupKey]) -> dict[GroupKey, int]:
    """Return the numbers of groups, new ones made."""
    wanted = sorted(set(keys))
    found: dict[GroupKey, int] = {}
    for some in batched(wanted, AT_ONCE // 4, strict=False):
        rows = [dict(zip(("region", "power_type", "supplier", "use"), key, strict=True), mix_region="") for key in some]
        await session.execute(insert(session, Group).values(rows).on_conflict_do_nothing())
        query = select(Group.id, Group.region, Group.power_type, Group.supplier, Group.use).where(
            tuple_(Group.region, Group.power_type, Group.supplier, Group.use).in_(some)
        )
        for number, *key in await session.execute(query):
            found[tuple(key)] = number  # type: ignore[index]  # the columns of the key
    return found


async def _add_energy(session: AsyncSession, energy: Mapping[tuple[int, int], int]) -> None:
    rows = [{"slot": slot, "group_id": group, "wh": wh} for (slot, group), wh in sorted(energy.items())]
    await _add(session, Energy, ("slot", "group_id"), rows)


async def _add(session: AsyncSession, table: Any, key: tuple[str, ...], rows: Sequence[dict[str, Any]]) -> None:
    statement = insert(session, table.__table__)
    statement = statement.on_conflict_do_update(
        index_elements=list(key), set_={"wh": table.__table__.c.wh + statement.excluded.wh}
    )
    # One statement for many rows: prepared once, however many half hours a batch has.
    for some in batched(rows, _WRITTEN_AT_ONCE, strict=False):
        await session.execute(statement, list(some))


async def keep(session: AsyncSession, zone: ZoneInfo, taken: Taken) -> None:
    """Add what was taken of a batch."""
    sheet = Sheet(zone)
    for item in taken.accepted:
        sheet.add(item)
    await sheet.write(session)


async def keep_sums(session: AsyncSession, office: Office, token: TokenRow, sums: Sums) -> bool:
    """Take a delivery of sums; returns whether it had been taken before.

    Raises `IdTaken` for the id of another delivery, `InvalidSums` where a row cannot be.
    """
    digest = hashlib.sha256(sums.model_dump_json().encode()).digest()
    row = {"id": sums.id, "digest": digest, "received_at": office.clock.now(), "token_id": token.id}
    made = await session.scalar(
        insert(session, SumDelivery).values(row).on_conflict_do_nothing().returning(SumDelivery.id)
    )
    if made is None:
        known = await session.scalar(select(SumDelivery.digest).where(SumDelivery.id == sums.id))
        if known != digest:
            raise IdTaken(id=sums.id)
        return True
    tree = await office.trees.now(session)
    bound = frozenset(token.regions.split())
    for number, one in enumerate(sums.rows):
        if one.region not in tree or (bound and not bound.intersection(tree.path(one.region))):
            raise InvalidSums(row=number, reason=f"the region {one.region} is not known here, or not the token's")
        if one.largest_wh > one.wh or one.outlets > one.measurements:
            raise InvalidSums(row=number, reason="more outlets than measurements, or one with more than all")
        if one.slot > office.clock.now() + timedelta(minutes=5):
            raise InvalidSums(row=number, reason="the half hour is in the future")
    keys = [(one.region, one.power_type, one.supplier, one.use) for one in sums.rows]
    groups = await group_ids(session, keys)
    rows = []
    energy: dict[tuple[int, int], int] = defaultdict(int)
    for number, (one, key) in enumerate(zip(sums.rows, keys, strict=True)):
        slot = slot_number(one.slot)
        energy[slot, groups[key]] += one.wh
        rows.append(
            {
                "delivery_id": sums.id,
                "number": number,
                "slot": slot,
                "group_id": groups[key],
                "wh": one.wh,
                "measurements": one.measurements,
                "outlets": one.outlets,
                "largest_wh": one.largest_wh,
            }
        )
    for some in batched(rows, AT_ONCE, strict=False):
        await session.execute(insert(session, SumRow).values(list(some)))
    await _add_energy(session, energy)
    return False


async def rebuild(session: AsyncSession, zone: ZoneInfo) -> int:
    """Add everything up anew from the measurements and sums that are still there; returns how many half hours result.

    Needed after a change of the time zone. Raises `EnergyWouldBeLost` where measurements have been deleted since.
    """
    before = await session.scalar(select(func.sum(Energy.wh))) or 0
    await session.execute(delete(Energy))
    await session.execute(delete(OutletDay))
    sheet = Sheet(zone)
    last = None
    while True:
        query = select(Measurement).order_by(Measurement.id).limit(_READ_AT_ONCE)
        if last is not None:
            query = query.where(Measurement.id > last)
        rows = (await session.scalars(query)).all()
        if not rows:
            break
        for row in rows:
            sheet.add(wire_of(row))
        last = rows[-1].id
        session.expunge_all()
    await sheet.write(session)
    sums: dict[tuple[int, int], int] = defaultdict(int)
    for slot, group, wh in await session.execute(select(SumRow.slot, SumRow.group_id, SumRow.wh)):
        sums[slot, group] += wh
    await _add_energy(session, sums)
    after = await session.scalar(select(func.sum(Energy.wh))) or 0
    if after < before:
        raise EnergyWouldBeLost(wh=int(before - after))
    return len({slot for slot, _ in sheet.energy} | {slot for slot, _ in sums})


async def forget_measurements(session: AsyncSession, before: datetime) -> None:
    """Delete measurements that ended before a time; their energy stays in the sums."""
    await session.execute(delete(Measurement).where(Measurement.end_at < before))
