"""Taking measurements in: the same at the platform and at the computation system.

Safe however often and from however many connections a batch is sent. The transaction first makes the outlets its own
(on PostgreSQL by locking their rows, in the order of their references; on SQLite it is alone anyway), then the ids.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import batched
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.environment.base import Office, TokenRow
from konsento.environment.checks import OLDEST, Refusal, Rules, id_of, read
from konsento.environment.regions import Tree
from konsento.environment.registers import suppliers
from konsento.environment.wire import Answer, Measurement, Reason, Refused
from konsento.kit.db import insert

AT_ONCE: Final = 500
"""Rows of one statement: below the parameters that the databases take."""


@dataclass
class Taken:
    """What became of a batch."""

    raw: Sequence[object]
    tree: Tree
    accepted: list[Measurement] = field(default_factory=list)
    repeated: int = 0
    refused: list[Refused] = field(default_factory=list)

    @property
    def answer(self) -> Answer:
        """What the sender is told."""
        refused = tuple(sorted(self.refused, key=lambda one: one.index))
        return Answer(accepted=len(self.accepted), repeated=self.repeated, refused=refused)

    def region_of(self, index: int) -> str | None:
        """Return the region that an item names, if it is one."""
        one = self.raw[index]
        region = one.get("region") if isinstance(one, Mapping) else None
        return region if isinstance(region, str) and region in self.tree else None

    def refuse(self, index: int, item_id: UUID | None, refusal: Refusal) -> None:
        """Note that an item is not taken."""
        self.refused.append(Refused(index=index, id=item_id, reason=refusal.reason, detail=refusal.detail))


async def take_in(session: AsyncSession, office: Office, tree: Tree, token: TokenRow, raw: Sequence[object]) -> Taken:
    """Take what is right in a batch; the caller's transaction keeps all of it or nothing."""
    now = office.clock.now()
    taken = Taken(raw, tree)
    rules = Rules(
        now=now,
        tree=tree,
        suppliers=await suppliers(session, office),
        regions=frozenset(token.regions.split()),
    )
    sound: dict[int, Measurement] = {}
    for index, one in enumerate(raw):
        item = read(one)
        if isinstance(item, Refusal):
            taken.refuse(index, id_of(one), item)
        else:
            sound[index] = item
    owners = await _lock_outlets(session, office, token, {item.outlet for item in sound.values()}, now)
    seen = await _seen(session, office, [item.id for item in sound.values()])
    busy = await _busy(session, office, list(sound.values()))
    good: dict[int, Measurement] = {}
    for index, item in sound.items():
        if item.id in seen:
            _again(taken, index, item, seen)
            continue
        refusal = rules.check(item) or _of_outlet(item, token, owners, busy)
        if refusal is not None:
            taken.refuse(index, item.id, refusal)
            continue
        good[index] = item
        seen[item.id] = digest_of(item)
        busy[item.outlet].append((item.start, item.end))
    claimed = await _claim(session, office, good.values())
    lost = {index: item for index, item in good.items() if item.id not in claimed}
    if lost:
        # Other transactions took these ids between our look and our claim; by now they are committed.
        seen = await _seen(session, office, [item.id for item in lost.values()])
        for index, item in lost.items():
            _again(taken, index, item, seen)
    taken.accepted = [item for index, item in good.items() if index not in lost]
    rows = [_row(item, token, now) for item in taken.accepted]
    for some in batched(rows, AT_ONCE, strict=False):
        await session.execute(insert(session, office.measurements).values(list(some)))
    if taken.accepted or taken.repeated:
        await session.execute(
            update(office.tokens).where(office.tokens.id == token.id).values(delivered_at=now, wanted_at=None)
        )
    return taken


def digest_of(item: Measurement) -> bytes:
    """Return what two measurements of one id are compared by."""
    return hashlib.sha256(item.model_dump_json().encode()).digest()


def wire_of(row: Any) -> Measurement:
    """Return a measurement as it was delivered."""
    return Measurement(
        id=row.id,
        outlet=row.outlet,
        region=row.region,
        start=row.start_at,
        end=row.end_at,
        wh=row.wh,
        slices=row.slices,
        power_type=row.power_type,
        supplier=row.supplier,
        use=row.use,
    )


