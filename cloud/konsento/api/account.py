"""Who the driver is, and how the driver can pay."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from konsento.api.problems import declared
from konsento.api.schemas import Money, money
from konsento.api.who import ReadsAccount, ReadsBalance
from konsento.payments import balance, service
from konsento.web.who import Wired

router = APIRouter(tags=["Account"])


class Account(BaseModel):
    """The driver whom the token acts for."""

    id: UUID
    email: str = Field(examples=["ann@example.com"])
    name: str = Field(description="May be empty.", examples=["Ann"])
    locale: str = Field(description="Language of mails.", examples=["en"])
    created_at: datetime


class Balance(BaseModel):
    """The prepaid balance."""

    available: Money = Field(description="What can be spent: without what is held for running sessions.")


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
    driver = caller.driver
    return Account(
        id=driver.id, email=driver.email, name=driver.name, locale=driver.locale, created_at=driver.created_at
    )


@router.get("/balance", responses=declared())
async def get_balance(services: Wired, caller: ReadsBalance) -> Balance:
    """Get the balance.

    What the driver can spend now.
    """
    async with services.database.transaction() as session:
        available = await balance.available(session, caller.driver.id)
    return Balance(available=money(available, services.settings.currency))


@router.get("/payment-methods", responses=declared())
async def list_payment_methods(services: Wired, caller: ReadsBalance) -> PaymentMethods:
    """List the ways to pay.

    Each with the most that it can hold.
    """
    async with services.database.transaction() as session:
        ways = await service.methods(session, services.settings, caller.driver.id)
    currency = services.settings.currency
    return PaymentMethods(
        items=[PaymentMethod(provider=way.provider, available=money(way.available_minor, currency)) for way in ways]
    )
