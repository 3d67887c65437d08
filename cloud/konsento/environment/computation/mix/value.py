"""What a half hour's mix causes per kWh."""

from collections.abc import Mapping
from decimal import Decimal

from konsento.environment.computation.formulas import ZERO, Intensity
from konsento.environment.computation.mix.slots import IMPORTED, STORED


def intensity_of(
    kwh: Mapping[str, int], by_type: Mapping[str, Intensity], elsewhere: Intensity, loss: Decimal
) -> Intensity | None:
    """Return the average of what fed the grid, per kWh fed in; None where nothing did.

    Imports, and what storage gives back, count as `elsewhere`, the country's average. Where that is told per kWh that
    reaches customers, the losses in it (`loss`, a share of what is fed in) are taken out again.
    """
    total = sum(kwh.values())
    if total <= 0:
        return None
    outside = elsewhere.direct * (1 - loss) if elsewhere.losses_within else elsewhere.direct
    direct = upstream = ZERO
    for source, amount in kwh.items():
        if source in {IMPORTED, STORED}:
            direct += amount * outside
            upstream += amount * elsewhere.upstream
        else:
            direct += amount * by_type[source].direct
            upstream += amount * by_type[source].upstream
    return Intensity(direct=direct / total, upstream=upstream / total)
