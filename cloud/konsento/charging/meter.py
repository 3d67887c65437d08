"""Reading meter values off a TransactionEvent: pure."""

from collections.abc import Iterable
from decimal import ROUND_FLOOR, Decimal
from typing import Final

from konsento.ocpp.messages import Measurand, MeterValue, ReadingContext, SampledValue

_PHASES: Final = frozenset({"L1", "L2", "L3", "L1-N", "L2-N", "L3-N"})
_KILO: Final = {"Wh": 0, "kWh": 3, "W": 0, "kW": 3}
_MOST_MWH: Final = 10**15
"""A million MWh: beyond any register, and within what databases keep."""
_MOST_W: Final = 10**7


def register_mwh(values: Iterable[MeterValue]) -> int | None:
    """Return the newest energy register in mWh, None where there is none."""
    registers = [
        register
        for value in sorted(values, key=lambda value: value.timestamp)
        if (register := _energy([s for s in value.sampled_value if s.context != ReadingContext.TRANSACTION_BEGIN]))
        is not None
    ]
    return registers[-1] if registers else None


def begin_mwh(values: Iterable[MeterValue]) -> int | None:
    """Return the energy register that calls itself the one at the start, in mWh; None where there is none."""
    for value in values:
        begin = [s for s in value.sampled_value if s.context == ReadingContext.TRANSACTION_BEGIN]
        register = _energy(begin)
        if register is not None:
            return register
    return None


def power_w(values: Iterable[MeterValue]) -> int | None:
    """Return the newest power in whole W, None where there is none."""
    powers = [
        power
        for value in sorted(values, key=lambda value: value.timestamp)
        if (power := _total(value.sampled_value, Measurand.POWER_IMPORT)) is not None
    ]
    if not powers:
        return None
    return min(_MOST_W, max(0, int(powers[-1].to_integral_value())))


def _energy(samples: Iterable[SampledValue]) -> int | None:
    total = _total(samples, Measurand.ENERGY_IMPORT_REGISTER)
    if total is None or not 0 <= total * 1000 <= _MOST_MWH:
        return None
    return int((total * 1000).to_integral_value(rounding=ROUND_FLOOR))


def _total(samples: Iterable[SampledValue], measurand: Measurand) -> Decimal | None:
    found = [(sample.phase, _in_units(sample)) for sample in samples if sample.measurand == measurand]
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
    return sample.value.scaleb(kilo + unit.multiplier)
