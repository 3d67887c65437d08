"""Answers of other suppliers' servers: refused as a whole where they differ from the contract."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konsento.kit.i18n import LANGUAGES
from konsento.kit.offer_view import offer_views
from konsento.kit.offers import BadAnswer, OutletOffers, SupplierOffers

BASE = "https://kaze.example"
AT = datetime(2026, 11, 29, 20, 0, tzinfo=UTC)


def offer(**changes: Any) -> dict[str, Any]:
    said = {
        "name": "wind",
        "supplier": "Kaze Denki",
        "power_type": "wind",
        "currency": "JPY",
        "per_kwh": "34",
        "parts": [{"kind": "energy", "price": "34"}],
        "tax_rate": "0.10",
    }
    return said | changes


def outlet(**changes: Any) -> dict[str, Any]:
    said = {
        "outlet": "K3VQ5B2XJ6M7.1",
        "number": 1,
        "page": f"{BASE}/o/WKYXCN",
        "state": "free",
        "state_as_of": None,
        "offers": [offer()],
    }
    return said | changes


def answer(**changes: Any) -> bytes:
    said = {"operator": "Kaze Denki", "as_of": AT.isoformat(), "outlets": [outlet()]}
    return json.dumps(said | changes).encode()


def test_an_answer_of_the_contract_is_read_also_with_what_a_later_version_adds() -> None:
    told = SupplierOffers.read(answer(later={"version": 2}), BASE)

    assert told.of(1) is not None
    assert told.of(2) is None
    assert SupplierOffers.model_validate(told.to_json()) == told


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"<html>",
        answer(operator=""),
        answer(operator="Kaze\nDenki"),
        answer(as_of="2026-11-29T20:00:00"),
        answer(outlets=[outlet(page="https://evil.example/o/WKYXCN")]),
        answer(outlets=[outlet(page="https://kaze.example.evil.example/o/WKYXCN")]),
        answer(outlets=[outlet(page="javascript:alert(1)")]),
        answer(outlets=[outlet(page=f"{BASE}/account")]),
        answer(outlets=[outlet(outlet="../../x")]),
        answer(outlets=[outlet(number=0)]),
        answer(outlets=[outlet(state="open")]),
        answer(outlets=[outlet(offers=[offer(per_kwh="-1")])]),
        answer(outlets=[outlet(offers=[offer(per_kwh="1e9")])]),
        answer(outlets=[outlet(offers=[offer(per_kwh="NaN")])]),
        answer(outlets=[outlet(offers=[offer(parts=[])])]),
        answer(outlets=[outlet(offers=[offer(currency="yen")])]),
        answer(outlets=[outlet(offers=[offer(tax_rate="1")])]),
        answer(outlets=[outlet(offers=[offer(name="x" * 101)])]),
        answer(outlets=[outlet(offers=[offer(carbon_g_per_kwh=-1)])]),
        answer(outlets=[outlet(offers=[offer()] * 31)]),
        answer(outlets=[outlet()] * 1001),
    ],
)
def test_any_other_answer_is_refused_as_a_whole(body: bytes) -> None:
    with pytest.raises(BadAnswer):
        SupplierOffers.read(body, BASE)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(list(offer())), inner, max_size=5),
    max_leaves=8,
)


@given(st.sampled_from(["operator", "as_of", "outlets"]), JSON)
def test_nonsense_in_any_place_is_refused_and_never_breaks_anything(name: str, nonsense: Any) -> None:
    body = json.loads(answer()) | {name: nonsense}
    with suppress(BadAnswer):
        SupplierOffers.read(json.dumps(body).encode(), BASE)


def test_prices_are_read_by_the_kwh_and_cheapest_first_with_what_else_they_are_of() -> None:
    parts = [
        {"kind": "energy", "price": "40"},
        {"kind": "energy", "price": "25", "from_time": "22:00", "to_time": "24:00", "weekdays": [5, 6]},
        {"kind": "session", "price": "50"},
        {"kind": "idle", "price": "5", "free_s": 600},
    ]
    offers = [
        offer(name="time", per_kwh=None, parts=[{"kind": "time", "price": "2.5"}], power_type="wave"),
        offer(name="dear", per_kwh="40", parts=parts, minimum="100", maximum="2000", carbon_g_per_kwh=12),
        offer(name="cheap", power_names={"ja": "海風"}),
    ]
    told = OutletOffers.model_validate(outlet(offers=offers))
    english, japanese = (LANGUAGES.get(code) for code in ("en", "ja"))
    assert english is not None
    assert japanese is not None

    cheap, dear, by_time = offer_views(english, told)

    assert [one.name for one in (cheap, dear, by_time)] == ["cheap", "dear", "time"]
    assert (cheap.price, cheap.more, cheap.power) == ("¥34 / kWh", "", "Wind")
    assert dear.price == "¥40 / kWh"
    assert dear.more == (
        "other rates at some times · ¥50 per charging · ¥5 / min idle · at least ¥100 · at most ¥2,000"
    )
    assert (dear.carbon, cheap.carbon) == ("12 g CO₂/kWh", "CO₂ not stated")
    assert (by_time.price, by_time.power) == ("¥2.50 / min", "Other power")
    assert offer_views(japanese, told)[0].power == "海風"
