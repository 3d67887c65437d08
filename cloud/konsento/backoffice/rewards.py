"""Points and coupons in the back office: by which rules they come, how often they were used, and their end."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Form, Request
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import RedirectResponse, Response

from konsento.backoffice import asked, repository
from konsento.backoffice.render import office_page
from konsento.backoffice.reward_forms import CouponForm, RuleForm, whole
from konsento.backoffice.who import Number, RewardKeeper
from konsento.catalogue.power import STANDARD
from konsento.kit.errors import KonsentoError
from konsento.kit.i18n import Language, marked
from konsento.kit.power_words import power_type
from konsento.models import Coupon, CouponKind, PointRule, Site, StaffMember, Tariff
from konsento.operations import audit
from konsento.rewards import codes, listing, making
from konsento.rewards.errors import TooManyCodes
from konsento.rewards.listing import Batch, Uses
from konsento.rewards.texts import conditions, gain, rule_text
from konsento.services import Services
from konsento.web import problems
from konsento.web.csv import Rows, csv_file, headings, local
from konsento.web.errors import PageNotFound
from konsento.web.language import language_of
from konsento.web.rewards import terms
from konsento.web.who import Wired

router = APIRouter()

_HEADS: Final = (marked("Code"), marked("Used"), marked("Made"))
MOST_COUPONS: Final = 200
"""On one page."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A rule or a coupon in its table."""

    thing: Any
    says: str
    details: list[str]
    state: str
    """`coming`, `in force` or `over`."""
    code: str = ""
    uses: Uses = field(default_factory=Uses)


@router.get("/rewards")
async def rewards_page(request: Request, services: Wired, member: RewardKeeper) -> Response:
    """List rules and coupons."""
    return await _list(request, services, member)


@router.get("/rewards/rules/new")
async def new_rule_page(request: Request, services: Wired, member: RewardKeeper) -> Response:
    """Ask for a new rule."""
    return await _rule_form(request, services, member, RuleForm())


@router.post("/rewards/rules")
async def make_rule(
    request: Request, services: Wired, member: RewardKeeper, form: Annotated[RuleForm, Form()]
) -> Response:
    """Make a rule of points."""
    now = services.clock.now()
    try:
        async with services.database.transaction() as session:
            wanted = form.wanted(now, await _zone(session))
            rule = await making.make_rule(session, wanted, now)
            details = _details(wanted)
            await audit.note(session, now, member.id, action="rewards.rule", subject=str(rule.id), details=details)
    except KonsentoError as error:
        return await _rule_form(request, services, member, form, error)
    return RedirectResponse("/office/rewards", 303)


@router.post("/rewards/rules/{number}/stop")
async def stop_rule(request: Request, number: Number, services: Wired, member: RewardKeeper) -> Response:
    """End a rule. Sessions that run keep it."""
    return await _stop(request, services, member, PointRule, number)


@router.get("/rewards/coupons/new")
async def new_coupon_page(request: Request, services: Wired, member: RewardKeeper) -> Response:
    """Ask for a new coupon."""
    return await _coupon_form(request, services, member, CouponForm())


@router.post("/rewards/coupons")
async def make_coupon(
    request: Request, services: Wired, member: RewardKeeper, form: Annotated[CouponForm, Form()]
) -> Response:
    """Make a coupon."""
    now = services.clock.now()
    try:
        async with services.database.transaction() as session:
            wanted = await form.wanted(session, now, await _zone(session), services.settings.currency)
            coupon = await making.make_coupon(session, wanted, now, form.code)
            details = _details(wanted) | ({"code": codes.normal(form.code)} if form.code else {})
            await audit.note(session, now, member.id, action="rewards.coupon", subject=str(coupon.id), details=details)
    except KonsentoError as error:
        return await _coupon_form(request, services, member, form, error)
    return RedirectResponse(f"/office/rewards/coupons/{coupon.id}", 303)


@router.get("/rewards/coupons/{number}")
async def coupon_page(request: Request, number: Number, services: Wired, member: RewardKeeper) -> Response:
    """Show a coupon, how often it was used, and its batches of codes."""
    return await _coupon(request, services, member, number)


