"""Sources as their publishers had them when this was written, to begin a form with. Plain data: nothing fetches these.

Addresses and file names are those in the publishers' own pages in spring 2026; they change, and then the operator
changes the address of the source.
"""

from dataclasses import dataclass
from typing import Final

HOUR_S: Final = 3600
DAY_S: Final = 86_400


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A source to begin with."""

    word: str
    name_en: str
    name_ja: str
    format: str
    """A word of `grid.readers`."""
    region: str | None
    url: str
    needs_key: bool = False
    every_s: int = HOUR_S
    stale_after_s: int = 36 * HOUR_S


def _area(number: int, name_en: str, name_ja: str, url: str, *, tomorrow: bool = False) -> Preset:
    return Preset(
        word=f"jp-{number:02}{'-tomorrow' if tomorrow else ''}",
        name_en=f"{name_en}: forecast{' of tomorrow' if tomorrow else ''}",
        name_ja=f"{name_ja}エリア {'翌日' if tomorrow else ''}予測",
        format="jp_area",
        region=f"JP-A{number:02}",
        url=url,
        every_s=HOUR_S // 2 if tomorrow else HOUR_S,
    )


def _entsoe(word: str, name_en: str, name_ja: str, query: str) -> Preset:
    return Preset(
        word=f"entsoe-{word}",
        name_en=f"Germany: {name_en} (ENTSO-E)",
        name_ja=f"ドイツ {name_ja}（ENTSO-E）",
        format="entsoe",
        region="DE",
        url=f"https://web-api.tp.entsoe.eu/api?securityToken={{secret}}&{query}"
        "&periodStart={yesterday:yyyymmdd}2200&periodEnd={tomorrow:yyyymmdd}2300",
        needs_key=True,
    )


_GERMANY: Final = "10Y1001A1001A83F"

ALL: Final = (
    _area(1, "Hokkaido", "北海道", "https://denkiyoho.hepco.co.jp/area/data/{yyyymmdd}_hokkaido_yosoku.csv"),
    _area(
        2,
        "Tohoku",
        "東北",
        "https://setsuden.nw.tohoku-epco.co.jp/common/demand/area_tso_yosoku_{yyyymmdd}.csv",
    ),
    _area(
        2,
        "Tohoku",
        "東北",
        "https://setsuden.nw.tohoku-epco.co.jp/common/demand/area_tso_yosoku_y.csv",
        tomorrow=True,
    ),
    _area(3, "Tokyo", "東京", "https://www4.tepco.co.jp/forecast/html/images/AREA_YOSOKU.csv"),
    _area(3, "Tokyo", "東京", "https://www4.tepco.co.jp/forecast/html/images/AREA_ONCE_YOSOKU.csv", tomorrow=True),
    _area(4, "Chubu", "中部", "https://powergrid.chuden.co.jp/denki_yoho_content_data/keito_yosoku_cepco003.csv"),
    _area(5, "Hokuriku", "北陸", "https://www.rikuden.co.jp/nw/denki-yoho/csv/yosoku_05_{yyyymmdd}.csv"),
    _area(
        6,
        "Kansai",
        "関西",
        "https://www.kansai-td.co.jp/interchange/denkiyoho/imbalance/jukyu_yosoku_{yyyymmdd}_06.csv",
    ),
    _area(7, "Chugoku", "中国", "https://www.energia.co.jp/nw/jukyuu/sys/{yyyymm}_jyukyu2_chugoku.zip"),
    _area(8, "Shikoku", "四国", "https://www.yonden.co.jp/nw/denkiyoho/supply_demand/csv/yosoku_today.csv"),
    _area(
        8,
        "Shikoku",
        "四国",
        "https://www.yonden.co.jp/nw/denkiyoho/supply_demand/csv/yosoku_tomorrow.csv",
        tomorrow=True,
    ),
    _area(
        9,
        "Kyushu",
        "九州",
        "https://www.kyuden.co.jp/td_power_usages/csv/kouhyo/imbalance/21110_TSO9_0_{yyyymmdd}.csv",
    ),
    _area(10, "Okinawa", "沖縄", "https://www.okiden.co.jp/denki2/dem_pg/csv/jukyu_yosoku_{yyyymmdd}.csv"),
    Preset(
        word="occto",
        name_en="All areas of Japan: demand and capacity (OCCTO)",
        name_ja="全エリア 需要と供給力（広域予備率Web公表システム）",
        format="occto",
        region=None,
        url="https://web-kohyo.occto.or.jp/kks-web-public/download/downloadCsv?jhSybt=02"
        "&tgtYmdFrom={yyyy/mm/dd}&tgtYmdTo={tomorrow:yyyy/mm/dd}",
    ),
    Preset(
        word="jepx",
        name_en="Japan: spot prices (JEPX)",
        name_ja="スポット価格（JEPX）",
        format="jepx",
        region=None,
        url="https://www.jepx.jp/market/excel/spot_{tomorrow:fiscal_year}.csv",
    ),
    _entsoe("load", "demand", "需要", f"documentType=A65&processType=A01&outBiddingZone_Domain={_GERMANY}"),
    _entsoe("generation", "generation", "発電量", f"documentType=A71&processType=A01&in_Domain={_GERMANY}"),
    _entsoe("sun", "wind and sun", "風力・太陽光", f"documentType=A69&processType=A01&in_Domain={_GERMANY}"),
    Preset(
        word="uk",
        name_en="Great Britain: mix of power (Carbon Intensity API)",
        name_ja="英国 電源構成（Carbon Intensity API）",
        format="uk_carbon",
        region="GB",
        url="https://api.carbonintensity.org.uk/regional/intensity/{yyyy-mm-dd}T00:00Z/fw48h/regionid/18",
        every_s=HOUR_S // 2,
    ),
    Preset(
        word="electricity-maps",
        name_en="Germany: mix of power (Electricity Maps)",
        name_ja="ドイツ 電源構成（Electricity Maps）",
        format="electricity_maps",
        region="DE",
        url="https://api.electricitymap.org/v3/power-breakdown/forecast?zone=DE",
        needs_key=True,
    ),
)
"""In the order in which they are shown."""
BY_WORD: Final = {preset.word: preset for preset in ALL}
