"""What a site's station says it is, its connectors, and who keeps the limits of sessions there."""

from dataclasses import dataclass
from itertools import groupby
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.backoffice.render import exact_time
from konsento.backoffice.words import OUTLETS
from konsento.charging.enforcement import Enforcement, enforcement, overshoot_wh
from konsento.kit.i18n import Language, marked
from konsento.models import Charger, Connector, Outlet, Site
from konsento.ocpp import Version
from konsento.sites import chargers

LIMITS: Final = {
    Enforcement.OUTLET: marked(
        "The outlets keep the limits of sessions by themselves, also without a line. At most {energy} more flows."
    ),
    Enforcement.CHARGER: marked(
        "The charger says that it keeps the limits of sessions by itself. Where it does not confirm one, this server"
        " watches the meter and stops it. At most {energy} more is to be expected."
    ),
    Enforcement.SERVER: marked(
        "The charger keeps no limits. This server watches the meter and stops it: when the power rises right after a"
        " reading, up to {energy} more can flow. Without a line nothing is stopped. Nobody is billed more than was"
        " held."
    ),
}
"""By kind of enforcement, with what may flow beyond a limit."""


@dataclass(frozen=True, kw_only=True)
class EvseRow:
    """An EVSE and its connectors."""

    evse_id: int
    connectors: tuple[tuple[int, str, str], ...]
    """Number, kind and state."""


@dataclass(frozen=True, kw_only=True)
class ChargerView:
    """What the page of a site writes about its station."""

    facts: tuple[tuple[str, str], ...]
    """Name and value."""
    evses: tuple[EvseRow, ...]
    limits: str


async def charger_view(
    session: AsyncSession, language: Language, site: Site, outlets: list[Outlet], version: Version | None
) -> ChargerView | None:
    """Return what is known of a site's station; None before it has started for the first time."""
    charger = await session.get(Charger, site.id)
    if charger is None or charger.booted_at is None:
        return None
    text = language.text
    facts = [
        (text("Make"), charger.make),
        (text("Model"), charger.model),
        (text("Serial number of the charger"), charger.serial),
        (text("Firmware version"), charger.firmware),
        (text("Protocol"), f"OCPP {version.removeprefix('ocpp')}" if version is not None else ""),
        (text("Started"), exact_time(language, charger.booted_at, site.time_zone)),
    ]
    if not site.ours:
        interval = language.duration(charger.sample_s) if charger.sample_s is not None else text("not told")
        facts.append((text("Meter readings every"), interval))
    return ChargerView(
        facts=tuple((name, value) for name, value in facts if value),
        evses=_evses(language, await chargers.connectors_of(session, site)),
        limits=_limits(language, site, charger, outlets, version),
    )


def _evses(language: Language, connectors: list[Connector]) -> tuple[EvseRow, ...]:
    return tuple(
        EvseRow(
            evse_id=evse_id,
            connectors=tuple(
                (one.connector_id, chargers.kind_name(one.kind) or one.kind, language.text(OUTLETS[one.status]))
                for one in group
            ),
        )
        for evse_id, group in groupby(connectors, lambda one: one.evse_id)
    )


def _limits(language: Language, site: Site, charger: Charger, outlets: list[Outlet], version: Version | None) -> str:
    kind = enforcement(ours=site.ours, version=version, limits=charger.limits)
    most = max((overshoot_wh(kind, outlet.rated_w, charger.sample_s) for outlet in outlets), default=0)
    return language.text(LIMITS[kind], energy=f"{language.number(most)} Wh")
