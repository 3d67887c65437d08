"""From a code on the wall to the outlet: whether it is free, where it is, what it costs."""

from contextlib import suppress
from io import BytesIO
from typing import Annotated
from unicodedata import normalize
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from konsento.accounts import passkeys
from konsento.advice import choices
from konsento.charging import service as charging
from konsento.charging.progress import Progress
from konsento.kit.asgi import content_security_policy, permissions_policy
from konsento.kit.errors import KonsentoError
from konsento.kit.handover import BadLink
from konsento.models import DriverKind
from konsento.partners import going
from konsento.partners.going import Arrival
from konsento.payments import balance
from konsento.sites import service as sites
from konsento.sites.codes import evse_id, without_evse_prefix
from konsento.sites.labels import label
from konsento.web import problems
from konsento.web.language import language_of
from konsento.web.outlook import next_card, plan_views
from konsento.web.outlook_view import CardView, PlanView
from konsento.web.passkeys import site_of
from konsento.web.place import balance_text, place_of, view
from konsento.web.render import page
from konsento.web.suppliers import Coming, other_views, query
from konsento.web.used import LOOKED_BACK, used_last
from konsento.web.who import MaybeSignedIn, Wired

router = APIRouter()

LONGEST_TYPED = 40
"""Characters of a typed code; an EVSE-ID is longer than the code in it."""


@router.get("/")
async def start_page(request: Request, services: Wired, driver: MaybeSignedIn, code: str = "") -> Response:
    """Ask for the code of an outlet, and lead to it."""
    unknown: KonsentoError | None = None
    if code:
        try:
            async with services.database.transaction() as session:
                typed = without_evse_prefix(code[:LONGEST_TYPED], services.settings.evse_id_prefix)
                # Phones with a Japanese keyboard type full-width letters.
                outlet = await sites.outlet_by_code(session, normalize("NFKC", typed))
        except KonsentoError as error:
            problems.note(request, error)
            unknown = error
        else:
            return RedirectResponse(f"/o/{outlet.code}", 303)
    language, now = language_of(request), services.clock.now()
    plans: list[PlanView] = []
    card: CardView | None = None
    running: list[Progress] = []
    recent: list[Progress] = []
    available, offer_passkey, advised = None, False, False
    if driver is not None:
        async with services.database.transaction() as session:
            if await balance.usable(session, services.settings, driver.id):
                left = await balance.available(session, driver.id)
                available = language_of(request).money(left, services.settings.currency)
            running = await charging.running(session, driver.id)
            recent = used_last(await charging.history(session, driver.id, most=LOOKED_BACK))
            advised = await choices.offered(session)
            plans = await plan_views(session, language, driver.id, now)
            if recent:
                last = await sites.outlet_by_code(session, recent[0].outlet_code)
                card = await next_card(session, language, last, now, drawn=False)
            offer_passkey = (
                site_of(services.settings) is not None
                and "konsento_no_passkey" not in request.cookies
                and driver.kind is not DriverKind.GUEST
                and not await passkeys.count(session, driver.id)
            )
    answer = page(
        request,
        "home.html",
        driver=driver,
        status=unknown.status if unknown else 200,
        problem=language_of(request).error(unknown) if unknown else None,
        code=code[:LONGEST_TYPED],
        running=running,
        recent=recent,
        plans=plans,
        window_card=card,
        advised=advised,
        balance=available,
        offer_passkey=offer_passkey,
        public_url=services.settings.public_url.rstrip("/"),
    )
    # For the scanner in the page; its reader of QR codes is WebAssembly where the browser has none of its own.
    answer.headers["Permissions-Policy"] = permissions_policy("camera")
    answer.headers["Content-Security-Policy"] = content_security_policy(scripts="'wasm-unsafe-eval'")
    return answer


@router.get("/o/{code}")
async def outlet_page(
    request: Request,
    code: str,
    services: Wired,
    driver: MaybeSignedIn,
    coming: Annotated[Coming, Query()],
) -> Response:
    """Show an outlet: whether it is free, where it is, what it costs; here and at the other suppliers.

    A driver may come from a partner, with what was chosen there.
    """
    arrival: Arrival | None = None
    async with services.database.transaction() as session:
        place = await place_of(session, services, code, driver)
        if code != place.outlet.code:
            return RedirectResponse(f"/o/{place.outlet.code}", 303)
        if coming.via:
            with suppress(BadLink):
                arrival = await going.arrival(session, services, place.outlet, coming.via)
        others = await going.others_at(session, services, place.outlet)
        language, now = language_of(request), services.clock.now()
        card = await next_card(session, language, place.outlet, now, drawn=True)
    return page(
        request,
        "outlet.html",
        driver=driver,
        outlet=view(request, services, place),
        balance=balance_text(request, place),
        running=place.mine,
        window_card=card,
        arrival=arrival,
        bad_link=bool(coming.via) and arrival is None,
        wish=arrival.wish if arrival is not None else coming.wish,
        others=other_views(language, place.outlet.code, others, now),
        query=query,
        evse=evse_id(prefix, place.outlet.code) if (prefix := services.settings.evse_id_prefix) else "",
    )


@router.get("/O/{code}")
async def from_qr_code(code: str) -> Response:
    """Lead to an outlet from its QR code, which has the address in capitals. Open to everybody."""
    return RedirectResponse(f"/o/{quote(code)}", 308)


@router.get("/o/{code}/qr.svg")
async def outlet_qr(code: str, services: Wired) -> Response:
    """Draw the QR code of an outlet's public address: nothing but the address, so a label never goes stale."""
    async with services.database.transaction() as session:
        outlet = await sites.outlet_by_code(session, code)
    picture = BytesIO()
    address = label.address_of(outlet.code, services.settings.public_url)
    label.qr(address).save(picture, kind="svg", scale=8, xmldecl=False, light="#fff")
    return Response(picture.getvalue(), media_type="image/svg+xml", headers={"Cache-Control": "public, max-age=86400"})