@router.post("/rewards/coupons/{number}/codes")
async def make_codes(
    request: Request, number: Number, services: Wired, member: RewardKeeper, count: Annotated[str, Form()] = ""
) -> Response:
    """Make a batch of random codes."""
    now = services.clock.now()
    try:
        async with services.database.transaction() as session:
            coupon = await _one(session, Coupon, number)
            wanted = whole(count)
            if wanted is None:
                raise TooManyCodes(most=making.MOST_CODES)
            batch_id = await making.make_codes(session, coupon, wanted, now)
            details = {"codes": wanted, "batch": str(batch_id)}
            await audit.note(session, now, member.id, action="rewards.codes", subject=str(number), details=details)
    except PageNotFound:
        raise
    except KonsentoError as error:
        return await _coupon(request, services, member, number, error)
    return RedirectResponse(f"/office/rewards/coupons/{number}", 303)


@router.get("/rewards/coupons/{number}/codes.csv")
async def batch_table(
    request: Request, number: Number, services: Wired, member: RewardKeeper, batch: str = ""
) -> Response:
    """Give a batch of codes as a table. That somebody took them along is in the log: they are worth something."""
    batch_id = asked.number(batch)
    if batch_id is None:
        raise PageNotFound
    now = services.clock.now()
    async with services.database.transaction() as session:
        zone = await _zone(session)
        found = await listing.codes_of(session, number, batch_id)
        if not found:
            raise PageNotFound
        details = {"codes": len(found), "batch": batch}
        await audit.note(session, now, member.id, action="rewards.export", subject=str(number), details=details)
    language = language_of(request)

    async def rows() -> AsyncIterator[Rows]:
        yield [[codes.label(one.code), one.taken, local(one.created_at, zone)] for one in found]

    heads = headings(language, _HEADS)
    return csv_file(f"coupons-{batch}", heads, rows())


@router.post("/rewards/coupons/{number}/stop")
async def stop_coupon(request: Request, number: Number, services: Wired, member: RewardKeeper) -> Response:
    """End a coupon. Sessions that have it keep it."""
    return await _stop(request, services, member, Coupon, number)


async def _stop(
    request: Request, services: Services, member: StaffMember, kind: type[PointRule] | type[Coupon], number: UUID
) -> Response:
    now = services.clock.now()
    try:
        async with services.database.transaction() as session:
            row = await _one(session, kind, number)
            making.stop(row, now)
            action = "rewards.stop-rule" if kind is PointRule else "rewards.stop-coupon"
            await audit.note(session, now, member.id, action=action, subject=str(number))
    except PageNotFound:
        raise
    except KonsentoError as error:
        return await _list(request, services, member, error)
    return RedirectResponse("/office/rewards", 303)


async def _one[Kind: PointRule | Coupon](session: AsyncSession, kind: type[Kind], number: UUID) -> Kind:
    row = await session.get(kind, number, with_for_update=True)
    if row is None:
        raise PageNotFound
    return row


async def _zone(session: AsyncSession) -> str:
    return asked.usual_zone((await repository.time_zones(session)).values())


def _details(wanted: making.WantedRule | making.WantedCoupon) -> dict[str, Any]:
    """Return what was wanted as the log keeps it, without what was left empty."""
    given = {name: value for name, value in vars(wanted).items() if value not in ("", None, [], False, 0)}
    return {name: value if isinstance(value, int | str | list) else str(value) for name, value in given.items()}


def _state(services: Services, thing: PointRule | Coupon) -> str:
    now = services.clock.now()
    if thing.valid_to is not None and thing.valid_to <= now:
        return "over"
    return "coming" if thing.valid_from > now else "in force"


def _rule_row(services: Services, language: Language, rule: PointRule) -> Row:
    power = language.text(power_type(rule.power_type)) if rule.power_type else ""
    details = [text for text in (rule.tariff_name, rule.supplier_code) if text]
    return Row(thing=rule, says=rule_text(language, rule, power), details=details, state=_state(services, rule))


def _coupon_row(services: Services, language: Language, coupon: Coupon, code: str, uses: Uses) -> Row:
    return Row(
        thing=coupon,
        says=gain(language, coupon),
        details=conditions(language, coupon, lambda word: language.text(power_type(word))),
        state=_state(services, coupon),
        code=codes.label(code),
        uses=uses,
    )


