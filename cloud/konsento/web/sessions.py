"""One session of a driver: watch it, change its limit, stop it, be told of its end, read its receipt."""

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import asdict
from typing import Annotated, cast

from fastapi import APIRouter, Form, Query, Request
from pydantic import BaseModel
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.responses import JSONResponse, RedirectResponse, Response

from konsento.charging import changing, live
from konsento.charging import service as charging
from konsento.charging.errors import BadLimit, NotRunning, failure
from konsento.charging.progress import Progress
from konsento.kit.errors import KonsentoError
from konsento.models import FINAL, Driver, LimitKind, Metering, SessionState
from konsento.notifications import mail, push
from konsento.payments.errors import BalanceTooLow, CardDeclined
from konsento.services import Services
from konsento.settlement import service as settlement
from konsento.web import problems
from konsento.web.language import language_of
from konsento.web.quote_view import Estimate, change_button, change_kinds, change_text
from konsento.web.receipt_view import receipt_page
from konsento.web.render import page
from konsento.web.session_view import as_json, limit_text, session_view
from konsento.web.who import SessionNumber, SignedIn, Wired, driver_of
from konsento.web.wish import Wish

router = APIRouter()


class Wanted(BaseModel):
    """Whether the driver wants to be told."""

    wanted: bool = False


@router.get("/s/{session_id}")
async def session_page(request: Request, number: SessionNumber, services: Wired, driver: SignedIn) -> Response:
    """Show a session: live while it is on, its receipt when it is settled."""
    language = language_of(request)
    async with services.database.transaction() as session:
        progress = await charging.progress(session, driver.id, number)
        settled = progress.state is SessionState.SETTLED
        bill = await settlement.receipt(session, driver.id, number) if settled else None
        key = "" if progress.state in FINAL else await push.public_key(session, services.settings)
    if bill is not None:
        return page(request, "receipt.html", driver=driver, receipt=receipt_page(language, bill))
    if progress.state is SessionState.FAILED:
        reason = language.error(failure(progress.failure))
        return page(request, "failed.html", driver=driver, reason=reason, outlet_code=progress.outlet_code)
    return page(
        request,
        "session.html",
        driver=driver,
        now=session_view(language, progress, services.clock.now()),
        session_id=number,
        mail_possible=mail.possible(services.settings),
        mail_wanted=progress.mail_wanted,
        push_key=key,
    )


@router.get("/s/{session_id}/progress")
async def session_progress(request: Request, number: SessionNumber, services: Wired, driver: SignedIn) -> Response:
    """Answer all that is known of a session, with the page's texts."""
    async with services.database.transaction() as session:
        progress = await charging.progress(session, driver.id, number)
    return JSONResponse(as_json(language_of(request), progress, services.clock.now()))


@router.get("/s/{session_id}/events")
async def session_events(request: Request, number: SessionNumber, services: Wired, driver: SignedIn) -> Response:
    """Send the same at every change (server-sent events), until nothing can change any more."""
    language = language_of(request)
    async with services.database.transaction() as session:
        await charging.progress(session, driver.id, number)

    async def stream() -> AsyncIterator[ServerSentEvent]:
        async with aclosing(cast("AsyncGenerator[None]", live.updates(services, number))) as changes:
            async for _ in changes:
                # A transaction of its own for every look: nothing stays locked while the page waits.
                async with services.database.transaction() as session:
                    if await driver_of(session, request, services.clock.now()) is None:
                        return  # signed out meanwhile, here or from another browser
                    progress = await charging.progress(session, driver.id, number)
                shown = as_json(language, progress, services.clock.now())
                yield ServerSentEvent(data=json.dumps(shown, ensure_ascii=False))
                if progress.state in FINAL:
                    return

    return EventSourceResponse(stream(), headers={"Cache-Control": "no-store"})


@router.get("/s/{session_id}/limit")
async def limit_page(
    request: Request, number: SessionNumber, services: Wired, driver: SignedIn, wish: Annotated[Wish, Query()]
) -> Response:
    """Ask for another limit."""
    async with services.database.transaction() as session:
        progress = await charging.progress(session, driver.id, number)
    if not session_view(language_of(request), progress, services.clock.now()).can_change:
        return RedirectResponse(f"/s/{number}", 303)
    return await _limit_form(request, services, driver, progress, wish)


@router.get("/s/{session_id}/limit/estimate")
async def limit_estimate(
    request: Request, number: SessionNumber, services: Wired, driver: SignedIn, wish: Annotated[Wish, Query()]
) -> Response:
    """Answer what the form shows while somebody types: what the whole session would come to, or what is wrong."""
    async with services.database.transaction() as session:
        progress = await charging.progress(session, driver.id, number)
    return JSONResponse(asdict(await _change_estimate(request, services, driver, progress, wish)))


