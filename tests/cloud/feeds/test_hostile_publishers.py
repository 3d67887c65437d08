"""A publisher, or whoever speaks for one, gains nothing: no way into the operator's network, no memory, no key."""

import gzip
import socket
from collections.abc import Mapping
from typing import Any

import pytest
from aiohttp import web

from konsento.feeds import getting
from konsento.feeds.getting import Got
from konsento.grid.readers.file import LARGEST
from konsento.models import SourceState
from konsento.settings import Settings

from .conftest import Feeds

PUBLIC = "https://data.publisher.example"


def resolving(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    """Have every name have these addresses; returns the names that are looked up."""
    asked: list[str] = []

    def look_up(host: str, port: int, *_: Any, **__: Any) -> list[tuple[Any, ...]]:
        asked.append(host)
        of = {True: socket.AF_INET6, False: socket.AF_INET}
        return [(of[":" in one], socket.SOCK_STREAM, 6, "", (one, port)) for one in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return asked


@pytest.mark.parametrize(
    "addresses",
    [
        ("10.0.0.8",),
        ("127.0.0.1",),
        ("169.254.169.254",),
        ("::1",),
        ("fd00::8",),
        ("::ffff:192.168.1.1",),
        ("64:ff9b::a00:8",),
        ("93.184.215.14", "10.0.0.8"),
    ],
)
async def test_a_name_that_stands_for_an_inner_address_is_not_asked(
    feeds: Feeds, monkeypatch: pytest.MonkeyPatch, addresses: tuple[str, ...]
) -> None:
    source_id = await feeds.add(url=f"{PUBLIC}/day.csv")
    asked = resolving(monkeypatch, *addresses)

    source = await feeds.fetch(source_id)

    assert asked == ["data.publisher.example"]
    assert source.problem.startswith("“data.publisher.example” is not fetched from")


async def test_a_public_server_does_not_lead_on_to_an_inner_one_that_the_operator_has_named(
    feeds: Feeds, forecast: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    feeds.publisher.body = forecast
    inner = f"{feeds.publisher.origin}/forecast.csv"
    really = getting._one

    async def one(settings: Settings, url: str, headers: Mapping[str, str], *, may_be_inner: bool) -> Got | str:
        if url.startswith(PUBLIC):
            return inner
        return await really(settings, url, headers, may_be_inner=may_be_inner)

    monkeypatch.setattr(getting, "_one", one)
    led = await feeds.fetch(await feeds.add(name="led", url=f"{PUBLIC}/day.csv"))
    assert (led.state, feeds.publisher.asked) == (SourceState.BAD, [])
    assert "is not fetched from" in led.problem

    named = await feeds.fetch(await feeds.add(name="named", url=inner))
    assert named.state is SourceState.GOOD


@pytest.mark.parametrize("megabytes", [LARGEST // 1_000_000 + 1, 100])
async def test_what_is_small_on_the_wire_and_huge_when_unpacked_is_broken_off(feeds: Feeds, megabytes: int) -> None:
    packed = gzip.compress(bytes(megabytes * 1_000_000), 1)

    async def bomb(request: web.Request) -> web.Response:
        return web.Response(body=packed, headers={"Content-Encoding": "gzip"})

    feeds.publisher.answer = bomb
    source = await feeds.fetch(await feeds.add())

    assert source.state is SourceState.BAD
    assert "larger than 20 MB" in source.problem or "broke off" in source.problem
