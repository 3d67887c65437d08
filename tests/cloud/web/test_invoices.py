"""A driver's invoices: on the receipt, as a file, in the mail; and whom nobody else sees."""

from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import pypdfium2
import pytest
from sqlalchemy import select

from konsento.invoices.links import LIVES
from konsento.kit.ids import new_id
from konsento.models import Invoice
from konsento.settings import Settings
from konsento.settlement import correcting

from .conftest import PASSWORD
from .mails import mails

if TYPE_CHECKING:
    from .conftest import Bench

REGISTERED = "T7000012050002"


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    return settings.model_copy(
        update={
            "mail_folder": tmp_path / "mails",
            "registration_number": REGISTERED,
            "operator_address": "1 Ginza, Tokyo",
        }
    )


@pytest.fixture(autouse=True)
def _kept(bench: Bench, settings: Settings) -> None:
    """The bench of the folder's conftest takes these settings."""
    assert bench.services.settings.registration_number == settings.registration_number


def text_of(file: bytes) -> str:
    return " ".join(" ".join(page.get_textpage().get_text_bounded() for page in pypdfium2.PdfDocument(file)).split())


async def the_invoice(bench: Bench) -> UUID:
    async with bench.services.database.transaction() as session:
        return (await session.scalars(select(Invoice.id))).one()


async def mailed(bench: Bench) -> tuple[EmailMessage, str]:
    """Return the newest mail and the path of its link to the file."""
    mail = (await mails(bench))[-1]
    body = mail.get_body(("plain",))
    assert body is not None
    return mail, "/i/" + body.get_content().partition("/i/")[2].split()[0]


async def test_the_receipt_has_lines_tax_number_and_the_file(bench: Bench) -> None:
    async with bench.driver() as browser:
        session = await bench.start(browser, "1000")
        await bench.site.charges("1000", seconds=1200)
        page = bench.words(await browser.get(session))
        number = await the_invoice(bench)
        file = await browser.get(f"/invoices/{number}.pdf")

    assert "Charging energy: Solar 1.00 kWh × ¥38.50 / kWh ¥38" in page
    assert f"Registration number {REGISTERED}" in page
    assert "Qualified simplified invoice and receipt K-2026-000001 (PDF)" in page
    assert file.headers["content-type"] == "application/pdf"
    assert file.headers["content-disposition"] == 'inline; filename="K-2026-000001.pdf"'
    assert file.headers["cache-control"] == "no-store"
    for item in ("K-2026-000001", REGISTERED, "1 Ginza, Tokyo", "¥38", "Sakura Energy"):
        assert item in text_of(file.content)


async def test_the_file_is_its_drivers_alone(bench: Bench) -> None:
    async with (
        bench.driver("ann@example.com") as ann,
        bench.driver("bob@example.com") as bob,
        bench.browser() as nobody,
    ):
        session = await bench.start(ann)
        await bench.site.charges("10")
        number = await the_invoice(bench)
        theirs = await bob.get(f"/invoices/{number}.pdf")
        unknown = await bob.get(f"/invoices/{new_id()}.pdf")
        open_to_nobody = await nobody.get(f"/invoices/{number}.pdf")
        named = await bob.post(f"{session}/recipient", data={"name": "Bob"})
        nonsense = await ann.get("/invoices/x.pdf")

    assert (theirs.status_code, named.status_code) == (404, 404)
    assert bench.words(theirs) == bench.words(unknown)
    assert open_to_nobody.status_code == 303
    assert nonsense.status_code == 404


@pytest.mark.parametrize("language", ["en", "ja"])
async def test_the_mail_brings_the_file_in_the_drivers_language(bench: Bench, language: str) -> None:
    async with bench.driver(language=language) as browser:
        session = await bench.start(browser, "1000")
        await browser.post(f"{session}/mail", data={"wanted": "true"})
        await bench.site.charges("1000", seconds=1200)
    mail, path = await mailed(bench)
    (attached,) = mail.iter_attachments()
    async with bench.browser("en") as nobody:
        opened = await nobody.get(path)

    title = {"en": "Qualified simplified invoice and receipt", "ja": "適格簡易請求書 兼 領収書"}[language]
    assert attached.get_filename() == "K-2026-000001.pdf"
    assert attached.get_content_type() == "application/pdf"
    assert title in text_of(attached.get_content())
    # The link needs no signing in, and gives the very same file.
    assert opened.content == attached.get_content()
    body = mail.get_body(("plain",))
    assert body is not None
    line = {"en": "Charging energy: Solar: 1.00 kWh × ¥38.50 / kWh = ¥38", "ja": "充電用電力：太陽光"}[language]
    assert line in body.get_content().replace("\u00a0", " ")


