"""What drivers were told and charged, put into a test's database as it is afterwards."""

from collections.abc import Collection
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import insert, select

from konsento.grid.rule import Rule
from konsento.kit.ids import new_id
from konsento.models import (
    AdviceChannel,
    AdviceChoice,
    AdviceIssue,
    AdviceKind,
    AdviceMessage,
    AdviceState,
    ChargingSession,
    Driver,
    GridRegion,
    GridWindow,
    WindowDecision,
    WindowShare,
)
from konsento.services import Services

from .recommended import REGION


async def region(services: Services, code: str, name: str, time_zone: str) -> None:
    """Have there be a region that advises."""
    async with services.database.transaction() as session:
        session.add(GridRegion(code=code, name_en=name, time_zone=time_zone, rule=Rule().to_dict(), advises=True))


async def windows(services: Services, day: date, *windows: tuple[datetime, datetime], code: str = REGION) -> UUID:
    """Have a day have windows; returns their decision."""
    async with services.database.transaction() as session:
        decision = WindowDecision(
            id=new_id(), region=code, day=day, decided_at=services.clock.now(), outcome="new", reason="",
            rule=Rule().to_dict(), inputs={}, inputs_sha256="", windows=[],
        )  # fmt: skip
        session.add(decision)
        await session.flush()
        session.add_all(
            GridWindow(id=new_id(), decision_id=decision.id, region=code, day=day, begin=begin, end=end)
            for begin, end in windows
        )
        return decision.id


async def driver(services: Services, name: str, *, since: datetime | None = None) -> UUID:
    """Return a new driver, who has wanted advice since then."""
    async with services.database.transaction() as session:
        email, now = f"{name}@example.com", services.clock.now()
        made = Driver(id=new_id(), email=email, name=name, locale="en", password_hash="-", created_at=now)
        session.add(made)
        await session.flush()
        if since is not None:
            session.add(AdviceChoice(driver_id=made.id, mail=True, since=since))
        return made.id


async def told(
    services: Services,
    decision: UUID,
    day: date,
    *drivers: UUID,
    code: str = REGION,
    kind: AdviceKind = AdviceKind.EVENING,
    channel: AdviceChannel = AdviceChannel.MAIL,
    state: AdviceState = AdviceState.SENT,
    reason: str = "",
    opened: Collection[UUID] = (),
    acted: Collection[UUID] = (),
    farewell: bool = False,
    at: datetime | None = None,
) -> None:
    """Have drivers have been told of a day."""
    at = at or services.clock.now()
    async with services.database.transaction() as session:
        same = (AdviceIssue.region == code, AdviceIssue.day == day, AdviceIssue.kind == kind)
        issue = await session.scalar(select(AdviceIssue).where(*same))
        if issue is None:
            issue = AdviceIssue(
                id=new_id(), region=code, day=day, kind=kind, decision_id=decision, created_at=at, listed_at=at
            )
            session.add(issue)
            await session.flush()
        session.add_all(
            AdviceMessage(
                id=new_id(), issue_id=issue.id, driver_id=one, channel=channel, state=state, reason=reason, due_at=at,
                farewell=farewell, sent_at=at if state is AdviceState.SENT else None,
                opened_at=at if one in opened else None, acted_at=at if one in acted else None,
            )
            for one in drivers
        )  # fmt: skip


async def charged(
    services: Services,
    driver_id: UUID,
    began: datetime,
    kwh: int,
    inside_kwh: int = 0,
    *,
    times: int = 1,
    code: str = REGION,
    had_windows: bool = True,
) -> None:
    """Have a driver have charged then, so many times, and that be counted: as the session that is there already."""
    async with services.database.transaction() as session:
        row = dict((await session.execute(select(ChargingSession.__table__).limit(1))).mappings().one())
        for _ in range(times):
            number = new_id()
            remote_start_id = int.from_bytes(number.bytes[-4:]) % 2**31
            own = {"id": number, "driver_id": driver_id, "transaction_id": None, "remote_start_id": remote_start_id}
            own |= {"created_at": began, "started_at": began, "ended_at": began + timedelta(hours=1)}
            await session.execute(insert(ChargingSession).values(row | own))
            session.add(
                WindowShare(
                    session_id=number, driver_id=driver_id, region=code, began_at=began, billed_at=began,
                    had_windows=had_windows, mwh=kwh * 1_000_000, inside_mwh=inside_kwh * 1_000_000,
                )
            )  # fmt: skip
