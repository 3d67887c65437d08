"""The camera in the page: it opens outlets of this service, names what leads elsewhere, and is off when left."""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import segno
from playwright.async_api import Browser, Page, async_playwright, expect

from konsento.sites.labels import label

from ..web.conftest import CODE
from .conftest import ARTEFACTS, FLAGS, Stage, chromium, phone

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(120), pytest.mark.browser]

WIDTH, HEIGHT, FRAMES_A_SECOND = 640, 480, 5
ELSEWHERE = "https://evil.example/o/K7F29Q"


def video(path: Path, shown: Sequence[str], seconds: int = 4) -> Path:
    """Write a film of QR codes held before a camera, one after the other (YUV4MPEG2; Chromium plays it in a loop)."""
    colours = bytes([128]) * (WIDTH * HEIGHT // 2)
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F{FRAMES_A_SECOND}:1 Ip A1:1 C420jpeg\n".encode())
        for text in shown:
            picture = b"FRAME\n" + _light(text) + colours
            file.write(picture * (seconds * FRAMES_A_SECOND))
    return path


def _light(text: str) -> bytes:
    """Return the brightness of a picture with a QR code in its middle, on grey."""
    modules = [bytearray(row) for row in segno.make(text, error="m", micro=False).matrix_iter(scale=1, border=4)]
    scale = HEIGHT * 3 // 4 // len(modules)
    lines = [b"".join(bytes([30 if dark else 220]) * scale for dark in row) for row in modules]
    beside = bytes([120]) * ((WIDTH - len(lines[0])) // 2)
    rows = [(beside + line + beside).ljust(WIDTH, b"x") for line in lines for _ in range(scale)]
    above = [bytes([120]) * WIDTH] * ((HEIGHT - len(rows)) // 2)
    return b"".join((above + rows + above + above)[:HEIGHT]).ljust(WIDTH * HEIGHT, b"x")


@asynccontextmanager
async def camera(film: Path) -> AsyncIterator[Browser]:
    """Start a browser whose camera sees a film."""
    seen = ["--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={film}"]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=await chromium(), args=[*FLAGS, *seen])
        yield browser
        await browser.close()


async def _scan(page: Page, stage: Stage) -> None:
    await page.goto(stage.url)
    await page.get_by_role("button", name="Scan the code").click()


async def test_an_address_of_elsewhere_is_named_and_not_followed_and_the_label_beside_it_opens_the_outlet(
    stage: Stage, tmp_path: Path
) -> None:
    film = video(tmp_path / "codes.y4m", [ELSEWHERE, label.address_of(CODE, stage.url)])
    async with camera(film) as browser, await phone(browser, "en-GB") as context:
        await context.grant_permissions(["camera"])
        page = await context.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        await _scan(page, stage)
        await expect(page.locator("dialog [role=status]")).to_contain_text("leads to evil.example")
        await page.screenshot(path=ARTEFACTS / "driver-en-390-scanner.png")

        await page.wait_for_url(f"{stage.url}/o/{CODE}")

        await expect(page.locator("h1")).to_have_text("This outlet is free.")
    assert all(address.startswith(stage.url) for address in asked)
    assert any("zxing_reader.wasm" in address for address in asked)


@pytest.mark.parametrize("text", ["jp*kns*ek7f29q", "k7f-29q", "{url}/o/K7F29Q"])
async def test_an_older_label_a_plain_code_and_an_evse_id_are_read_too(stage: Stage, tmp_path: Path, text: str) -> None:
    stage.bench.services.settings.evse_id_prefix = "JP*KNS"
    async with (
        camera(video(tmp_path / "code.y4m", [text.format(url=stage.url)])) as browser,
        await phone(browser, "en-GB") as context,
    ):
        await context.grant_permissions(["camera"])
        page = await context.new_page()
        await _scan(page, stage)

        await page.wait_for_url(f"{stage.url}/o/{CODE}")


async def test_a_text_that_is_no_code_is_said_to_be_none_and_the_camera_is_off_when_it_is_closed(
    stage: Stage, tmp_path: Path
) -> None:
    film = video(tmp_path / "text.y4m", ["javascript:alert(1)"])
    async with camera(film) as browser, await phone(browser, "en-GB") as context:
        await context.grant_permissions(["camera"])
        page = await context.new_page()
        await _scan(page, stage)
        await expect(page.locator("dialog [role=status]")).to_contain_text("not the code of an outlet")
        track = await page.evaluate_handle("document.querySelector('dialog video').srcObject.getVideoTracks()[0]")

        await page.keyboard.press("Escape")

        await expect(page.locator("dialog")).to_be_hidden()
        await page.wait_for_function("track => track.readyState === 'ended'", arg=track)
        assert page.url == f"{stage.url}/"


async def test_a_refused_and_a_missing_camera_are_told_in_words(stage: Stage, browser: Browser) -> None:
    async with await phone(browser, "en-GB") as context:
        page = await context.new_page()
        await _scan(page, stage)

        await expect(page.locator("dialog [role=status]")).to_contain_text(
            re.compile("No camera was found|The camera is not allowed")
        )
        await page.get_by_role("button", name="Close the camera").click()
        await expect(page.locator("#code")).to_be_visible()


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("NotAllowedError", "The camera is not allowed for this page."),
        ("NotFoundError", "No camera was found."),
        ("NotReadableError", "The camera is in use by another app."),
    ],
)
async def test_each_reason_why_there_is_no_picture_has_its_words(
    stage: Stage, browser: Browser, name: str, says: str
) -> None:
    async with await phone(browser, "en-GB") as context:
        page = await context.new_page()
        await page.add_init_script(
            f"navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', '{name}'))"
        )
        await _scan(page, stage)

        await expect(page.locator("dialog [role=status]")).to_contain_text(says)


async def test_without_a_secure_connection_the_page_says_that_the_camera_needs_one(
    stage: Stage, browser: Browser
) -> None:
    async with await phone(browser, "en-GB") as context:
        page = await context.new_page()
        await page.add_init_script("Object.defineProperty(window, 'isSecureContext', { value: false })")
        await _scan(page, stage)

        await expect(page.locator("dialog [role=status]")).to_contain_text("needs a secure connection (https)")
