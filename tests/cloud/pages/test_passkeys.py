"""A phone with a lock of its own: a passkey is made in the browser's dialogue, and signs in without typing."""

import re

import pytest
from playwright.async_api import Browser, Page, expect

from ..web.conftest import PASSWORD
from .conftest import ARTEFACTS, Stage, phone

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(120), pytest.mark.browser]

PHONE_LOCK = {
    "protocol": "ctap2",
    "ctap2Version": "ctap2_1",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


async def sign_up(page: Page, stage: Stage, email: str) -> None:
    await page.goto(f"{stage.url}/signup")
    await page.fill("#email", email)
    await page.fill("#password", PASSWORD)
    await page.click("main button[type=submit]")
    await page.wait_for_url(re.compile(r"/$"))


async def test_a_passkey_is_made_on_a_phone_and_signs_in_by_button_and_by_the_field(
    stage: Stage, browser: Browser
) -> None:
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    async with await phone(browser, "en-GB") as context:
        page = await context.new_page()
        devtools = await context.new_cdp_session(page)
        await devtools.send("WebAuthn.enable", {"enableUI": False})
        added = await devtools.send("WebAuthn.addVirtualAuthenticator", {"options": PHONE_LOCK})
        device = {"authenticatorId": added["authenticatorId"]}
        await sign_up(page, stage, "ann@example.com")
        await page.click("text=Sign in faster next time: set up a passkey")
        await page.fill("#name", "My phone")
        await page.click("text=Make a passkey")
        await page.wait_for_url(f"{stage.url}/")
        await expect(page.locator("[data-passkey-offer]")).to_have_count(0)
        kept = (await devtools.send("WebAuthn.getCredentials", device))["credentials"]
        await page.goto(f"{stage.url}/account/passkeys")
        await expect(page.locator("main")).to_contain_text("My phone")
        await page.screenshot(path=ARTEFACTS / "passkeys-made.png", full_page=True)

        # The field offers it by itself.
        await page.goto(f"{stage.url}/account")
        await page.click('main form[action="/signout"] button')
        await page.goto(f"{stage.url}/signin?next=/account/passkeys")
        await page.wait_for_url(re.compile(r"/account/passkeys$"))
        await expect(page.locator("main")).to_contain_text("Last used on")

        # And so does the button. The field's own request would be quicker: no hand is there until the button ends it.
        await page.goto(f"{stage.url}/account")
        await page.click('main form[action="/signout"] button')
        await devtools.send("WebAuthn.setAutomaticPresenceSimulation", device | {"enabled": False})
        await page.goto(f"{stage.url}/signin?next=/history")
        await page.click("text=Sign in with a passkey")
        await devtools.send("WebAuthn.setAutomaticPresenceSimulation", device | {"enabled": True})
        await page.wait_for_url(re.compile(r"/history$"))

    assert len(kept) == 1
    assert kept[0]["isResidentCredential"] is True
    assert kept[0]["rpId"] == "localhost"


async def test_a_passkey_that_is_not_known_any_more_is_told_and_forgotten_by_the_device(
    stage: Stage, browser: Browser
) -> None:
    async with await phone(browser, "ja-JP", dark=True) as context:
        page = await context.new_page()
        devtools = await context.new_cdp_session(page)
        await devtools.send("WebAuthn.enable", {"enableUI": False})
        await devtools.send("WebAuthn.addVirtualAuthenticator", {"options": PHONE_LOCK})
        await sign_up(page, stage, "bob@example.com")
        await page.goto(f"{stage.url}/account/passkeys")
        await page.click("text=パスキーを作成する")
        await page.click("a.end")
        await page.click("main button[type=submit]")
        await page.wait_for_url(re.compile(r"/account/passkeys$"))
        await page.goto(f"{stage.url}/account")
        await page.click('main form[action="/signout"] button')
        await page.goto(f"{stage.url}/signin")
        await expect(page.locator("#passkey-problem")).to_contain_text("このパスキーは登録されていません。")
        await page.screenshot(path=ARTEFACTS / "passkeys-unknown.png", full_page=True)
