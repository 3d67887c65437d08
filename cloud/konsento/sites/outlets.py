"""Outlets: made from what a site says it has, and what the operator sets about them."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit.ids import new_id
from konsento.models import Outlet, OutletStatus, Site
from konsento.sites import codes, repository
from konsento.sites.service import GONE

log = logging.getLogger(__name__)

MOST_OUTLETS: Final = 300
"""Outlets that a site gets by reporting them; an operator can add more (`konsento apply`)."""
HIGHEST_EVSE: Final = 1000
"""As in the file of `konsento apply`."""
USUAL_VOLTS: Final = 200
USUAL_AMPERES: Final = 15
"""What is assumed of an outlet whose site tells no ratings: the socket for cars in Japan."""
USUAL_CHARGER_W: Final = 22_000
"""What is assumed of a charger that tells no rating: the most of one with alternating current. What is measured beyond
a rating is not billed, so less would be lost energy; the operator sets what it is."""
_NOMINAL_VOLTS: Final = (100, 110, 120, 127, 200, 208, 220, 230, 240, 400)


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a site's report says about an outlet; None and empty where it says nothing."""

    model: str = ""
    firmware: str = ""
    rated_w: int | None = None
    volts: int | None = None
    """As it is measured or rated."""
    status: OutletStatus | None = None
    kind: str = ""
    """What people call its connector."""


async def adopt(session: AsyncSession, site: Site, evse_id: int, told: Told) -> Outlet | None:
    """Make the row of an outlet that a site says it has: with a code, a plain name, and nothing sold there.

    Returns None where the site has as many as it may, or the number cannot be.
    """
    if not 1 <= evse_id <= HIGHEST_EVSE or await repository.count_outlets(session, site.id) >= MOST_OUTLETS:
        return None
    reported_volts = _nominal(told.volts)
    volts = reported_volts or USUAL_VOLTS
    outlet = Outlet(
        id=new_id(),
        site_id=site.id,
        evse_id=evse_id,
        code=await free_code(session),
        name=f"No. {evse_id} ({told.kind})" if told.kind else f"No. {evse_id}",
        rated_w=told.rated_w or _assumed_w(site, volts),
        volts=volts,
        reported_w=told.rated_w,
        reported_volts=reported_volts,
        offers=[],
        model=told.model,
        firmware=told.firmware,
        status=told.status or OutletStatus.UNKNOWN,
        status_reason="",
    )
    session.add(outlet)
    await session.flush()
    log.info("station %s: outlet %d is new, with code %s", site.station_id, evse_id, outlet.code)
    return outlet


async def take_inventory(session: AsyncSession, site: Site, listed: Mapping[int, Told], *, whole: bool) -> None:
    """Bring the outlets of a site to what its report lists. `whole`: what is not listed is not there."""
    known = {outlet.evse_id: outlet for outlet in await repository.outlets_of(session, site.id)}
    left_out = 0
    for evse_id in sorted(listed):
        told = listed[evse_id]
        outlet = known.get(evse_id)
        if outlet is not None:
            _update(site, outlet, told)
        elif await adopt(session, site, evse_id, told) is None:
            left_out += 1
    if left_out:
        log.warning(
            "station %s lists %d outlets more than the %d that it may add by itself; they are not taken",
            site.station_id,
            left_out,
            MOST_OUTLETS,
        )
    if not whole:
        return
    for evse_id, outlet in known.items():
        if evse_id not in listed and outlet.status_reason != GONE:
            outlet.status, outlet.status_reason = OutletStatus.UNAVAILABLE, GONE
            log.warning("station %s does not list outlet %d any more", site.station_id, evse_id)


async def assume_charger(session: AsyncSession, site: Site) -> None:
    """Take what was assumed of the outlets of a site, before it said that it is a charger of others, as of one."""
    for outlet in await repository.outlets_of(session, site.id):
        untouched = not outlet.offers and outlet.reported_w is None
        if untouched and outlet.rated_w == outlet.volts * USUAL_AMPERES:
            outlet.rated_w = USUAL_CHARGER_W


def _assumed_w(site: Site, volts: int) -> int:
    return volts * USUAL_AMPERES if site.ours else USUAL_CHARGER_W


def _update(site: Site, outlet: Outlet, told: Told) -> None:
    outlet.model = told.model or outlet.model
    outlet.firmware = told.firmware or outlet.firmware
    before = (outlet.volts, outlet.rated_w)
    if told.kind and outlet.name == f"No. {outlet.evse_id}":
        outlet.name = f"{outlet.name} ({told.kind})"
    _rate(site, outlet, told)
    if (outlet.volts, outlet.rated_w) != before:
        log.info("outlet %s is now rated %d V, %d W, as its site reports", outlet.code, outlet.volts, outlet.rated_w)
    if outlet.status_reason == GONE:
        outlet.status, outlet.status_reason = told.status or OutletStatus.UNKNOWN, ""


def _rate(site: Site, outlet: Outlet, told: Told) -> None:
    """Take the ratings from a report, except where the operator has set another value.

    A value is the site's as long as it is what was reported before, or, at an outlet that is not sold yet, what was
    assumed; whatever else stands there was typed.
    """
    new = not outlet.offers
    volts = _nominal(told.volts, outlet.reported_volts)
    if volts is not None:
        if outlet.volts == (outlet.reported_volts or (USUAL_VOLTS if new else None)):
            if new and outlet.reported_w is None and outlet.rated_w == _assumed_w(site, outlet.volts):
                outlet.rated_w = _assumed_w(site, volts)
            outlet.volts = volts
        outlet.reported_volts = volts
    if told.rated_w is not None:
        if outlet.rated_w == (outlet.reported_w or (_assumed_w(site, outlet.volts) if new else None)):
            outlet.rated_w = told.rated_w
        outlet.reported_w = told.rated_w


def _nominal(volts: int | None, before: int | None = None) -> int | None:
    """Return the nominal voltage nearest to a measured one, None for what is none.

    The one of `before` stays as long as it can: what is measured wanders, and 106 V is high for 100 and low for 110.
    """
    if volts is None:
        return None
    if before is not None and abs(before - volts) <= before // 10:
        return before
    nearest = min(_NOMINAL_VOLTS, key=lambda nominal: abs(nominal - volts))
    return nearest if abs(nearest - volts) <= nearest // 10 else None


async def free_code(session: AsyncSession) -> str:
    """Return a new code that no slip turns into one that there is."""
    while True:
        code = codes.new_code()
        if await repository.code_among(session, codes.slips(code)) is None:
            return code
