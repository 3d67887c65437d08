"""How much of each session is counted as charged while it was recommended."""

from datetime import timedelta

from sqlalchemy import select

from konsento.advice import shares
from konsento.models import WindowShare

from ..conftest import AT, Core, whole_session
from ..recommended import recommend


async def counted(core: Core) -> list[WindowShare]:
    await shares.count(core.services)
    async with core.services.database.transaction() as session:
        return list(await session.scalars(select(WindowShare).order_by(WindowShare.billed_at)))


async def charged(core: Core) -> None:
    session = await core.start()
    for event in whole_session(session):
        await core.send(event)
    await core.work()


async def test_energy_inside_and_outside_of_windows_is_counted_once(core: Core) -> None:
    # The session takes 12 s: 3.333 Wh, 3.334 Wh and 3.533 Wh in four seconds each.
    await recommend(core.services, (AT + timedelta(seconds=4), AT + timedelta(seconds=10)))
    await charged(core)

    (share,) = await counted(core)

    assert (share.mwh, share.inside_mwh, share.had_windows) == (10_200, 3_334 + 1_766, True)
    assert len(await counted(core)) == 1


async def test_a_day_without_windows_tells_nothing(core: Core) -> None:
    await recommend(core.services, (AT + timedelta(days=2), AT + timedelta(days=2, hours=3)))
    await charged(core)

    (share,) = await counted(core)

    assert (share.inside_mwh, share.had_windows) == (0, False)


async def test_where_nothing_is_recommended_nothing_is_counted(core: Core) -> None:
    await charged(core)

    assert await counted(core) == []
