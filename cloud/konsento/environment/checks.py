"""Rules for one measurement, each with its reason. Pure: who has sent what before is looked at in `intake`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Final
from uuid import UUID

from pydantic import ValidationError

from konsento.environment.regions import Tree
from konsento.environment.wire import LONGEST, MOST_WH, SLOT, UNKNOWN_SUPPLIER, Measurement, Reason

CLOCKS_DIFFER: Final = timedelta(minutes=5)
"""By so much the sender's clock may be ahead."""
OLDEST: Final = timedelta(days=400)
MOST_W: Final = 50_000
"""The highest average power: an outlet has a fifteenth of it, so more is a mistake in the unit."""
_LEAST_SECONDS: Final = 2
"""Times are whole seconds, so the average of a shorter measurement says nothing."""


@dataclass(frozen=True)
class Refusal:
    """Why an item is not taken."""

    reason: Reason
    detail: str
    """For the operator of the sender: which rule, never what the item held."""


def read(raw: object) -> Measurement | Refusal:
    """Read one item of a batch."""
    try:
        return Measurement.model_validate(raw)
    except ValidationError as error:
        return _refusal(error.errors(include_input=False, include_url=False, include_context=False)[0])


def id_of(raw: object) -> UUID | None:
    """Return the id of an item that could not be read, for the answer, if there is any."""
    try:
        return UUID(str(raw["id"])) if isinstance(raw, Mapping) else None
    except KeyError, ValueError:
        return None


def _refusal(error: Mapping[str, Any]) -> Refusal:
    field = str(error["loc"][0]) if error["loc"] else ""
    is_energy = bool(error["loc"]) and error["loc"][-1] == "wh"
    match error["type"]:
        case "greater_than_equal" if is_energy:
            return Refusal(Reason.NEGATIVE, "Energy is never negative.")
        case "less_than_equal" if is_energy:
            return Refusal(Reason.TOO_MUCH, f"More than {MOST_WH} Wh: is the unit Wh?")
        case "enum" if field == "power_type":
            return Refusal(Reason.UNKNOWN_POWER_TYPE, "This power type is not in the contract.")
        case "extra_forbidden":
            # The name of a field may be anything.
            return Refusal(Reason.BAD_ITEM, "There is a field that the contract does not have.")
    where = ".".join(str(part) for part in error["loc"])
    return Refusal(Reason.BAD_ITEM, f"{where}: {error['msg']}"[:200])


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What a receiver holds a measurement against."""

    now: datetime
    tree: Tree
    suppliers: frozenset[str] | None
    """The known suppliers; None where any well-formed code is taken."""
    regions: frozenset[str]
    """The regions, with what lies in them, that the sender's token is bound to; empty for all."""

    def check(self, item: Measurement) -> Refusal | None:
        """Return why an item is not taken, or None."""
        return self._times(item) or self._energy(item) or self._slices(item) or self._names(item)

    def _times(self, item: Measurement) -> Refusal | None:
        if item.end <= item.start:
            return Refusal(Reason.END_BEFORE_START, "The end is not after the start.")
        if item.end > self.now + CLOCKS_DIFFER:
            return Refusal(Reason.IN_THE_FUTURE, "The end is in the future. Is the clock right?")
        if item.end < self.now - OLDEST:
            return Refusal(Reason.TOO_OLD, f"It ended more than {OLDEST.days} days ago.")
        if item.end - item.start > LONGEST:
            return Refusal(Reason.BAD_ITEM, f"A measurement is of {LONGEST.days} days at most.")
        return None

    def _energy(self, item: Measurement) -> Refusal | None:
        seconds = max(_LEAST_SECONDS, int((item.end - item.start).total_seconds()))
        if item.wh * 3600 > MOST_W * seconds:
            return Refusal(Reason.TOO_MUCH, f"The average power is above {MOST_W // 1000} kW: is the unit Wh?")
        return None

    def _slices(self, item: Measurement) -> Refusal | None:
        if item.slices is None:
            return None
        starts = [one.start for one in item.slices]
        if any(later <= earlier for earlier, later in pairwise(starts)):
            return Refusal(Reason.BAD_ITEM, "slices: they are in the order of time, each half hour once.")
        if starts[0] + SLOT <= item.start or starts[-1] >= item.end:
            return Refusal(Reason.SLICES_OUTSIDE, "A slice lies outside of start and end.")
        if sum(one.wh for one in item.slices) != item.wh:
            return Refusal(Reason.SLICES_DO_NOT_ADD_UP, "The slices do not add up to wh.")
        return None

    def _names(self, item: Measurement) -> Refusal | None:
        if item.region not in self.tree:
            return Refusal(Reason.UNKNOWN_REGION, "This region is not in the tree of regions here.")
        if self.regions and not self.regions.intersection(self.tree.path(item.region)):
            return Refusal(Reason.REGION_NOT_YOURS, "The token is bound to other regions.")
        if self.suppliers is not None and item.supplier not in self.suppliers | {UNKNOWN_SUPPLIER}:
            return Refusal(Reason.UNKNOWN_SUPPLIER, "This supplier is not known here.")
        return None
