"""The mails with links in them."""

from contextlib import suppress

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.accounts import links, throttle
from konsento.accounts import service as accounts
from konsento.accounts.errors import TooManyMails
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
    unasked: bool = False,
) -> None:
    """Mail a link to a driver, by default to the driver's address. Raises `TooManyMails`.

    `unasked` is a link to sign in for who did not know, or did not say, that there is an account.
    """
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
            if unasked:
                subject = text("You have an account already")
                already = text(
                    "Somebody, probably you, wanted an account with this address at {operator}. There is one:"
                    " this link signs you in.",
                    operator=_operator(services),
                )
                body = f"{already} {body}"
    ignore = text("If it was not you, do nothing: the link runs out by itself.")
    letter = Mail(
        recipient=email or driver.email,
        subject=subject,
        paragraphs=(body, ignore),
        link=(says, link_address(services, token)),
    )
    await mail.queue(session, services, letter, language_for(driver))


async def send_confirmation(
    services: Services,
    driver: Driver,
    address: str,
    purpose: LinkPurpose = LinkPurpose.VERIFY_EMAIL,
    email: str = "",
) -> None:
    """Mail the link that confirms an address, by default the driver's; `address` is the browser's network address.

    Where the mail address has an account already, its owner is told so instead, with a link to sign in: the person
    before the browser, who may be somebody else, sees no difference. Raises `TooManyMails`.
    """
    email = email or driver.email
    async with services.database.transaction() as session:
        await throttle.admit_mail(session, email, address, services.clock.now())
        known = await accounts.by_email(session, email)
        if known is None or known.id == driver.id:
            await send_link(session, services, driver, purpose, email=email, next_page="/account")
        else:
            await send_link(session, services, known, LinkPurpose.SIGN_IN, next_page="/account", unasked=True)


async def send_sign_in(services: Services, email: str, address: str, next_page: str) -> None:
    """Mail a link that signs in, where there is an account, or somebody who has only signed up."""
    with suppress(TooManyMails):
        async with services.database.transaction() as session:
            await throttle.admit_mail(session, email, address, services.clock.now())
            driver = await accounts.by_email(session, email, unconfirmed=True)
            if driver is not None:
                await send_link(session, services, driver, LinkPurpose.SIGN_IN, next_page=next_page)


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