async def forget(session: AsyncSession, office: Office, now: datetime) -> None:
    """Forget the ids and outlets of measurements that would be refused as too old by now."""
    before = now - OLDEST - timedelta(days=1)
    await session.execute(delete(office.seen).where(office.seen.ended_at < before))
    await session.execute(delete(office.outlets).where(office.outlets.used_at < before))


def _row(item: Measurement, token: TokenRow, now: datetime) -> dict[str, Any]:
    slices = None
    if item.slices is not None:
        slices = [one.model_dump(mode="json") for one in item.slices]
    return {
        "id": item.id,
        "outlet": item.outlet,
        "region": item.region,
        "start_at": item.start,
        "end_at": item.end,
        "wh": item.wh,
        "slices": slices,
        "power_type": item.power_type,
        "supplier": item.supplier,
        "use": item.use,
        "received_at": now,
        "token_id": token.id,
    }


async def _lock_outlets(
    session: AsyncSession, office: Office, token: TokenRow, references: set[str], now: datetime
) -> dict[str, UUID | None]:
    """Lock the outlets of a batch and return whose they are: of the site that used them first.

    What a platform passes on is of nobody, so that its sites may come straight to the computation system later.
    """
    table = office.outlets
    owner = token.id if token.role == "site" else None
    ordered = sorted(references)
    rows = [{"reference": one, "used_at": now, "token_id": owner} for one in ordered]
    for some in batched(rows, AT_ONCE, strict=False):
        await session.execute(insert(session, table).values(list(some)).on_conflict_do_nothing())
    query = select(table).where(table.reference.in_(ordered)).order_by(table.reference).with_for_update()
    found = (await session.scalars(query)).all()
    for row in found:
        row.used_at = now
        row.token_id = row.token_id or owner
    return {row.reference: row.token_id for row in found}


async def _seen(session: AsyncSession, office: Office, ids: Sequence[UUID]) -> dict[UUID, bytes]:
    table = office.seen
    rows = await session.execute(select(table.id, table.digest).where(table.id.in_(ids)))
    return {row.id: row.digest for row in rows}


async def _busy(
    session: AsyncSession, office: Office, items: Sequence[Measurement]
) -> defaultdict[str, list[tuple[datetime, datetime]]]:
    """Return when the outlets of a batch were in use, as far as it matters to the batch."""
    found: defaultdict[str, list[tuple[datetime, datetime]]] = defaultdict(list)
    if not items:
        return found
    table = office.measurements
    rows = await session.execute(
        select(table.outlet, table.start_at, table.end_at).where(
            table.outlet.in_({item.outlet for item in items}),
            table.end_at > min(item.start for item in items),
            table.start_at < max(item.end for item in items),
        )
    )
    for outlet, start, end in rows:
        found[outlet].append((start, end))
    return found


def _again(taken: Taken, index: int, item: Measurement, seen: Mapping[UUID, bytes]) -> None:
    if seen[item.id] == digest_of(item):
        taken.repeated += 1
    else:
        taken.refuse(index, item.id, Refusal(Reason.ID_TAKEN, "The id came before with another content."))


def _of_outlet(
    item: Measurement,
    token: TokenRow,
    owners: Mapping[str, UUID | None],
    busy: Mapping[str, list[tuple[datetime, datetime]]],
) -> Refusal | None:
    if token.role == "site" and owners[item.outlet] != token.id:
        return Refusal(Reason.OUTLET_OF_ANOTHER, "Another token was the first to use this reference of an outlet.")
    if any(start < item.end and item.start < end for start, end in busy[item.outlet]):
        return Refusal(Reason.OVERLAPPING, "The outlet has a measurement of an overlapping time.")
    return None


async def _claim(session: AsyncSession, office: Office, items: Iterable[Measurement]) -> set[UUID]:
    """Make ids this transaction's; returns those that are, after waiting for the end of others that have them."""
    table = office.seen
    # In the order of the ids, so that two transactions do not wait for each other.
    rows = [
        {"id": item.id, "digest": digest_of(item), "ended_at": item.end}
        for item in sorted(items, key=lambda item: item.id)
    ]
    made: set[UUID] = set()
    for some in batched(rows, AT_ONCE, strict=False):
        statement = insert(session, table).values(list(some)).on_conflict_do_nothing().returning(table.id)
        made.update(await session.scalars(statement))
    return made
