"""The table of factors: the ministry's files with their quirks, editions, provisional ones, and which one counts."""

import io
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from konsento.environment.access import Role
from konsento.environment.computation.factors.choice import Factors, NoFactorError, Numbered
from konsento.environment.computation.factors.factor import Factor, Kind, grams_per_kwh
from konsento.environment.computation.factors.ministry import Edition, read_ministry
from konsento.environment.computation.factors.table import COLUMNS, read_table, shipped
from konsento.environment.computation.library import read_factors
from konsento.environment.computation.reading import BadFileError

from .conftest import System

TITLE = "電気事業者別排出係数（特定排出者の温室効果ガス排出量算定用）－R7年度実績－　R9.1.8環境省・経済産業省公表"
HEADING = [
    "登録番号",
    "電気事業者名",
    "メニュー名",
    "基礎排出係数\n(t-CO2/kWh)",
    "調整後排出係数\n(t-CO2/kWh)",
    "把握率(%)",
]
ROWS: list[list[Any]] = [
    ["A0269", "東京電力エナジーパートナー(株)", "メニューA", "0.000000", "0.000000", "100"],
    ["", "", "メニューM(残差)", "0.000440", "0.000438", ""],
    ["", "", "(参考値)事業者全体", "0.000410", "0.000409", ""],
    ["Ａ０９９９", "みなと電力", "", "０．０００５００", "0.000490", "99.1"],
    ["A0998", "※の会社", "", "※", "※", ""],
    ["A0997", "新しい会社", "", "－", "－", ""],
    ["", "代替値", "", "0.000412", "", ""],
]
DAY = date(2026, 3, 19)


def as_csv(rows: Sequence[Sequence[Any]], encoding: str = "cp932") -> bytes:
    text = "\r\n".join(",".join('"' + str(cell) + '"' for cell in row) for row in [[TITLE], HEADING, *rows])
    return text.encode(encoding)


