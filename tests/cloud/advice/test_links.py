"""What the links of advice carry can neither be guessed nor made, and is good for one thing alone."""

import base64
from uuid import UUID, uuid4

import pytest
from sqlalchemy import update

from konsento.advice import choices, messages, tokens
from konsento.advice.errors import AdviceLinkOver, NoCalendar
from konsento.advice.tokens import Purpose
from konsento.models import Driver, DriverKind, ServerKey
from konsento.services import Services

from ..conftest import Core

type Links = tuple[Services, UUID, dict[Purpose, str]]


@pytest.fixture
async def links(core: Core) -> Links:
    """A driver, who is also taken for the number of a message, with a link of each purpose."""
    async with core.services.database.transaction() as session:
        made = {purpose: await tokens.make(session, purpose, core.driver_id) for purpose in Purpose}
    return core.services, core.driver_id, made


async def read(services: Services, purpose: Purpose, token: str) -> UUID | None:
    async with services.database.transaction() as session:
        return await tokens.read(session, purpose, token)


async def test_a_link_is_good_for_its_purpose_alone(links: Links) -> None:
    services, number, made = links

    for purpose in Purpose:
        for other in Purpose:
            assert await read(services, purpose, made[other]) == (number if purpose is other else None)


async def test_a_link_with_any_bit_changed_is_none(links: Links) -> None:
    services, _, made = links
    raw = base64.urlsafe_b64decode(made[Purpose.MESSAGE])

    async with services.database.transaction() as session:
        for bit in range(len(raw) * 8):
            changed = (int.from_bytes(raw) ^ (1 << bit)).to_bytes(len(raw))
            token = base64.urlsafe_b64encode(changed).decode()
            assert [await tokens.read(session, purpose, token) for purpose in Purpose] == [None, None]


@pytest.mark.parametrize("token", ["", "=", "A", "A" * 44, "A" * 100_000, "é", "\x00", "....", "%41" * 15])
async def test_whatever_stands_in_a_link_is_none(links: Links, token: str) -> None:
    services, _, _ = links

    assert [await read(services, purpose, token) for purpose in Purpose] == [None, None]
    async with services.database.transaction() as session:
        assert not await messages.opened(session, token, services.clock.now())
        with pytest.raises(AdviceLinkOver):
            await choices.unsubscribe(session, token)
        with pytest.raises(NoCalendar):
            await choices.of_calendar(session, token)


async def test_a_link_of_another_server_is_none(links: Links) -> None:
    services, _, made = links
    async with services.database.transaction() as session:
        # What another server signs with is another random value.
        await session.execute(update(ServerKey).values(value=uuid4().hex))

    assert [await read(services, purpose, made[purpose]) for purpose in Purpose] == [None, None]


async def test_the_address_of_a_calendar_is_random_kept_as_a_hash_and_ends_when_it_is_asked_for(core: Core) -> None:
    now = core.clock.now()
    async with core.services.database.transaction() as session:
        driver = await session.get_one(Driver, core.driver_id)
        driver.email_verified_at = now
        first = await choices.open_calendar(session, driver, now)
        assert (await choices.of_calendar(session, first)).id == driver.id
        second = await choices.open_calendar(session, driver, now)
        choice = await choices.of(session, driver.id)
        assert choice is not None
        assert choice.calendar_hash is not None
        assert second.encode() not in choice.calendar_hash
        assert len({first, second}) == 2
        assert min(len(first), len(second)) >= 40
        with pytest.raises(NoCalendar):
            await choices.of_calendar(session, first)
        await choices.close_calendar(session, driver.id)
        with pytest.raises(NoCalendar):
            await choices.of_calendar(session, second)


async def test_nobody_who_has_left_has_a_calendar(core: Core) -> None:
    now = core.clock.now()
    async with core.services.database.transaction() as session:
        driver = await session.get_one(Driver, core.driver_id)
        driver.email_verified_at = now
        token = await choices.open_calendar(session, driver, now)
        driver.kind = DriverKind.DELETED
        await session.flush()
        with pytest.raises(NoCalendar):
            await choices.of_calendar(session, token)
