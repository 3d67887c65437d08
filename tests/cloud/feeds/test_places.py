"""Places for dates in addresses: what publishers write, and nothing else."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konsento.feeds import presets
from konsento.feeds.places import BadPlaceError, filled
from konsento.feeds.sources import WantedSource, check_address
from konsento.grid.areas import AREAS
from konsento.grid.readers import FORMATS
from konsento.settings import Settings

DAY = date(2027, 3, 31)


@pytest.mark.parametrize(
    ("address", "there"),
    [
        ("{yyyymmdd}_x.csv", "20270331_x.csv"),
        ("{tomorrow:yyyymmdd}", "20270401"),
        ("{yesterday:yyyy/mm/dd}", "2027/03/30"),
        ("{+2:yyyy-mm-dd}/{-31:yymmdd}", "2027-04-02/270228"),
        ("{yyyy}/{mm}/{dd}/{yyyymm}", "2027/03/31/202703"),
        ("spot_{fiscal_year}.csv", "spot_2026.csv"),
        ("spot_{tomorrow:fiscal_year}.csv", "spot_2027.csv"),
        ("?token={secret}&d={mm}", "?token={secret}&d=03"),
    ],
)
def test_a_place_is_filled_with_the_day(address: str, there: str) -> None:
    assert filled(address, DAY) == there


@pytest.mark.parametrize(
    "address", ["{}", "{yyy}", "{tomorow:yyyy}", "{Yyyy}", "{+1000:yyyy}", "{yyyy", "yyyy}", "{{yyyy}}", "{hh}"]
)
def test_what_is_no_place_is_refused(address: str) -> None:
    with pytest.raises(BadPlaceError):
        filled(address, DAY)


@given(st.text(alphabet="{}ymd:+-0123secrt/tomorrow", max_size=40), st.dates(date(2020, 1, 1), date(2090, 1, 1)))
def test_no_place_is_left_over(address: str, day: date) -> None:
    try:
        there = filled(address, day)
    except BadPlaceError:
        return
    assert "{" not in there.replace("{secret}", "")


@pytest.mark.parametrize("preset", presets.ALL, ids=lambda preset: preset.word)
def test_a_preset_is_a_source_that_can_be_added(preset: presets.Preset) -> None:
    check_address(filled(preset.url, DAY).replace("{secret}", "key"), Settings())
    assert preset.format in FORMATS
    assert preset.region is None or preset.region in AREAS
    assert preset.needs_key is ("{secret}" in preset.url or preset.format == "electricity_maps")
    assert WantedSource(name=preset.name_ja, format=preset.format)


def test_each_preset_has_a_word_and_names_of_its_own() -> None:
    for names in zip(*((one.word, one.name_en, one.name_ja) for one in presets.ALL), strict=True):
        assert len(set(names)) == len(presets.ALL)
