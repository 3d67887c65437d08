"""Nobody can make the server read, or keep on its disk, more than a form holds before it knows who they are."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest

from konsento.web.install import LARGEST_FORM

if TYPE_CHECKING:
    from .conftest import Bench

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
FILE = {"Content-Type": "multipart/form-data; boundary=x"}


async def pieces(total: int) -> AsyncIterator[bytes]:
    """Yield a body without an announced length."""
    yield b"email="
    for _ in range(total // 1024):
        yield b"a" * 1024


@pytest.mark.parametrize("path", ["/signin", "/signup", "/guest", "/office/signin", "/o/K7F29Q/start"])
@pytest.mark.parametrize("headers", [FORM, FILE])
async def test_a_body_larger_than_any_form_is_refused_in_words(
    bench: Bench, path: str, headers: dict[str, str]
) -> None:
    async with bench.browser(**{"Accept-Language": "ja"}) as browser:
        announced = await browser.post(path, content=b"a" * (LARGEST_FORM + 1), headers=headers)

    assert announced.status_code == 413
    assert "送信内容が大きすぎます" in bench.words(announced)
    assert "何も変更されていません。" in bench.words(announced)


@pytest.mark.parametrize("path", ["/signin", "/office/signin"])
async def test_a_body_that_does_not_say_how_long_it_is_is_counted_as_it_comes(bench: Bench, path: str) -> None:
    async with bench.browser() as browser:
        answer = await browser.post(path, content=pieces(LARGEST_FORM * 2), headers=FORM)

    assert answer.status_code == 413
    assert "too large" in bench.words(answer)


async def test_a_strangers_floor_plan_is_not_read(bench: Bench) -> None:
    read = 0

    async def picture() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(2048):
            read += 1024
            yield b"a" * 1024

    async with bench.browser() as browser:
        answer = await browser.post("/office/sites/sakura-mall/plan", content=picture(), headers=FILE)

    assert answer.headers["location"].startswith("/office/signin")
    assert read <= LARGEST_FORM


async def test_a_form_of_an_ordinary_size_is_read(bench: Bench) -> None:
    async with bench.browser() as browser:
        answer = await browser.post("/signin", data={"email": "ann@example.com", "password": "x" * 150})

    assert answer.status_code in {401, 403, 422}
