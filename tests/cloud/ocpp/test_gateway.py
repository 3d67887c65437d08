"""What a station meets at the door, and who is let in."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import pytest
from aiohttp import WSMsgType, WSServerHandshakeError

from konsento.kit import readiness
from konsento.migrations import revisions
from konsento.ocpp import Entry, StationOffline, Version
from konsento.ocpp.gateway import ARRIVING_AT_ONCE
from konsento.ocpp.messages import Heartbeat, HeartbeatResponse, Reset, ResetResponse, ResetStatus, ResetType
from konsento.ocpp.throttle import Throttle

if TYPE_CHECKING:
    from konsento.kit.db import Database
    from tests.cloud.ocpp.conftest import Site, Station

type MakeSite = Callable[..., Awaitable[Site]]


async def refusal(site: Site, station_id: str = "SITE-1", **options: object) -> int:
    with pytest.raises(WSServerHandshakeError) as refused:
        await site.connect(station_id, **options)  # type: ignore[arg-type]  # each caller's own keywords
    return refused.value.status


async def test_a_station_boots_and_learns_the_servers_time(site: Site, station: Station) -> None:
    answer = await station.call(
        "BootNotification", {"chargingStation": {"model": "m", "vendorName": "v"}, "reason": "PowerUp"}
    )
    assert answer == [
        3,
        "call-1",
        {"currentTime": "2026-11-23T09:30:00.123000Z", "interval": 60, "status": "Accepted"},
    ]
    assert await station.call("Heartbeat", {}) == [3, "call-2", {"currentTime": "2026-11-23T09:30:00.123000Z"}]


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (("ocpp2.0.1", "ocpp2.1"), "ocpp2.1"),
        (("ocpp1.6", "ocpp2.0.1"), "ocpp2.0.1"),
    ],
)
async def test_the_newest_common_version_is_chosen(site: Site, offered: tuple[str, ...], chosen: str) -> None:
    async with await site.connect(protocols=offered) as station:
        assert station.socket.protocol == chosen
        await station.call("Heartbeat", {})
        assert [line.version for line in site.router.connections] == [Version(chosen)]


@pytest.mark.parametrize("offered", [(), ("ocpp1.6",), ("mqtt",)])
async def test_a_station_without_a_common_version_is_refused(site: Site, offered: tuple[str, ...]) -> None:
    assert await refusal(site, protocols=offered) == 400
    assert not site.router.connected("SITE-1")


@pytest.mark.parametrize("station_id", ["SITE-1", "a|b", "a:b=c", "x@y.z+*_"])
async def test_an_identity_arrives_as_it_is_whatever_characters_ocpp_allows(site: Site, station_id: str) -> None:
    async with await site.connect(station_id) as station:
        await station.call("Heartbeat", {})
        assert site.router.connected(station_id)
    assert site.asked == [(station_id, "correct-horse-battery")]


@pytest.mark.parametrize("station_id", ["a/b", "a b", "駐車場", "x" * 49, "a\nb"])
async def test_what_cannot_be_an_identity_is_refused_without_asking(site: Site, station_id: str) -> None:
    assert await refusal(site, station_id) == 401
    assert site.asked == []


async def test_a_wrong_password_and_an_unknown_station_look_alike(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    assert await refusal(site, headers=site.auth("SITE-1", "wrong-secret")) == 401
    assert await refusal(site, "STRANGER") == 401
    assert "unknown station or wrong password" in caplog.text
    assert "wrong-secret" not in caplog.text
    assert "correct-horse-battery" not in caplog.text


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer abc"},
        {"Authorization": "Basic"},
        {"Authorization": "Basic %%%"},
        {"Authorization": "Basic //8="},
        {"Authorization": "Basic T1RIRVI6Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5"},  # OTHER:correct-horse-battery
    ],
)
async def test_a_station_without_its_own_credentials_is_refused(site: Site, headers: dict[str, str]) -> None:
    assert await refusal(site, headers=headers) == 401


async def test_guessing_is_slowed_down_per_station_and_the_right_password_waits_too(make_site: MakeSite) -> None:
    seconds = [0.0]
    site = await make_site(station_throttle=Throttle(2, 60, now=lambda: seconds[0]))
    wrong = site.auth("SITE-1", "wrong")
    assert [await refusal(site, headers=wrong) for _ in range(3)] == [401, 401, 429]
    assert await refusal(site) == 429
    async with await site.connect("SITE-2"):
        pass
    seconds[0] = 61
    async with await site.connect("SITE-1"):
        pass


async def test_guessing_many_names_from_one_address_is_slowed_down(make_site: MakeSite) -> None:
    site = await make_site(address_throttle=Throttle(2, 60))
    for station_id in ("A", "B"):
        assert await refusal(site, station_id, headers=site.auth(station_id, "wrong")) == 401
    assert await refusal(site, "C") == 429


async def test_behind_a_trusted_proxy_failures_count_for_the_address_that_it_saw(make_site: MakeSite) -> None:
    site = await make_site(address_throttle=Throttle(1, 60), trusted_proxies=frozenset({"127.0.0.1"}))
    wrong = site.auth("SITE-1", "wrong")
    assert await refusal(site, headers={**wrong, "X-Forwarded-For": "10.9.9.9, 203.0.113.1"}) == 401
    assert await refusal(site, headers={**wrong, "X-Forwarded-For": "203.0.113.1"}) == 429
    async with await site.connect(headers={**site.auth("SITE-1"), "X-Forwarded-For": "203.0.113.2"}):
        pass


async def test_an_untrusted_proxy_header_is_ignored(make_site: MakeSite) -> None:
    site = await make_site(address_throttle=Throttle(1, 60))
    wrong = site.auth("SITE-1", "wrong")
    assert await refusal(site, headers={**wrong, "X-Forwarded-For": "203.0.113.1"}) == 401
    assert await refusal(site, headers={**wrong, "X-Forwarded-For": "203.0.113.2"}) == 429


async def test_the_newest_socket_of_a_station_wins(site: Site) -> None:
    links: list[str] = []

    async def came(station_id: str) -> None:
        links.append(f"+{station_id}")

    async def went(station_id: str) -> None:
        links.append(f"-{station_id}")

    site.router.on_connect(came)
    site.router.on_disconnect(went)
    old = await site.connect()
    await old.call("Heartbeat", {})
    new = await site.connect()
    await old.closed()
    assert old.socket.close_code == 4001
    asking = asyncio.create_task(site.router.call("SITE-1", Reset(type=ResetType.ON_IDLE)))
    frame = await new.receive()
    await new.send([3, frame[1], {"status": "Scheduled"}])
    assert await asking == ResetResponse(status=ResetStatus.SCHEDULED)
    assert links == ["+SITE-1", "+SITE-1"]
    gone = asyncio.Event()

    async def tell(_station_id: str) -> None:
        gone.set()

    site.router.on_disconnect(tell)
    await new.socket.close()
    await asyncio.wait_for(gone.wait(), 60)
    assert links == ["+SITE-1", "+SITE-1", "-SITE-1"]
    assert not site.router.connected("SITE-1")


async def test_a_listener_that_fails_harms_neither_the_station_nor_the_next_listener(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    heard = asyncio.Event()

    async def fail(_station_id: str) -> None:
        raise RuntimeError("broken listener")

    async def hear(_station_id: str) -> None:
        heard.set()

    site.router.on_connect(fail)
    site.router.on_connect(hear)
    async with await site.connect() as station:
        await asyncio.wait_for(heard.wait(), 60)
        assert (await station.call("Heartbeat", {}))[0] == 3
    assert "broken listener" in caplog.text


async def test_a_binary_frame_closes_the_socket(site: Site, station: Station) -> None:
    await station.socket.send_bytes(b"\x00\x01")
    await station.closed()
    assert station.socket.close_code == 1003


async def test_a_frame_beyond_the_limit_closes_the_socket(make_site: MakeSite) -> None:
    site = await make_site(max_frame_bytes=1000)
    async with await site.connect() as station:
        await station.send([2, "1", "Heartbeat", {"x": "y" * 1000}])
        await station.closed()
        assert station.socket.close_code == 1009


async def test_a_station_that_never_waits_for_answers_is_cut_off(site: Site, station: Station) -> None:
    stuck = asyncio.Event()

    @site.handlers.on(Heartbeat)
    async def wait(_station_id: str, _message: Heartbeat) -> HeartbeatResponse | None:
        await stuck.wait()
        return None

    for number in range(40):
        await station.send([2, f"m{number}", "Heartbeat", {}])
    await station.closed()
    assert station.socket.close_code == 1008
    stuck.set()


async def test_a_station_that_answers_no_ping_is_dropped(make_site: MakeSite) -> None:
    site = await make_site(ping_interval_s=0.1)
    gone = asyncio.Event()

    async def went(_station_id: str) -> None:
        gone.set()

    site.router.on_disconnect(went)
    async with await site.connect(autoping=False):
        await asyncio.wait_for(gone.wait(), 60)
    with pytest.raises(StationOffline):
        await site.router.call("SITE-1", Reset(type=ResetType.ON_IDLE))


async def test_a_stop_answers_what_was_taken_and_says_goodbye(site: Site, station: Station) -> None:
    taken, go_on = asyncio.Event(), asyncio.Event()

    @site.handlers.on(Heartbeat)
    async def slow(_station_id: str, _message: Heartbeat) -> HeartbeatResponse | None:
        taken.set()
        await go_on.wait()
        return None

    await station.send([2, "m1", "Heartbeat", {}])
    await taken.wait()
    stopping = asyncio.create_task(site.gateway.stop())
    await asyncio.sleep(0)
    await station.send([2, "m2", "Heartbeat", {}])
    go_on.set()
    assert (await station.receive())[:2] == [3, "m1"]
    assert (await station.closed()).type is WSMsgType.CLOSE
    assert station.socket.close_code == 1001
    await stopping


async def test_the_gateway_is_not_ready_while_its_database_is_away(
    make_site: MakeSite, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise OSError("no such disk")

    monkeypatch.setattr(readiness, "REMEMBERED_S", 0.0)
    site = await make_site(readiness=readiness.Readiness(database, revisions()))

    async def asked() -> tuple[int, str]:
        async with site.client.get(f"http://127.0.0.1:{site.gateway.port}/readyz") as answer:
            return answer.status, (await answer.json())["database"]

    assert await asked() == (200, "ok")
    with monkeypatch.context() as broken:
        broken.setattr(database, "transaction", away)
        assert await asked() == (503, "away")
    assert await asked() == (200, "ok")


async def test_health_counts_the_stations(site: Site, station: Station) -> None:
    await station.call("Heartbeat", {})
    async with site.client.get(f"http://127.0.0.1:{site.gateway.port}/healthz") as answer:
        assert json.loads(await answer.text()) == {"status": "ok", "stations": 1}


async def test_another_address_or_a_plain_request_is_refused(site: Site) -> None:
    root = f"http://127.0.0.1:{site.gateway.port}"
    async with site.client.get(f"{root}/ocpp/a/b", headers=site.auth("b")) as answer:
        assert answer.status == 404
    asking = {**site.auth("SITE-1"), "Sec-WebSocket-Protocol": "ocpp2.1"}
    async with site.client.get(f"{root}/ocpp/SITE-1", headers=asking) as answer:
        assert (answer.status, answer.headers["Upgrade"]) == (426, "websocket")
    async with site.client.post(f"{root}/ocpp/SITE-1", headers=asking) as answer:
        assert answer.status == 405


async def test_a_taken_port_is_an_error_at_the_start(site: Site, make_site: MakeSite) -> None:
    other = await make_site()
    with pytest.raises(OSError, match="in use"):
        await other.gateway.start("127.0.0.1", site.gateway.port)


@pytest.mark.parametrize("path", ["/ocpp/{}", "/ocpp//{}", "/ocpp/{}/", "/chargers/north/{}", "/chargers/north//{}"])
async def test_an_address_is_understood_however_a_station_puts_it_together(make_site: MakeSite, path: str) -> None:
    site = await make_site(path="/chargers/north/")
    url = f"http://127.0.0.1:{site.gateway.port}{path.format('Cp%3A01')}"
    async with site.client.ws_connect(url, protocols=("ocpp2.1",), headers=site.auth("Cp:01")):
        assert site.asked == [("Cp:01", "correct-horse-battery")]


async def test_identities_are_told_apart_by_capitals(site: Site) -> None:
    async with await site.connect("site-1"), await site.connect("SITE-1"):
        assert [station_id for station_id, _ in site.asked] == ["site-1", "SITE-1"]
        assert {connection.station_id for connection in site.router.connections} == {"site-1", "SITE-1"}


async def test_too_many_sockets_of_one_address_wait_until_one_is_closed(make_site: MakeSite) -> None:
    site = await make_site(sockets_per_address=2, trusted_proxies=frozenset({"127.0.0.1"}))
    one, two = await site.connect("A"), await site.connect("B")
    assert await refusal(site, "C") == 429
    async with await site.connect("C", headers={**site.auth("C"), "X-Forwarded-For": "203.0.113.9"}):
        pass
    left = asyncio.Event()

    async def note(_station_id: str) -> None:
        left.set()

    site.router.on_disconnect(note)
    await one.socket.close()
    await asyncio.wait_for(left.wait(), 60)
    async with await site.connect("C"):
        pass
    await two.socket.close()


async def test_a_station_that_comes_while_too_many_do_is_told_when_to_try_again(site: Site) -> None:
    site.entry = Entry.BUSY
    with pytest.raises(WSServerHandshakeError) as refused:
        await site.connect()
    assert (refused.value.status, dict(refused.value.headers or {})["Retry-After"]) == (503, "10")


async def test_a_station_that_connects_again_and_again_has_to_wait_and_nobody_else_can_make_it(
    make_site: MakeSite,
) -> None:
    seconds = [0.0]
    site = await make_site(arrival_throttle=Throttle(3, 60, now=lambda: seconds[0]))
    for _ in range(3):
        async with await site.connect():
            pass
    assert await refusal(site, headers=site.auth("SITE-1", "wrong")) == 401
    assert await refusal(site) == 429
    async with await site.connect("SITE-2"):
        pass
    seconds[0] = 61
    async with await site.connect():
        pass


async def test_arrivals_beyond_a_few_wait_at_the_door_until_those_before_are_noted(site: Site) -> None:
    noted, noting = asyncio.Event(), 0

    async def slowly(_station_id: str) -> None:
        nonlocal noting
        noting += 1
        await noted.wait()

    # Before the gateway's own listener, as those of the floors above are.
    site.router._on_connect.insert(0, slowly)
    coming = [asyncio.create_task(site.connect(f"S{number}")) for number in range(ARRIVING_AT_ONCE + 5)]
    done, waiting = await asyncio.wait(coming, timeout=0.5)
    assert (len(done), len(waiting), noting) == (ARRIVING_AT_ONCE, 5, ARRIVING_AT_ONCE)
    noted.set()
    for station in await asyncio.gather(*coming):
        await station.socket.close()
