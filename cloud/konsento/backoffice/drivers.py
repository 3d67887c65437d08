"""Drivers, for support: never without a reason, and every look is in the audit log."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated
from unicodedata import normalize
from uuid import UUID, uuid5

from fastapi import APIRouter, Form, Request
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from konsento.accounts import repository as accounts
from konsento.backoffice import asked, repository, session_search
from konsento.backoffice.render import office_page
from konsento.backoffice.session_search import Wanted
from konsento.backoffice.session_view import SessionRow, session_row
from konsento.backoffice.who import CreditGiver, DriverSupport, Number
from konsento.kit.errors import KonsentoError
from konsento.kit.i18n import Language, marked
from konsento.kit.ids import new_id
from konsento.models import Driver, SignIn, StaffMember
from konsento.operations import audit
from konsento.operations import repository as operations
from konsento.payments import balance
from konsento.services import Services
from konsento.settings import Settings
from konsento.staff import repository as staff
from konsento.web import problems
from konsento.web.errors import PageNotFound
from konsento.web.language import language_of
from konsento.web.who import Wired

router = APIRouter()

SENT_TWICE = marked("This form was sent before. It was given once.")
MOST_FOUND = 25
MOST_SESSIONS = 50
CREDIT_DAY = timedelta(hours=24)
"""In which a member gives no more than `KONSENTO_GOODWILL_DAY_MINOR`."""


class BadCredit(KonsentoError):
    """The amount of a goodwill credit cannot be."""

    status = 422
    message = "This is no amount that can be given. Type a number, at most {most}."


class CreditSpent(KonsentoError):
    """The member has given what one member may give in a day."""

    status = 409
    message = "In 24 hours you may give {most}; {left} of it is left. Nothing was given. A colleague can give the rest."


class Search(BaseModel):
    """Whom somebody looks for, and why."""

    text: str = ""
    reason: str = ""


class Credit(BaseModel):
    """What a driver is given, and why."""

    amount: str = ""
    reason: str = ""
    once: UUID
    """Of the form: sent twice it gives once."""


@dataclass(frozen=True, kw_only=True)
class DriverView:
    """What the page shows of a driver once a reason was given."""

    driver: Driver
    balance: str
    sessions: list[SessionRow]
    sign_ins: list[SignIn]


@router.get("/drivers")
async def search_page(request: Request, member: DriverSupport) -> Response:
    """Ask whom to look for, and why."""
    return office_page(
        request, "drivers.html", member=member, problem=None, text="", reason="", found=None, most=MOST_FOUND
    )


@router.post("/drivers")
async def search(request: Request, services: Wired, member: DriverSupport, form: Annotated[Search, Form()]) -> Response:
    """Look for drivers. What was typed goes into the log with the reason; what is found is shown masked."""
    text = normalize("NFKC", form.text).strip()[:254]
    found: list[tuple[UUID, str, str]] | None = None
    error: KonsentoError | None = None
    try:
        why = asked.reason(form.reason)
    except KonsentoError as refused:
        error = refused
        problems.note(request, error)
    else:
        async with services.database.transaction() as session:
            drivers = await repository.find_drivers(session, text, MOST_FOUND) if len(text) >= 3 else []
            details = {"searched": text, "reason": why, "found": len(drivers)}
            await audit.note(session, services.clock.now(), member.id, action="driver.search", details=details)
        found = [(driver.id, masked_email(driver.email), masked(driver.name)) for driver in drivers]
    return office_page(
        request,
        "drivers.html",
        member=member,
        status=error.status if error else 200,
        problem=language_of(request).error(error) if error else None,
        text=text,
        reason=form.reason[: asked.LONGEST_REASON],
        found=found,
        most=MOST_FOUND,
    )


@router.get("/drivers/{number}")
async def masked_page(request: Request, number: Number, services: Wired, member: DriverSupport) -> Response:
    """Show that there is such a driver, and ask why somebody wants to see more."""
    async with services.database.transaction() as session:
        driver = await _driver(session, number)
    return _page(request, services, member, driver)


@router.post("/drivers/{number}")
async def driver_page(
    request: Request, number: Number, services: Wired, member: DriverSupport, reason: Annotated[str, Form()] = ""
) -> Response:
    """Show a driver for a reason that is logged."""
    return await _look(request, services, member, number, reason=reason)


@router.post("/drivers/{number}/sign-out")
async def end_sign_ins(
    request: Request, number: Number, services: Wired, member: DriverSupport, reason: Annotated[str, Form()] = ""
) -> Response:
    """End all sign-ins of a driver, for example when a phone was lost."""
    try:
        why = asked.reason(reason)
    except KonsentoError as error:
        return await _look(request, services, member, number, reason=reason, error=error)
    async with services.database.transaction() as session:
        await _driver(session, number)
        ended = await repository.sign_ins_of(session, number, services.clock.now())
        for sign_in in ended:
            await accounts.forget_sign_in(session, sign_in.token_hash)
        details = {"reason": why, "ended": len(ended)}
        now = services.clock.now()
        await audit.note(session, now, member.id, action="driver.sign-out", subject=str(number), details=details)
    done = language_of(request).text("All sign-ins were ended.")
    return await _look(request, services, member, number, reason=reason, done=done)


@router.post("/drivers/{number}/credit")
async def give_credit(
    request: Request, number: Number, services: Wired, member: CreditGiver, form: Annotated[Credit, Form()]
) -> Response:
    """Give a driver goodwill credit, from what the operator gives away."""
    settings, language = services.settings, language_of(request)
    try:
        minor, given = await _give(services, member, number, form, language)
    except KonsentoError as error:
        return await _look(request, services, member, number, reason=form.reason, error=error)
    amount = language.money(minor, settings.currency)
    done = language.text("{amount} were given.", amount=amount) if given else language.text(SENT_TWICE)
    return await _look(request, services, member, number, reason=form.reason, done=done)


async def _give(
    services: Services, member: StaffMember, number: UUID, form: Credit, language: Language
) -> tuple[int, bool]:
    """Give it, unless the same form has given it before; returns how much, and whether it is new.

    Raises `ReasonNeeded`, `BadCredit`, `CreditSpent`.
    """
    why = asked.reason(form.reason)
    minor = credit_minor(form.amount, services.settings, language)
    currency, most = services.settings.currency, services.settings.goodwill_day_minor
    async with services.database.transaction() as session:
        # Locked, so that two credits side by side do not both find the same rest.
        await staff.locked_member(session, member.id)
        await _driver(session, number)
        transfer_id, now = uuid5(number, f"goodwill {form.once}"), services.clock.now()
        left = most - await operations.goodwill_since(session, member.id, now - CREDIT_DAY)
        if not await balance.goodwill(session, services.settings, number, minor, transfer_id=transfer_id, at=now):
            return minor, False
        if minor > left:
            raise CreditSpent(most=language.money(most, currency), left=language.money(max(0, left), currency))
        details = {"reason": why, "minor": minor, "currency": currency, "transfer": str(transfer_id)}
        await audit.note(session, now, member.id, action=operations.CREDIT, subject=str(number), details=details)
    return minor, True


def credit_minor(text: str, settings: Settings, language: Language) -> int:
    """Return a typed amount (major units) in minor units. Raises `BadCredit`."""
    minor = asked.minor(text, settings.currency)
    if not 0 < minor <= settings.goodwill_day_minor:
        raise BadCredit(most=language.money(settings.goodwill_day_minor, settings.currency))
    return minor


def masked_email(email: str) -> str:
    """Return a mail address of which only who has it can tell that it is theirs: `a…@e…`."""
    local, _, host = email.partition("@")
    return f"{masked(local)}@{masked(host)}"


def masked(text: str) -> str:
    """Return the first character of a text."""
    return f"{text[:1]}…" if text else ""


async def _look(
    request: Request,
    services: Services,
    member: StaffMember,
    number: UUID,
    *,
    reason: str,
    error: KonsentoError | None = None,
    done: str = "",
) -> Response:
    try:
        why = asked.reason(reason)
    except KonsentoError as refused:
        async with services.database.transaction() as session:
            driver = await _driver(session, number)
        return _page(request, services, member, driver, reason=reason, error=refused)
    language = language_of(request)
    async with services.database.transaction() as session:
        driver = await _driver(session, number)
        now = services.clock.now()
        await audit.note(session, now, member.id, action="driver.look", subject=str(number), details={"reason": why})
        sessions = await session_search.find(session, Wanted(driver_ids=[number]), offset=0, most=MOST_SESSIONS)
        view = DriverView(
            driver=driver,
            balance=language.money(await balance.available(session, number), services.settings.currency),
            sessions=[session_row(language, charging, receipt) for charging, receipt in sessions],
            sign_ins=await repository.sign_ins_of(session, number, now),
        )
    return _page(request, services, member, driver, view=view, reason=why, error=error, done=done)


def _page(
    request: Request,
    services: Services,
    member: StaffMember,
    driver: Driver,
    *,
    view: DriverView | None = None,
    reason: str = "",
    error: KonsentoError | None = None,
    done: str = "",
) -> Response:
    if error is not None:
        problems.note(request, error)
    language = language_of(request)
    return office_page(
        request,
        "driver.html",
        member=member,
        status=error.status if error else 200,
        problem=language.error(error) if error else None,
        number=driver.id,
        masked_email=masked_email(driver.email),
        since=driver.created_at,
        view=view,
        reason=reason[: asked.LONGEST_REASON],
        done=done,
        most=MOST_SESSIONS,
        once=new_id(),
        currency=language.currency_sign(services.settings.currency),
    )


async def _driver(session: AsyncSession, number: UUID) -> Driver:
    driver = await session.get(Driver, number)
    if driver is None:
        raise PageNotFound
    return driver
