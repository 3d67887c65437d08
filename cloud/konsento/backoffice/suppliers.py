"""Suppliers, and the contracts by which they sell at sites."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import RedirectResponse, Response

from konsento.backoffice import asked, repository
from konsento.backoffice.render import office_page
from konsento.backoffice.supplier_forms import ContractForm, SupplierForm, moment
from konsento.backoffice.who import Number, SiteKeeper
from konsento.catalogue import suppliers as catalogue
from konsento.catalogue.errors import UnknownSupplier
from konsento.kit.errors import KonsentoError
from konsento.models import Contract, Site, StaffMember
from konsento.operations import audit
from konsento.services import Services
from konsento.sites import service as sites
from konsento.sites.errors import UnknownSite
from konsento.web import problems
from konsento.web.errors import PageNotFound
from konsento.web.language import language_of
from konsento.web.who import Wired

router = APIRouter()


@dataclass(frozen=True, kw_only=True)
class ContractRow:
    """A contract as the table shows it."""

    contract: Contract
    site: str
    """Its name; empty for all."""
    supplier_share: str
    owner_share: str
    operator_share: str
    coming: bool
    over: bool


@router.get("/suppliers")
async def suppliers_page(request: Request, services: Wired, member: SiteKeeper) -> Response:
    """List the suppliers."""
    return await _list(request, services, member, SupplierForm())


@router.post("/suppliers")
async def add(request: Request, services: Wired, member: SiteKeeper, form: Annotated[SupplierForm, Form()]) -> Response:
    """Add a supplier."""
    try:
        async with services.database.transaction() as session:
            row = await catalogue.add_supplier(session, form.wanted())
            await _note(session, services, member, "supplier.add", row.code, **vars(form.wanted()))
    except KonsentoError as error:
        return await _list(request, services, member, form, error)
    return RedirectResponse(f"/office/suppliers/{row.code}", 303)


@router.get("/suppliers/{code}")
async def supplier_page(request: Request, code: str, services: Wired, member: SiteKeeper) -> Response:
    """Show a supplier with its contracts."""
    return await _page(request, services, member, code)


@router.post("/suppliers/{code}")
async def change(
    request: Request, code: str, services: Wired, member: SiteKeeper, form: Annotated[SupplierForm, Form()]
) -> Response:
    """Change what is said about a supplier."""
    try:
        async with services.database.transaction() as session:
            new = await catalogue.change_supplier(session, form.wanted(code))
            await _note(session, services, member, "supplier.change", code, **new)
    except KonsentoError as error:
        return await _page(request, services, member, code, form=form, error=error)
    return RedirectResponse(f"/office/suppliers/{code}", 303)


@router.post("/suppliers/{code}/contracts")
async def add_contract(
    request: Request, code: str, services: Wired, member: SiteKeeper, form: Annotated[ContractForm, Form()]
) -> Response:
    """Make a contract with a supplier."""
    try:
        async with services.database.transaction() as session:
            site = await _site(session, form.site)
            wanted = form.wanted(site, services.clock.now(), await _zone(session))
            contract = await catalogue.add_contract(session, code, wanted)
            await _note(session, services, member, "contract.add", code, site=form.site, **_said(contract))
    except KonsentoError as error:
        return await _page(request, services, member, code, contract=form, error=error)
    return RedirectResponse(f"/office/suppliers/{code}#contracts", 303)


@router.post("/suppliers/{code}/contracts/{number}/end")
async def end_contract(
    request: Request,
    code: str,
    number: Number,
    services: Wired,
    *,
    member: SiteKeeper,
    ends: Annotated[str, Form()] = "",
) -> Response:
    """End a contract, now or later; sessions that run keep what was agreed."""
    now = services.clock.now()
    try:
        async with services.database.transaction() as session:
            at = moment(ends, await _zone(session)) or now
            await catalogue.end_contract(session, code, number, at, now)
            await _note(session, services, member, "contract.end", code, ends=at.isoformat())
    except KonsentoError as error:
        return await _page(request, services, member, code, error=error)
    return RedirectResponse(f"/office/suppliers/{code}#contracts", 303)


async def _site(session: AsyncSession, station_id: str) -> Site | None:
    """Return the site that is named, None for all. Raises `UnknownSite`."""
    if not station_id:
        return None
    site = await sites.site_of_station(session, station_id)
    if site is None:
        raise UnknownSite
    return site


async def _zone(session: AsyncSession) -> str:
    return asked.usual_zone((await repository.time_zones(session)).values())


async def _list(
    request: Request,
    services: Services,
    member: StaffMember,
    form: SupplierForm,
    error: KonsentoError | None = None,
) -> Response:
    if error is not None:
        problems.note(request, error)
    async with services.database.transaction() as session:
        rows = await catalogue.suppliers(session)
        in_force = await catalogue.contracts_in_force(session, services.clock.now())
        unknown = await catalogue.named_by_tariffs_alone(session)
    return office_page(
        request,
        "suppliers.html",
        member=member,
        status=error.status if error else 200,
        problem=language_of(request).error(error) if error else None,
        rows=[(row, sum(contract.supplier_id == row.id for contract in in_force)) for row in rows],
        unknown=unknown,
        form=form,
    )


async def _page(
    request: Request,
    services: Services,
    member: StaffMember,
    code: str,
    *,
    form: SupplierForm | None = None,
    contract: ContractForm | None = None,
    error: KonsentoError | None = None,
) -> Response:
    if error is not None:
        problems.note(request, error)
    language, now = language_of(request), services.clock.now()
    async with services.database.transaction() as session:
        try:
            row = await catalogue.supplier(session, code)
        except UnknownSupplier:
            raise PageNotFound from None
        contracts = await catalogue.contracts_of(session, row.id)
        all_sites = {one.site.id: one.site for one in await repository.sites_now(session)}
        zone = await _zone(session)
    return office_page(
        request,
        "supplier.html",
        member=member,
        status=error.status if error else 200,
        problem=language.error(error) if error else None,
        supplier=row,
        form=form or SupplierForm.of(row),
        contract=contract or ContractForm(),
        contracts=[
            ContractRow(
                contract=one,
                site=all_sites[one.site_id].name if one.site_id is not None else "",
                supplier_share=language.percent(one.supplier_share),
                owner_share=language.percent(one.owner_share),
                operator_share=language.percent(1 - one.supplier_share - one.owner_share),
                coming=one.valid_from > now,
                over=one.valid_to is not None and one.valid_to <= now,
            )
            for one in contracts
        ],
        sites=list(all_sites.values()),
        zone=zone,
        now=now.astimezone(ZoneInfo(zone)),
    )


def _said(contract: Contract) -> dict[str, str]:
    return {
        "begins": contract.valid_from.isoformat(),
        "ends": contract.valid_to.isoformat() if contract.valid_to is not None else "",
        "supplier_share": _plain(contract.supplier_share),
        "owner_share": _plain(contract.owner_share),
    }


def _plain(share: Decimal) -> str:
    return f"{share:f}"


async def _note(
    session: AsyncSession, services: Services, member: StaffMember, action: str, subject: str, **details: object
) -> None:
    await audit.note(session, services.clock.now(), member.id, action=action, subject=subject, details={**details})
