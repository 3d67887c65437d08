"""What an operator sets up: sites with their way in, and what is said and sold at their outlets."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import count
from typing import Any, Final
from zoneinfo import available_timezones

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.grid.regions import find_region
from konsento.kit.ids import new_id, new_token
from konsento.models import Metering, Outlet, PresenceCheck, SecurityProfile, Site
from konsento.sites import hours, proofs, repository
from konsento.sites.errors import (
    BadHours,
    BadMeteringClass,
    BadNumber,
    BadPosition,
    BadStationId,
    NameMissing,
    StationIdTaken,
    TextTooLong,
    TooManyOffers,
    UnknownTimeZone,
)

LONGEST_NAME: Final = 100
LONGEST_PLACE: Final = 200
LONGEST_NOTE: Final = 200
PASSWORD_LENGTH: Final = 24
"""Characters of A-Z0-9, 124 bits. OCPP takes 16 to 40 (2.1 part 2, A00.FR.205)."""
THOUSANDTHS: Final = 1000
LEAST_W, MOST_W = 100, 400_000
LEAST_V, MOST_V = 90, 480
MOST_WH: Final = 100_000
MOST_S: Final = 86_400
MOST_OFFERS: Final = 12
"""Prices at one outlet: what fits on a phone to be compared."""
METERING_CLASSES: Final = ("n3", "n5", "n6")
"""Classes of meters whose use can be notified (Japan's specified metering)."""
_STATION_ID: Final = re.compile(r"[a-z][a-z0-9-]{1,46}[a-z0-9]")
_AREAS: Final = frozenset(
    {"Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"}
)


@dataclass(frozen=True, kw_only=True)
class SiteDetails:
    """What is said about a site."""

    name: str
    place: str
    time_zone: str
    latitude: float | None
    longitude: float | None
    region: str | None = None
    """Code of the region of the grid in which it lies; None: nothing is advised for it."""
    presence: PresenceCheck = PresenceCheck.NONE
    security_profile: SecurityProfile = SecurityProfile.BASIC


@dataclass(frozen=True, kw_only=True)
class OutletDetails:
    """What is said about an outlet."""

    name: str
    tariff_names: tuple[str, ...]
    """In the order in which drivers see them; none: nothing is sold."""
    rated_w: int
    volts: int
    most_wh: int | None
    most_s: int | None
    plan_x: int | None
    plan_y: int | None
    metering: Metering = Metering.VERIFIED
    metering_class: str = ""


@cache
def time_zones() -> tuple[str, ...]:
    """Return the time zones to choose from: those of places, and UTC."""
    return ("UTC", *sorted(name for name in available_timezones() if name.partition("/")[0] in _AREAS))


async def create(session: AsyncSession, details: SiteDetails, at: datetime, station_id: str = "") -> tuple[Site, str]:
    """Make a site; returns it and its password, which is kept nowhere. Without a station id one is made of the name.

    Raises `BadSite`, `UnknownRegion`.
    """
    _check(details)
    await check_region(session, details)
    wanted = station_id.strip()
    if wanted and not _STATION_ID.fullmatch(wanted):
        raise BadStationId
    if wanted and await repository.site_by_station(session, wanted) is not None:
        raise StationIdTaken(station_id=wanted)
    password = new_token(PASSWORD_LENGTH)
    station = wanted or await free_station_id(session, details.name)
    site = new_site(details, station, proofs.stored_random(password))
    site.password_changed_at = at
    try:
        async with session.begin_nested():
            session.add(site)
    except IntegrityError:  # another operator made it meanwhile, at another process
        raise StationIdTaken(station_id=site.station_id) from None
    return site, password


def new_site(details: SiteDetails, station_id: str, password_hash: str) -> Site:
    """Return a site that is not in the database yet. Raises `BadSite`."""
    _check(details)
    return Site(
        id=new_id(),
        station_id=station_id,
        password_hash=password_hash,
        next_password_hashes=[],
        connected=False,
        opening_hours="",
        **vars(details),
    )


async def check_region(session: AsyncSession, details: SiteDetails) -> None:
    """Raise `UnknownRegion` where a site would lie in a region that there is not."""
    if details.region is not None:
        await find_region(session, details.region)


async def free_station_id(session: AsyncSession, name: str) -> str:
    """Return a station id that reads like a name and that no site has."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    base = re.sub(r"[^a-z0-9]+", "-", plain).strip("-0123456789")[:40].rstrip("-")
    # A name in Japanese says nothing in these letters.
    base = base if len(base) >= 3 else "site"
    for number in count(1):
        candidate = base if number == 1 and base != "site" else f"{base}-{number}"
        if await repository.site_by_station(session, candidate) is None:
            return candidate
    raise AssertionError  # numbers do not end


def change(site: Site, details: SiteDetails) -> dict[str, Any]:
    """Change what is said about a site; returns what is new. Raises `BadSite`."""
    _check(details)
    return _set(site, vars(details))


def set_hours(site: Site, week: hours.OpeningHours | None) -> dict[str, Any]:
    """Set when a site is open, None for always; returns what is new. Raises `BadHours`."""
    text = str(week) if week is not None else ""
    if len(text) > hours.LONGEST_TEXT:
        raise BadHours
    return _set(site, {"opening_hours": text})


def change_outlet(outlet: Outlet, details: OutletDetails) -> dict[str, Any]:
    """Change what is said about an outlet, its offers loaded; returns what is new. The caller checks the tariffs.

    Raises `BadSite`.
    """
    _check_name(details.name)
    _in_range(details.rated_w, LEAST_W, MOST_W)
    _in_range(details.volts, LEAST_V, MOST_V)
    _in_range(details.most_wh, 1, MOST_WH)
    _in_range(details.most_s, 60, MOST_S)
    _in_range(details.plan_x, 0, THOUSANDTHS)
    _in_range(details.plan_y, 0, THOUSANDTHS)
    check_metering(details.metering, details.metering_class)
    values = vars(details).copy()
    offers = set_offers(outlet, values.pop("tariff_names"))
    return offers | _set(outlet, values)


def set_offers(outlet: Outlet, names: Sequence[str]) -> dict[str, Any]:
    """Set at which tariffs an outlet, its offers loaded, is sold, in order; returns what is new.

    The caller checks that there are such tariffs. Raises `TooManyOffers`.
    """
    if len(names) > MOST_OFFERS or len(set(names)) < len(names):
        raise TooManyOffers(most=MOST_OFFERS)
    if list(outlet.tariff_names) == list(names):
        return {}
    outlet.tariff_names = list(names)
    return {"tariffs": list(names)}


def check_metering(metering: Metering, metering_class: str) -> None:
    """Raise `BadMeteringClass` where the class does not belong to the basis."""
    if (metering_class in METERING_CLASSES) is not (metering is Metering.NOTIFIED):
        raise BadMeteringClass(classes=", ".join(METERING_CLASSES))


def put_out_of_order(outlet: Outlet, note: str) -> None:
    """Put an outlet out of order, with a note for drivers that may be empty. Raises `TextTooLong`."""
    plain = " ".join(note.split())
    if len(plain) > LONGEST_NOTE:
        raise TextTooLong(most=LONGEST_NOTE)
    outlet.closed_note = plain


def put_in_order(outlet: Outlet) -> None:
    """Put an outlet back in order."""
    outlet.closed_note = None


def _check(details: SiteDetails) -> None:
    _check_name(details.name)
    if len(details.place) > LONGEST_PLACE:
        raise TextTooLong(most=LONGEST_PLACE)
    if details.time_zone not in time_zones():
        raise UnknownTimeZone
    latitude, longitude = details.latitude, details.longitude
    if latitude is None and longitude is None:
        return
    # NaN is in no range.
    if latitude is None or longitude is None or not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise BadPosition


def _check_name(name: str) -> None:
    if not 1 <= len(name) <= LONGEST_NAME:
        raise NameMissing(most=LONGEST_NAME)


def _in_range(value: int | None, least: int, most: int) -> None:
    if value is not None and not least <= value <= most:
        raise BadNumber(least=least, most=most)


def _set(row: Site | Outlet, values: dict[str, Any]) -> dict[str, Any]:
    new = {name: value for name, value in values.items() if getattr(row, name) != value}
    for name, value in new.items():
        setattr(row, name, value)
    return new
