"""Passkeys: sign in with one, make one, see them, remove one."""

from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, RedirectResponse, Response

from konsento.accounts import known, passkeys, profile
from konsento.accounts import service as accounts
from konsento.accounts.passkeys import Site
from konsento.kit.i18n import Language
from konsento.models import Driver, DriverKind, Passkey
from konsento.notifications import mail
from konsento.services import Services
from konsento.settings import Settings
from konsento.web.cookies import new_token, sign_in_browser
from konsento.web.errors import PageNotFound
from konsento.web.language import language_of
from konsento.web.letters import language_for, tell_of_change
from konsento.web.proof import is_fresh, proof_of
from konsento.web.render import page
from konsento.web.security import origin_of, safe_next
from konsento.web.tokens import Number
from konsento.web.who import NextPage, SignedIn, Wired

router = APIRouter()

UTC_ZONE = ZoneInfo("UTC")


class Answer(BaseModel):
    """What the browser's dialogue came to."""

    credential: dict[str, Any]
    """As `PublicKeyCredential.toJSON()` writes it."""
    next: Annotated[str, Field(max_length=500)] = ""
    name: str = ""


class Question(BaseModel):
    """What a driver shows before a passkey is made."""

    present: str = ""


def site_of(settings: Settings) -> Site | None:
    """Return the site that passkeys are made for, or None where there can be none."""
    return passkeys.site_at(settings.public_url, origin_of(settings.public_url), settings.operator_name)


def _site(services: Services) -> Site:
    site = site_of(services.settings)
    if site is None:
        raise PageNotFound
    return site


@router.post("/signin/passkey/options")
async def options_to_sign_in(services: Wired) -> Response:
    """Hand out a challenge to sign in with. Open to everybody."""
    site = _site(services)
    async with services.database.transaction() as session:
        return _json(await passkeys.options_to_sign_in(session, site, services.clock.now()))


@router.post("/signin/passkey/answer")
async def sign_in(request: Request, services: Wired, answer: Answer) -> Response:
    """Sign this browser in as whose passkey has signed the challenge. Open to everybody."""
    site = _site(services)
    async with services.database.transaction() as session:
        driver = await passkeys.signed_in_by(session, site, answer.credential, services.clock.now())
        token = await new_token(session, services, request, driver)
        mark = await known.mark(session, driver.id)
    onward = JSONResponse({"next": safe_next(answer.next)})
    sign_in_browser(onward, services, token, mark)
    return onward


@router.get("/account/passkeys")
async def passkeys_page(request: Request, services: Wired, driver: SignedIn, next_page: NextPage = "") -> Response:
    """List the driver's passkeys and offer to make one. For the driver alone, as all below."""
    _for_accounts(driver)
    language, now = language_of(request), services.clock.now()
    async with services.database.transaction() as session:
        rows = await passkeys.of_driver(session, driver.id)
    return page(
        request,
        "passkeys.html",
        driver=driver,
        possible=site_of(services.settings) is not None,
        passkeys=[_row(language, row, now) for row in rows],
        full=len(rows) >= passkeys.MOST,
        fresh=await is_fresh(request, services),
        has_password=driver.password_hash is not None,
        suggested=accounts.browser_name(request.headers),
        next=safe_next(next_page) if next_page else "",
    )


@router.post("/account/passkeys/options")
async def options_to_make(request: Request, services: Wired, driver: SignedIn, question: Question) -> Response:
    """Hand out what the browser makes a passkey with, to who has just shown who they are."""
    _for_accounts(driver)
    site = _site(services)
    await profile.prove(services.database, services.clock, driver, await proof_of(request, services, question.present))
    async with services.database.transaction() as session:
        return _json(await passkeys.options_to_make(session, site, driver, services.clock.now()))


@router.post("/account/passkeys/new")
async def make(request: Request, services: Wired, driver: SignedIn, answer: Answer) -> Response:
    """Keep the passkey that the browser has made, and tell the driver by mail."""
    _for_accounts(driver)
    name = answer.name.strip() or accounts.browser_name(request.headers) or language_of(request).text("A passkey")
    site, now = _site(services), services.clock.now()
    async with services.database.transaction() as session:
        await passkeys.make(session, site, driver, answer.credential, name=name, now=now)
        await tell_of_change(session, services, driver, language_for(driver).text("A passkey was added."))
    return JSONResponse({"next": safe_next(answer.next) if answer.next else "/account/passkeys"})


@router.get("/account/passkeys/{number}/remove")
async def remove_page(request: Request, number: Number, services: Wired, driver: SignedIn) -> Response:
    """Ask whether a passkey is really to go, and say how to sign in after that."""
    async with services.database.transaction() as session:
        row = await passkeys.own(session, driver.id, number)
        last = await passkeys.count(session, driver.id) == 1
    text = language_of(request).text
    meaning = text("Nobody can sign in with it any more. The device still shows it until you delete it there.")
    if last and driver.password_hash is None:
        only_links = text(
            "It is your last one: after that you sign in by links that we send to {email}.", email=driver.email
        )
        meaning = f"{only_links} {meaning}"
    return page(
        request,
        "sure.html",
        driver=driver,
        question=text("Remove the passkey “{name}”?", name=row.name),
        meaning=meaning,
        yes=text("Remove the passkey"),
        no=text("Keep it"),
        back="/account/passkeys",
        action=f"/account/passkeys/{number}/remove",
    )


@router.post("/account/passkeys/{number}/remove")
async def remove(number: Number, services: Wired, driver: SignedIn) -> Response:
    """Remove a passkey, and tell the driver by mail."""
    async with services.database.transaction() as session:
        await passkeys.remove(session, driver, number, links=mail.possible(services.settings))
        await tell_of_change(session, services, driver, language_for(driver).text("A passkey was removed."))
    return RedirectResponse("/account/passkeys", 303)


def _for_accounts(driver: Driver) -> None:
    if driver.kind is DriverKind.GUEST:
        raise PageNotFound


def _json(options: str) -> Response:
    return Response(options, media_type="application/json")


def _row(language: Language, row: Passkey, now: datetime) -> dict[str, object]:
    text, used = language.text, row.last_used_at
    return {
        "id": row.id,
        "name": row.name,
        "made": text("Made on {day}", day=language.day(row.created_at, UTC_ZONE)),
        "used": text("Last used on {day}", day=language.day(used, UTC_ZONE)) if used else text("Not used yet"),
    }
