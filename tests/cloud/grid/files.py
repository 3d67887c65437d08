"""Files as grid operators and markets publish them, made here with numbers of our own and the quirks of each publisher.

Encodings, line ends, title lines, dates and times are as the real ones have them; nothing of them is copied.
"""

import io
import json
import math
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

CRLF = "\r\n"
SLOTS = 48

type Balance = tuple[float, float, float]
"""Demand, supply, generation of the first type."""


@dataclass(frozen=True)
class Sample:
    name: str
    content: bytes


SIZE = {
    "JP-A01": 1_700_000, "JP-A02": 4_600_000, "JP-A03": 15_000_000, "JP-A04": 6_900_000, "JP-A05": 1_500_000,
    "JP-A06": 7_400_000, "JP-A07": 3_200_000, "JP-A08": 1_300_000, "JP-A09": 4_700_000, "JP-A10": 480_000,
}  # fmt: skip
"""kWh of half an hour in which each area's demand is drawn around."""


def sunny_day(mean: float = 1_000_000, *, surplus: float = 0.1, sun: float = 0.5) -> list[Balance]:
    """Return a day in whole kWh: supply exceeds demand by `surplus`, the sun gives up to `sun` of it at noon."""
    day = []
    for slot in range(SLOTS):
        hour = slot / 2
        demand = round(mean * (1 + 0.2 * math.sin((hour - 9) / 24 * 2 * math.pi)))
        supply = round(demand * (1 + surplus))
        shine = max(0.0, math.sin((hour - 6) / 12 * math.pi)) if 6 <= hour < 18 else 0.0
        day.append((demand, supply, round(supply * sun * shine) + 20))
    return day


# --- Japan: a day of an area -----------------------------------------------------------------------------------------

_META = "ファイル更新日,ファイル更新時間,対象年月日"
_NAMES = "日付,時間コマ,時間帯_自,時間帯_至,エリア総需要量,エリア総発電量,エリア風力・太陽光発電量"
_WIDE_NAMES = _NAMES.replace("_", "＿")
_ITEMS = {"actual": "Ａ－１・Ｂ－１・Ｂ－４", "forecast": "Ａ－２・Ｂ－２・Ｂ－５", "plan": "Ａ－３・Ｂ－３・Ｂ－６"}
_TITLES = {"actual": "実績値", "forecast": "予測値", "plan": "計画値"}
_YOSOKU = {"actual": "jisseki", "forecast": "yosoku", "plan": "keikaku"}
_JISEKI = {"actual": "JISEKI", "forecast": "YOSOKU", "plan": "BGKEI"}


def _minute(minute: int) -> str:
    return f"{minute // 60}:{minute % 60:02}"


