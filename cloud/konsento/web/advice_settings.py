"""The driver's page about advice: by which ways, when not, what it looks like, and an end to it."""

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Request
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import JSONResponse, RedirectResponse, Response

from konsento.advice import browsers, choices, letters, policy, recipients
from konsento.advice.choices import Wanted
from konsento.advice.errors import BadQuietHours
from konsento.advice.letters import Facts, Letter, Outlet
from konsento.grid.records import FirstType
from konsento.grid.regions import all_regions, name_of
from konsento.grid.windows import Window
from konsento.kit.errors import KonsentoError
from konsento.kit.i18n import Language
from konsento.models import AdviceChoice, AdviceKind, Driver, GridRegion
from konsento.models.advice import QUIET_FROM, QUIET_UNTIL
from konsento.notifications import mail, push
from konsento.services import Services
from konsento.web import problems
from konsento.web.language import language_of
from konsento.web.render import page
from konsento.web.who import SignedIn, Wired

router = APIRouter()

PATH: Final = letters.SETTINGS_PATH
_TIME: Final = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::\d\d)?")
_WEEKS: Final = (1, 4)
_EXAMPLE: Final = (time(8, 30), time(15, 0))
_USUAL: Final = Outlet(rated_w=3200, volts=200)
"""For the example of somebody who has charged nowhere yet."""


class Choice(BaseModel):
    """What a driver chooses. Nothing is refused here: the domain says why."""

    mail: bool = False
    quiet_from: str = ""
    quiet_until: str = ""

    def read(self) -> Wanted:
        """Return it as the domain takes it. Raises `BadQuietHours`."""
        return Wanted(mail=self.mail, quiet_from=_minutes(self.quiet_from), quiet_until=_minutes(self.quiet_until))


class Renewed(push.Browser):
    """A browser's new subscription, and where it was reached before."""

    old: str = Field(max_length=1000)


class Pause(BaseModel):
    """For how long a driver wants to be left alone."""

    weeks: int = 1


@dataclass(frozen=True, kw_only=True)
class Known:
    """What the page shows of a driver."""

    choice: AdviceChoice | None
    told: int
    """Browsers that are told."""
    regions: list[GridRegion]
    """In which the driver is told."""
    example: Letter | None
    key: str


@router.get("/account/advice")
async def settings_page(request: Request, services: Wired, driver: SignedIn, done: str = "") -> Response:
    """Show what the driver has chosen. For the driver alone, as all below."""
    text = language_of(request).text
    news = {
        "saved": text("Saved."),
        "paused": text("You are left alone until then."),
        "on": text("It goes on."),
        "ended": text("This calendar shows nothing more. You can delete it there."),
        "browsers": text("No browser is told any more."),
        "off": text("All of it is off."),
    }
    return await _page(request, services, driver, done=news.get(done))


@router.post("/account/advice")
async def save(request: Request, services: Wired, driver: SignedIn, form: Annotated[Choice, Form()]) -> Response:
    """Note mails and quiet hours."""
    try:
        async with services.database.transaction() as session:
            await choices.change(session, driver, form.read(), services.clock.now())
    except KonsentoError as error:
        return await _page(request, services, driver, error=error, typed=form)
    return RedirectResponse(f"{PATH}?done=saved", 303)


@router.post("/account/advice/pause")
async def pause(services: Wired, driver: SignedIn, form: Annotated[Pause, Form()]) -> Response:
    """Leave the driver alone for some weeks."""
    weeks = form.weeks if form.weeks in _WEEKS else _WEEKS[0]
    async with services.database.transaction() as session:
        await choices.pause(session, driver.id, services.clock.now() + timedelta(weeks=weeks))
    return RedirectResponse(f"{PATH}?done=paused", 303)


@router.post("/account/advice/resume")
async def resume(services: Wired, driver: SignedIn) -> Response:
    """Go on."""
    async with services.database.transaction() as session:
        await choices.resume(session, driver.id, services.clock.now())
    return RedirectResponse(f"{PATH}?done=on", 303)


@router.post("/account/advice/calendar")
async def open_calendar(request: Request, services: Wired, driver: SignedIn) -> Response:
    """Make an address for calendars, in place of the one before, and show it, this once."""
    try:
        async with services.database.transaction() as session:
            token = await choices.open_calendar(session, driver, services.clock.now())
    except KonsentoError as error:
        return await _page(request, services, driver, error=error)
    address = f"{services.settings.public_url.rstrip('/')}/advice/calendar/{token}.ics"
    return await _page(request, services, driver, address=address)


@router.post("/account/advice/calendar/end")
async def close_calendar(services: Wired, driver: SignedIn) -> Response:
    """End the calendar's address."""
    async with services.database.transaction() as session:
        await choices.close_calendar(session, driver.id)
    return RedirectResponse(f"{PATH}?done=ended", 303)


