"""The pages can be put on a phone's home screen."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cloud.web.conftest import Bench


@pytest.mark.parametrize(("language", "begins"), [("en", "Charge your car"), ("ja", "ふつうのコンセント")])
async def test_the_app_is_named_after_its_operator_in_the_readers_language(
    bench: Bench, language: str, begins: str
) -> None:
    async with bench.browser(language) as browser:
        answer = await browser.get("/manifest.webmanifest")

    manifest = answer.json()
    assert answer.headers["content-type"] == "application/manifest+json"
    assert manifest["name"] == "konsento · Sakura Energy"
    assert manifest["description"].startswith(begins)
    assert manifest["display"] == "standalone"


async def test_every_icon_of_the_app_is_there(bench: Bench) -> None:
    async with bench.browser() as browser:
        icons = (await browser.get("/manifest.webmanifest")).json()["icons"]
        answers = [await browser.get(icon["src"]) for icon in icons]

    assert [answer.status_code for answer in answers] == [200] * len(icons)
    assert [answer.headers["content-type"] for answer in answers] == [icon["type"] for icon in icons]
