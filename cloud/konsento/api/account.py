"""Who the driver is, and how the driver can pay.

A token changes what a mistake or a theft of it can be mended after. It never changes what lets somebody in (mail
address, password, passkeys, sign-ins) and deletes no account: pages ask for a new proof of who is there before that,
and a program has none but the token.
"""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from konsento.accounts import errors as accounts_errors
from konsento.accounts import profile
from konsento.accounts.profile import Profile
from konsento.api.problems import declared
from konsento.api.schemas import Asked, Money, YesNo, money
from konsento.api.who import ExportsAccount, ReadsAccount, ReadsBalance, WritesAccount
from konsento.models import Driver
from konsento.payments import balance, ways
from konsento.web.own_data import everything_about
from konsento.web.who import Wired

router = APIRouter(tags=["Account"])


class Account(BaseModel):
    """The driver whom the token acts for."""

    id: UUID
    email: str = Field(examples=["ann@example.com"])
    email_confirmed: bool = Field(description="A link that was sent to the address has been opened.", examples=[True])
    name: str = Field(description="May be empty.", examples=["Ann"])
    phone: str = Field(description="Digits, may begin with `+`; may be empty.", examples=["+819012345678"])
    address: str = Field(description="Lines of the postal address; may be empty.", examples=["1-2-3 Sakura\nTokyo"])
    locale: str = Field(description="Language of mails.", examples=["en"])
    mail_wanted: bool = Field(description="Every session is followed by a mail with its receipt.", examples=[False])
    created_at: datetime


class AccountChange(Asked):
    """What is to be changed; what is left out, or null, stays as it is."""

    name: str | None = Field(default=None, max_length=200, examples=["Ann"])
    phone: str | None = Field(default=None, max_length=64, examples=["+81 90 1234 5678"])
    address: str | None = Field(default=None, max_length=600, examples=["1-2-3 Sakura\nTokyo"])
    locale: Literal["en", "ja"] | None = Field(default=None, examples=["ja"])
    mail_wanted: YesNo | None = Field(default=None, description="Mail the receipt of every session.", examples=[True])


class Lot(BaseModel):
    """A part of the balance that came in at once, and ends at once."""

    left: Money = Field(description="What is left of it; what is held for running sessions is in it.")
    promotional: bool = Field(description="Given by the operator, not paid in.", examples=[False])
    issued_at: datetime
    expires_at: datetime | None = Field(description="Until when it can be used; null without an end.")


class Balance(BaseModel):
    """The prepaid balance."""

    available: Money = Field(description="What can be spent: without what is held for running sessions.")
    held: Money = Field(description="What is held for running sessions.")
    lots: list[Lot] = Field(description="What it is made of, in the order in which it is used.")


class PaymentMethod(BaseModel):
    """A way in which the driver can pay."""

    provider: str = Field(description="As `pay_with` of a start takes it.", examples=["balance"])
    available: Money = Field(description="The most that can be held.")


class PaymentMethods(BaseModel):
    """The ways in which the driver can pay, the usual one first."""

    items: list[PaymentMethod]


@router.get("/account", responses=declared())
async def get_account(caller: ReadsAccount) -> Account:
    """Get the account.

    The driver whom the token acts for.
    """
    return _account(caller.driver)


@router.patch(
    "/account",
    responses=declared(accounts_errors.NameTooLong, accounts_errors.BadPhone, accounts_errors.AddressTooLong),
)
async def change_account(services: Wired, caller: WritesAccount, asked: AccountChange) -> Account:
    """Change the account.

    What the driver tells of themselves. The mail address and what lets somebody in are changed on the page alone.
    """
    now = caller.driver
    wanted = Profile(
        name=now.name if asked.name is None else asked.name,
        phone=now.phone if asked.phone is None else asked.phone,
        address=now.address if asked.address is None else asked.address,
        locale=asked.locale or now.locale,
        mail_wanted=now.mail_wanted if asked.mail_wanted is None else asked.mail_wanted,
    )
    async with services.database.transaction() as session:
        return _account(await profile.change(session, caller.driver.id, wanted))


@router.get("/account/export", responses=declared())
async def export_account(services: Wired, caller: ExportsAccount) -> dict[str, Any]:
    """Export everything.

    All that is kept of the driver, except secrets: profile, sign-ins, sessions with their measurements, payments,
    receipts, tokens, webhooks. Energies in mWh and Wh, money in minor units, times in UTC. Parts may be added.
    """
    async with services.database.transaction() as session:
        return dict(await everything_about(session, caller.driver, services))


def _account(driver: Driver) -> Account:
    return Account(
        id=driver.id,
        email=driver.email,
        email_confirmed=driver.email_verified_at is not None,
        name=driver.name,
        phone=driver.phone,
        address=driver.address,
        locale=driver.locale,
        mail_wanted=driver.mail_wanted,
        created_at=driver.created_at,
    )


@router.get("/balance", responses=declared())
async def get_balance(services: Wired, caller: ReadsBalance) -> Balance:
    """Get the balance.

    What the driver can spend now, and until when.
    """
    async with services.database.transaction() as session:
        stated = await balance.statement(session, caller.driver.id, most=0)
    currency = services.settings.currency
    return Balance(
        available=money(stated.available_minor, currency),
        held=money(stated.held_minor, currency),
        lots=[
            Lot(
                left=money(lot.left_minor, lot.currency),
                promotional=lot.promotional,
                issued_at=lot.issued_at,
                expires_at=lot.expires_at,
            )
            for lot in stated.lots
        ],
    )


@router.get("/payment-methods", responses=declared())
async def list_payment_methods(services: Wired, caller: ReadsBalance) -> PaymentMethods:
    """List the ways to pay.

    Each with the most that it can hold.
    """
    async with services.database.transaction() as session:
        methods = await ways.methods(session, services, caller.driver.id)
    currency = services.settings.currency
    return PaymentMethods(
        items=[PaymentMethod(provider=way.provider, available=money(way.available_minor, currency)) for way in methods]
    )
