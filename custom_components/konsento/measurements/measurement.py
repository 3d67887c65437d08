"""One measurement as it leaves the site (docs/contracts.md §4): an allow-list of fields, none of them free text."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from ..control import half_hours
from ..control.session import LOCAL, Session

POWER_TYPES = frozenset({"solar", "wind", "hydro", "geothermal", "biomass", "gas", "coal", "oil", "other"})
OTHER_POWER = "other"
UNKNOWN_SUPPLIER = "unknown"
_SUPPLIER = re.compile(r"[A-Z0-9][A-Z0-9_-]{0,31}")
_REGION = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,8})?")


class Use(StrEnum):
    """Whom the energy was for."""

    RESOLD = "resold"
    """A driver, through a management server."""
    OWN = "own"
    """The site itself: a session that its owner has started."""


def is_region(code: str) -> bool:
    """Whether a text has the form of a region's code."""
    return _REGION.fullmatch(code) is not None


@dataclass(frozen=True, kw_only=True, slots=True)
class Measurement:
    """Energy that one outlet supplied in one time. Times are whole seconds, energy is whole Wh."""

    id: str
    """Random; says nothing, and makes sending twice harmless."""
    outlet: str
    """Random reference of the outlet, another one each month."""
    region: str
    start: datetime
    end: datetime
    wh: int
    slices: tuple[tuple[datetime, int], ...]
    """(beginning of a half hour, Wh): adds up to `wh`. Empty where it is not known when the energy flowed."""
    power_type: str
    supplier: str
    use: str

    @classmethod
    def of(
        cls, session: Session, *, id_: str, outlet: str, region: str, start: datetime, end: datetime, told_wh: int = 0
    ) -> Self:
        """Return what a session that is over took from `start` to `end`.

        `told_wh` was told before; then this is what came to light afterwards, all in the half hour that it begins in.
        """
        wh = session.energy_mwh // 1000 - told_wh
        start = start.replace(microsecond=0)
        end = max(end.replace(microsecond=0), start + timedelta(seconds=1))
        first = half_hours.begin_of(half_hours.half_hour_of(start))
        parts = ((first, wh),) if told_wh else _slices(session, start, end, wh)
        kind, supplier = session.power_type.lower(), session.supplier_code
        return cls(
            id=id_,
            outlet=outlet,
            region=region,
            start=start,
            end=end,
            wh=wh,
            slices=parts,
            power_type=kind if kind in POWER_TYPES else OTHER_POWER,
            supplier=supplier if _SUPPLIER.fullmatch(supplier) else UNKNOWN_SUPPLIER,
            use=Use.OWN if session.server == LOCAL else Use.RESOLD,
        )

    def to_wire(self) -> dict[str, Any]:
        """Return what is sent."""
        wire: dict[str, Any] = {
            "id": self.id,
            "outlet": self.outlet,
            "region": self.region,
            "start": text_of(self.start),
            "end": text_of(self.end),
            "wh": self.wh,
            "power_type": self.power_type,
            "supplier": self.supplier,
            "use": self.use,
        }
        if self.slices:
            wire["slices"] = [{"start": text_of(start), "wh": wh} for start, wh in self.slices]
        return wire


def envelope(measurements: Sequence[Measurement]) -> dict[str, Any]:
    """Return the body of one delivery."""
    return {"measurements": [each.to_wire() for each in measurements]}


def text_of(at: datetime) -> str:
    """Return a time as it is written on the wire, and in the journal, where texts of this form sort by time."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _slices(session: Session, start: datetime, end: datetime, wh: int) -> tuple[tuple[datetime, int], ...]:
    known = half_hours.within(session.half_hours, start, end)
    weights = [mwh for _, mwh in known]
    if sum(weights) != session.energy_mwh:
        return ()
    shares = half_hours.divided(wh, weights)
    return tuple(
        (half_hours.begin_of(number), share) for (number, _), share in zip(known, shares, strict=True) if share
    )
