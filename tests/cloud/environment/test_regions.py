"""The tree of regions."""

import pytest

from konsento.environment.errors import BadRegionsFile
from konsento.environment.regions import RegionKind, Tree, read, read_municipalities, shipped

LIST = """団体コード,都道府県名（漢字）,市区町村名（漢字）,都道府県名（カナ）,市区町村名（カナ）
130001,東京都,,ﾄｳｷｮｳﾄ,
131121,東京都,世田谷区,ﾄｳｷｮｳﾄ,ｾﾀｶﾞﾔｸ
222038,静岡県,沼津市,ｼｽﾞｵｶｹﾝ,ﾇﾏﾂﾞｼ
11002,北海道,札幌市,ﾎｯｶｲﾄﾞｳ,ｻｯﾎﾟﾛｼ
"""


def test_japan_has_ten_grid_areas_and_47_prefectures_each_in_one_of_them() -> None:
    tree = shipped()
    kinds = [region.kind for region in tree]
    assert kinds.count(RegionKind.AREA) == 10
    whole = [region for region in tree if region.kind is RegionKind.PREFECTURE and len(region.code) == 5]
    assert sorted(region.code for region in whole) == [f"JP-{number:02}" for number in range(1, 48)]
    assert all(tree.above(region.code, RegionKind.AREA) for region in whole)
    assert all(tree.path(region.code)[-1] == "JP" for region in tree)


def test_municipalities_come_from_the_ministrys_list() -> None:
    tree = shipped()
    whole = tree.joined(read_municipalities(LIST, tree))
    assert whole["JP-13112"].name_ja == "世田谷区"
    assert whole.path("JP-13112") == ("JP-13112", "JP-13", "JP-A03", "JP")
    assert whole.path("JP-01100") == ("JP-01100", "JP-01", "JP-A01", "JP")


def test_a_municipality_of_a_split_prefecture_lies_in_its_own_grid_area() -> None:
    tree = shipped()
    whole = tree.joined(read_municipalities(LIST, tree))
    assert whole.path("JP-22203") == ("JP-22203", "JP-22A03", "JP-A03", "JP")
    assert tree.path("JP-22") == ("JP-22", "JP-A04", "JP")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "団体コード,都道府県名,市区町村名\n",
        "131122,東京都,世田谷区\n",
        "131121,東京都\n",
        "131121,東京都,世田谷区\nsomething,東京都,世田谷区\n",
        "990001,東京都,世田谷区\n",
    ],
)
def test_a_list_of_another_layout_is_refused(text: str) -> None:
    with pytest.raises(BadRegionsFile):
        read_municipalities(text, shipped())


def test_regions_of_another_country_can_be_read() -> None:
    head = "code,parent,kind,name_en,name_ja,municipalities\n"
    tree = Tree(read(f"{head}DE,,country,Germany,ドイツ,\nDE-BY,DE,prefecture,Bavaria,バイエルン,\n"))
    assert tree.within("DE") == {"DE", "DE-BY"}
    for bad in ("", "code\nDE\n", f"{head}de,,country,a,b,\n", f"{head}DE,,town,a,b,\n", f"{head}DE,,country\n"):
        with pytest.raises(BadRegionsFile):
            read(bad)


def test_what_lies_in_itself_or_nowhere_is_no_tree() -> None:
    head = "code,parent,kind,name_en,name_ja,municipalities\n"
    for bad in ("DE,DE,country,a,b,\n", "DE-A,XX,area,a,b,\n", "AA,BB,area,a,b,\nBB,AA,area,a,b,\n"):
        with pytest.raises(ValueError, match="lies in"):
            Tree(read(head + bad))