@router.post("/account/advice/push")
async def want_push(request: Request, services: Wired, driver: SignedIn, browser: push.Browser) -> Response:
    """Advise this browser; asked again, at its new address."""
    async with services.database.transaction() as session:
        await browsers.subscribe(session, services, driver, browser, language_of(request).code)
    return JSONResponse({"told": True})


@router.post("/account/advice/push/renew")
async def renew_push(services: Wired, driver: SignedIn, browser: Renewed) -> Response:
    """Follow this browser to the address that its push service has given it."""
    async with services.database.transaction() as session:
        await browsers.renew(session, services, driver.id, browser.old, browser)
    return JSONResponse({"told": True})


@router.post("/account/advice/push/off")
async def want_no_push(services: Wired, driver: SignedIn, browser: push.Endpoint) -> Response:
    """Advise this browser no more."""
    async with services.database.transaction() as session:
        await browsers.forget(session, driver.id, browser.endpoint)
    return JSONResponse({"told": False})


@router.post("/account/advice/browsers/end")
async def end_browsers(services: Wired, driver: SignedIn) -> Response:
    """Advise none of the driver's browsers any more."""
    async with services.database.transaction() as session:
        await browsers.forget(session, driver.id)
    return RedirectResponse(f"{PATH}?done=browsers", 303)


@router.post("/account/advice/off")
async def turn_off(services: Wired, driver: SignedIn) -> Response:
    """End all of it."""
    async with services.database.transaction() as session:
        await choices.turn_off(session, driver.id)
    return RedirectResponse(f"{PATH}?done=off", 303)


async def _page(
    request: Request,
    services: Services,
    driver: Driver,
    *,
    done: str | None = None,
    error: KonsentoError | None = None,
    typed: Choice | None = None,
    address: str = "",
) -> Response:
    if error is not None:
        problems.note(request, error)
    language = language_of(request)
    async with services.database.transaction() as session:
        known = await _known(session, services, driver, language)
    choice, now = known.choice, services.clock.now()
    zone = ZoneInfo(known.regions[0].time_zone) if known.regions else None
    paused = choice.paused_until if choice is not None else None
    is_paused = paused is not None and paused > now
    return page(
        request,
        "advice.html",
        driver=driver,
        status=error.status if error else 200,
        problem=language.error(error) if error else None,
        done=done,
        possible=choices.may_be_advised(driver),
        mails=mail.possible(services.settings),
        mail=typed.mail if typed else choice is not None and choice.mail,
        told=known.told,
        key=known.key,
        calendar=choice is not None and choice.calendar_hash is not None,
        address=address,
        subscribe=re.sub(r"^https?:", "webcal:", address),
        quiet_from=typed.quiet_from if typed else _clock(choice.quiet_from if choice else QUIET_FROM),
        quiet_until=typed.quiet_until if typed else _clock(choice.quiet_until if choice else QUIET_UNTIL),
        on=choice is not None and (choice.mail or known.told > 0 or choice.calendar_hash is not None),
        paused=language.day(paused, zone or ZoneInfo("UTC")) if is_paused and paused is not None else "",
        stopped=choice is not None and choice.stopped_at is not None,
        regions=[name_of(region, language.code) for region in known.regions],
        example=known.example,
        weeks=_WEEKS,
        most=policy.A_WEEK,
    )


async def _known(session: AsyncSession, services: Services, driver: Driver, language: Language) -> Known:
    now = services.clock.now()
    regions = {region.code: region for region in await all_regions(session) if region.advises}
    own = [regions[code] for code in await recipients.regions_of(session, driver.id, now) if code in regions]
    habit = (await recipients.habits(session, [driver.id], now)).get(driver.id)
    outlet = Outlet(rated_w=habit.rated_w, volts=habit.volts) if habit is not None else _USUAL
    shown = own or list(regions.values())
    return Known(
        choice=await choices.of(session, driver.id),
        told=len(await browsers.of(session, driver.id)),
        regions=own,
        example=_example(language, shown[0], outlet, now) if shown else None,
        key=await push.public_key(session, services.settings) if choices.may_be_advised(driver) else "",
    )


def _example(language: Language, region: GridRegion, outlet: Outlet, now: datetime) -> Letter:
    zone = ZoneInfo(region.time_zone)
    tomorrow = now.astimezone(zone).date() + timedelta(days=1)
    begin, end = (policy.moment(tomorrow, at, zone) for at in _EXAMPLE)
    window = Window(begin=begin, end=end, share_most=Decimal("0.46"), surplus_most=Decimal(12))
    facts = Facts(kind=AdviceKind.EVENING, region=region, now=now, windows=(window,), source=FirstType.WIND_SOLAR)
    return letters.advice(language, facts, outlet)


def _minutes(typed: str) -> int:
    found = _TIME.fullmatch(typed.strip())
    if found is None:
        raise BadQuietHours
    return int(found[1]) * 60 + int(found[2])


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
