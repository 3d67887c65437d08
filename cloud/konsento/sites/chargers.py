"""Chargers of others: what they say they are, and their connectors. Each EVSE of theirs is an outlet here."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.models import Charger, Connector, OutletStatus, Site
from konsento.sites.outlets import HIGHEST_EVSE

MOST_CONNECTORS: Final = 8
"""Connectors of one EVSE."""
_KINDS: Final = {
    "ccs1": "CCS 1",
    "ccs2": "CCS 2",
    "chaoji": "ChaoJi",
    "g105": "CHAdeMO",
    "gbt-dc": "GB/T DC",
    "gbt": "GB/T",
    "nacs": "NACS",
    "tesla": "Tesla",
    "type1": "Type 1",
    "type2": "Type 2",
    "type3": "Type 3",
    "winductive": "inductive",
    "wresonant": "inductive",
}
"""What OCPP calls connectors (2.1 part 2, ConnectorEnumType), without the letter for cable or socket."""
# What the EVSE is, from what its connectors are: any that can be used makes it usable.
_ORDER: Final = (
    OutletStatus.OCCUPIED,
    OutletStatus.RESERVED,
    OutletStatus.AVAILABLE,
    OutletStatus.FAULTED,
    OutletStatus.UNAVAILABLE,
)


@dataclass(frozen=True, kw_only=True)
class About:
    """What a station says it is when it starts."""

    make: str
    model: str
    serial: str
    firmware: str


def kind_name(kind: str) -> str:
    """Return what people call a connector; empty for a kind of which nobody has heard."""
    low = kind.strip().lower()
    return _KINDS.get(low) or _KINDS.get(low[1:]) or ""


async def charger_of(session: AsyncSession, site: Site) -> Charger:
    """Return what is known of a site's station, an empty row where nothing is."""
    charger = await session.get(Charger, site.id)
    if charger is None:
        charger = Charger(site_id=site.id, make="", model="", serial="", firmware="", limits="")
        session.add(charger)
        await session.flush()
    return charger


async def note_start(session: AsyncSession, site: Site, about: About, at: datetime) -> None:
    """Note what a station says it is."""
    charger = await charger_of(session, site)
    charger.make, charger.model = _plain(about.make), _plain(about.model)
    charger.serial, charger.firmware = _plain(about.serial), _plain(about.firmware)
    charger.booted_at = at


def _plain(text: str) -> str:
    # No database takes a NUL in a text, and nobody reads the other ones.
    return "".join(c for c in text if c.isprintable())[:50]


async def note_kinds(session: AsyncSession, site: Site, kinds: Mapping[tuple[int, int], str]) -> None:
    """Note which connectors a charger reports; the keys are EVSE and connector."""
    for (evse_id, connector_id), kind in kinds.items():
        connector = await _connector(session, site, evse_id, connector_id)
        if connector is not None:
            connector.kind = kind[:20] or connector.kind


async def note_connector(
    session: AsyncSession, site: Site, evse_id: int, connector_id: int, status: OutletStatus
) -> OutletStatus:
    """Note the state of a connector; returns the state of its EVSE."""
    connector = await _connector(session, site, evse_id, connector_id)
    if connector is None:
        return status
    connector.status = status
    await session.flush()
    states = {one.status for one in await connectors_of(session, site) if one.evse_id == evse_id}
    return next((state for state in _ORDER if state in states), status)


async def connectors_of(session: AsyncSession, site: Site) -> list[Connector]:
    """Return the connectors of a site, by EVSE and number."""
    query = select(Connector).where(Connector.site_id == site.id)
    return list(await session.scalars(query.order_by(Connector.evse_id, Connector.connector_id)))


async def _connector(session: AsyncSession, site: Site, evse_id: int, connector_id: int) -> Connector | None:
    if not (1 <= evse_id <= HIGHEST_EVSE and 1 <= connector_id <= MOST_CONNECTORS):
        return None
    connector = await session.get(Connector, (site.id, evse_id, connector_id))
    if connector is None:
        connector = Connector(
            site_id=site.id, evse_id=evse_id, connector_id=connector_id, kind="", status=OutletStatus.UNKNOWN
        )
        session.add(connector)
    return connector
