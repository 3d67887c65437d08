"""The cookie that says who is signed in."""

from starlette.responses import Response

from konsento.accounts import service as accounts
from konsento.models import Driver
from konsento.services import Services
from konsento.web.security import cookie_flags
from konsento.web.who import COOKIE


def sign_in_browser(answer: Response, services: Services, driver: Driver, token: str) -> None:
    """Have the browser keep a sign-in's token."""
    lives = accounts.stays_signed_in(driver)
    flags = cookie_flags(services.settings.public_url)
    answer.set_cookie(COOKIE, token, max_age=int(lives.total_seconds()), **flags)


def sign_out_browser(answer: Response, services: Services) -> None:
    """Have the browser forget it."""
    answer.delete_cookie(COOKIE, **cookie_flags(services.settings.public_url))
