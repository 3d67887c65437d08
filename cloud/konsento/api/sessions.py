"""Sessions: start, watch, another limit, stop."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from datetime import datetime
from typing import Annotated, Any, Final, cast
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.responses import Response

from konsento.accounts import tokens
from konsento.api import idempotency
from konsento.api.asked import AskedCharging
from konsento.api.errors import BadCursor
from konsento.api.outlets import BAD_LIMITS, OBSTACLES, Offer, Reason, offer
from konsento.api.paging import Part, page
from konsento.api.problems import declared, language_of
from konsento.api.schemas import Asked, AskedLimit, Limit, Moment, Money, Page, Price, YesNo, money, price
from konsento.api.who import ReadsSessions, WritesSessions
from konsento.catalogue.errors import NoTariff, OfferGone
from konsento.charging import changing, live
from konsento.charging import service as charging
from konsento.charging.errors import (
    AlreadyChargingHere,
    AlreadyUsedUp,
    CheckoutNeeded,
    MeteringNotAgreed,
    NotRunning,
    PresenceNeeded,
    PriceChanged,
    StillUnpaid,
    UnknownSession,
    failure,
)
from konsento.charging.progress import Progress
from konsento.charging.repository import Asked as Chosen
from konsento.kit.i18n import LANGUAGES, Language
from konsento.models import FINAL, Driver, LimitKind, Metering, SessionState
from konsento.payments import service as payments
from konsento.payments.errors import BalanceTooLow, CardDeclined, HoldTooSmall, TooMuchLater, UnknownMethod
from konsento.payments.ways import Way
from konsento.rewards.errors import REFUSALS
from konsento.services import Services
from konsento.settlement import service as settlement
from konsento.sites.errors import UnknownOutlet
from konsento.web.who import Wired

router = APIRouter(tags=["Sessions"])

EXAMPLE: Final = "01932f4e-7c00-7a1b-8c2d-3e4f5a6b7c8d"
Number = Annotated[UUID, Path(description="The session's id.", examples=[EXAMPLE])]


class Billed(BaseModel):
    """What was billed."""

    wh: int = Field(description="Whole Wh that were measured.", examples=[6000])
    amount: Money


class Place(BaseModel):
    """Where a session is."""

    code: str = Field(examples=["K7F29Q"])
    name: str = Field(examples=["Outlet 1, north wall"])
    site: str = Field(examples=["Sakura Mall car park"])
    place: str = Field(examples=["Setagaya, Tokyo"])
    time_zone: str = Field(examples=["Asia/Tokyo"])
    connected: bool = Field(description="The server is in contact with the site now.", examples=[True])


class Session(BaseModel):
    """One charging: from the request to its settlement."""

    id: UUID = Field(examples=[EXAMPLE])
    state: SessionState = Field(
        description="`starting` → `charging` ⇄ `suspended` → `ended` → `settled`, or `starting` → `failed`. "
        "The last two are final.",
        examples=["charging"],
    )
    stopping: bool = Field(description="A stop was asked for, and supply has not ended yet.", examples=[False])
    failure: Reason | None = Field(description="Why it failed: nothing was supplied and nothing is charged.")
    outlet: Place
    limit: Limit
    changing_to: Limit | None = Field(description="Another limit that the outlet has not confirmed yet.")
    energy_limit_wh: int | None = Field(examples=[6000])
    time_limit_s: int | None = Field(examples=[None])
    reached: str = Field(description="Share of the limit that is reached, 0 to 1; a decimal number.", examples=["0.5"])
    delivered_mwh: int = Field(description="Measured so far, mWh (1 Wh = 1000 mWh).", examples=[3000000])
    seconds: int = Field(description="Of supply.", examples=[3600])
    power_w: int | None = Field(description="Now; null where it is not known.", examples=[2980])
    price: Price
    amount: Money = Field(description="Price of what was used so far; the billed amount once settled.")
    hold: Money = Field(description="The most that can be billed; held until the bill is made.")
    billed: Billed | None = Field(description="Null until settled.")
    offer: str = Field(description="Name of what was bought; empty for sessions of before 2026-12.", examples=["day"])
    power_type: str = Field(examples=["solar"])
    supplier: str = Field(examples=["Sakura Energy"])
    carbon_g_per_kwh: int | None = Field(description="As its supplier stated it; null: not known.", examples=[25])
    metering: Metering = Field(
        description="On what basis the outlet measured; `estimated`: the energies are equivalents.",
        examples=["verified"],
    )
    created_at: datetime
    started_at: datetime | None = Field(description="When supply began.")
    ended_at: datetime | None
    end_reason: str = Field(description="OCPP's word; empty before the end.", examples=[""])
    last_update: datetime | None = Field(description="Of the newest news from the outlet, by its clock.")
    heard_at: datetime | None = Field(description="When they arrived here.")
    expected_end: datetime | None = Field(description="When the limit will be reached if nothing changes.")
    mail_wanted: bool = Field(description="The driver gets a mail when it ends.", examples=[False])


class AskedSession(AskedCharging):
    """What is to be charged."""

    pay_with: str = Field(
        default=payments.DEFAULT,
        max_length=32,
        description="Way to pay (`GET /payment-methods`); one that is `external` needs a checkout instead.",
        examples=["balance"],
    )


class AskedSessions(Part):
    """Which sessions are asked for."""

    state: list[SessionState] = Field(default=[], max_length=6, description="In one of these states; none for all.")
    since: Moment | None = Field(default=None, description="Asked for at this moment or later.")
    until: Moment | None = Field(default=None, description="Asked for before this moment.")


class WantedMail(Asked):
    """Whether the driver wants a mail."""

    wanted: YesNo = Field(description="A mail when it ends or is interrupted.", examples=[True])


class Point(BaseModel):
    """Power at a moment."""

    seconds: int = Field(description="Since supply began.", examples=[60])
    power_w: int = Field(examples=[2980])


class Curve(BaseModel):
    """The power of a session."""

    points: list[Point] = Field(description="At most 121, evenly spread.")


@router.get("/sessions", responses=declared(BadCursor))
async def list_sessions(
    request: Request, services: Wired, caller: ReadsSessions, asked: Annotated[AskedSessions, Query()]
) -> Page[Session]:
    """List sessions.

    The driver's own, the newest first.
    """
    chosen = Chosen(states=asked.state, since=asked.since, until=asked.until, after=asked.after_moment())
    async with services.database.transaction() as session:
        rows = await charging.listed(session, caller.driver.id, chosen, asked.limit + 1)
    language = language_of(request)

    def place(row: Progress) -> list[str]:
        return [row.created_at.isoformat(), row.session_id.hex]

    return page(request, asked, rows, lambda row: session_of(language, row), place)


@router.post(
    "/sessions",
    status_code=201,
    response_model=Session,
    responses=declared(
        *idempotency.ERRORS,
        *OBSTACLES,
        *BAD_LIMITS,
        UnknownOutlet,
        NoTariff,
        OfferGone,
        MeteringNotAgreed,
        BalanceTooLow,
        CardDeclined,
        UnknownMethod,
        AlreadyChargingHere,
        PriceChanged,
        PresenceNeeded,
        StillUnpaid,
        CheckoutNeeded,
        TooMuchLater,
        *REFUSALS,
    ),
)
async def start_session(
    request: Request, services: Wired, caller: WritesSessions, asked: AskedSession, key: idempotency.NeededKey
) -> Response:
    """Start a session.

    Holds the most that it can cost and asks the outlet. Answers when the outlet has, or after half a minute; the state
    is then `charging`; or `failed`, with the reason, and nothing is held any more; or `starting`, when the outlet has
    not answered and the server goes on asking. The header `Idempotency-Key` is required. After
    `PresenceNeeded` begin a presence check, have it shown, and start with a new key.
    """
    driver, language = caller.driver, language_of(request)

    async def start(session_id: UUID) -> Session:
        wish = asked.wish(driver.id, services.settings.currency)
        await charging.start(services, wish, Way.read(asked.pay_with).provider, session_id=session_id)
        return await _shown(services, driver.id, session_id, language)

    return await idempotency.once(request, services, caller, key, start)


@router.get("/sessions/{session_id}", responses=declared(UnknownSession))
async def get_session(request: Request, session_id: Number, services: Wired, caller: ReadsSessions) -> Session:
    """Get a session.

    With its progress now.
    """
    return await _shown(services, caller.driver.id, session_id, language_of(request))


@router.get("/sessions/{session_id}/curve", responses=declared(UnknownSession))
async def get_curve(session_id: Number, services: Wired, caller: ReadsSessions) -> Curve:
    """Get the power curve of a session.

    Thinned out to what a chart needs.
    """
    async with services.database.transaction() as session:
        progress = await charging.progress(session, caller.driver.id, session_id)
    return Curve(points=[Point(seconds=point.seconds, power_w=point.watts) for point in progress.curve])


@router.get(
    "/sessions/{session_id}/events",
    response_class=EventSourceResponse,
    responses={
        200: {
            "description": "Server-sent events: at once and at every change one `session` with the session as data; "
            "the stream ends when nothing can change any more.",
            "content": {
                "text/event-stream": {
                    "schema": {
                        "type": "object",
                        "description": "One event; `data` holds a `Session` as JSON.",
                        "properties": {
                            "event": {"const": "session"},
                            "data": {"type": "string", "contentMediaType": "application/json"},
                        },
                    }
                }
            },
        },
        **declared(UnknownSession),
    },
)
async def watch_session(request: Request, session_id: Number, services: Wired, caller: ReadsSessions) -> Response:
    """Watch a session.

    A stream of server-sent events. It also ends when the token does.
    """
    language, driver_id = language_of(request), caller.driver.id
    await _progress(services, driver_id, session_id)

    async def stream() -> AsyncIterator[ServerSentEvent]:
        async with aclosing(cast("AsyncGenerator[None]", live.updates(services, session_id))) as changes:
            async for _ in changes:
                # A transaction of its own for every look: nothing stays locked while the program waits.
                async with services.database.transaction() as session:
                    if not await tokens.is_valid(session, caller.token_id, services.clock.now()):
                        return
                    shown = session_of(language, await charging.progress(session, driver_id, session_id))
                yield ServerSentEvent(event="session", data=shown.model_dump_json())
                if shown.state in FINAL:
                    return

    return EventSourceResponse(stream(), headers={"Cache-Control": "no-store"})


@router.post(
    "/sessions/{session_id}/stop",
    response_model=Session,
    responses=declared(*idempotency.ERRORS, UnknownSession),
)
async def stop_session(
    request: Request, session_id: Number, services: Wired, caller: WritesSessions, key: idempotency.Key = None
) -> Response:
    """Stop a session.

    Answers when the outlet has been asked, or could not be: then the server goes on asking, and the outlet keeps to
    its limit. A session that is over is left as it is.
    """

    async def stop(_: UUID) -> Session:
        await charging.stop(services, caller.driver.id, session_id)
        return await _shown(services, caller.driver.id, session_id, language_of(request))

    return await idempotency.once(request, services, caller, key, stop, status=200)


CHANGE_ERRORS: Final = (UnknownSession, NotRunning, AlreadyUsedUp, BalanceTooLow, *BAD_LIMITS)


@router.put(
    "/sessions/{session_id}/limit", responses=declared(*CHANGE_ERRORS, CardDeclined, HoldTooSmall, TooMuchLater)
)
async def change_limit(
    request: Request, session_id: Number, services: Wired, caller: WritesSessions, asked: AskedLimit
) -> Session:
    """Give a running session another limit.

    Counted from its start, at the price that was agreed. More is held at once; the new limit is in force when the
    outlet has confirmed it, until then it stands in `changing_to`.
    """
    driver_id = caller.driver.id
    currency = (await _progress(services, driver_id, session_id)).currency
    await changing.change_limit(services, driver_id, session_id, asked.read(currency))
    return await _shown(services, driver_id, session_id, language_of(request))


@router.post("/sessions/{session_id}/quotes", responses=declared(*CHANGE_ERRORS))
async def create_limit_quote(session_id: Number, services: Wired, caller: ReadsSessions, asked: AskedLimit) -> Offer:
    """Ask what another limit would come to.

    For the whole session, from its start.
    """
    driver_id = caller.driver.id
    async with services.database.transaction() as session:
        requested = asked.read((await charging.progress(session, driver_id, session_id)).currency)
        quote = await changing.quote_of_change(session, services, driver_id, session_id, requested)
        return offer(await settlement.paid_with(session, session_id), quote)


@router.put("/sessions/{session_id}/mail", responses=declared(UnknownSession))
async def want_mail(
    request: Request, session_id: Number, services: Wired, caller: WritesSessions, asked: WantedMail
) -> Session:
    """Choose whether the driver gets a mail.

    When the session ends or is interrupted.
    """
    async with services.database.transaction() as session:
        await charging.want_mail(session, caller.driver.id, session_id, wanted=asked.wanted)
    return await _shown(services, caller.driver.id, session_id, language_of(request))


async def describe(session: AsyncSession, driver: Driver, session_id: UUID) -> dict[str, Any]:
    """Return a driver's session as the API gives it, for webhooks."""
    language = LANGUAGES.get(driver.locale) or LANGUAGES.default
    shown = session_of(language, await charging.progress(session, driver.id, session_id))
    return shown.model_dump(mode="json")


