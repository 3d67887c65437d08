"""ENTSO-E, Great Britain's Carbon Intensity API, and Electricity Maps."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from konsento.grid import errors
from konsento.grid.readers import read
from konsento.grid.reading import Reading
from konsento.grid.records import FirstType, Series, Supply

from ..files import (
    MIX_OF_BRITAIN,
    NO_DATA,
    british,
    british_region,
    electricity_maps,
    entsoe_file,
    entsoe_prices,
)

BEGIN = datetime(2026, 3, 27, 23, tzinfo=UTC)
"""The midnight with which a Danish day begins."""
HOUR = timedelta(hours=1)


def refused(content: bytes, reason: type[errors.Unreadable], **given: str) -> str:
    with pytest.raises(reason) as caught:
        read(content, **given)  # type: ignore[arg-type]
    assert type(caught.value) is reason
    return str(caught.value)


def demands(reading: Reading) -> list[int | None]:
    return [slot.demand_kwh for slot in reading.slots]


# --- ENTSO-E


@pytest.mark.parametrize(("resolution", "count"), [("PT15M", 96), ("PT30M", 48), ("PT60M", 24)])
def test_a_load_forecast_is_read(resolution: str, count: int) -> None:
    sample = entsoe_file("A65", "A01", {"": [1200 + n for n in range(count)]}, BEGIN, resolution=resolution)

    reading = read(sample.content)

    assert (reading.format, reading.region, reading.missing) == ("entsoe", "DK-DK2", ())
    minutes = 1440 // count
    assert demands(reading) == [round((1200 + n) * 1000 * minutes / 60) for n in range(count)]
    first = reading.slots[0]
    assert (first.begin, first.minutes, first.series) == (BEGIN, minutes, Series.FORECAST)
    assert first.issued_at == datetime(2026, 3, 28, 12, tzinfo=UTC)


@pytest.mark.parametrize(("begin", "hours"), [(BEGIN + 24 * HOUR, 23), (datetime(2026, 10, 24, 22, tzinfo=UTC), 25)])
def test_days_of_23_and_25_hours_have_as_many_slots(begin: datetime, hours: int) -> None:
    reading = read(entsoe_file("A65", "A01", {"": [1000] * hours}, begin).content)

    assert len({slot.begin for slot in reading.slots}) == hours
    assert reading.missing == ()


def test_a_point_that_is_left_out_is_like_the_one_before_or_missing_as_the_curve_says() -> None:
    points = [1000, None, None, 1300, None, 1500]

    carried = read(entsoe_file("A65", "A01", {"": points}, BEGIN, curve="A03").content)
    fixed = read(entsoe_file("A65", "A01", {"": points}, BEGIN).content)

    assert demands(carried) == [1_000_000, 1_000_000, 1_000_000, 1_300_000, 1_300_000, 1_500_000]
    assert demands(fixed) == [1_000_000, 1_300_000, 1_500_000]
    assert [begin for _, begin in fixed.missing] == [BEGIN + n * HOUR for n in (1, 2, 4)]


def test_wind_and_sun_are_added_and_where_one_is_missing_there_is_no_sum() -> None:
    series = {"B16": [0, 100, 200], "B18": [500, 500, 500], "B19": [300, None, 300]}

    reading = read(entsoe_file("A69", "A01", series, BEGIN).content)

    assert [slot.first_kwh for slot in reading.slots] == [800_000, 1_000_000]
    assert {slot.first for slot in reading.slots} == {FirstType.WIND_SOLAR}
    assert reading.missing == (("DK-DK2", BEGIN + HOUR),)


def test_generation_by_type_gives_supply_and_its_share_without_what_pumps_take() -> None:
    series = {"B04": [700, 700], "B16": [200, 300], "B19": [100, 0]}
    sample = entsoe_file("A75", "A16", series, BEGIN, consumption=[999, 999])

    slot = read(sample.content).slots[0]

    assert (slot.supply_kwh, slot.supply, slot.first_kwh) == (1_000_000, Supply.GENERATION, 300_000)
    assert slot.series is Series.ACTUAL


def test_what_plants_take_for_themselves_is_no_generation() -> None:
    slot = read(entsoe_file("A75", "A16", {"B04": [-5], "B16": [-1], "B19": [100]}, BEGIN).content).slots[0]

    assert (slot.supply_kwh, slot.first_kwh) == (100_000, 100_000)


def test_hours_and_quarters_in_one_document_are_joined_by_quarters() -> None:
    sun = entsoe_file("A69", "A01", {"B16": [40] * 8}, BEGIN, resolution="PT15M").content.decode()
    wind = entsoe_file("A69", "A01", {"B19": [100, 200]}, BEGIN).content.decode()
    more = wind[wind.index("<TimeSeries>") : wind.index("</GL_")]

    reading = read(sun.replace("</GL_", more + "</GL_").encode())

    assert [slot.first_kwh for slot in reading.slots] == [35_000] * 4 + [60_000] * 4


def test_generation_is_forecast_in_all() -> None:
    slot = read(entsoe_file("A71", "A01", {"": [3000]}, BEGIN).content).slots[0]

    assert (slot.supply_kwh, slot.demand_kwh, slot.first_kwh, slot.first) == (3_000_000, None, None, None)


def test_prices_are_read_per_kwh_and_may_be_negative() -> None:
    reading = read(entsoe_prices([45.67, None, -5.5, 0], BEGIN).content)

    assert [price.price for price in reading.prices] == [Decimal(n) for n in ("0.04567", "0.04567", "-0.0055", "0")]
    assert {(price.currency, price.minutes, price.region) for price in reading.prices} == {("EUR", 15, "DK-DK2")}


def test_of_several_auctions_the_first_counts() -> None:
    reading = read(entsoe_prices([50, 60], BEGIN, auction="1", second_auction=[1, 2]).content)

    assert [price.price for price in reading.prices] == [Decimal("0.05"), Decimal("0.06")]
    assert len(reading.warnings) == 1


def test_an_unknown_zone_needs_its_region_told_and_a_known_one_must_be_it() -> None:
    unknown = entsoe_file("A65", "A01", {"": [1000]}, BEGIN, zone="10YDE-ENBW-----N")
    known = entsoe_file("A65", "A01", {"": [1000]}, BEGIN)
    shared = entsoe_prices([50], BEGIN, zone="10Y1001A1001A82H")

    assert "10YDE-ENBW" in refused(unknown.content, errors.UnknownZone)
    assert read(unknown.content, region="DE").region == "DE"
    refused(known.content, errors.OtherArea, region="DE")
    assert [read(shared.content, region=region).region for region in (None, "DE", "LU")] == ["DE", "DE", "LU"]


def test_the_platforms_answer_without_data_is_told() -> None:
    assert "No matching data found" in refused(NO_DATA, errors.NoData)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("<type>A65", "<type>A68", errors.UnknownDocument),
        ("processType>A01", "processType>A31", errors.UnknownDocument),
        (">MAW<", ">GWH<", errors.ChangedUnit),
        ("PT60M", "P1D", errors.ChangedUnit),
        ("PT60M", "PT7M", errors.ChangedUnit),
        ("<position>24</position>", "<position>25</position>", errors.OddPeriod),
        ("<position>24</position>", "<position>x</position>", errors.NotANumber),
        ("<position>24</position>", "<position>23</position>", errors.Contradiction),
        ("<quantity>1005</quantity>", "<quantity>-1005</quantity>", errors.Impossible),
        ("<quantity>1005</quantity>", "<quantity>1O05</quantity>", errors.NotANumber),
        ("<quantity>1005</quantity>", "<quantity>0</quantity>", errors.NoDemand),
        ("2026-03-28T23:00Z</end>", "2026-03-27T23:00Z</end>", errors.OddPeriod),
        ("2026-03-28T23:00Z</end>", "2999-03-27T23:00Z</end>", errors.NotATime),
        ("</GL_MarketDocument>", "", errors.BrokenDocument),
        ("<GL_MarketDocument", '<!DOCTYPE x [<!ENTITY a "aa">]><GL_MarketDocument', errors.UnsafeDocument),
        ("<GL_MarketDocument", "<!DOCTYPE x><GL_MarketDocument", errors.UnsafeDocument),
        ("GL_MarketDocument", "Sitemap", errors.UnknownDocument),
        ("<mRID>1</mRID><type>", "<a>" * 30 + "</a>" * 30 + "<type>", errors.UnsafeDocument),
    ],
)
def test_a_document_that_is_not_as_it_should_be_is_refused(old: str, new: str, reason: type[errors.Unreadable]) -> None:
    text = entsoe_file("A65", "A01", {"": [1000 + n for n in range(24)]}, BEGIN).content.decode()
    assert old in text

    refused(text.replace(old, new).encode(), reason)


def test_prices_in_another_unit_are_refused() -> None:
    text = entsoe_prices([50], BEGIN).content.decode()

    refused(text.replace(">MWH<", ">KWH<").encode(), errors.ChangedUnit)
    refused(text.replace(">50<", ">99999999<").encode(), errors.ImpossiblePrice)


# --- Great Britain

GREEN = Decimal("0.56")


def test_the_forecast_of_a_british_region_is_read() -> None:
    reading = read(british_region(BEGIN).content)

    assert (reading.format, reading.region, len(reading.slots), reading.missing) == ("uk_carbon", "GB-13", 96, ())
    slot = reading.slots[0]
    assert (slot.begin, slot.minutes, slot.first_share, slot.first) == (BEGIN, 30, GREEN, FirstType.RENEWABLE)
    assert (slot.series, slot.supply_kwh, slot.demand_kwh) == (Series.FORECAST, None, None)


def test_regions_in_half_hours_and_a_postcode_are_read_too() -> None:
    half_hour = british(BEGIN)
    regions = [
        {"regionid": n, "generationmix": half_hour["generationmix"], "intensity": {"forecast": 1}} for n in (3, 18)
    ]
    nested = json.dumps({"data": [{"from": half_hour["from"], "to": half_hour["to"], "regions": regions}]}).encode()
    postcode = json.dumps({"data": [{"regionid": 5, "postcode": "LS1", "data": [half_hour]}]}).encode()

    assert {slot.region for slot in read(nested).slots} == {"GB-3", "GB"}
    assert [slot.region for slot in read(nested, region="GB-3").slots] == ["GB-3"]
    assert read(postcode).region == "GB-5"


def test_the_mix_of_the_whole_country_is_of_what_was() -> None:
    half_hour = british(BEGIN)
    del half_hour["intensity"]

    slot = read(json.dumps({"data": [half_hour]}).encode()).slots[0]

    assert (slot.region, slot.series, slot.first_share) == ("GB", Series.ACTUAL, GREEN)


def test_a_mix_that_is_not_known_is_missing() -> None:
    answers = [british(BEGIN), british(BEGIN + HOUR / 2, dict.fromkeys(MIX_OF_BRITAIN, 0)), british(BEGIN + HOUR)]

    reading = read(json.dumps({"data": answers}).encode())

    assert reading.missing == (("GB", BEGIN + HOUR / 2),)


def test_intensity_alone_is_refused_with_advice() -> None:
    half_hour: dict[str, Any] = {"from": "2026-04-01T00:00Z", "to": "2026-04-01T00:30Z", "intensity": {"forecast": 9}}

    assert "tells the mix" in refused(json.dumps({"data": [half_hour]}).encode(), errors.OnlyIntensity)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('"regionid": 13', '"regionid": 19', errors.UnknownZone),
        ('"perc": 33', '"perc": 83', errors.ImpossibleShare),
        ('"perc": 33', '"perc": "much"', errors.NotANumber),
        ('"perc": 33', '"perc": NaN', errors.NotANumber),
        ('"fuel": "wind"', '"fuel": "wave"', errors.UnknownColumn),
        ('"2026-03-27T23:30Z"', '"soon"', errors.NotATime),
        ('"2026-03-27T23:30Z"', '"2026-03-29T23:30Z"', errors.OddLength),
        ("}}", "}", errors.BrokenDocument),
        ('"data"', '"error"', errors.UnknownFormat),
    ],
)
def test_a_british_answer_that_is_not_as_it_should_be_is_refused(
    old: str, new: str, reason: type[errors.Unreadable]
) -> None:
    text = british_region(BEGIN).content.decode()
    assert old in text

    refused(text.replace(old, new).encode(), reason)


# --- Electricity Maps


def test_hours_of_electricity_maps_are_read() -> None:
    reading = read(electricity_maps(BEGIN).content)

    assert (reading.format, reading.region, len(reading.slots)) == ("electricity_maps", "DE", 24)
    slot = reading.slots[3]
    assert (slot.begin, slot.minutes, slot.series) == (BEGIN + 3 * HOUR, 60, Series.FORECAST)
    assert (slot.demand_kwh, slot.supply_kwh, slot.first_share) == (50_003_000, 52_000_000, Decimal("0.43"))
    assert slot.issued_at == datetime(2026, 4, 1, 5, tzinfo=UTC)


def test_the_latest_hour_is_of_what_was_and_a_zone_may_be_japanese() -> None:
    latest = json.loads(electricity_maps(BEGIN, 1, "JP-TK").content)["forecast"][0] | {"zone": "JP-TK"}

    reading = read(json.dumps(latest).encode())

    assert (reading.region, reading.slots[0].series) == ("JP-A03", Series.ACTUAL)


def test_an_unknown_zone_and_another_zone_are_refused() -> None:
    refused(electricity_maps(BEGIN, zone="US-CAL-CISO").content, errors.UnknownZone)
    assert read(electricity_maps(BEGIN, zone="US-CAL-CISO").content, region="US-CAISO").region == "US-CAISO"
    refused(electricity_maps(BEGIN).content, errors.OtherArea, region="FR")


def test_a_reason_can_be_printed_and_kept_whatever_a_file_says() -> None:
    for zone in ("\ud800", "a\0b", "\x1b[31m"):
        document = json.loads(electricity_maps(BEGIN).content) | {"zone": zone}

        assert refused(json.dumps(document).encode(), errors.UnknownZone).isprintable()


def test_intensity_alone_of_electricity_maps_is_refused() -> None:
    forecast = [{"carbonIntensity": 300, "datetime": "2026-04-01T00:00:00.000Z"}]

    refused(json.dumps({"zone": "DE", "forecast": forecast}).encode(), errors.OnlyIntensity)


def test_a_share_that_cannot_be_is_refused() -> None:
    text = electricity_maps(BEGIN).content.decode()

    refused(text.replace('"renewablePercentage": 43', '"renewablePercentage": 430').encode(), errors.ImpossibleShare)
    refused(text.replace('"zone"', '"temporalGranularity": "daily", "zone"').encode(), errors.OddLength)
