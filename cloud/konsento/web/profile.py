"""The account: what a driver tells of themselves, how they sign in, what is kept of them, and how it ends."""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Request
from pydantic import BaseModel
from starlette.responses import RedirectResponse, Response

from konsento.accounts import guests, passkeys, passwords, profile
from konsento.accounts import service as accounts
from konsento.accounts.contact import normal_email
from konsento.accounts.errors import StillCharging, TooManyMails
from konsento.accounts.profile import Profile
from konsento.advice import choices
from konsento.charging import service as charging
from konsento.kit import passwords as kit_passwords
from konsento.kit.errors import KonsentoError
from konsento.kit.i18n import LANGUAGES
from konsento.models import Driver, DriverKind, LinkPurpose, SignIn
from konsento.notifications import mail
from konsento.payments import balance
from konsento.rewards import points
from konsento.rewards.texts import number_of
from konsento.web import own_data, problems
from konsento.web.balance import ending_of
from konsento.web.bills import has_bills
from konsento.web.cards import provider_of_cards
from konsento.web.cookies import new_token, sign_in_browser, sign_out_browser
from konsento.web.errors import PageNotFound
from konsento.web.language import language_of
from konsento.web.letters import language_for, send_confirmation, tell_of_change
from konsento.web.outlook import plan_views
from konsento.web.passkeys import site_of
from konsento.web.proof import is_fresh, proof_of
from konsento.web.render import page
from konsento.web.who import SignedIn, Wired, address_of, token_of

router = APIRouter()


@dataclass(frozen=True, kw_only=True)
class BrowserRow:
    """A browser in which the driver is signed in."""

    id: UUID
    name: str
    used: str
    here: bool


class ProfileForm(BaseModel):
    """What a driver types about themselves. Nothing is refused here: the accounts say why."""

    name: str = ""
    phone: str = ""
    address: str = ""
    locale: str = ""
    mail_wanted: bool = False


class EmailForm(BaseModel):
    """A new mail address, and the present password."""

    email: str = ""
    present: str = ""


class PasswordForm(BaseModel):
    """A new password, and the present one."""

    present: str = ""
    new: str = ""


class BecomeForm(BaseModel):
    """What a guest types to have an account."""

    name: str = ""
    new: str = ""


@router.get("/account")
async def account_page(request: Request, services: Wired, driver: SignedIn, done: str = "") -> Response:
    """Show the account. For the driver alone, as all below."""
    text = language_of(request).text
    news = {
        "saved": text("Saved."),
        "password": text("You have a new password. All other browsers are signed out."),
        "mail": text("A mail with a link is on its way. The new address counts when you have opened it."),
        "verify": text("A mail with a link is on its way."),
    }
    return await _page(request, services, driver, done=news.get(done))


@router.post("/account")
async def save(request: Request, services: Wired, driver: SignedIn, form: Annotated[ProfileForm, Form()]) -> Response:
    """Store what was typed."""
    wanted = Profile(
        name=form.name,
        phone=form.phone,
        address=form.address,
        locale=form.locale if LANGUAGES.get(form.locale) else driver.locale,
        mail_wanted=form.mail_wanted,
    )
    try:
        async with services.database.transaction() as session:
            await profile.change(session, driver.id, wanted)
    except KonsentoError as error:
        return await _page(request, services, driver, error=error)
    return RedirectResponse(f"/account?done=saved&lang={wanted.locale}", 303)


@router.post("/account/email")
async def change_email(
    request: Request, services: Wired, driver: SignedIn, form: Annotated[EmailForm, Form()]
) -> Response:
    """Mail a link to a new address, which counts when the link is used; the old address is told.

    The answer tells nothing of the new address.
    """
    try:
        wanted = normal_email(form.email)
        if not mail.possible(services.settings) or driver.kind is DriverKind.GUEST:
            raise PageNotFound
        await profile.prove(services.database, services.clock, driver, await proof_of(request, services, form.present))
        await send_confirmation(services, driver, address_of(request), LinkPurpose.CHANGE_EMAIL, wanted)
        async with services.database.transaction() as session:
            what = language_for(driver).text("Another e-mail address was asked for. It counts when it is confirmed.")
            await tell_of_change(session, services, driver, what)
    except KonsentoError as error:
        return await _page(request, services, driver, error=error)
    return RedirectResponse("/account?done=mail", 303)


@router.post("/account/verify")
async def verify(request: Request, services: Wired, driver: SignedIn) -> Response:
    """Mail the link that confirms the address again."""
    try:
        if not mail.possible(services.settings) or driver.kind is DriverKind.GUEST:
            raise PageNotFound
        await send_confirmation(services, driver, address_of(request))
    except KonsentoError as error:
        return await _page(request, services, driver, error=error)
    return RedirectResponse("/account?done=verify", 303)


@router.post("/account/password")
async def change_password(
    request: Request, services: Wired, driver: SignedIn, form: Annotated[PasswordForm, Form()]
) -> Response:
    """Set another password and sign all other browsers out; this one gets a new token."""
    try:
        if driver.kind is DriverKind.GUEST:
            raise PageNotFound
        proof = await proof_of(request, services, form.present)
        await profile.change_password(services.database, services.clock, driver, proof=proof, new=form.new)
    except KonsentoError as error:
        return await _page(request, services, driver, error=error)
    async with services.database.transaction() as session:
        token = await new_token(session, services, request, driver)
        await tell_of_change(session, services, driver, language_for(driver).text("The password was changed."))
    answer = RedirectResponse("/account?done=password", 303)
    sign_in_browser(answer, services, token)
    return answer


