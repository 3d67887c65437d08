"""Where the operator has EVSE-IDs, an outlet shows its own and is found by it however it is typed."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest

from konsento.settings import Settings

from .conftest import CODE, wired

if TYPE_CHECKING:
    from tests.cloud.web.conftest import Bench


@pytest.fixture
async def bench(settings: Settings) -> AsyncIterator[Bench]:
    async with wired(settings.model_copy(update={"evse_id_prefix": "JP*KNS"})) as bench:
        yield bench


@pytest.mark.parametrize(
    "typed", ["JP*KNS*EK7F29Q", "jpknsek7f29q", "JP*KNS*E K7F-29Q", "ＪＰ＊ＫＮＳ＊ＥＫ７Ｆ２９Ｑ", "K7F-29Q"]
)
async def test_an_outlet_is_found_by_its_evse_id_however_it_is_typed(bench: Bench, typed: str) -> None:
    async with bench.browser() as browser:
        answer = await browser.get("/", params={"code": typed})

    assert answer.headers["location"] == f"/o/{CODE}"


async def test_the_evse_id_of_another_operator_is_no_outlet_here(bench: Bench) -> None:
    async with bench.browser() as browser:
        answer = await browser.get("/", params={"code": "DE*ABC*EK7F29Q"})

    assert answer.status_code == 404


async def test_an_outlet_shows_its_evse_id(bench: Bench) -> None:
    async with bench.browser() as browser:
        page = await browser.get(f"/o/{CODE}")

    assert "JP*KNS*EK7F29Q" in bench.words(page)