def as_workbook(rows: Sequence[Sequence[Any]], *, heading: Sequence[str] = HEADING) -> bytes:
    """Return a workbook with a cover sheet, numbers as numbers, and number and name merged over a retailer's rows."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        book.add_worksheet("表紙").write(0, 0, "電気事業者別排出係数")
        sheet = book.add_worksheet("一覧")
        sheet.merge_range(0, 0, 0, 5, TITLE)
        sheet.write_row(2, 0, heading)
        for number, row in enumerate(rows, start=3):
            for column, cell in enumerate(row):
                is_number = column in {3, 4} and str(cell).isascii() and str(cell)[:1].isdigit()
                sheet.write(number, column, float(cell) if is_number else cell)
        sheet.merge_range(3, 0, 5, 0, rows[0][0])
        sheet.merge_range(3, 1, 5, 1, rows[0][1])
    return out.getvalue()


@pytest.mark.parametrize(
    "raw", [as_csv(ROWS), as_csv(ROWS, "utf-8-sig"), as_workbook(ROWS)], ids=["cp932", "utf8", "xlsx"]
)
def test_the_ministrys_list_reads_the_same_as_workbook_and_as_csv(raw: bytes) -> None:
    factors, told = read_factors(raw, Edition())
    base = {(f.retailer, f.menu): f.value for f in factors if f.kind is Kind.RETAILER_BASE}
    assert base == {
        ("A0269", "メニューA"): Decimal("0.000000"),
        ("A0269", "残差"): Decimal("0.000440"),
        ("A0269", ""): Decimal("0.000410"),
        ("A0269", "zero"): Decimal("0.000000"),
        ("A0999", ""): Decimal("0.000500"),
    }
    adjusted = {(f.retailer, f.menu): f.value for f in factors if f.kind is Kind.RETAILER_ADJUSTED}
    assert adjusted["A0999", ""] == Decimal("0.000490")
    [substitute] = [f for f in factors if f.kind is Kind.RESIDUAL]
    assert (substitute.value, substitute.region) == (Decimal("0.000412"), "JP")
    assert {(f.valid_from, f.valid_to, f.edition) for f in factors} == {
        (date(2026, 4, 1), date(2027, 3, 31), "2027-01-08")
    }
    assert all("令和7年度" in f.title and f.licence and f.processed_by for f in factors)
    assert [one.reason for one in told] == ["Substituted"] * 2 + ["Unknown"] * 2


def test_rows_that_cannot_be_are_refused_with_their_row_and_the_others_kept() -> None:
    rows = [
        *ROWS[:1],
        ["XYZ", "番号のない会社", "", "0.0005", "0.0005", ""],
        ["A0996", "単位を間違えた会社", "", "0.5", "500", ""],
        ["A0269", "東京電力エナジーパートナー(株)", "メニューA", "0.000123", "0.000000", ""],
        ["A0995", "文字の会社", "", "不明", "0.0004", ""],
    ]
    factors, told = read_ministry(as_csv(rows), Edition())
    assert [(one.row, one.reason) for one in told] == [
        (4, "BadRetailer"), (5, "BadValue"), (5, "BadValue"), (6, "Contradiction"), (7, "BadValue"),
    ]  # fmt: skip
    assert ("A0995", Kind.RETAILER_ADJUSTED) in {(f.retailer, f.kind) for f in factors}


@pytest.mark.parametrize(
    ("raw", "given", "why"),
    [
        (b"", Edition(), "no heading"),
        ("番号,名前\r\n1,2".encode("cp932"), Edition(), "no heading"),
        (as_workbook(ROWS, heading=["番号", "名前", "", "", "", ""]), Edition(), "no heading"),
        (b"PK\x03\x04 broken", Edition(), "cannot be opened"),
        (as_csv(ROWS).replace("R7年度実績".encode("cp932"), b""), Edition(), "fiscal year"),
        (as_csv([["A0998", "会社", "", "※", "※", ""]]), Edition(), "no row"),
        (as_csv(ROWS).decode("cp932").encode("utf-16"), Edition(), "UTF-16"),
        (b"\xff\xfe\xff\xfe", Edition(), "UTF-16"),
        ("登録番号".encode("euc-jp") + b"\xff", Edition(), "neither"),
        (b"kind,region,power\n", Edition(), "first row has to be"),
    ],
)
def test_a_file_of_another_layout_or_encoding_is_refused_as_a_whole(raw: bytes, given: Edition, why: str) -> None:
    with pytest.raises(BadFileError, match=why):
        read_factors(raw, given)


@given(st.binary(max_size=200))
def test_whatever_is_brought_is_read_or_refused_but_breaks_nothing(raw: bytes) -> None:
    for start in (b"", b"PK\x03\x04", as_csv([]), ",".join(COLUMNS).encode() + b"\n"):
        try:
            read_factors(start + raw, Edition(fiscal_year=2025))
        except BadFileError:
            continue


def test_shipped_factors_state_where_they_come_from() -> None:
    factors = shipped()
    assert len(factors) > 60
    for factor in factors:
        assert factor.title
        assert factor.edition
        assert factor.licence
        assert factor.processed_by or factor.provisional
    assert grams_per_kwh(next(f for f in factors if f.retailer == "A0269" and f.menu == "残差")) == 452


def table(*factors: Factor) -> Factors:
    return Factors(Numbered(id=number, factor=one) for number, one in enumerate([*shipped(), *factors], start=1))


@pytest.mark.parametrize(
    ("supplier", "power_type", "grams"),
    [
        ("A0269", "solar", 0),  # a menu of 0 is published
        ("A0269", "gas", 452),  # the residual menu
        ("A0793", "coal", 46),  # no residual menu: the whole business
        ("unknown", "solar", 416),  # the substitute value: nobody vouches for the sun
        ("B4711", "solar", 416),
    ],
)
def test_a_contract_counts_with_what_its_supplier_publishes(supplier: str, power_type: str, grams: int) -> None:
    chosen = table().market_based(DAY, ("JP-13", "JP-A03", "JP"), supplier, power_type)
    assert chosen.intensity.direct == grams
    assert chosen.intensity.losses_within


def test_the_smallest_region_with_an_average_counts() -> None:
    factors = table()
    assert factors.location_based(DAY, ("JP-47", "JP-A10", "JP")).intensity.direct == 707
    assert factors.location_based(DAY, ("JP-13", "JP-A03", "JP")).intensity.direct == 423
    with pytest.raises(NoFactorError):
        factors.location_based(DAY, ("DE",))


def test_after_its_year_a_factor_stands_in_and_says_so_until_the_next_edition() -> None:
    [old] = [f for f in shipped() if f.retailer == "A0269" and f.menu == "残差"]
    lineage, later = ("JP",), date(2026, 5, 1)
    assert table().at(later, Kind.RETAILER_BASE, retailer="A0269", menu="残差") is not None
    assert table().market_based(later, lineage, "A0269", "gas").provisional
    changed = {"value": Decimal("0.000440"), "valid_from": date(2026, 4, 1), "valid_to": date(2027, 3, 31)}
    new = Factor(**{**old.__dict__, **changed})
    assert table(new).market_based(later, lineage, "A0269", "gas").intensity.direct == 440
    assert table(new).market_based(DAY, lineage, "A0269", "gas").intensity.direct == 452


async def test_an_edition_that_replaces_provisional_factors_is_a_new_run_that_shows_the_difference(
    system: System,
) -> None:
    operator, site = await system.token(Role.OPERATOR), await system.token(Role.SITE)
    item = {
        "id": "3f0c7a52-6c1e-4d0b-9d59-0b7f2f6f4a11", "outlet": "K3VQ5B2XJ6M7D4TZ5A2YHNCLPE", "region": "JP-13",
        "start": "2026-05-01T00:00:00Z", "end": "2026-05-01T02:00:00Z", "wh": 6000,
        "power_type": "gas", "supplier": "A0269", "use": "own",
    }  # fmt: skip
    await system.work(date(2026, 5, 2) - AT_DAY)
    assert (await system.deliver(site, [item]))["accepted"] == 1
    await system.compute(operator)
    before = (await system.get("/v1/results", operator, exact=True))["rows"][0]
    assert before["provisional"]
    assert before["scope2_market"] == 6000 * 452

    answer = await system.send_file("/v1/factors", operator, as_workbook(ROWS))
    assert answer["added"] > 0
    assert {one["reason"] for one in answer["told"]} == {"Substituted", "Unknown"}
    after = (await system.get("/v1/results", operator, exact=True))["rows"][0]
    assert after["scope2_market"] == 6000 * 440
    runs = await system.get("/v1/runs", operator)
    assert [run["reason"] for run in runs[:2]] == ["factors", "asked"]
    difference = await system.get(f"/v1/runs/{runs[0]['id']}/difference", operator, before=runs[1]["id"])
    [change] = difference["changes"]
    assert (change["before"]["scope2_market"], change["after"]["scope2_market"]) == (6000 * 452, 6000 * 440)
    old = (await system.get("/v1/results", operator, exact=True, run=runs[1]["id"]))["rows"][0]
    assert old == before
    editions = {one["id"]: one["edition"] for one in await system.get("/v1/factors", operator)}
    assert {editions[number] for number in after["factors"]} >= {"2027-01-08"}
    assert "2027-01-08" not in {editions[number] for number in before["factors"]}
    again = await system.send_file("/v1/factors", operator, as_workbook(ROWS))
    assert again["added"] == 0


AT_DAY = date(2026, 3, 20)


async def test_the_exported_table_of_factors_can_be_imported(system: System) -> None:
    operator = await system.token(Role.OPERATOR)
    text = (await system.http.get("/v1/factors.csv", headers=operator)).text
    factors, told = read_table(text.encode())
    assert told == []
    assert set(factors) == set(shipped())