async def _coupon_rows(session: AsyncSession, services: Services, language: Language, found: list[Coupon]) -> list[Row]:
    ids = [coupon.id for coupon in found]
    public = await listing.public_codes(session, ids)
    uses = await listing.uses_of(session, ids)
    return [_coupon_row(services, language, one, public.get(one.id, ""), uses.get(one.id, Uses())) for one in found]


async def _list(
    request: Request, services: Services, member: StaffMember, error: KonsentoError | None = None
) -> Response:
    if error is not None:
        problems.note(request, error)
    language = language_of(request)
    async with services.database.transaction() as session:
        rules = await listing.rules(session)
        coupons = await _coupon_rows(session, services, language, await listing.coupons(session, MOST_COUPONS))
        zone = await _zone(session)
    return office_page(
        request,
        "rewards.html",
        member=member,
        status=error.status if error else 200,
        problem=language.error(error) if error else None,
        rules=[_rule_row(services, language, rule) for rule in rules],
        coupons=coupons,
        most=MOST_COUPONS,
        zone=zone,
        terms=terms(language, services.settings),
    )


async def _coupon(
    request: Request, services: Services, member: StaffMember, number: UUID, error: KonsentoError | None = None
) -> Response:
    if error is not None:
        problems.note(request, error)
    language = language_of(request)
    async with services.database.transaction() as session:
        coupon = await session.get(Coupon, number)
        if coupon is None:
            raise PageNotFound
        (row,) = await _coupon_rows(session, services, language, [coupon])
        batches: list[Batch] = await listing.batches_of(session, number)
        zone = await _zone(session)
    return office_page(
        request,
        "coupon.html",
        member=member,
        status=error.status if error else 200,
        problem=language.error(error) if error else None,
        row=row,
        coupon=coupon,
        given=language.money(row.uses.minor, coupon.currency),
        grant=language.energy(coupon.grant_wh) if coupon.grant_wh is not None else "",
        grant_power=language.text(power_type(coupon.grant_power_type)) if coupon.grant_power_type else "",
        batches=batches,
        zone=zone,
        most_codes=making.MOST_CODES,
    )


async def _rule_form(
    request: Request, services: Services, member: StaffMember, form: RuleForm, error: KonsentoError | None = None
) -> Response:
    language = language_of(request)
    async with services.database.transaction() as session:
        offered = await _offered(session, language)
        suppliers = await session.execute(select(Tariff.supplier_code, Tariff.supplier).distinct())
    return _form_page(
        request,
        "point_rule_new.html",
        member,
        error,
        form=form,
        suppliers=[(code, f"{name} ({code})") for code, name in sorted(tuple(row) for row in suppliers) if code],
        **offered,
    )


async def _coupon_form(
    request: Request, services: Services, member: StaffMember, form: CouponForm, error: KonsentoError | None = None
) -> Response:
    language = language_of(request)
    async with services.database.transaction() as session:
        offered = await _offered(session, language)
        sites = list(await session.scalars(select(Site).order_by(Site.name, Site.station_id)))
    return _form_page(
        request,
        "coupon_new.html",
        member,
        error,
        form=form,
        kinds=[
            (CouponKind.PERCENT, language.text("Percent off (%)")),
            (CouponKind.AMOUNT, language.text("Money off")),
            (CouponKind.ENERGY, language.text("Free energy (kWh)")),
        ],
        sites=[(str(site.id), site.name) for site in sites],
        tariff_choices=[(name, name) for name in offered["tariffs"]],
        currency=language.currency_sign(services.settings.currency),
        longest_title=making.LONGEST_TITLE,
        **offered,
    )


async def _offered(session: AsyncSession, language: Language) -> dict[str, Any]:
    """Return what both forms let choose from."""
    return {
        "tariffs": list(await session.scalars(select(Tariff.name).distinct().order_by(Tariff.name))),
        "powers": [(word, language.text(power_type(word))) for word in STANDARD],
        "zone": await _zone(session),
    }


def _form_page(
    request: Request, template: str, member: StaffMember, error: KonsentoError | None, **values: object
) -> Response:
    if error is not None:
        problems.note(request, error)
    return office_page(
        request,
        template,
        member=member,
        status=error.status if error else 200,
        problem=language_of(request).error(error) if error else None,
        **values,
    )
