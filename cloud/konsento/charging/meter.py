"""Reading meter values off a TransactionEvent: pure."""

from collections.abc import Iterable, Sequence
from decimal import ROUND_FLOOR, Decimal
from operator import attrgetter
from typing import Final, NamedTuple

from konsento.ocpp.messages import Measurand, MeterValue, ReadingContext, SampledValue

_PHASES: Final = frozenset({"L1", "L2", "L3", "L1-N", "L2-N", "L3-N"})
_KILO: Final = {"Wh": 0, "kWh": 3, "W": 0, "kW": 3}
_MOST_MWH: Final = 10**15
"""A million MWh: beyond any register, and within what databases keep."""
_MOST_W: Final = 10**7


_MOST_SECONDS: Final = 10 * 366 * 86_400
_time: Final = attrgetter("timestamp")


class Readings(NamedTuple):
    """What one event says of the meter; None where it says nothing."""

    begin_mwh: int | None = None
    """The first energy register that calls itself the one at the start."""
    register_mwh: int | None = None
    """The newest energy register."""
    power_w: int | None = None
    """The newest power, whole W."""


def read(values: Sequence[MeterValue]) -> Readings:
    """Return what meter values say, in whatever order they stand."""
    begin = register = power = None
    for value in sorted(values, key=_time):
        energies: list[SampledValue] = []
        powers: list[SampledValue] = []
        for sample in value.sampled_value:
            if sample.measurand == Measurand.ENERGY_IMPORT_REGISTER:
                if sample.context != ReadingContext.TRANSACTION_BEGIN:
                    energies.append(sample)
                elif begin is None:
                    begin = _energy(s for s in value.sampled_value if _is_begin(s))
            elif sample.measurand == Measurand.POWER_IMPORT:
                powers.append(sample)
        if energies and (mwh := _energy(energies)) is not None:
            register = mwh
        if powers and (watts := _total(powers)) is not None:
            power = watts
    return Readings(
        begin_mwh=begin,
        register_mwh=register,
        power_w=min(_MOST_W, max(0, int(power.to_integral_value()))) if power is not None else None,
    )


def seconds(value: int | None) -> int | None:
    """Return a station's count of seconds, None where it makes no sense."""
    return value if value is not None and 0 <= value <= _MOST_SECONDS else None


def _is_begin(sample: SampledValue) -> bool:
    return sample.measurand == Measurand.ENERGY_IMPORT_REGISTER and sample.context == ReadingContext.TRANSACTION_BEGIN


def _energy(samples: Iterable[SampledValue]) -> int | None:
    total = _total(samples)
    if total is None:
        return None
    mwh = total * 1000
    return int(mwh.to_integral_value(rounding=ROUND_FLOOR)) if 0 <= mwh <= _MOST_MWH else None


def _total(samples: Iterable[SampledValue]) -> Decimal | None:
    """Return the value of samples of one measurand, taken at one time."""
    found = [(sample.phase, _in_units(sample)) for sample in samples]
    wholes = [value for phase, value in found if phase is None and value is not None]
    if wholes:
        return wholes[-1]
    # Phases are summed only where the meter gives no total.
    phases = {phase: value for phase, value in found if phase in _PHASES and value is not None}
    return sum(phases.values(), Decimal(0)) if phases else None


def _in_units(sample: SampledValue) -> Decimal | None:
    unit = sample.unit_of_measure
    if unit is None:
        return sample.value
    kilo = _KILO.get(unit.unit)
    if kilo is None or not -12 <= unit.multiplier <= 12:
        return None
    shift = kilo + unit.multiplier
    return sample.value.scaleb(shift) if shift else sample.value