def _padded(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _bare(minute: int) -> str:
    return f"{minute // 60:02}{minute % 60:02}"


def _compact(day: date) -> str:
    return f"{day:%Y%m%d}"


def _slashed(day: date) -> str:
    return f"{day.year}/{day.month}/{day.day}"


def _padded_slashes(day: date) -> str:
    return f"{day:%Y/%m/%d}"


def _meta(day: date, written: Callable[[date], str] = _compact) -> list[str]:
    return [_META, f"{written(day)},16:59:00,{written(day)}"]


@dataclass(frozen=True)
class Dialect:
    """How an operator writes its day."""

    region: str
    name: str
    """With places for the day (`{d}`) and the series (`{series}`)."""
    head: Callable[[date, str], list[str]]
    """The lines above the data, by day and series."""
    day: Callable[[date], str] = _compact
    time: Callable[[int], str] = _minute
    slot: str = "{}"
    words: Mapping[str, str] = field(default_factory=lambda: _YOSOKU)


DIALECTS = {
    "hokkaido": Dialect(
        "JP-A01",
        "{d}_hokkaido_{series}.csv",
        lambda d, _: [*_meta(d), _NAMES.replace("量", "量(kWh)")],
    ),
    "tohoku": Dialect(
        "JP-A02",
        "area_tso_{series}_{d}.csv",
        lambda d, _: [*_meta(d, _slashed), _NAMES.replace("日付", "DATE")],
        day=_slashed,
    ),
    "tokyo": Dialect(
        "JP-A03",
        "AREA_{series}_{d}.csv",
        lambda d, _: [
            "ファイル更新日(yyyymmdd),ファイル更新時間(HH:MI:SS),対象年月日(yyyymmdd)",
            f"{_compact(d)},19:44:07,{_compact(d)}",
            "日付(yyyymmdd),時間コマ(1時～48時),時間帯_自(HH:MI),時間帯_至(HH:MI)," + "エリア総需要量[30分kWh],"
            "エリア総発電量[30分kWh],エリア風力・太陽光発電量[30分kWh]",
        ],
        time=_bare,
        words=_JISEKI,
    ),
    "chubu": Dialect(
        "JP-A04",
        "keito_{series}_cepco003.csv",
        lambda d, _: [_META, f"{_padded_slashes(d)},20:00:22,{_padded_slashes(d)},,,,[kWh]", _NAMES],
        day=_padded_slashes,
        time=_padded,
    ),
    "hokuriku": Dialect(
        "JP-A05",
        "{series}_05_{d}.csv",
        lambda d, _: [f"{_slashed(d)} 22:51 UPDATE", _NAMES],
        day=_slashed,
    ),
    "kansai until 2025": Dialect(
        "JP-A06",
        "{d}_{series}.csv",
        lambda d, series: [
            f"{_TITLES[series]}（{_ITEMS[series]}）",
            *_meta(d),
            _WIDE_NAMES.replace("風力・太陽光発電量", "風力・太陽光"),
        ],
    ),
    "kansai since 2025": Dialect(
        "JP-A06",
        "jukyu_{series}_{d}_06.csv",
        lambda d, _: [*_meta(d, _padded_slashes), _NAMES.replace("量", "量(kWh)").replace("日付", "DATE")],
        day=_padded_slashes,
    ),
    "chugoku": Dialect("JP-A07", "{d}_{series}_chugoku.csv", lambda d, _: [*_meta(d), _NAMES]),
    "shikoku": Dialect("JP-A08", "{series}_tomorrow.csv", lambda d, _: [*_meta(d), _NAMES]),
    "kyushu": Dialect(
        "JP-A09",
        "21110_TSO9_0_{d}.csv",
        lambda d, _: [*_meta(d), _WIDE_NAMES, "-,-,-,-,ｋＷｈ,ｋＷｈ,ｋＷｈ"],
    ),
    "okinawa": Dialect("JP-A10", "jukyu_{series}_{d}.csv", lambda d, _: [*_meta(d), _NAMES], slot="{:02}"),
}
"""By operator; Kansai changed its layout on 2025-12-25."""


def dialect_of(region: str) -> Dialect:
    """Return how the operator of an area writes today."""
    return [one for one in DIALECTS.values() if one.region == region][-1]


def area_lines(dialect: Dialect, day: date, values: Sequence[Balance | None], series: str = "forecast") -> list[str]:
    """Return the lines of a day; None stands for a half hour whose cells are empty."""
    lines = dialect.head(day, series)
    for index, balance in enumerate(values):
        begin = index * 30
        times = f"{dialect.time(begin)},{dialect.time(begin + 30)}"
        cells = ",," if balance is None else ",".join(_digits(value) for value in balance)
        lines.append(f"{dialect.day(day)},{dialect.slot.format(index + 1)},{times},{cells}")
    return lines


def area_file(
    dialect: Dialect | str, day: date, values: Sequence[Balance | None] | None = None, series: str = "forecast"
) -> Sample:
    """Return the file of a day of an area, by its dialect or its code."""
    if isinstance(dialect, str):
        dialect = DIALECTS.get(dialect) or dialect_of(dialect)
    lines = area_lines(dialect, day, sunny_day(SIZE[dialect.region]) if values is None else values, series)
    name = dialect.name.format(d=_compact(day), series=dialect.words[series])
    return Sample(name, encoded(lines))


def encoded(lines: Iterable[str], encoding: str = "cp932") -> bytes:
    """Return lines as a file of Japanese Windows."""
    return (CRLF.join(lines) + CRLF).encode(encoding)


def zipped(files: Iterable[Sample], *, folder: str = "") -> bytes:
    """Return files packed together."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for one in files:
            archive.writestr(f"{folder}{one.name}", one.content)
    return packed.getvalue()


def _digits(value: float) -> str:
    return f"{value:.0f}" if value == int(value) else f"{value}"


# --- Japan: all areas, prices, today, by source ----------------------------------------------------------------------

AREA_NAMES = ("北海道", "東北", "東京", "中部", "北陸", "関西", "中国", "四国", "九州", "沖縄")


def occto_file(
    days: Sequence[date],
    *,
    demand: float = 1_000,
    capacity: float = 1_200,
    kinds: bool = False,
    blackout: Iterable[str] = (),
) -> Sample:
    """Return OCCTO's table of all areas in MW; the area's number is added to each value. `blackout` names areas."""
    names = ["対象年月日", "時刻", "ブロックNo", "エリア名", "広域ブロック需要(MW)", "広域ブロック供給力(MW)"]
    names += [
        "広域ブロック予備力(MW)",
        "広域予備率(%)",
        "広域使用率(%)",
        "エリア需要(MW)",
        "エリア供給力(MW)",
        "エリア予備力(MW)",
    ]
    if kinds:
        names.insert(2, "区分名")
    lines = [f"{days[0]:%Y/%m/%d} 17:45 UPDATE", ",".join(f'"{name}"' for name in names)]
    for day in days:
        for end in range(30, 24 * 60 + 1, 30):
            for number, name in enumerate(AREA_NAMES, start=1):
                own = [
                    f"{demand * number + end / 1000:.3f}",
                    f"{capacity * number:.0f}",
                    f"{(capacity - demand) * number:.0f}",
                ]
                cells = [f"{day:%Y/%m/%d}", _padded(end), "1", name, "9000.5", "9900", "899.5", "9.99", "90.91"]
                cells += ["***"] * 3 if name in blackout else own
                if kinds:
                    cells.insert(2, "翌々日")
                lines.append(",".join(f'"{cell}"' for cell in cells))
    return Sample("downloadCsv.csv", encoded(lines, "utf-8-sig"))


def jepx_file(
    days: Sequence[date], price: Callable[[int, int], str] = lambda slot, area: f"{slot + area / 100:.2f}"
) -> Sample:
    """Return JEPX' table; `price` gives a cell by the number of the half hour (1 to 48) and of the area (1 to 9)."""
    areas = [f"エリアプライス{name}(円/kWh)" for name in AREA_NAMES[:9]]
    names = [
        "年月日",
        "時刻コード",
        "売り入札量(kWh)",
        "買い入札量(kWh)",
        "約定総量(kWh)",
        "システムプライス(円/kWh)",
        *areas,
        "",
    ]
    names += [
        "スポット・時間前平均価格(円/kWh)",
        "α上限値×スポット・時間前平均価格(円/kWh)",
        "",
        "回避可能原価全国値(円/kWh)",
    ]
    lines = [",".join(names)]
    for day in days:
        for slot in range(1, SLOTS + 1):
            cells = [f"{day:%Y/%m/%d}", str(slot), "9000000", "8000000", "7000000", "11.11"]
            cells += [price(slot, area) for area in range(1, 10)]
            lines.append(",".join([*cells, "", "10.1", "12.2", "", "9.9"]))
    return Sample(f"spot_{days[0].year}.csv", encoded(lines))


def juyo_file(
    day: date,
    hours: Sequence[tuple[int, int, int]],
    fives: Sequence[tuple[int, int] | None],
    *,
    name: str = "juyo-j.csv",
    forecast: str = "予測値",
    capacity: str = "供給力想定値",
    corrected: str = "",
    commas: str = "",
) -> Sample:
    """Return today's power: actual, forecast, capacity by hour, demand and solar every five minutes, in 10 MW.

    `corrected` is a line that follows the first hour, `commas` what a spreadsheet adds to each line.
    """
    written = _slashed(day)
    lines = [
        f"{written} 22:56 UPDATE",
        "ピーク時供給力(万kW),時間帯,供給力情報更新日,供給力情報更新時刻",
        "1500,17:00～18:00,4/24,8:30",
        "",
    ]
    lines += [
        "予想最大電力(万kW),時間帯,予想最大電力情報更新日,予想最大電力情報更新時刻",
        "1200,17:00～18:00,4/24,8:30",
        "",
    ]
    lines.append(f"DATE,TIME,当日実績(万kW),{forecast}(万kW),使用率(%),予備率(%),{capacity}(万kW)")
    for hour, (actual, expected, most) in enumerate(hours):
        lines.append(f"{written},{hour}:00,{actual},{expected},{round(expected / max(most, 1) * 100)},8,{most}")
        if hour == 0 and corrected:
            lines.append(corrected)
    lines += ["", "翌日のピーク時供給力(万kW),時間帯", "1510,9:00～10:00", ""]
    lines.append(
        "DATE,TIME,当日実績(５分間隔値)(万kW),太陽光発電実績(５分間隔値)(万kW),太陽光発電量(電力使用量に対する割合)(%)"
    )
    for number, told in enumerate(fives):
        cells = ",," if told is None else f"{told[0]},{told[1]},{round(told[1] / max(told[0], 1) * 100)}"
        lines.append(f"{written},{_minute(number * 5)},{cells}")
    return Sample(name, encoded(line + commas for line in lines))


MIX = (
    "DATE", "TIME", "エリア需要", "原子力", "火力(LNG)", "火力(石炭)", "火力(石油)", "火力(その他)",
    "水力", "地熱", "バイオマス", "太陽光発電実績", "太陽光出力制御量", "風力発電実績", "風力出力制御量",
    "揚水", "蓄電池", "連系線", "その他", "合計",
)  # fmt: skip


def mix_values(slot: int) -> dict[str, int]:
    """Return the MW of a half hour of the day: pumps and export at noon, import otherwise."""
    noon = 20 <= slot < 28
    parts = {
        "原子力": 1200, "火力(LNG)": 8000 - 20 * slot, "火力(石炭)": 5000, "火力(石油)": 90, "火力(その他)": 1100,
        "水力": 900, "地熱": 12, "バイオマス": 430, "太陽光発電実績": 5000 if noon else 0, "風力発電実績": 350,
        "揚水": -900 if noon else 0, "蓄電池": 3, "連系線": -700 if noon else 2100, "その他": 150,
    }  # fmt: skip
    total = sum(parts.values())
    return parts | {"エリア需要": total + 1, "合計": total, "太陽光出力制御量": 400 if noon else 0, "風力出力制御量": 0}


def mix_file(
    day: date,
    slots: int = SLOTS,
    *,
    operator: str = "03",
    encoding: str = "cp932",
    kyushu: bool = False,
    more_columns: bool = False,
    waiting: int = 0,
    change: Callable[[int, dict[str, int]], None] = lambda slot, values: None,
) -> Sample:
    """Return what was generated by source; `kyushu` writes like that operator, `waiting` half hours are still empty."""
    names = [*MIX, "火力出力制御量", "バイオマス出力制御量"] if more_columns else list(MIX)
    shown = [name.replace("(", "（").replace(")", "）").replace("LNG", "ＬＮＧ") for name in names] if kyushu else names
    rows = [["単位[MW平均]", "", "", "供給力"], shown]
    for slot in range(slots + waiting):
        label = (slot + 1 if kyushu else slot) * 30
        values = mix_values(slot)
        change(slot, values)
        if kyushu:
            values["連系線"] = -values["連系線"]
        cells = ["" if slot >= slots else str(values.get(name, 0)) for name in names[2:]]
        rows.append([_compact(day) if kyushu else _slashed(day), _minute(label), *cells])
    lines = [",".join(f'"{cell}"' if kyushu else cell for cell in row) for row in rows]
    return Sample(f"eria_jukyu_{day:%Y%m}_{operator}.csv", encoded(lines, encoding))


# --- Europe ----------------------------------------------------------------------------------------------------------

DK2 = "10YDK-2--------M"


def entsoe_file(
    document: str,
    process: str,
    series: Mapping[str, Sequence[float | None]],
    begin: datetime,
    *,
    resolution: str = "PT60M",
    curve: str = "A01",
    zone: str = DK2,
    consumption: Sequence[float] = (),
) -> Sample:
    """Return a document of powers by psrType (empty: none); None is a position that is left out."""

    def one(psr: str, points: Sequence[float | None], side: str) -> str:
        kind = f"<MktPSRType><psrType>{psr}</psrType></MktPSRType>" if psr else ""
        return f"""<TimeSeries><mRID>1</mRID><businessType>A04</businessType>
<{side}BiddingZone_Domain.mRID codingScheme="A01">{zone}</{side}BiddingZone_Domain.mRID>
<quantity_Measure_Unit.name>MAW</quantity_Measure_Unit.name><curveType>{curve}</curveType>{kind}
{_period(points, begin, resolution, "quantity")}</TimeSeries>
"""

    parts = [one(psr, points, "out" if document == "A65" else "in") for psr, points in series.items()]
    if consumption:
        parts.append(one("B10", consumption, "out"))
    return Sample(
        "document.xml",
        f"""<?xml version="1.0" encoding="UTF-8"?>
<GL_MarketDocument xmlns="urn:iec62325.351:tc57wg16:451-6:generationloaddocument:3:0">
<mRID>1</mRID><type>{document}</type><process.processType>{process}</process.processType>
<createdDateTime>2026-03-28T12:00:00Z</createdDateTime>
{"".join(parts)}</GL_MarketDocument>""".encode(),
    )


def entsoe_prices(
    points: Sequence[float | None],
    begin: datetime,
    *,
    resolution: str = "PT15M",
    zone: str = DK2,
    auction: str = "",
    second_auction: Sequence[float | None] = (),
) -> Sample:
    """Return a document of day-ahead prices per MWh."""

    def one(values: Sequence[float | None], position: str) -> str:
        name = "classificationSequence_AttributeInstanceComponent.position"
        return f"""<TimeSeries><mRID>1</mRID><auction.type>A01</auction.type><businessType>A62</businessType>
<in_Domain.mRID codingScheme="A01">{zone}</in_Domain.mRID><out_Domain.mRID codingScheme="A01">{zone}</out_Domain.mRID>
<currency_Unit.name>EUR</currency_Unit.name><price_Measure_Unit.name>MWH</price_Measure_Unit.name>
{f"<{name}>{position}</{name}>" if position else ""}<curveType>A03</curveType>
{_period(values, begin, resolution, "price.amount")}</TimeSeries>
"""

    parts = one(points, auction) + (one(second_auction, "2") if second_auction else "")
    return Sample(
        "prices.xml",
        f"""<?xml version="1.0" encoding="utf-8"?>
<Publication_MarketDocument xmlns="urn:iec62325.351:tc57wg16:451-3:publicationdocument:7:3"><mRID>1</mRID>
<type>A44</type><createdDateTime>2026-03-28T12:00:00Z</createdDateTime>
{parts}</Publication_MarketDocument>""".encode(),
    )


def _period(points: Sequence[float | None], begin: datetime, resolution: str, value: str) -> str:
    minutes = int(resolution.removeprefix("PT").removesuffix("M"))
    end = begin + timedelta(minutes=minutes * len(points))
    told = "".join(
        f"<Point><position>{number}</position><{value}>{point}</{value}></Point>\n"
        for number, point in enumerate(points, start=1)
        if point is not None
    )
    times = f"<start>{begin:%Y-%m-%dT%H:%MZ}</start><end>{end:%Y-%m-%dT%H:%MZ}</end>"
    return f"<Period><timeInterval>{times}</timeInterval><resolution>{resolution}</resolution>\n{told}</Period>"


NO_DATA = b"""<?xml version="1.0" encoding="UTF-8"?>
<Acknowledgement_MarketDocument xmlns="urn:iec62325.351:tc57wg16:451-1:acknowledgementdocument:7:0"><mRID>1</mRID>
<Reason><code>999</code><text>No matching data found for Data item Day-ahead Prices [12.1.D]</text></Reason>
</Acknowledgement_MarketDocument>"""


# --- JSON ------------------------------------------------------------------------------------------------------------

MIX_OF_BRITAIN = {
    "biomass": 8.0, "coal": 0, "imports": 6.1, "gas": 21.4, "nuclear": 16.5, "other": 0, "hydro": 2.5, "solar": 12.5,
    "wind": 33,
}  # fmt: skip


def british(begin: datetime, mix: Mapping[str, float] | None = None) -> dict[str, Any]:
    """Return a half hour of the Carbon Intensity API."""
    end = begin + timedelta(minutes=30)
    return {
        "from": f"{begin:%Y-%m-%dT%H:%MZ}",
        "to": f"{end:%Y-%m-%dT%H:%MZ}",
        "intensity": {"forecast": 120, "index": "moderate"},
        "generationmix": [{"fuel": fuel, "perc": perc} for fuel, perc in (mix or MIX_OF_BRITAIN).items()],
    }


def british_region(begin: datetime, count: int = 96, number: int = 13) -> Sample:
    """Return the forecast of a region, as `/regional/intensity/…/fw48h/regionid/…` answers."""
    half_hours = [british(begin + timedelta(minutes=30 * index)) for index in range(count)]
    region = {"regionid": number, "dnoregion": "UKPN London", "shortname": "London", "data": half_hours}
    return Sample("fw48h", json.dumps({"data": region}).encode())


def electricity_maps(begin: datetime, count: int = 24, zone: str = "DE") -> Sample:
    """Return hours as `/v3/power-breakdown/forecast` answers."""
    hours = [
        {
            "datetime": f"{begin + timedelta(hours=index):%Y-%m-%dT%H:%M:%S.000Z}",
            "renewablePercentage": 40 + index,
            "fossilFreePercentage": 50 + index,
            "powerConsumptionTotal": 50_000 + index,
            "powerProductionTotal": 52_000,
        }
        for index in range(count)
    ]
    document = {"zone": zone, "updatedAt": "2026-04-01T05:00:00.000Z", "forecast": hours}
    return Sample("forecast", json.dumps(document).encode())


def own_csv(day: date, values: Sequence[Balance] | None = None, region: str = "JP-A03") -> Sample:
    """Return our own layout: a day of half hours by Japanese clock."""
    lines = ["region,begin,minutes,demand,supply,wind_solar"]
    for index, balance in enumerate(sunny_day() if values is None else values):
        begin = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(minutes=30 * index)
        lines.append(f"{region},{begin:%Y-%m-%dT%H:%M}+09:00,30,{','.join(map(_digits, balance))}")
    return Sample("own.csv", ("\n".join(lines) + "\n").encode())