async def test_the_link_of_a_mail_runs_out_and_cannot_be_made_up(bench: Bench) -> None:
    async with bench.driver() as browser:
        session = await bench.start(browser)
        await browser.post(f"{session}/mail", data={"wanted": "true"})
        await bench.site.charges("10")
    _, path = await mailed(bench)
    token = path.partition("?")[0].removeprefix("/i/")
    made_up = [token[:-1], token[:-1] + ("A" if token[-1] != "A" else "Q"), "A" + token[1:], "x", "é", "A" * 48, "%00"]
    async with bench.browser() as nobody:
        wrong = [await nobody.get(f"/i/{one}") for one in made_up]
        bench.clock.advance(LIVES - timedelta(seconds=30))
        last = await nobody.get(path)
        bench.clock.advance(timedelta(minutes=1))
        late = await nobody.get(path)

    assert {answer.status_code for answer in wrong} == {404}
    assert last.status_code == 200
    assert late.status_code == 404
    assert "This link has run out." in bench.words(late)


async def test_the_link_of_a_deleted_account_opens_nothing(bench: Bench) -> None:
    async with bench.driver() as browser:
        session = await bench.start(browser)
        await browser.post(f"{session}/mail", data={"wanted": "true"})
        await bench.site.charges("10")
        _, path = await mailed(bench)
        await browser.post("/account/delete", data={"present": PASSWORD})
        answer = await browser.get(path)

    assert answer.status_code == 404


async def test_a_driver_names_whom_invoices_are_for(bench: Bench) -> None:
    async with bench.driver() as browser:
        mistake = await browser.post("/account/recipient", data={"name": "", "address": "1 Road"})
        await browser.post("/account/recipient", data={"name": "Acme Ltd", "address": "1 Road\r\nTown"})
        form = await browser.get("/account/recipient")
        session = await bench.start(browser)
        await bench.site.charges("10")
        number = await the_invoice(bench)
        first = text_of((await browser.get(f"/invoices/{number}.pdf")).content)
        await browser.post(f"{session}/recipient", data={"name": "Other Ltd", "address": ""})
        second = text_of((await browser.get(f"/invoices/{number}.pdf")).content)
        await browser.post(f"{session}/recipient", data={"name": "", "address": ""})
        third = text_of((await browser.get(f"/invoices/{number}.pdf")).content)

    assert mistake.status_code == 422
    assert "1 Road" in mistake.text
    assert 'value="Acme Ltd"' in form.text
    assert "To Acme Ltd 1 Road Town" in first
    assert "To Other Ltd" in second
    assert "Ltd" not in third


async def test_what_is_given_back_is_on_the_receipt_and_in_a_mail(bench: Bench) -> None:
    services = bench.services
    async with bench.driver() as browser:
        session = await bench.start(browser, "1000")
        await bench.site.charges("1000", seconds=1200)
        wanted = correcting.Wanted(correction_id=new_id(), amount_minor=8, note="a favour", member_id=None)
        async with services.database.transaction() as tx:
            number = UUID(session.removeprefix("/s/"))
            await correcting.give_back(tx, services.work, number, wanted, services.clock.now())
        mail = (await mails(bench))[-1]
        page = bench.words(await browser.get(session))

    (attached,) = mail.iter_attachments()
    assert mail["Subject"] == "Your bill is ¥8 less"
    assert attached.get_filename() == "KC-2026-000001.pdf"
    said = text_of(attached.get_content())
    assert "Qualified return invoice" in said
    assert "a favour" not in said
    assert "-¥8" in said
    assert "Refund: corrected bill -¥8" in page
    assert "KC-2026-000001 (PDF)" in page
