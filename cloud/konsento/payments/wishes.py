"""What a driver pays apart from a new charging: into the balance, and what is owed for one that is over."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit.money import major_from_minor
from konsento.models import PaymentPurpose
from konsento.payments import beginning, later, owed, taking, ways
from konsento.payments import service as payments
from konsento.payments.beginning import Begun, Wish
from konsento.payments.bills import making, terms
from konsento.payments.desk import Till
from konsento.payments.errors import BadTopUp, UnknownMethod
from konsento.payments.owed import Owed
from konsento.payments.service import Hold
from konsento.payments.ways import Method, Way

PATIENCE: Final = timedelta(hours=1)
"""How long such a payment waits for the driver."""
AT_THE_SHOP: Final = {"konbini": timedelta(days=3)}
"""The same for a way that takes longer, by the provider's word for it."""


async def top_up(
    services: Till, driver_id: UUID, amount_minor: int, way: Way, payment_id: UUID, *, return_url: str
) -> Begun:
    """Begin a payment into the balance. Opens its own transactions; asked again with the same id it is one payment.

    Raises `BadTopUp`, `UnknownMethod` also where there are no balances, and what `beginning.begin_hold` raises.
    """
    settings = services.settings
    if not settings.balance:
        raise UnknownMethod
    if not 0 < amount_minor <= settings.top_up_most_minor:
        raise BadTopUp(most=f"{major_from_minor(settings.top_up_most_minor, settings.currency):f} {settings.currency}")
    async with services.database.transaction() as session:
        _chosen(await ways.methods(session, services, driver_id, PaymentPurpose.TOP_UP), way)
    wish = Wish(
        payment_id=payment_id,
        driver_id=driver_id,
        provider=way.provider,
        amount_minor=amount_minor,
        currency=settings.currency,
        expires_at=services.clock.now() + AT_THE_SHOP.get(way.method, PATIENCE),
        purpose=PaymentPurpose.TOP_UP,
        method=way.method,
        card=way.card,
        return_url=return_url.replace("{id}", str(payment_id)),
    )
    return await beginning.begin_hold(services, wish)


async def ways_to_pay(session: AsyncSession, services: Till, driver_id: UUID, due: Owed) -> list[Method]:
    """Return how a driver can pay what is owed for a session."""
    found = await ways.methods(session, services, driver_id, PaymentPurpose.BILL)
    if await terms.may_be_billed(session, services.settings, due, driver_id, services.clock.now()):
        found.append(Method(provider=later.BILL, available_minor=due.amount_minor))
    return [way for way in found if way.available_minor >= due.amount_minor]


async def pay_owed(services: Till, driver_id: UUID, session_id: UUID, way: Way, *, return_url: str) -> Begun | None:
    """Pay what a driver's session owes; None where nothing is owed, or it is being paid. Opens its own transactions.

    By bill nothing is paid yet: it is made, and the answer is None too.

    Raises `UnknownMethod` and what the provider refuses with.
    """
    now = services.clock.now()
    async with services.database.transaction() as session:
        # Of two tabs the second finds that the first has paid.
        await later.lock(session, services.settings, driver_id)
        due = await owed.of_session(session, driver_id, session_id)
        if due is None:
            return None
        chosen = _chosen(await ways_to_pay(session, services, driver_id, due), way)
        if chosen.provider == later.BILL:
            await making.make(session, services, driver_id, [session_id])
            return None
        if not chosen.external:
            wanted = Hold(
                session_id=session_id,
                driver_id=driver_id,
                amount_minor=due.amount_minor,
                currency=due.currency,
                provider=chosen.provider,
                purpose=PaymentPurpose.BILL,
            )
            payment = await payments.hold(session, wanted, now)
            await taking.take_at_once(session, payment, now)
            return Begun(payment=payment, action=None)
        payment_id = await owed.next_payment(session, session_id)
    wish = Wish(
        payment_id=payment_id,
        driver_id=driver_id,
        provider=way.provider,
        amount_minor=due.amount_minor,
        currency=due.currency,
        expires_at=now + AT_THE_SHOP.get(way.method, PATIENCE),
        purpose=PaymentPurpose.BILL,
        session_id=session_id,
        method=way.method,
        card=way.card,
        return_url=return_url.replace("{id}", str(payment_id)),
    )
    return await beginning.begin_hold(services, wish)


def _chosen(offered: list[Method], way: Way) -> Method:
    wanted = Way(provider=way.provider, method=way.method)
    chosen = next((one for one in offered if one.way == wanted), None)
    if chosen is None:
        raise UnknownMethod
    return chosen
