"""Opening the links of mails. Looking at one changes nothing: mail programs look at links before people do."""

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from konsento.accounts import known, links
from konsento.models import LinkPurpose
from konsento.web.cookies import new_token, sign_in_browser
from konsento.web.language import language_of
from konsento.web.render import page
from konsento.web.security import safe_next
from konsento.web.who import Wired

router = APIRouter()


@router.get("/l/{token}")
async def link_page(request: Request, token: str, services: Wired) -> Response:
    """Say what the link does and ask to go on. Open to everybody who has the link."""
    text = language_of(request).text
    async with services.database.transaction() as session:
        link, _ = await links.look(session, token, services.clock.now())
    warning = ""
    match link.purpose:
        case LinkPurpose.VERIFY_EMAIL | LinkPurpose.CHANGE_EMAIL:
            title, button = text("Confirm your e-mail address."), text("Confirm the address")
            warning = text("Only if you have just made this account: whoever made it can use it.")
        case LinkPurpose.SIGN_IN:
            title, button = text("Welcome back."), text("Sign in")
        case LinkPurpose.GUEST:
            title, button = text("Welcome back."), text("Go to your charging")
    return page(request, "link.html", driver=None, title=title, button=button, email=link.email, warning=warning)


@router.post("/l/{token}")
async def follow_link(request: Request, token: str, services: Wired) -> Response:
    """Do what the link is for, sign this browser in, and go on. Open to everybody who has the link."""
    async with services.database.transaction() as session:
        link, driver = await links.use(session, token, services.clock.now())
        cookie = await new_token(session, services, request, driver)
        mark = await known.mark(session, driver.id)
    answer = RedirectResponse(safe_next(link.next_page), 303)
    sign_in_browser(answer, services, cookie, mark)
    return answer