def session_of(language: Language, progress: Progress) -> Session:
    """Describe a session."""
    currency = progress.currency
    reason = failure(progress.failure) if progress.failure else None
    return Session(
        id=progress.session_id,
        state=progress.state,
        stopping=progress.stopping,
        failure=Reason(code=reason.code, detail=language.error(reason)) if reason is not None else None,
        outlet=Place(
            code=progress.outlet_code,
            name=progress.outlet_name,
            site=progress.site_name,
            place=progress.place,
            time_zone=progress.time_zone,
            connected=progress.site_connected,
        ),
        limit=Limit(kind=progress.limit_kind, amount=progress.limit_amount),
        changing_to=_limit(progress.changing),
        energy_limit_wh=progress.energy_limit_wh,
        time_limit_s=progress.time_limit_s,
        reached=f"{progress.share:.4f}",
        delivered_mwh=progress.delivered_mwh,
        seconds=progress.seconds,
        power_w=progress.power_w,
        price=price(progress.price),
        amount=money(progress.amount_minor, currency),
        hold=money(progress.hold_minor, currency),
        billed=_billed(progress),
        offer=progress.sold.offer,
        power_type=progress.sold.power_type,
        supplier=progress.sold.supplier,
        carbon_g_per_kwh=progress.sold.carbon_g_per_kwh,
        metering=progress.sold.metering,
        created_at=progress.created_at,
        started_at=progress.started_at,
        ended_at=progress.ended_at,
        end_reason=progress.end_reason,
        last_update=progress.last_update,
        heard_at=progress.heard_at,
        expected_end=progress.expected_end,
        mail_wanted=progress.mail_wanted,
    )


def _limit(limit: tuple[LimitKind, int] | None) -> Limit | None:
    return Limit(kind=limit[0], amount=limit[1]) if limit is not None else None


def _billed(progress: Progress) -> Billed | None:
    if progress.billed_wh is None or progress.billed_minor is None:
        return None
    return Billed(wh=progress.billed_wh, amount=money(progress.billed_minor, progress.currency))


async def _progress(services: Services, driver_id: UUID, session_id: UUID) -> Progress:
    async with services.database.transaction() as session:
        return await charging.progress(session, driver_id, session_id)


async def _shown(services: Services, driver_id: UUID, session_id: UUID, language: Language) -> Session:
    return session_of(language, await _progress(services, driver_id, session_id))
