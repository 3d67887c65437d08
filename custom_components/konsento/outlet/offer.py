"""What a plain ESPHome device offers to an outlet, and whether it works, before it is taken into a site."""

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aioesphomeapi.model import EntityInfo, EntityState, SensorInfo, SensorState, SwitchInfo, SwitchState
from zeroconf.asyncio import AsyncZeroconf

from .address import (
    PROJECT,
    GuardedError,
    Identity,
    NoPartsError,
    NoReadingError,
    OutletAddress,
    connected,
    identity_of,
)
from .plain import ENERGY_UNITS, POWER_UNITS, PlainParts

_FIRST_READING_S = 65.0
"""ESPHome's meters measure once a minute unless their file says otherwise."""
_UNITS: Mapping[str, frozenset[str]] = {
    "power": frozenset(POWER_UNITS),
    "energy": frozenset(ENERGY_UNITS),
    "voltage": frozenset({"V"}),
    "current": frozenset({"A"}),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Offer:
    """Who has answered, and for each part of an outlet what there is of it: names by object id."""

    identity: Identity
    parts: Mapping[str, Mapping[str, str]]

    def id_with(self, relay: str) -> str:
        """Return what the outlet with this relay is known by: a device may have several."""
        return self.identity.mac if len(self.parts["relay"]) == 1 else f"{self.identity.mac}_{relay}"


async def look(address: OutletAddress, zeroconf: AsyncZeroconf) -> Offer:
    """Connect and see what there is.

    Raises what `identify` raises, GuardedError for an outlet that guards itself, and NoPartsError.
    """
    async with connected(address, zeroconf) as client:
        info, entities, _ = await client.device_info_and_list_entities()
    if info.project_name == PROJECT:
        raise GuardedError
    offer = Offer(identity=identity_of(info), parts=_parts(entities))
    if not offer.parts["relay"] or not (offer.parts["power"] or offer.parts["energy"]):
        raise NoPartsError
    return offer


def _parts(entities: Sequence[EntityInfo]) -> dict[str, dict[str, str]]:
    parts: dict[str, dict[str, str]] = {part: {} for part in ("relay", *_UNITS)}
    for entity in entities:
        if entity.device_id:
            continue
        if isinstance(entity, SwitchInfo):
            parts["relay"][entity.object_id] = entity.name
        elif isinstance(entity, SensorInfo):
            for part, units in _UNITS.items():
                if entity.unit_of_measurement in units:
                    parts[part][entity.object_id] = entity.name
    return parts


async def try_parts(address: OutletAddress, zeroconf: AsyncZeroconf, parts: PlainParts) -> None:
    """Wait until the relay has said what it is and every chosen meter has told a number.

    Raises what `identify` raises, and NoReadingError.
    """
    async with connected(address, zeroconf) as client:
        _, entities, _ = await client.device_info_and_list_entities()
        awaited = {each.key for each in entities if not each.device_id and each.object_id in parts.named}
        if len(awaited) < len(parts.named):
            raise NoReadingError
        all_told = asyncio.Event()

        def hear(state: EntityState) -> None:
            number = isinstance(state, SensorState) and not state.missing_state and math.isfinite(state.state)
            if number or isinstance(state, SwitchState):
                awaited.discard(state.key)
            if not awaited:
                all_told.set()

        client.subscribe_states(hear)
        try:
            async with asyncio.timeout(_FIRST_READING_S):
                await all_told.wait()
        except TimeoutError as error:
            raise NoReadingError from error
