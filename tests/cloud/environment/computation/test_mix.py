"""Files of fuel mixes, with the quirks that published ones have; all are made here."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import chain, repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konsento.environment.computation.mix import Mix, read_mix
from konsento.environment.computation.reading import BadFileError

NAMES = [
    "DATE",
    "TIME",
    "エリア需要",
    "原子力",
    "火力(LNG)",
    "火力(石炭)",
    "火力(石油)",
    "火力(その他)",
    "水力",
    "地熱",
    "バイオマス",
    "太陽光発電実績",
    "太陽光出力制御量",
    "風力発電実績",
    "風力出力制御量",
    "揚水",
    "蓄電池",
    "連系線",
    "その他",
    "合計",
]
CURTAILED = ("火力出力制御量", "バイオマス出力制御量")
DAY = datetime(2026, 4, 1)  # noqa: DTZ001  # as the files write it


def values(at: datetime) -> dict[str, int]:
    """Return a half hour in which solar depends on the hour; pumps at noon, imports otherwise."""
    noon = 10 <= at.hour < 14
    parts = {
        "原子力": 1300, "火力(LNG)": 9000 - 10 * at.hour, "火力(石炭)": 6000, "火力(石油)": 100, "火力(その他)": 1200,
        "水力": 1200, "地熱": 10, "バイオマス": 450, "太陽光発電実績": 4000 if noon else 0, "風力発電実績": 400,
        "揚水": -800 if noon else 0, "蓄電池": 5, "連系線": -500 if noon else 2200, "その他": 200,
    }  # fmt: skip
    total = sum(parts.values())
    return parts | {"エリア需要": total + 1, "合計": total, "太陽光出力制御量": 300 if noon else 0, "風力出力制御量": 0}


def japanese(
    starts: Iterable[datetime],
    *,
    encoding: str = "cp932",
    quoted: bool = False,
    wide: bool = False,
    more_columns: bool = False,
    by_end: bool = False,
    inverted: bool = False,
    date: str = "%Y/%-m/%-d",
    empty: int = 0,
    mend: Callable[[list[str]], list[str]] = lambda lines: lines,
) -> bytes:
    """Write a file as one of the ten operators does."""
    names = [*NAMES[:8], CURTAILED[0], *NAMES[8:11], CURTAILED[1], *NAMES[11:]] if more_columns else NAMES
    shown = [name.translate(str.maketrans("()LNG", "（）ＬＮＧ")) if wide else name for name in names]
    lines = [["単位[MW平均]", "", "", "供給力"], shown]
    starts = list(starts)
    for at, filled in chain(zip(starts, repeat(True)), ((starts[-1] + n * HALF, False) for n in range(1, empty + 1))):
        label = at + HALF if by_end else at
        closing = by_end and (label.hour, label.minute) == (0, 0)
        day = (label - HALF if closing else label).strftime(date)
        row = values(at) | dict.fromkeys(CURTAILED, 0)
        if inverted:
            row["連系線"] = -row["連系線"]
        cells = [str(row[name]) if filled else "" for name in names[2:]]
        lines.append([day, "24:00" if closing else f"{label.hour}:{label.minute:02}", *cells])
    text = "\r\n".join(mend([",".join(f'"{cell}"' if quoted else cell for cell in line) for line in lines])) + "\r\n"
    return text.encode(encoding)


HALF = timedelta(minutes=30)


def half_hours(count: int, first: datetime = DAY) -> list[datetime]:
    return [first + n * HALF for n in range(count)]


def reasons(mix: Mix) -> list[str]:
    return [told.reason for told in mix.told]


DIALECTS = {
    "Hokkaido": {"more_columns": True, "date": "%Y/%m/%d"},
    "Tohoku": {"more_columns": True, "empty": 5},
    "Tokyo": {"encoding": "utf-8-sig"},
    "Chubu": {},
    "Hokuriku": {"more_columns": True},
    "Kansai": {},
    "Chugoku": {"more_columns": True},
    "Shikoku": {},
    "Kyushu": {"quoted": True, "wide": True, "by_end": True, "inverted": True, "date": "%Y%m%d"},
    "Okinawa": {"more_columns": True, "date": "%Y/%-m/%-d"},
}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_same_days_read_the_same_in_the_dialect_of_every_area(dialect: str) -> None:
    plain = read_mix(japanese(half_hours(96)))
    mix = read_mix(japanese(half_hours(96), **DIALECTS[dialect]))  # type: ignore[arg-type]  # one table for all options
    assert mix.slots == plain.slots
    assert plain.slots[0].start == datetime(2026, 3, 31, 15, tzinfo=UTC)
    assert len(plain.slots) == 96
    assert plain.told == []
    expected = {"Kyushu": ["EndLabels", "InvertedTie"], "Tohoku": ["NotYet"]}
    assert reasons(mix) == expected.get(dialect, [])


def test_imports_count_and_exports_and_pumping_do_not() -> None:
    mix = read_mix(japanese(half_hours(48)))
    night, noon = mix.slots[0].kwh, mix.slots[24].kwh
    assert night["import"] == 1_100_000
    assert night["storage"] == noon["storage"] == 2_500
    assert "import" not in noon
    assert noon["solar"] == 2_000_000
    assert night["other"] == 700_000  # 火力(その他) and その他


def test_rows_that_do_not_add_up_are_refused_by_their_line_and_the_others_kept() -> None:
    def break_two(lines: list[str]) -> list[str]:
        lines[5] = lines[5].replace(",1300,", ",9300,")  # a source
        cells = lines[9].split(",")
        lines[9] = ",".join([*cells[:2], "99999", *cells[3:]])  # the demand
        return lines

    mix = read_mix(japanese(half_hours(48), mend=break_two))
    assert [(told.row, told.reason, told.refused) for told in mix.told if told.refused] == [
        (6, "SumIsNotDemand", True),
        (10, "SumIsNotDemand", True),
    ]
    assert len(mix.slots) == 46
    assert reasons(mix).count("Missing") == 2


def test_a_row_with_a_text_or_a_gap_or_another_time_is_refused() -> None:
    def spoil(lines: list[str]) -> list[str]:
        lines[4] = lines[4].replace(",1300,", ",***,")
        lines[7] = lines[7].replace(",1300,", ",,")
        lines[10] = lines[10].replace("4:00", "4:10")
        lines[12] = lines[12].replace("2026/4/1", "2026/13/1")
        return lines

    mix = read_mix(japanese(half_hours(48), mend=spoil))
    assert [(told.row, told.reason) for told in mix.told if told.refused] == [
        (5, "BadRow"), (8, "BadRow"), (13, "BadRow"), (11, "OffTheClock"),
    ]  # fmt: skip
    assert len(mix.slots) == 44


def test_a_re_issued_row_counts_instead_of_the_earlier_one() -> None:
    total = values(DAY)["合計"]
    mix = read_mix(japanese(half_hours(4), mend=lambda lines: again_for(lines, total)))
    assert [(told.row, told.reason) for told in mix.told] == [(7, "Reissued"), (8, "Repeated")]
    assert mix.slots[0].kwh["oil"] == 150_000
    assert len(mix.slots) == 4


def again_for(lines: list[str], total: int) -> list[str]:
    """Return the lines with the first half hour once more, with 200 MW more of oil, and the second one unchanged."""
    newer = lines[2].replace(",100,", ",300,").replace(str(total + 1), str(total + 201))
    newer = newer.removesuffix(str(total)) + str(total + 200)
    return [*lines, newer, lines[3]]


def test_a_file_that_lacks_its_first_half_hour_is_not_taken_for_one_named_by_ends() -> None:
    mix = read_mix(japanese(half_hours(47, DAY + HALF)))
    assert mix.slots[0].start == datetime(2026, 3, 31, 15, 30, tzinfo=UTC)
    assert mix.told == []


def test_a_month_named_by_ends_whose_last_is_the_next_months_midnight_is_moved() -> None:
    def midnight(lines: list[str]) -> list[str]:
        return [line.replace("2026/4/1,24:00", "2026/4/2,0:00") for line in lines]

    mix = read_mix(japanese(half_hours(48), by_end=True, mend=midnight))
    assert mix.slots == read_mix(japanese(half_hours(48))).slots
    assert reasons(mix) == ["EndLabels"]


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "heading"),
        ("DATE,TIME,エリア需要\r\n".encode("cp932"), "columns are missing"),
        (japanese(half_hours(2)).decode("cp932").encode("utf-16"), "UTF-16"),
        (b"\x81\x00\xff" * 5, "UTF-16"),
        (b"DATE,TIME\xff\xfe\x81", "neither UTF-8 nor Shift JIS"),
        (japanese(half_hours(2), mend=lambda lines: [*lines[:1], lines[1] + ",潮力", *lines[2:]]), "unknown columns"),
        (japanese(half_hours(2), mend=lambda lines: lines[:2]), "no row"),
        (japanese(half_hours(49), mend=lambda lines: [*lines, lines[2].replace("4/1,0:00", "4/1,24:00")]), "both"),
        (b"<html></html>", "not a GL_MarketDocument"),
        (b"<!DOCTYPE x [<!ENTITY a 'b'>]><x/>", "document type"),
        (b"start,steam\n2026-04-01T00:00Z,1\n", "heading has to be"),
        (b"start,solar\n2026-04-01T00:00Z,1\n2026-04-01T00:07Z,1\n", "apart"),
    ],
)
def test_a_file_of_another_layout_or_encoding_is_refused_as_a_whole(raw: bytes, why: str) -> None:
    with pytest.raises(BadFileError, match=why):
        read_mix(raw)


@given(st.binary(max_size=300))
def test_whatever_is_brought_is_read_or_refused_but_breaks_nothing(raw: bytes) -> None:
    for start in (b"", b"<GL_MarketDocument>", "DATE,TIME,エリア需要\n".encode(), b"start,solar\n"):
        with suppress(BadFileError):
            read_mix(start + raw)


def european(series: str, kind: str = "A75") -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<GL_MarketDocument xmlns="urn:iec62325.351:tc57wg16:451-6:generationloaddocument:3:0">'
        f"<type>{kind}</type>{series}</GL_MarketDocument>"
    ).encode()


def series(psr: str, points: str, *, zone: str = "in", step: str = "PT15M", curve: str = "A01") -> str:
    return (
        f"<TimeSeries><{zone}BiddingZone_Domain.mRID>10Y</{zone}BiddingZone_Domain.mRID>"
        f"<quantity_Measure_Unit.name>MAW</quantity_Measure_Unit.name><curveType>{curve}</curveType>"
        f"<MktPSRType><psrType>{psr}</psrType></MktPSRType><Period><timeInterval><start>2026-04-01T00:00Z</start>"
        f"<end>2026-04-01T01:00Z</end></timeInterval><resolution>{step}</resolution>{points}</Period></TimeSeries>"
    )


def points(*pairs: tuple[int, int]) -> str:
    return "".join(f"<Point><position>{p}</position><quantity>{q}</quantity></Point>" for p, q in pairs)


def test_a_european_document_reads_in_half_hours_with_points_that_stand_until_the_next() -> None:
    solar = series("B16", points((1, 100), (2, 200), (3, 300), (4, 500)))
    wind = series("B18", points((1, 40), (3, 80)), curve="A03")
    pumping = series("B10", points((1, 999), (2, 999), (3, 999), (4, 999)), zone="out")
    mix = read_mix(european(solar + wind + pumping))
    assert [(slot.start.minute, dict(slot.kwh)) for slot in mix.slots] == [
        (0, {"solar": 75_000, "wind": 20_000}),
        (30, {"solar": 200_000, "wind": 40_000}),
    ]
    assert reasons(mix) == ["NoImports"]


def test_a_european_half_hour_without_all_types_is_left_out_and_told() -> None:
    solar = series("B16", points((1, 100), (2, 200), (3, 300), (4, 500)))
    wind = series("B19", points((1, 40), (2, 80), (4, 80)))
    mix = read_mix(european(solar + wind))
    assert len(mix.slots) == 1
    assert reasons(mix) == ["Incomplete", "NoImports", "Missing"]


def test_hours_are_two_half_hours_of_the_same_power() -> None:
    mix = read_mix(european(series("B04", points((1, 100)), step="PT60M")))
    assert [dict(slot.kwh) for slot in mix.slots] == [{"gas": 50_000}] * 2


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (european(series("B16", points((1, 1))), kind="A65"), "A65"),
        (european(""), "no generation"),
        (european(series("B99", points((1, 1)))), "B99"),
        (european(series("B16", points((9, 1)))), "position 9 of 4"),
        (european(series("B16", points((1, 1)), step="P1M")), "P1M"),
        (european(series("B16", points((1, 1))) + series("B19", points((1, 1)), step="PT60M")), "mixes resolutions"),
    ],
)
def test_a_european_document_of_another_kind_is_refused(raw: bytes, why: str) -> None:
    with pytest.raises(BadFileError, match=why):
        read_mix(raw)


def test_any_other_region_can_be_brought_as_plain_csv() -> None:
    rows = "start,gas,solar,import,total\n2026-04-01T09:00+09:00,100,50,10,160\n2026-04-01T09:30+09:00,100,50,10,300\n"
    mix = read_mix(rows.encode())
    assert dict(mix.slots[0].kwh) == {"gas": 50_000, "solar": 25_000, "import": 5_000}
    assert mix.slots[0].start == datetime(2026, 4, 1, tzinfo=UTC)
    assert [(told.row, told.reason) for told in mix.told] == [(3, "BadRow")]
