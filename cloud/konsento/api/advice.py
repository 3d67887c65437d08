"""When charging is good, and charging that starts by itself then."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from konsento.advice import outlook, planned, planned_news
from konsento.advice.errors import NeedsNobody, NoOutlook, PlanOver, TooManyPlans, UnknownPlan, WindowGone
from konsento.advice.fits import wh_that_fit
from konsento.advice.outlook import Offered, Outlook, Standing
from konsento.api import idempotency
from konsento.api.asked import AskedCharging
from konsento.api.outlets import BAD_LIMITS, OBSTACLES, Reason
from konsento.api.problems import declared, language_of
from konsento.api.schemas import Limit, Moment, Money, YesNo, money
from konsento.api.who import ReadsOutlets, ReadsSessions, WritesSessions
from konsento.catalogue import service as catalogue
from konsento.catalogue.errors import NoTariff, OfferGone
from konsento.charging.errors import (
    AlreadyChargingHere,
    MeteringNotAgreed,
    PresenceNeeded,
    PriceChanged,
    StillUnpaid,
)
from konsento.grid.records import FirstType
from konsento.grid.windows import Window
from konsento.kit.i18n import Language
from konsento.models import GridRegion, Outlet, PlannedCharge, PlannedState
from konsento.payments import service as payments
from konsento.payments.errors import BalanceTooLow, TooMuchLater, UnknownMethod
from konsento.payments.ways import Way
from konsento.rewards.errors import REFUSALS
from konsento.services import Services
from konsento.sites import service as sites
from konsento.sites.errors import UnknownOutlet
from konsento.web.who import Wired

router = APIRouter(tags=["Advice"])

EXAMPLE: Final = "01932f4e-7c00-7a1b-8c2d-3e4f5a6b7c8d"
Number = Annotated[UUID, Path(description="The planned charging's id.", examples=[EXAMPLE])]


class Share(BaseModel):
    """How renewable the power of a region is in a time."""

    begins_at: datetime
    ends_at: datetime
    share: str = Field(description="0 to 1; a decimal number.", examples=["0.61"])


class PriceAtStart(BaseModel):
    """What charging costs that begins with a window."""

    offer: str = Field(examples=["day"])
    price_id: str = Field(
        description="What `POST /planned-charges` takes.", examples=["5f0c1d5a6b7e8f90123456789abcdef0"]
    )
    per_kwh: str = Field(description="In yen, euros, tax included; a decimal number.", examples=["28"])


class Recommended(BaseModel):
    """A time for which charging is recommended."""

    begins_at: datetime
    ends_at: datetime
    fits_wh: int = Field(description="About what the outlet supplies in what is left of it.", examples=[9600])
    prices: list[PriceAtStart] = Field(description="By offer, for a start with the window, or now where it is on.")


class Cost(BaseModel):
    """What a kWh costs whose charging begins in a time."""

    begins_at: datetime
    ends_at: datetime
    per_kwh: str = Field(description="In yen, euros, tax included; a decimal number.", examples=["28"])
    known: bool = Field(description="Whether the market has fixed it already.", examples=[True])


class OfferAhead(BaseModel):
    """What an offer costs in the time ahead."""

    offer: str = Field(examples=["day"])
    currency: str = Field(description="ISO 4217.", examples=["JPY"])
    costs: list[Cost]


class Ahead(BaseModel):
    """What is known of the region of an outlet."""

    outlet: str = Field(examples=["K7F29Q"])
    region: str = Field(description="Code of the grid's region.", examples=["JP-A03"])
    state: Standing = Field(
        description="Only `good` is advice. `stale`: the data are too old to be believed; `no_data`: there is no "
        "forecast; `silent`: the operator advises nothing there.",
        examples=["good"],
    )
    as_of: datetime | None = Field(description="When the newest of the data were published; null for none.")
    sources: list[str] = Field(description="Whose data they are.", examples=[["Tokyo forecast"]])
    share_of: FirstType | None = Field(description="What the shares are of; null: not known.", examples=["wind_solar"])
    shares: list[Share]
    windows: list[Recommended]
    offers: list[OfferAhead]


class Planned(BaseModel):
    """A charging that starts by itself."""

    id: UUID = Field(examples=[EXAMPLE])
    state: PlannedState = Field(description="`planned` → `started`, `failed` or `cancelled`.", examples=["planned"])
    failure: Reason | None = Field(description="Why it did not start: nothing is charged.")
    outlet: str = Field(description="The outlet's code.", examples=["K7F29Q"])
    window_begins_at: datetime
    window_ends_at: datetime
    starts_by: datetime = Field(description="It starts between the begin of the window and then, at random.")
    only_inside: bool = Field(description="Supply ends with the window at the latest.", examples=[False])
    limit: Limit
    offer: str = Field(examples=["day"])
    pay_with: str = Field(examples=["balance"])
    per_kwh: str = Field(description="The most that a kWh may cost when it starts; a decimal number.", examples=["28"])
    most: Money = Field(description="The most that all of it may cost. Nothing is held before it starts.")
    session_id: UUID | None = Field(description="The session that it has started.", examples=[None])
    created_at: datetime


class Plans(BaseModel):
    """What is planned."""

    items: list[Planned]


class AskedPlan(AskedCharging):
    """What is to be charged, and when."""

    window_begins_at: Moment = Field(description="The begin of a window of `GET /outlook`.")
    only_inside: YesNo = Field(default=False, description="End supply with the window, whatever is missing then.")
    pay_with: str = Field(
        default=payments.DEFAULT,
        max_length=320,
        description="Way to pay that asks for nothing then: one that is not `external`, or a saved card "
        "(`stripe:card:pm_123`, `GET /payment-methods`).",
        examples=["balance"],
    )


@router.get("/outlook", responses=declared(UnknownOutlet, NoOutlook))
async def get_outlook(
    services: Wired,
    caller: ReadsOutlets,
    outlet: Annotated[str, Query(max_length=64, description="The outlet's code.", examples=["K7F29Q"])],
) -> Ahead:
    """Get the next two days at an outlet.

    How renewable the power of its region will be, when charging is recommended, and what it costs. A forecast.
    """
    now = services.clock.now()
    async with services.database.transaction() as session:
        found = await sites.outlet_by_code(session, outlet)
        region = await session.get(GridRegion, found.site.region) if found.site.region is not None else None
        if region is None:
            raise NoOutlook
        seen = await outlook.outlook(session, region, now, outlet=found)
        windows = [await _window(session, found, window, now) for window in seen.windows]
    return _ahead(found, seen, windows)


@router.post(
    "/planned-charges",
    status_code=201,
    response_model=Planned,
    responses=declared(
        *idempotency.ERRORS,
        *OBSTACLES,
        *BAD_LIMITS,
        UnknownOutlet,
        NoTariff,
        OfferGone,
        MeteringNotAgreed,
        BalanceTooLow,
        UnknownMethod,
        AlreadyChargingHere,
        PriceChanged,
        PresenceNeeded,
        StillUnpaid,
        TooMuchLater,
        WindowGone,
        NeedsNobody,
        TooManyPlans,
        *REFUSALS,
    ),
)
async def plan_charge(
    request: Request, services: Wired, caller: WritesSessions, asked: AskedPlan, key: idempotency.NeededKey
) -> Response:
    """Plan a charging.

    It starts by itself in the first minutes of a recommended window; in one that is on, within seconds. The outlet is
    not kept and nothing is held until then: where it cannot be started it is tried again while the window lasts, and
    the driver is told by mail how it went. At a higher price than that of now it does not start. Another plan of the
    driver's at the outlet is cancelled. The header `Idempotency-Key` is required.
    """
    driver, language = caller.driver, language_of(request)

    async def plan(plan_id: UUID) -> Planned:
        wish = asked.wish(driver.id, services.settings.currency)
        wanted = planned.Asked(
            wish=wish,
            way=Way.read(asked.pay_with),
            window_begin=asked.window_begins_at,
            inside=asked.only_inside,
        )
        await planned.plan(services, wanted, plan_id=plan_id)
        return await _shown(services, driver.id, plan_id, language)

    return await idempotency.once(request, services, caller, key, plan)


@router.get("/planned-charges", responses=declared())
async def list_planned_charges(request: Request, services: Wired, caller: ReadsSessions) -> Plans:
    """List planned chargings.

    Those that have not started yet, in order of their start; a handful at most.
    """
    async with services.database.transaction() as session:
        plans = await planned.open_of(session, caller.driver.id)
        return Plans(items=[await _planned(session, services, plan, language_of(request)) for plan in plans])


@router.get("/planned-charges/{plan_id}", responses=declared(UnknownPlan))
async def get_planned_charge(request: Request, plan_id: Number, services: Wired, caller: ReadsSessions) -> Planned:
    """Get a planned charging.

    As it stands now.
    """
    return await _shown(services, caller.driver.id, plan_id, language_of(request))


@router.delete("/planned-charges/{plan_id}", status_code=204, responses=declared(UnknownPlan, PlanOver))
async def cancel_planned_charge(plan_id: Number, services: Wired, caller: WritesSessions) -> None:
    """Cancel a planned charging.

    Before it has started; afterwards stop its session.
    """
    async with services.database.transaction() as session:
        await planned.cancel(session, services, caller.driver.id, plan_id)


async def _window(session: AsyncSession, outlet: Outlet, window: Window, now: datetime) -> Recommended:
    begins = max(window.begin, now)
    left = Window(begin=begins, end=window.end)
    return Recommended(
        begins_at=window.begin,
        ends_at=window.end,
        fits_wh=wh_that_fit(left, outlet.rated_w, outlet.volts),
        prices=[
            PriceAtStart(offer=offer.name, price_id=offer.price.fingerprint, per_kwh=f"{offer.price.unit_price:f}")
            for offer in await catalogue.offers_of(session, outlet, begins)
        ],
    )


def _ahead(outlet: Outlet, seen: Outlook, windows: Sequence[Recommended]) -> Ahead:
    return Ahead(
        outlet=outlet.code,
        region=seen.region.code,
        state=seen.standing,
        as_of=seen.as_of,
        sources=list(seen.sources),
        share_of=seen.first,
        shares=[
            Share(begins_at=slot.begin, ends_at=slot.end, share=f"{round(slot.share, 4).normalize() + Decimal(0):f}")
            for slot in seen.slots
        ],
        windows=list(windows),
        offers=[_offer(offered) for offered in seen.offers],
    )


def _offer(offered: Offered) -> OfferAhead:
    return OfferAhead(
        offer=offered.name,
        currency=offered.currency,
        costs=[
            Cost(begins_at=cost.begin, ends_at=cost.end, per_kwh=f"{cost.per_kwh:f}", known=cost.known)
            for cost in offered.costs
        ],
    )


async def _shown(services: Services, driver_id: UUID, plan_id: UUID, language: Language) -> Planned:
    async with services.database.transaction() as session:
        return await _planned(session, services, await planned.own(session, driver_id, plan_id), language)


async def _planned(session: AsyncSession, services: Services, plan: PlannedCharge, language: Language) -> Planned:
    outlet = await sites.outlet_by_id(session, plan.outlet_id)
    failed = planned_news.why(plan) if plan.state is PlannedState.FAILED else None
    window = Window(begin=plan.window_begin, end=plan.window_end)
    return Planned(
        id=plan.id,
        state=plan.state,
        failure=Reason(code=failed.code, detail=language.error(failed)) if failed is not None else None,
        outlet=outlet.code,
        window_begins_at=plan.window_begin,
        window_ends_at=plan.window_end,
        starts_by=max(plan.start_at, window.begin + planned.spread(window)),
        only_inside=plan.inside,
        limit=Limit(kind=plan.limit_kind, amount=plan.limit_amount),
        offer=plan.offer,
        pay_with=plan.way,
        per_kwh=f"{plan.agreed_unit_price.normalize() + Decimal(0):f}",
        most=money(plan.agreed_most_minor, services.settings.currency),
        session_id=plan.session_id if plan.state is PlannedState.STARTED else None,
        created_at=plan.created_at,
    )
