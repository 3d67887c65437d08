"""One session of a driver: watch it, stop it, read its receipt."""

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import cast

from fastapi import APIRouter, Request
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.responses import JSONResponse, RedirectResponse, Response

from konsento.charging import live
from konsento.charging import service as charging
from konsento.charging.errors import failure
from konsento.models import SessionState
from konsento.settlement import service as settlement
from konsento.web.language import language_of
from konsento.web.receipt_view import receipt_page
from konsento.web.render import page
from konsento.web.session_view import as_json, session_view
from konsento.web.who import SessionNumber, SignedIn, Wired

router = APIRouter()

FINAL = (SessionState.SETTLED, SessionState.FAILED)


@router.get("/s/{session_id}")
async def session_page(request: Request, number: SessionNumber, services: Wired, driver: SignedIn) -> Response:
    """Show a session: live while it is on, its receipt when it is settled."""
    language = language_of(request)
    async with services.database.transaction() as session:
        progress = await charging.progress(session, driver.id, number)
        settled = progress.state is SessionState.SETTLED
        bill = await settlement.receipt(session, driver.id, number) if settled else None
    if bill is not None:
        return page(request, "receipt.html", driver=driver, receipt=receipt_page(language, bill))
    if progress.state is SessionState.FAILED:
        reason = language.error(failure(progress.failure))
        return page(request, "failed.html", driver=driver, reason=reason, outlet_code=progress.outlet_code)
    return page(request, "session.html", driver=driver, now=session_view(language, progress), session_id=number)


@router.get("/s/{session_id}/progress")
async def session_progress(request: Request, number: SessionNumber, services: Wired, driver: SignedIn) -> Response:
    """Answer all that is known of a session, with the page's texts."""
    async with services.database.transaction() as session:
        progress = await charging.progress(session, driver.id, number)
    return JSONResponse(as_json(language_of(request), progress))


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
                    progress = await charging.progress(session, driver.id, number)
                yield ServerSentEvent(data=json.dumps(as_json(language, progress), ensure_ascii=False))
                if progress.state in FINAL:
                    return

    return EventSourceResponse(stream(), headers={"Cache-Control": "no-store"})


@router.get("/s/{session_id}/stop")
async def stop_page(request: Request, number: SessionNumber, services: Wired, driver: SignedIn) -> Response:
    """Ask whether to stop, and say what it costs: it cannot be taken back."""
    async with services.database.transaction() as session:
        progress = await charging.progress(session, driver.id, number)
    now = session_view(language_of(request), progress)
    if not now.can_stop:
        return RedirectResponse(f"/s/{number}", 303)
    return page(request, "stop.html", driver=driver, now=now, session_id=number)


@router.post("/s/{session_id}/stop")
async def stop(number: SessionNumber, services: Wired, driver: SignedIn) -> Response:
    """Stop; the session's page shows how it ends. A session that is over is left as it is."""
    await charging.stop(services, driver.id, number)
    return RedirectResponse(f"/s/{number}", 303)
