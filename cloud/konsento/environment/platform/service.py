"""What the platform does with a batch: keeps it, adds it to the sums of its regions, and remembers what it refused."""

from collections import defaultdict
from collections.abc import Iterable
from itertools import batched
from typing import Any

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.environment.access import Role
from konsento.environment.base import Office, TokenRow
from konsento.environment.errors import NoSuchToken
from konsento.environment.intake import AT_ONCE, Taken
from konsento.environment.platform.models import Refusal, Token, Total
from konsento.environment.wire import Measurement, spread
from konsento.kit.db import insert
from konsento.kit.ids import new_id


async def keep(session: AsyncSession, office: Office, token: TokenRow, taken: Taken) -> None:
    """Add what was taken to the sums, and note what was not."""
    await _add(session, taken.accepted)
    now = office.clock.now()
    for one in taken.refused:
        session.add(
            Refusal(
                id=new_id(),
                at=now,
                token_id=token.id,
                measurement_id=one.id,
                region=taken.region_of(one.index),
                reason=one.reason,
            )
        )


async def _add(session: AsyncSession, items: Iterable[Measurement]) -> None:
    totals: dict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0, 0])
    for item in items:
        for number, (slot, wh) in enumerate(spread(item)):
            total = totals[item.region, slot, item.power_type, item.supplier, item.use]
            total[0] += wh
            total[1] += number == 0
    # In one order everywhere, so that two transactions do not wait for each other.
    rows = [
        {
            "region": region,
            "slot": slot,
            "power_type": power_type,
            "supplier": supplier,
            "use": use,
            "wh": wh,
            "measurements": count,
        }
        for (region, slot, power_type, supplier, use), (wh, count) in sorted(totals.items())
    ]
    for some in batched(rows, AT_ONCE, strict=False):
        statement = insert(session, Total).values(list(some))
        statement = statement.on_conflict_do_update(
            index_elements=["region", "slot", "power_type", "supplier", "use"],
            set_={
                "wh": Total.wh + statement.excluded.wh,
                "measurements": Total.measurements + statement.excluded.measurements,
            },
        )
        await session.execute(statement)


async def ask_sites(session: AsyncSession, office: Office, name: str | None) -> int:
    """Ask a site, or all of them, for what is outstanding; returns how many were asked. Raises `NoSuchToken`."""
    statement = update(Token).where(Token.role == Role.SITE, Token.ended_at.is_(None))
    if name is not None:
        statement = statement.where(Token.name == name)
    asked = await session.scalars(statement.values(wanted_at=office.clock.now()).returning(Token.id))
    count = len(asked.all())
    if name is not None and not count:
        raise NoSuchToken(name=name)
    return count
