"""Labels in the back office and on the command line."""

from pathlib import Path
from typing import TYPE_CHECKING

import pypdfium2
import pytest
import zxingcpp
from typer.testing import CliRunner

from konsento.cli import cli
from konsento.models import Role

from ..conftest import CODES, STATION

if TYPE_CHECKING:
    from konsento.settings import Settings

    from .conftest import Office

PAGE = f"/office/stations/{STATION}/labels"
ADDRESSES = [f"HTTP://KONSENTO.TEST/O/{code}" for code in CODES]


def read(pdf: bytes) -> list[str]:
    pages = pypdfium2.PdfDocument(pdf)
    return sorted(one.text for page in pages for one in zxingcpp.read_barcodes(page.render(scale=150 / 72).to_pil()))


async def test_the_labels_of_a_site_lead_to_its_outlets(office: Office) -> None:
    async with office.member(Role.OPERATOR) as browser:
        station = await browser.get(f"/office/stations/{STATION}")
        page = office.bench.words(await browser.get(PAGE))
        pdf = await browser.get(f"{PAGE}.pdf")
        outlet = await browser.get(ADDRESSES[0].removeprefix("HTTP://KONSENTO.TEST"), follow_redirects=True)

    assert f'href="{PAGE}"' in station.text
    assert "1: Outlet 1, north wall" in page
    assert pdf.headers["content-type"] == "application/pdf"
    assert f'filename="labels-{STATION}.pdf"' in pdf.headers["content-disposition"]
    assert read(pdf.content) == sorted(ADDRESSES)
    assert outlet.url.path == f"/o/{CODES[0]}"


async def test_chosen_outlets_and_sheets_come_as_a_drawing_too(office: Office) -> None:
    async with office.member(Role.OPERATOR) as browser:
        chosen = await browser.get(f"{PAGE}.pdf", params={"outlet": 2, "layout": "a6", "cut_marks": "true"})
        svg = await browser.get(f"{PAGE}.svg", params={"layout": "a6", "page": 2})
        answers = [
            await browser.get(f"{PAGE}.svg", params=params)
            for params in ({"layout": "a6", "page": 3}, {"layout": "a0"}, {"outlet": 9})
        ]
        wrong = await browser.get(PAGE, params={"start": "0"})

    assert read(chosen.content) == ADDRESSES[1:]
    assert "M4X-R8T" in svg.text
    assert "K7F-29Q" not in svg.text
    assert svg.headers["content-type"] == "image/svg+xml"
    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert wrong.status_code == 422


async def test_who_only_looks_prints_no_labels(office: Office) -> None:
    async with office.member(Role.VIEWER) as browser:
        station = await browser.get(f"/office/stations/{STATION}")
        refused = await browser.get(PAGE)

    assert PAGE not in station.text
    assert refused.status_code == 403


@pytest.fixture
def shell(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("KONSENTO_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("KONSENTO_PUBLIC_URL", settings.public_url)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_command_writes_a_pdf_or_a_drawing_for_each_page(shell: Path) -> None:
    run = CliRunner().invoke

    pdf = run(cli, ["labels", STATION, "-o", "all.pdf"])
    one = run(cli, ["labels", STATION, "-o", "one.svg", "--outlet", "1"])
    pages = run(cli, ["labels", STATION, "-o", "big.svg", "--layout", "a6"])

    assert [result.exit_code for result in (pdf, one, pages)] == [0, 0, 0]
    assert read((shell / "all.pdf").read_bytes()) == sorted(ADDRESSES)
    assert one.output.split() == ["one.svg"]
    assert pages.output.split() == ["big-1.svg", "big-2.svg"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nowhere", "-o", "x.pdf"], "no such outlet"),
        ([STATION, "-o", "x.pdf", "--outlet", "9"], "no such outlet"),
        ([STATION, "-o", "x.pdf", "--layout", "a0"], "no sheet"),
        ([STATION, "-o", "x.pdf", "--start", "22"], "21 labels"),
        ([STATION, "-o", "x.png"], ".pdf or .svg"),
    ],
)
def test_the_command_says_what_is_wrong(shell: Path, arguments: list[str], says: str) -> None:
    result = CliRunner().invoke(cli, ["labels", *arguments])

    assert result.exit_code != 0
    assert says in str(result.exception)
    assert list(shell.glob("x.*")) == []
