"""A source is fetched from a real server: good files are used, bad ones are kept with the reason and change nothing."""

import asyncio
import logging
from datetime import timedelta
from itertools import pairwise

import pytest
from aiohttp import web
from sqlalchemy import select

from konsento.feeds import fetching, getting, sources
from konsento.feeds import work as feeds_work
from konsento.grid.readers.file import LARGEST
from konsento.models import GridFile, GridSlot, SourceState
from konsento.operations.replicas import own_version

from ..conftest import AT
from ..grid.files import area_file
from .conftest import REGION, TODAY, TOMORROW, Feeds

PAGE = b"<!DOCTYPE html><html><head><title>Maintenance</title></head><body>Sorry</body></html>"


async def slots(feeds: Feeds) -> list[GridSlot]:
    async with feeds.core.services.database.transaction() as session:
        return list(await session.scalars(select(GridSlot).order_by(GridSlot.begin)))


async def file(feeds: Feeds, source_id: object, *, good: bool) -> GridFile | None:
    async with feeds.core.services.database.transaction() as session:
        return await sources.last_file(session, source_id, good=good)  # type: ignore[arg-type]


async def test_a_good_file_is_kept_and_decides_the_day_that_it_is_about(feeds: Feeds, forecast: bytes) -> None:
    feeds.publisher.body = forecast
    source_id = await feeds.add()

    source = await feeds.fetch(source_id)

    assert (source.state, source.problem, source.good_at) == (SourceState.GOOD, "", AT)
    assert source.data_until == AT.replace(hour=15, minute=0) + timedelta(days=1)
    assert [len(await slots(feeds)), {slot.region for slot in await slots(feeds)}] == [48, {REGION}]
    kept = await file(feeds, source_id, good=True)
    assert kept is not None
    assert (kept.content, kept.report["slots"], kept.report["missing"]) == (forecast, 48, 0)
    assert [(one.day, one.outcome) for one in await feeds.decisions()] == [(TOMORROW, "new")]
    assert len(await feeds.windows()) == 1


async def test_the_address_has_the_day_of_the_region_and_the_server_learns_who_asks(
    feeds: Feeds, forecast: bytes
) -> None:
    feeds.publisher.body = forecast
    source_id = await feeds.add(url=f"{feeds.publisher.origin}/{{yyyy}}/{{mm}}/f?d={{tomorrow:yyyy/mm/dd}}")

    await feeds.fetch(source_id)

    (request,) = feeds.publisher.asked
    assert request.raw_path == "/2026/11/f?d=2026/11/23"
    assert request.headers["User-Agent"] == f"Konsento/{own_version()} (+https://charge.example)"


async def test_it_is_fetched_again_at_its_interval_and_nothing_is_sent_twice(feeds: Feeds, forecast: bytes) -> None:
    async def conditional(request: web.Request) -> web.Response:
        if request.headers.get("If-None-Match") == '"v1"' and "If-Modified-Since" in request.headers:
            return web.Response(status=304)
        return web.Response(body=forecast, headers={"ETag": '"v1"', "Last-Modified": "Sun, 22 Nov 2026 01:00:00 GMT"})

    feeds.publisher.answer = conditional
    source_id = await feeds.add(every_s=1800)
    await feeds.fetch(source_id)
    due = await feeds.due_in("fetch", source_id)
    assert due is not None
    assert timedelta(minutes=27) <= due <= timedelta(minutes=33)

    feeds.core.clock.advance(timedelta(minutes=34))
    await feeds.core.work()

    source = await feeds.source(source_id)
    assert len(feeds.publisher.asked) == 2
    assert (source.state, source.good_at) == (SourceState.GOOD, AT + timedelta(minutes=34))
    assert len(await feeds.decisions()) == 1


async def test_the_same_file_again_changes_only_when_it_was_last_read(feeds: Feeds, forecast: bytes) -> None:
    feeds.publisher.body = forecast
    source_id = await feeds.add()
    await feeds.fetch(source_id)
    feeds.core.clock.advance(timedelta(hours=2))

    source = await feeds.fetch(source_id)

    assert source.good_at == feeds.core.clock.now()
    assert {slot.received_at for slot in await slots(feeds)} == {AT}
    kept = await file(feeds, source_id, good=True)
    assert kept is not None
    assert kept.came_at == AT
    assert len(await feeds.decisions()) == 1


async def test_said_to_be_another_format_the_same_file_is_read_again(feeds: Feeds, forecast: bytes) -> None:
    feeds.publisher.body, feeds.publisher.headers = forecast, {"ETag": '"v1"'}
    source_id = await feeds.add()
    await feeds.fetch(source_id)
    services = feeds.core.services
    async with services.database.transaction() as session:
        source = await sources.find_source(session, source_id)
        wanted = sources.WantedSource(name="Tokyo", format="occto", url=source.url)
        await sources.change_source(session, services.settings, source, wanted)

    source = await feeds.fetch(source_id)

    assert "If-None-Match" not in feeds.publisher.asked[-1].headers
    assert (source.state, source.problem.split("“")[0]) == (SourceState.BAD, "The file is not of the format ")


