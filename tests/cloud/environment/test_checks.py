"""Each rule for a measurement, and each with its reason."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konsento.environment.checks import Refusal, Rules, id_of, read
from konsento.environment.regions import shipped
from konsento.environment.wire import SLOT, Measurement, Reason, slot_of, spread

from .conftest import AT, item

JANUARY = datetime(2026, 1, 1, tzinfo=UTC)
RULES = Rules(now=AT, tree=shipped(), suppliers=frozenset({"A0269"}), regions=frozenset({"JP-A03"}))


def reason(**more: Any) -> Reason | None:
    found = read(item(**more))
    refusal = found if isinstance(found, Refusal) else RULES.check(found)
    return refusal.reason if refusal else None


def halves(*pairs: tuple[str, int]) -> list[dict[str, Any]]:
    return [{"start": f"2026-11-22T{clock}:00Z", "wh": wh} for clock, wh in pairs]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, None),
        ({"supplier": "unknown"}, None),
        ({"slices": halves(("01:30", 95), ("04:00", 5905))}, None),
        ({"wh": 0}, None),
        ({"driver": "hanako@example.com"}, Reason.BAD_ITEM),
        ({"outlet": "north wall"}, Reason.BAD_ITEM),
        ({"id": "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"}, Reason.BAD_ITEM),
        ({"wh": 6000.5}, Reason.BAD_ITEM),
        ({"wh": "6000"}, Reason.BAD_ITEM),
        ({"wh": None}, Reason.BAD_ITEM),
        ({"start": "2026-11-22T01:58:03"}, Reason.BAD_ITEM),
        ({"start": "2026-11-22T01:58:03.25Z"}, Reason.BAD_ITEM),
        ({"use": "stolen"}, Reason.BAD_ITEM),
        ({"supplier": "Sakura Energy"}, Reason.BAD_ITEM),
        ({"region": "Tokyo"}, Reason.BAD_ITEM),
        ({"slices": halves(("01:30", 3000), ("01:30", 3000))}, Reason.BAD_ITEM),
        ({"slices": [{"start": "2026-11-22T02:10:00Z", "wh": 6000}]}, Reason.BAD_ITEM),
        ({"slices": []}, Reason.BAD_ITEM),
        ({"start": "2026-11-01T00:00:00Z"}, Reason.BAD_ITEM),
        ({"power_type": "nuclear"}, Reason.UNKNOWN_POWER_TYPE),
        ({"region": "JP-48"}, Reason.UNKNOWN_REGION),
        ({"supplier": "A9999"}, Reason.UNKNOWN_SUPPLIER),
        ({"region": "JP-27"}, Reason.REGION_NOT_YOURS),
        ({"end": "2026-11-22T01:58:03Z"}, Reason.END_BEFORE_START),
        ({"end": "2026-11-22T01:00:00Z"}, Reason.END_BEFORE_START),
        ({"end": "2026-11-22T06:16:00Z"}, Reason.IN_THE_FUTURE),
        ({"start": "2025-10-01T00:00:00Z", "end": "2025-10-01T01:00:00Z"}, Reason.TOO_OLD),
        ({"wh": -1}, Reason.NEGATIVE),
        ({"slices": halves(("01:30", -5), ("02:00", 6005))}, Reason.NEGATIVE),
        ({"wh": 6_000_000}, Reason.TOO_MUCH),
        ({"start": "2026-11-22T03:00:00Z", "end": "2026-11-22T03:01:00Z", "wh": 900}, Reason.TOO_MUCH),
        ({"slices": halves(("01:30", 95), ("02:00", 5904))}, Reason.SLICES_DO_NOT_ADD_UP),
        ({"slices": halves(("01:00", 95), ("02:00", 5905))}, Reason.SLICES_OUTSIDE),
        ({"slices": halves(("02:00", 95), ("04:30", 5905))}, Reason.SLICES_OUTSIDE),
    ],
)
def test_a_measurement_is_refused_with_its_reason(more: dict[str, Any], expected: Reason | None) -> None:
    assert reason(**more) == expected


def test_a_refusal_quotes_nothing_of_the_item() -> None:
    for more in ({"hanako@example.com": 1}, {"use": "hanako@example.com"}, {"supplier": "hanako@example.com"}):
        found = read(item(**more))
        assert isinstance(found, Refusal)
        assert "hanako" not in found.detail


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


@given(raw=JSON, field=st.sampled_from([*item(), "slices", "more"]), value=JSON)
def test_whatever_comes_is_read_or_refused(raw: object, field: str, value: object) -> None:
    id_of(raw)
    assert isinstance(read(raw), Refusal)
    found = read(item() | {field: value})
    if isinstance(found, Measurement):
        RULES.check(found)


@st.composite
def measurements(draw: st.DrawFn) -> Measurement:
    start = draw(st.integers(0, 317 * 86_400).map(lambda s: JANUARY + timedelta(seconds=s)))
    end = start + timedelta(seconds=draw(st.integers(1, 7 * 86_400)))
    most = min(100_000, int((end - start).total_seconds() * 50_000 / 3600))
    wh = draw(st.integers(0, most))
    one = item(start=start.isoformat(), end=end.isoformat(), wh=wh)
    found = read(one)
    assert isinstance(found, Measurement)
    return found


@given(one=measurements())
def test_energy_without_slices_is_spread_to_the_last_wh(one: Measurement) -> None:
    parts = spread(one)
    assert sum(wh for _, wh in parts) == one.wh
    assert parts[0][0] == slot_of(one.start)
    assert all(later[0] - earlier[0] == SLOT for earlier, later in pairwise(parts))
    assert parts[-1][0] < one.end <= parts[-1][0] + SLOT
    assert all(wh >= 0 for _, wh in parts)


@given(one=measurements())
def test_what_was_spread_is_taken_as_slices_and_comes_out_the_same(one: Measurement) -> None:
    slices = [{"start": slot.isoformat(), "wh": wh} for slot, wh in spread(one)]
    again = read(one.model_dump(mode="json") | {"slices": slices})
    assert isinstance(again, Measurement)
    assert RULES.check(again) is None
    assert spread(again) == spread(one)