@router.post("/account/become")
async def become(request: Request, services: Wired, driver: SignedIn, form: Annotated[BecomeForm, Form()]) -> Response:
    """Turn a guest into an account that keeps what the guest has charged."""
    can_mail = mail.possible(services.settings)
    try:
        passwords.check(form.new, driver.email, form.name)
        hashed = await kit_passwords.hashed(form.new)
        async with services.database.transaction() as session:
            made = await guests.become_account(session, driver, name=form.name, password_hash=hashed, links=can_mail)
            await balance.welcome(session, made.id, services.settings, services.clock.now())
            token = await new_token(session, services, request, made)
        if can_mail:
            with suppress(TooManyMails):  # the account page offers to send it again
                await send_confirmation(services, made, address_of(request))
    except KonsentoError as error:
        return await _page(request, services, driver, error=error)
    answer = RedirectResponse("/account?done=verify" if can_mail else "/account?done=saved", 303)
    sign_in_browser(answer, services, token)
    return answer


@router.post("/account/browsers/{number}/end")
async def end_browser(number: UUID, services: Wired, driver: SignedIn) -> Response:
    """Sign out in one browser."""
    async with services.database.transaction() as session:
        await profile.end_sign_in(session, driver.id, number)
    return RedirectResponse("/account", 303)


@router.post("/account/browsers/end-others")
async def end_others(request: Request, services: Wired, driver: SignedIn) -> Response:
    """Sign out in all browsers but this one."""
    async with services.database.transaction() as session:
        await profile.end_other_sign_ins(session, driver.id, accounts.token_hash(token_of(request)))
    return RedirectResponse("/account", 303)


@router.get("/account/export")
async def export(services: Wired, driver: SignedIn) -> Response:
    """Give everything that is kept of the driver (GDPR, articles 15 and 20), as JSON."""
    async with services.database.transaction() as session:
        kept = await own_data.everything_about(session, driver, services)
    return Response(
        json.dumps(kept, ensure_ascii=False, indent=2),
        media_type="application/json",
        headers={"Content-Disposition": 'attachment; filename="konsento.json"'},
    )


@router.get("/account/delete")
async def delete_page(request: Request, services: Wired, driver: SignedIn) -> Response:
    """Say what deleting the account means, and ask."""
    return await _delete_page(request, services, driver)


@router.post("/account/delete")
async def delete(request: Request, services: Wired, driver: SignedIn, present: Annotated[str, Form()] = "") -> Response:
    """Forget the driver. What was billed stays without a name, because receipts have to be kept."""
    try:
        await profile.prove(services.database, services.clock, driver, await proof_of(request, services, present))
        async with services.database.transaction() as session:
            if await charging.unsettled(session, driver.id):
                raise StillCharging
            await own_data.forget(session, services, driver)
    except KonsentoError as error:
        return await _delete_page(request, services, driver, error)
    answer = page(request, "deleted.html", driver=None)
    sign_out_browser(answer, services)
    return answer


async def _delete_page(
    request: Request, services: Wired, driver: Driver, error: KonsentoError | None = None
) -> Response:
    if error is not None:
        problems.note(request, error)
    language = language_of(request)
    async with services.database.transaction() as session:
        left = await balance.available(session, driver.id)
    return page(
        request,
        "delete.html",
        driver=driver,
        status=error.status if error else 200,
        problem=language.error(error) if error else None,
        left=language.money(left, services.settings.currency) if left else "",
        has_password=driver.password_hash is not None,
        fresh=driver.kind is DriverKind.GUEST or await is_fresh(request, services),
    )


async def _page(
    request: Request, services: Wired, driver: Driver, *, done: str | None = None, error: KonsentoError | None = None
) -> Response:
    if error is not None:
        problems.note(request, error)
    language = language_of(request)
    async with services.database.transaction() as session:
        browsers = await profile.sign_ins(session, driver.id, services.clock.now())
        keys = await passkeys.count(session, driver.id)
        standing = await points.standing(session, driver.id)
        left: int | None = None
        if await balance.usable(session, services.settings, driver.id):
            left = await balance.available(session, driver.id)
        ending = await ending_of(session, services, driver.id, language)
        bills = await has_bills(session, services, driver)
        plans = await plan_views(session, language, driver.id, services.clock.now())
        advice = await choices.offered(session)
    return page(
        request,
        "account.html",
        driver=driver,
        status=error.status if error else 200,
        problem=language.error(error) if error else None,
        done=done,
        is_guest=driver.kind is DriverKind.GUEST,
        verified=driver.email_verified_at is not None,
        mails=mail.possible(services.settings),
        languages=[(one.code, one.name) for one in LANGUAGES],
        browsers=_rows(request, services, browsers),
        has_password=driver.password_hash is not None,
        fresh=await is_fresh(request, services),
        passkeys=keys,
        points=number_of(language, standing.available),
        passkeys_possible=site_of(services.settings) is not None,
        minimum=passwords.MINIMUM,
        balance=language.money(left, services.settings.currency) if left is not None else None,
        ending=ending,
        bills=bills,
        plans=plans,
        cards=provider_of_cards(services, driver) is not None,
        advice=advice,
    )


def _rows(request: Request, services: Wired, browsers: Sequence[SignIn]) -> list[BrowserRow]:
    language = language_of(request)
    here = accounts.token_hash(token_of(request))
    now = services.clock.now()
    return [
        BrowserRow(
            id=one.id,
            name=one.browser or language.text("A browser"),
            used=language.text(
                "used {age} ago", age=language.duration(int((now - one.last_used_at).total_seconds()) // 3600 * 3600)
            )
            if (now - one.last_used_at).total_seconds() >= 3600
            else language.text("used within the last hour"),
            here=one.token_hash == here,
        )
        for one in browsers
    ]