async def test_a_web_page_of_an_error_is_kept_as_bad_and_the_last_good_data_stay(feeds: Feeds, forecast: bytes) -> None:
    feeds.publisher.body = forecast
    source_id = await feeds.add()
    await feeds.fetch(source_id)
    before = await feeds.windows()
    feeds.core.clock.advance(timedelta(hours=1))
    feeds.publisher.body, feeds.publisher.headers = PAGE, {"Content-Type": "text/html"}

    source = await feeds.fetch(source_id)

    assert (source.state, source.good_at, source.bad_since) == (SourceState.BAD, AT, AT + timedelta(hours=1))
    assert "web page (“Maintenance”)" in source.problem
    good, bad = await file(feeds, source_id, good=True), await file(feeds, source_id, good=False)
    assert good is not None
    assert good.content == forecast
    assert bad is not None
    assert (bad.content, bad.report["reason"]["values"]) == (PAGE, {"title": "Maintenance"})
    assert len(await slots(feeds)) == 48
    assert await feeds.windows() == before


async def test_a_server_that_fails_is_tried_again_sooner_then_more_and_more_seldom(
    feeds: Feeds, forecast: bytes
) -> None:
    feeds.publisher.status = 500
    source_id = await feeds.add(every_s=3600)
    waits = []
    source = await feeds.fetch(source_id)
    for _ in range(8):
        due = await feeds.due_in("fetch", source_id)
        assert due is not None
        waits.append(due.total_seconds())
        feeds.core.clock.advance(due + timedelta(seconds=1))
        await feeds.core.work()
    assert (source.state, source.problem) == (SourceState.BAD, "“127.0.0.1” answers 500.")
    assert 54 <= waits[0] <= 66
    assert max(waits) <= 3960
    assert waits[-1] > 1000
    assert all(later > earlier * 0.8 for earlier, later in pairwise(waits))
    assert len(await slots(feeds)) == 0

    feeds.publisher.status, feeds.publisher.body = 200, forecast
    source = await feeds.fetch(source_id)

    assert (source.state, source.problem, source.bad_since) == (SourceState.GOOD, "", None)
    assert len(await slots(feeds)) == 48


async def test_a_server_that_names_a_pause_is_given_it(feeds: Feeds) -> None:
    feeds.publisher.status, feeds.publisher.headers = 429, {"Retry-After": "1200"}
    source_id = await feeds.add()

    await feeds.fetch(source_id)

    assert await feeds.due_in("fetch", source_id) == timedelta(seconds=1200)