@router.post("/s/{session_id}/limit")
async def change_limit(
    request: Request, number: SessionNumber, services: Wired, driver: SignedIn, wish: Annotated[Wish, Form()]
) -> Response:
    """Change the limit; the session's page shows when the outlet has it."""
    async with services.database.transaction() as session:
        progress = await charging.progress(session, driver.id, number)
    try:
        await changing.change_limit(services, driver.id, number, wish.read(progress.currency))
    except (BadLimit, BalanceTooLow, CardDeclined) as error:
        return await _limit_form(request, services, driver, progress, wish, error=error)
    return RedirectResponse(f"/s/{number}", 303)


@router.get("/s/{session_id}/stop")
async def stop_page(request: Request, number: SessionNumber, services: Wired, driver: SignedIn) -> Response:
    """Ask whether to stop, and say what it costs: it cannot be taken back."""
    async with services.database.transaction() as session:
        progress = await charging.progress(session, driver.id, number)
    now = session_view(language_of(request), progress, services.clock.now())
    if not now.can_stop:
        return RedirectResponse(f"/s/{number}", 303)
    return page(request, "stop.html", driver=driver, now=now, session_id=number)


@router.post("/s/{session_id}/stop")
async def stop(number: SessionNumber, services: Wired, driver: SignedIn) -> Response:
    """Stop; the session's page shows how it ends. A session that is over is left as it is."""
    await charging.stop(services, driver.id, number)
    return RedirectResponse(f"/s/{number}", 303)


@router.post("/s/{session_id}/mail")
async def want_mail(
    number: SessionNumber, services: Wired, driver: SignedIn, form: Annotated[Wanted, Form()]
) -> Response:
    """Note whether a mail is wanted when this session ends or is interrupted."""
    async with services.database.transaction() as session:
        await charging.want_mail(session, driver.id, number, wanted=form.wanted)
    return RedirectResponse(f"/s/{number}", 303)


@router.post("/s/{session_id}/push")
async def want_push(
    request: Request, number: SessionNumber, services: Wired, driver: SignedIn, browser: push.Browser
) -> Response:
    """Tell this browser when the session ends or is interrupted."""
    async with services.database.transaction() as session:
        await charging.progress(session, driver.id, number)
        await push.subscribe(session, services, number, browser, language_of(request).code)
    return JSONResponse({"told": True})


@router.post("/s/{session_id}/push/off")
async def want_no_push(number: SessionNumber, services: Wired, driver: SignedIn, browser: push.Endpoint) -> Response:
    """Tell this browser nothing more about the session."""
    async with services.database.transaction() as session:
        await charging.progress(session, driver.id, number)
        await push.unsubscribe(session, number, browser.endpoint)
    return JSONResponse({"told": False})


async def _limit_form(
    request: Request,
    services: Services,
    driver: Driver,
    progress: Progress,
    wish: Wish,
    *,
    error: KonsentoError | None = None,
) -> Response:
    if error is not None:
        problems.note(request, error)
    language = language_of(request)
    spoken = language.estimating(estimated=progress.sold.metering is Metering.ESTIMATED)
    offered = change_kinds(language, progress)
    kind = wish.kind or progress.limit_kind
    chosen = next((choice for choice in offered if choice.kind == kind), offered[0])
    amount = wish.amount[:12] or chosen.usual or next(c.usual for c in offered if c.kind == LimitKind.ENERGY)
    shown = Wish(kind=chosen.kind, amount=amount, unit=wish.unit)
    estimate = Estimate(text="", button=language.text("Change the limit"))
    if error is None:
        estimate = await _change_estimate(request, services, driver, progress, shown)
    return page(
        request,
        "limit.html",
        driver=driver,
        status=error.status if error else 200,
        problem=language.error(error) if error else None,
        now=session_view(language, progress, services.clock.now()),
        limit=limit_text(spoken, progress.limit_kind, progress.limit_amount, progress.currency),
        session_id=progress.session_id,
        kinds=offered,
        kind=chosen.kind,
        amount=amount,
        estimate=estimate,
    )


async def _change_estimate(
    request: Request, services: Services, driver: Driver, progress: Progress, wish: Wish
) -> Estimate:
    """Return what the whole session would come to with another limit, or what is wrong with it."""
    language = language_of(request)
    try:
        async with services.database.transaction() as session:
            requested = wish.read(progress.currency)
            quote = await changing.quote_of_change(session, services, driver.id, progress.session_id, requested)
    except (BadLimit, NotRunning) as error:
        return Estimate(ok=False, text=language.error(error), button=language.text("Change the limit"))
    return Estimate(text=change_text(language, quote), button=change_button(language, quote))
