"""What the operator sees: by region what came and what waits, what was refused, and what is stuck."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.environment.access import Role
from konsento.environment.platform.forwarding import FORWARD
from konsento.environment.platform.models import Delivery, Egress, Measurement, Refusal, Token, Total, Work
from konsento.environment.platform.settings import Form
from konsento.environment.regions import Tree
from konsento.environment.wire import Reason
from konsento.kit.work_table import WorkState


class OfRegion(BaseModel):
    """One region."""

    region: str
    name_en: str
    name_ja: str
    measurements: int
    """Taken so far."""
    wh: int
    last_delivery: datetime | None
    """When the newest measurement that is still here came."""
    waiting: int
    """Measurements that are not yet at the computation system."""
    refused: int
    """Items of senders that were not taken in the last 90 days."""
    refused_further: int
    """Measurements that the computation system did not take."""


class OfSender(BaseModel):
    """One site's token."""

    name: str
    regions: list[str]
    last_delivery: datetime | None
    wanted: bool
    """It is asked for what is outstanding."""
    refused: dict[Reason, int]
    """Items that were not taken in the last 90 days, by reason."""


class Stuck(BaseModel):
    """A delivery that is not answered yet."""

    id: UUID
    form: Form
    measurements: int
    created_at: datetime
    attempts: int
    last_error: str
    given_up: bool
    """Not tried again before an operator says so (`konsento platform retry`)."""


class Overview(BaseModel):
    """The platform at a glance."""

    regions: list[OfRegion]
    senders: list[OfSender]
    deliveries: list[Stuck]


class Left(BaseModel):
    """One entry of the ledger of what left."""

    at: datetime
    delivery_id: UUID
    recipient: str
    form: Form
    rows: int
    sha256: str
    status: int | None


async def overview(session: AsyncSession, tree: Tree) -> Overview:
    """Return the platform at a glance."""
    return Overview(
        regions=await _regions(session, tree), senders=await _senders(session), deliveries=await _stuck(session)
    )


async def _regions(session: AsyncSession, tree: Tree) -> list[OfRegion]:
    taken = {
        row.region: row
        for row in await session.execute(
            select(Total.region, func.sum(Total.measurements).label("taken"), func.sum(Total.wh).label("wh")).group_by(
                Total.region
            )
        )
    }
    waits = (Measurement.delivery_id.is_(None)) | (Delivery.answered_at.is_(None))
    here = {
        row.region: row
        for row in await session.execute(
            select(
                Measurement.region,
                func.max(Measurement.received_at).label("last"),
                func.sum(case((waits, 1), else_=0)).label("waiting"),
                func.count(Measurement.refusal).label("refused"),
            )
            .outerjoin(Delivery, Delivery.id == Measurement.delivery_id)
            .group_by(Measurement.region)
        )
    }
    by_region = select(Refusal.region, func.count().label("refused")).group_by(Refusal.region)
    refused = {row.region: row.refused for row in await session.execute(by_region)}
    found = []
    for code in sorted(taken.keys() | here.keys() | {code for code in refused if code is not None}):
        region = tree[code]
        found.append(
            OfRegion(
                region=code,
                name_en=region.name_en,
                name_ja=region.name_ja,
                measurements=int(taken[code].taken) if code in taken else 0,
                wh=int(taken[code].wh) if code in taken else 0,
                last_delivery=here[code].last if code in here else None,
                waiting=int(here[code].waiting) if code in here else 0,
                refused=refused.get(code, 0),
                refused_further=int(here[code].refused) if code in here else 0,
            )
        )
    return found


async def _senders(session: AsyncSession) -> list[OfSender]:
    refused: dict[UUID, dict[Reason, int]] = {}
    for token_id, reason, count in await session.execute(
        select(Refusal.token_id, Refusal.reason, func.count()).group_by(Refusal.token_id, Refusal.reason)
    ):
        refused.setdefault(token_id, {})[reason] = count
    tokens = await session.scalars(
        select(Token).where(Token.role == Role.SITE, Token.ended_at.is_(None)).order_by(Token.name)
    )
    return [
        OfSender(
            name=token.name,
            regions=token.regions.split(),
            last_delivery=token.delivered_at,
            wanted=token.wanted_at is not None,
            refused=refused.get(token.id, {}),
        )
        for token in tokens
    ]


async def _stuck(session: AsyncSession) -> list[Stuck]:
    dead = set(await session.scalars(select(Work.key).where(Work.kind == FORWARD, Work.state == WorkState.DEAD)))
    rows = await session.scalars(
        select(Delivery).where(Delivery.answered_at.is_(None)).order_by(Delivery.created_at).limit(200)
    )
    return [
        Stuck(
            id=row.id,
            form=row.form,
            measurements=row.measurements,
            created_at=row.created_at,
            attempts=row.attempts,
            last_error=row.last_error,
            given_up=str(row.id) in dead,
        )
        for row in rows
    ]


async def left(session: AsyncSession, before: datetime | None, most: int) -> list[Left]:
    """Return the newest entries of the ledger, or the newest before a moment."""
    query = select(Egress).order_by(Egress.at.desc()).limit(most)
    if before is not None:
        query = query.where(Egress.at < before)
    return [Left.model_validate(row, from_attributes=True) for row in await session.scalars(query)]