async def test_half_a_file_and_half_an_answer_are_refused(feeds: Feeds, forecast: bytes) -> None:
    source_id = await feeds.add()
    feeds.publisher.body = forecast[: len(forecast) // 2]
    source = await feeds.fetch(source_id)
    assert source.state is SourceState.BAD
    assert "cut off" in source.problem

    async def broken(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Length": str(len(forecast))})
        await answer.prepare(request)
        await answer.write(forecast[:500])
        assert request.transport is not None
        request.transport.close()
        return answer

    feeds.publisher.answer = broken
    source = await feeds.fetch(source_id)

    assert source.problem == "The answer of “127.0.0.1” broke off."
    assert await slots(feeds) == []


async def test_a_slow_and_a_huge_answer_are_broken_off(feeds: Feeds, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(getting, "TIMEOUT_S", 0.2)
    source_id = await feeds.add()

    over = asyncio.Event()

    async def slow(request: web.Request) -> web.Response:
        await over.wait()
        return web.Response()

    feeds.publisher.answer = slow
    assert "did not answer in full" in (await feeds.fetch(source_id)).problem

    over.set()
    monkeypatch.setattr(getting, "TIMEOUT_S", 30)

    async def huge(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        for _ in range(LARGEST // 1_000_000 + 2):
            await answer.write(b"1" * 1_000_000)
        return answer

    feeds.publisher.answer = huge
    assert "is larger than 20 MB" in (await feeds.fetch(source_id)).problem


@pytest.mark.parametrize(
    "inner",
    [
        "http://10.0.0.8/x",
        "https://192.168.1.1/x",
        "http://127.0.0.1:1/x",
        "https://[::1]/",
        "file:///etc/passwd",
        "http://[x",
    ],
)
async def test_nobody_leads_it_to_inner_addresses(feeds: Feeds, inner: str) -> None:
    feeds.publisher.status, feeds.publisher.headers = 302, {"Location": inner}
    source_id = await feeds.add()

    source = await feeds.fetch(source_id)

    assert source.state is SourceState.BAD
    assert "is not fetched from" in source.problem or "cannot be reached" in source.problem


async def test_it_follows_a_few_redirects_and_not_for_ever(feeds: Feeds, forecast: bytes) -> None:
    async def moved(request: web.Request) -> web.Response:
        if request.path == "/there.csv":
            return web.Response(body=forecast)
        to = "/there.csv" if request.path == "/once" else "/again"
        return web.Response(status=307, headers={"Location": to})

    feeds.publisher.answer = moved
    good = await feeds.add(name="moved", url=f"{feeds.publisher.origin}/once")
    loop = await feeds.add(name="loop", url=f"{feeds.publisher.origin}/loop")

    assert (await feeds.fetch(good)).state is SourceState.GOOD
    assert "leads on and on" in (await feeds.fetch(loop)).problem


async def test_a_key_goes_where_it_belongs_and_nowhere_else(
    feeds: Feeds, forecast: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    feeds.publisher.body = forecast
    for number, (secret, query) in enumerate(
        (("s3 cr3t", "?token={secret}"), ("auth-token: s3cr3t", ""), ("s3cr3t", "")), start=1
    ):
        feeds.publisher.status = 200
        source_id = await feeds.add(name=f"{number}", url=f"{feeds.publisher.origin}/f{query}", secret=secret)
        with caplog.at_level(logging.DEBUG):
            await feeds.fetch(source_id)
            feeds.publisher.status = 403
            source = await feeds.fetch(source_id)

        kept = await file(feeds, source_id, good=True)
        assert kept is not None
        texts = [source.problem, str(source.reason), kept.name, str(kept.report)]
        # The test's own server logs the address that it was asked for.
        texts += [record.getMessage() for record in caplog.records if record.name != "aiohttp.access"]
        # The database's driver tells its parameters at this level, in development.
        assert not [text for text in texts if "cr3t" in text and "INSERT INTO grid_sources" not in text]

    by_query, _, by_header, _, bearer, _ = feeds.publisher.asked
    assert by_query.query["token"] == "s3 cr3t"
    assert by_header.headers["auth-token"] == "s3cr3t"
    assert "Authorization" not in by_header.headers
    assert bearer.headers["Authorization"] == "Bearer s3cr3t"


async def test_a_restart_between_a_file_and_its_decision_loses_nothing(feeds: Feeds, forecast: bytes) -> None:
    feeds.publisher.body = forecast
    source_id = await feeds.add()
    # Its work and what it makes due are in the table; the process ends before it decides.

    await fetching.fetch_source(feeds.core.services, source_id)
    assert await feeds.decisions() == []
    assert await feeds.due_in("decide", f"{REGION}:{TOMORROW}") is not None

    await feeds_work.begin(feeds.core.services)
    await feeds.core.work()

    assert next((one.day, one.outcome) for one in await feeds.decisions()) == (TOMORROW, "new")
    assert len(feeds.publisher.asked) == 1


async def test_a_start_begins_what_is_due_and_fetches_nothing_too_soon(feeds: Feeds, forecast: bytes) -> None:
    feeds.publisher.body = forecast
    source_id = await feeds.add()

    await feeds_work.begin(feeds.core.services)
    await feeds.core.work()
    feeds.core.clock.advance(timedelta(minutes=5))
    await feeds_work.begin(feeds.core.services)
    await feeds.core.work()

    assert len(feeds.publisher.asked) == 1
    due = await feeds.due_in("fetch", source_id)
    assert due is not None
    assert timedelta(minutes=48) < due < timedelta(minutes=62)


async def test_a_source_that_is_switched_off_is_left_alone(feeds: Feeds) -> None:
    source_id = await feeds.add()
    async with feeds.core.services.database.transaction() as session:
        sources.switch(await sources.find_source(session, source_id), on=False)

    await feeds_work.begin(feeds.core.services)
    await feeds.core.work()

    assert feeds.publisher.asked == []


async def test_what_is_old_is_forgotten_and_decisions_stay(feeds: Feeds) -> None:
    feeds.publisher.body = area_file(REGION, TODAY).content
    source_id = await feeds.add(url=f"{feeds.publisher.origin}/today.csv")
    await feeds.fetch(source_id)
    feeds.core.clock.advance(timedelta(days=399))
    await feeds_work.forget(feeds.core.services)
    assert len(await slots(feeds)) == 48

    feeds.core.clock.advance(timedelta(days=3))
    await feeds_work.forget(feeds.core.services)

    assert await slots(feeds) == []
    assert len(await feeds.decisions()) == 1
    assert await feeds.due_in("decide", f"{REGION}:{TODAY}") is None
