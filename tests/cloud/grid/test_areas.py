"""Regions that files name."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konsento.grid import areas


def test_japans_ten_areas_go_by_their_operators_numbers() -> None:
    assert tuple(f"JP-A{number:02}" for number in range(1, 11)) == areas.JAPAN
    assert {areas.AREAS[code].time_zone for code in areas.JAPAN} == {"Asia/Tokyo"}
    assert (areas.AREAS["JP-A09"].name_en, areas.AREAS["JP-A09"].name_ja) == ("Kyushu area", "九州エリア")


def test_every_region_has_a_clock_a_name_and_a_code_that_fits() -> None:
    for code, area in areas.AREAS.items():
        assert ZoneInfo(area.time_zone)
        assert area.code == code
        assert area.name_en
        assert len(code) <= 12


@pytest.mark.parametrize("eic", areas.EIC)
def test_identification_codes_have_no_slip_of_the_pen(eic: str) -> None:
    """The last sign of an Energy Identification Code is computed from the others (ENTSO-E, EIC reference manual)."""
    signs = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-"
    total = sum(signs.index(sign) * weight for sign, weight in zip(eic[:15], range(16, 1, -1), strict=True))

    assert signs[36 - (total - 1) % 37] == eic[15]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("20250415_hokkaido_yosoku.csv", "JP-A01"),
        ("area_tso_yosoku_y.csv", "JP-A02"),
        ("area_tso_yosoku_20250417.csv", "JP-A02"),
        ("https://setsuden.nw.tohoku-epco.co.jp/common/demand/juyo.csv", "JP-A02"),
        ("AREA_YOSOKU.csv", "JP-A03"),
        ("AREA_ONCE_YOSOKU.csv", "JP-A03"),
        ("AREA_202404.zip/AREA_JISEKI_20240401.csv", "JP-A03"),
        ("keito_yosoku_cepco003.csv", "JP-A04"),
        ("yosoku_05_20250415.csv", "JP-A05"),
        ("20250416_yosoku.csv", "JP-A06"),
        ("jukyu_yosoku_20260405_06.csv", "JP-A06"),
        ("202504_jyukyu2_chugoku.zip", "JP-A07"),
        ("yosoku_today.csv", "JP-A08"),
        ("21110_TSO9_0_20250407.csv?a=20250407000000", "JP-A09"),
        ("jukyu_yosoku_20250415.csv", "JP-A10"),
        ("eria_jukyu_202604_10.csv", "JP-A10"),
        ("realtime_jukyu_20260405_02.csv", "JP-A02"),
        ("juyo_01_20220915.csv", "JP-A01"),
        ("JP-KN_x.csv", "JP-A06"),
        ("JP-A05/today.csv", "JP-A05"),
        ("/data/tokyo/20250416_yosoku.csv", None),
        ("https://www.kansai-td.co.jp/denkiyoho/imbalance/20250416_yosoku.csv", "JP-A06"),
        (r"C:\data\東京\today.csv", "JP-A03"),
        ("today.csv", None),
        ("2026_04_05.csv", None),
        ("tokyo_osaka_kansai.csv", None),
        ("", None),
    ],
)
def test_a_files_name_tells_its_area(name: str, code: str | None) -> None:
    assert areas.of_file_name(name) == code


@given(st.text())
def test_any_name_is_looked_at(name: str) -> None:
    assert areas.of_file_name(name) in {None, *areas.JAPAN}


def test_names_numbers_and_zones_of_publishers_are_known() -> None:
    assert areas.of_japanese_name(" 東京エリア ") == areas.of_japanese_name("東京") == "JP-A03"
    assert areas.of_japanese_name("大阪") is None
    assert (areas.of_uk_number("1"), areas.of_uk_number("17"), areas.of_uk_number("18")) == ("GB-1", "GB-17", "GB")
    assert areas.of_uk_number("0") is areas.of_uk_number("19") is areas.of_uk_number("x") is None
    assert (areas.of_zone("JP-HKD"), areas.of_zone("DK-DK1"), areas.of_zone("XX")) == ("JP-A01", "DK-DK1", None)
    assert areas.of_eic("nothing") == ()
