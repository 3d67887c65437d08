"""The mails with links in them."""

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.accounts import links
from konsento.kit.i18n import LANGUAGES, Language
from konsento.models import Driver, LinkPurpose
from konsento.notifications import mail
from konsento.notifications.mail import Mail
from konsento.services import Services


def language_for(driver: Driver) -> Language:
    """Return the language in which somebody wants to be written to."""
    return LANGUAGES.get(driver.locale) or LANGUAGES.default


async def send_link(
    session: AsyncSession,
    services: Services,
    driver: Driver,
    purpose: LinkPurpose,
    *,
    email: str = "",
    next_page: str = "/",
) -> None:
    """Mail a link to a driver, by default to the driver's address. Raises `TooManyMails`."""
    now = services.clock.now()
    token = await links.make(session, driver, purpose=purpose, now=now, email=email, next_page=next_page)
    text = language_for(driver).text
    match purpose:
        case LinkPurpose.VERIFY_EMAIL:
            subject, says = text("Please confirm your e-mail address"), text("Confirm the address")
            body = text("Somebody, probably you, uses this address at {operator}.", operator=_operator(services))
        case LinkPurpose.CHANGE_EMAIL:
            subject, says = text("Please confirm your new e-mail address"), text("Use this address")
            body = text("It replaces your present one at {operator} when you confirm it.", operator=_operator(services))
        case LinkPurpose.SIGN_IN | LinkPurpose.GUEST:
            subject, says = text("Your link to sign in"), text("Sign in")
            body = text("It works once, within 30 minutes. Pass it on to nobody.")
    ignore = text("If it was not you, do nothing: the link runs out by itself.")
    letter = Mail(
        recipient=email or driver.email,
        subject=subject,
        paragraphs=(body, ignore),
        link=(says, link_address(services, token)),
    )
    await mail.queue(session, services, letter, language_for(driver))


async def tell_of_change(session: AsyncSession, services: Services, driver: Driver, what: str) -> None:
    """Tell a driver of a change that a thief would make; `what` is a sentence in the driver's language."""
    text = language_for(driver).text
    letter = Mail(
        recipient=driver.email,
        subject=text("Your account was changed"),
        paragraphs=(what, text("If it was not you, sign in by a link and choose another password.")),
        link=(text("To your account"), f"{services.settings.public_url.rstrip('/')}/account"),
    )
    await mail.queue(session, services, letter, language_for(driver))


def link_address(services: Services, token: str) -> str:
    """Return the address that a link in a mail has."""
    return f"{services.settings.public_url.rstrip('/')}/l/{token}"


def _operator(services: Services) -> str:
    return services.settings.operator_name
