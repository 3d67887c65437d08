"""Forwarding: puts outstanding measurements into deliveries, each measurement into one.

Which delivery a measurement went into is kept in the same transaction in which the delivery and the work to send it
are made; the delivery keeps its id and its body until it is answered. So a lost answer or a killed process leads to the
same request again, and never to a second count.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import batched, groupby
from typing import Any, Final

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.environment.base import Office
from konsento.environment.intake import wire_of
from konsento.environment.platform.models import Delivery, Measurement
from konsento.environment.platform.settings import Form
from konsento.environment.wire import MOST_ITEMS, Measurements, Sum, Sums, spread
from konsento.kit.ids import new_random_id

FORWARD: Final = "forward"
"""Kind of the work that sends a delivery; its key is the delivery's id."""
AT_ONCE: Final = 5000
"""Measurements that one transaction puts into deliveries."""


@dataclass(frozen=True)
class Collected:
    """What was put into deliveries."""

    deliveries: int = 0
    measurements: int = 0


async def collect_all(office: Office, form: Form) -> Collected:
    """Put all that is outstanding into deliveries, in as many transactions as it takes."""
    deliveries = measurements = 0
    while True:
        async with office.database.transaction() as session:
            some = await collect(session, office, form)
        deliveries += some.deliveries
        measurements += some.measurements
        if some.measurements < AT_ONCE:
            return Collected(deliveries, measurements)


async def collect(session: AsyncSession, office: Office, form: Form) -> Collected:
    """Put up to `AT_ONCE` outstanding measurements into deliveries, which are sent after the commit."""
    # The order tells nothing of who charged when, and has cells and sets together.
    order = (
        (Measurement.outlet, Measurement.start_at)
        if form is Form.SINGLE
        else (Measurement.region, Measurement.power_type, Measurement.supplier, Measurement.use, Measurement.start_at)
    )
    query = (
        select(Measurement)
        .where(Measurement.delivery_id.is_(None))
        .order_by(*order, Measurement.id)
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    rows = (await session.scalars(query)).all()
    deliveries = 0
    for region, some in _parts(rows, form):
        delivery = _delivery(office, form, region, some)
        session.add(delivery)
        await session.flush()
        await session.execute(
            update(Measurement)
            .where(Measurement.id.in_([row.id for row in some]))
            .values(delivery_id=delivery.id, refusal=None)
        )
        await office.work.add(session, FORWARD, str(delivery.id))
        deliveries += 1
    return Collected(deliveries, len(rows))


async def again(session: AsyncSession) -> int:
    """Make those outstanding anew that the computation system refused; returns how many.

    It did not take them, so nothing is counted twice: for after its operator has added what was unknown.
    """
    rows = await session.scalars(
        update(Measurement)
        .where(Measurement.refusal.is_not(None))
        .values(delivery_id=None, refusal=None)
        .returning(Measurement.id)
    )
    return len(rows.all())


def _parts(rows: Sequence[Measurement], form: Form) -> Iterator[tuple[str | None, Sequence[Measurement]]]:
    match form:
        case Form.SINGLE:
            yield from ((None, some) for some in batched(rows, MOST_ITEMS, strict=False))
        case Form.SETS:
            for region, of_region in groupby(rows, key=lambda row: row.region):
                yield from ((region, some) for some in batched(of_region, MOST_ITEMS, strict=False))
        case Form.SUMS:
            yield from ((None, some) for some in _small_enough(rows))


def _small_enough(rows: Iterable[Measurement]) -> Iterator[list[Measurement]]:
    """Cut measurements so that each part's sums fit into one request."""
    part: list[Measurement] = []
    cells: set[tuple[Any, ...]] = set()
    for row in rows:
        own = {_cell(row, slot) for slot, _ in spread(wire_of(row))}
        if part and len(cells | own) > MOST_ITEMS:
            yield part
            part, cells = [], set()
        part.append(row)
        cells |= own
    if part:
        yield part


def _cell(row: Measurement, slot: Any) -> tuple[Any, ...]:
    return row.region, row.power_type, row.supplier, row.use, slot


def _delivery(office: Office, form: Form, region: str | None, rows: Sequence[Measurement]) -> Delivery:
    delivery_id = new_random_id()
    body: Measurements | Sums
    if form is Form.SUMS:
        body = Sums(id=delivery_id, rows=tuple(sums_of(rows)))
        count = len(body.rows)
    else:
        items = sorted((wire_of(row) for row in rows), key=lambda item: (item.outlet, item.start))
        body = Measurements(measurements=tuple(items))
        count = len(items)
    return Delivery(
        id=delivery_id,
        form=form,
        region=region,
        measurements=len(rows),
        rows=count,
        body=body.model_dump_json(),
        created_at=office.clock.now(),
    )


def sums_of(rows: Iterable[Measurement]) -> list[Sum]:
    """Return the sums of measurements by region, power type, supplier, use and half hour."""
    by_outlet: dict[tuple[Any, ...], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    counts: dict[tuple[Any, ...], int] = defaultdict(int)
    for row in rows:
        for slot, wh in spread(wire_of(row)):
            by_outlet[_cell(row, slot)][row.outlet] += wh
            counts[_cell(row, slot)] += 1
    return [
        Sum(
            region=cell[0],
            power_type=cell[1],
            supplier=cell[2],
            use=cell[3],
            slot=cell[4],
            wh=sum(outlets.values()),
            measurements=counts[cell],
            outlets=len(outlets),
            largest_wh=max(outlets.values()),
        )
        for cell, outlets in sorted(by_outlet.items())
    ]
