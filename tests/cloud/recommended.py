"""Recommended windows in a test's database, without a forecast."""

from datetime import datetime

from sqlalchemy import delete, update

from konsento.grid.rule import Rule
from konsento.kit.ids import new_id
from konsento.models import GridRegion, GridWindow, Site, WindowDecision
from konsento.services import Services

REGION = "JP-A03"


async def recommend(services: Services, *windows: tuple[datetime, datetime], region: str = REGION) -> None:
    """Have exactly these windows be in force in a region, in which all sites lie."""
    now = services.clock.now()
    async with services.database.transaction() as session:
        if await session.get(GridRegion, region) is None:
            session.add(
                GridRegion(
                    code=region,
                    name_en="Tokyo",
                    name_ja="東京",
                    time_zone="Asia/Tokyo",
                    rule=Rule().to_dict(),
                    advises=True,
                )
            )
            await session.flush()
        await session.execute(update(Site).values(region=region))
        await session.execute(delete(GridWindow).where(GridWindow.region == region))
        decision = WindowDecision(
            id=new_id(),
            region=region,
            day=now.date(),
            decided_at=now,
            outcome="new",
            reason="",
            rule=Rule().to_dict(),
            inputs={},
            inputs_sha256="",
            windows=[],
        )
        session.add(decision)
        await session.flush()
        for begin, end in windows:
            session.add(
                GridWindow(id=new_id(), decision_id=decision.id, region=region, day=begin.date(), begin=begin, end=end)
            )
