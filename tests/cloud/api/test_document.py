"""The OpenAPI document, the reference and the explained errors."""

import json
import re
from enum import StrEnum
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from konsento.accounts.tokens import Scope
from konsento.api.document import METHODS, operations
from konsento.api.install import openapi
from konsento.api.problems import DECLARED, MEDIA_TYPE
from konsento.cli import cli
from konsento.settings import Settings
from konsento.staff.tokens import StaffScope

if TYPE_CHECKING:
    from .conftest import Api

OPEN_TO_ALL = {"getHealth", "getOffers"}
SCOPES: dict[str, type[StrEnum]] = {"token": Scope, "staff": StaffScope}


def test_every_operation_says_what_it_does_who_may_call_it_and_how_it_fails() -> None:
    found = openapi(Settings())
    for operation in operations(found):
        name = operation["operationId"]
        assert operation["summary"], name
        assert operation["description"], name
        if name not in OPEN_TO_ALL:
            ((scheme, (scope,)),) = [one for needed in operation["security"] for one in needed.items()]
            assert scope in set(SCOPES[scheme]), name
            assert {"401", "403", "422", "429", "500"} <= operation["responses"].keys(), name
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                assert list(response["content"]) == [MEDIA_TYPE], name


def test_every_scope_is_good_for_something() -> None:
    found = list(operations(openapi(Settings())))
    for scheme, scopes in SCOPES.items():
        used = {scope for operation in found for one in operation.get("security", []) for scope in one.get(scheme, ())}
        assert used == set(scopes)


def test_clients_may_rely_on_the_names_of_operations() -> None:
    assert sorted(operation["operationId"] for operation in operations(openapi(Settings()))) == [
        "answerPresenceCheck",
        "beginCard",
        "callStation",
        "cancelPlannedCharge",
        "changeAccount",
        "changeLimit",
        "createCheckout",
        "createLimitQuote",
        "createPresenceCheck",
        "createQuote",
        "createToken",
        "createTopUp",
        "createWebhook",
        "enableWebhook",
        "endToken",
        "exportAccount",
        "getAccount",
        "getBalance",
        "getCheckout",
        "getCurve",
        "getHealth",
        "getInvoiceFile",
        "getOffers",
        "getOutlet",
        "getOutlook",
        "getPayment",
        "getPlannedCharge",
        "getPoints",
        "getPresenceCheck",
        "getReceipt",
        "getSession",
        "getSite",
        "getWebhook",
        "giveUpCheckout",
        "giveUpPayment",
        "listBills",
        "listCoupons",
        "listDeliveries",
        "listOutlets",
        "listOwed",
        "listPaymentMethods",
        "listPlannedCharges",
        "listReceipts",
        "listSessions",
        "listSites",
        "listTariffs",
        "listTokens",
        "listWebhooks",
        "paySession",
        "planCharge",
        "removeCard",
        "removeWebhook",
        "renewWebhookSecret",
        "sendDeliveryAgain",
        "sendTestEvent",
        "startSession",
        "stopSession",
        "wantMail",
        "watchSession",
    ]


async def test_the_command_prints_what_the_server_serves(api: Api) -> None:
    async with api.program() as program:
        served = (await program.get("/openapi.json")).json()
    printed = json.loads(CliRunner(env={"KONSENTO_PUBLIC_URL": "http://konsento.test"}).invoke(cli, ["openapi"]).stdout)

    assert printed == served
    assert served["openapi"] == "3.1.0"


async def test_the_reference_shows_every_operation_without_any_script(api: Api) -> None:
    async with api.program() as program:
        page = await program.get("/docs")

    assert page.status_code == 200
    assert "<script" not in page.text
    assert "style=" not in page.text
    assert "script-src 'self'" in page.headers["content-security-policy"]
    for operation in operations(openapi(Settings())):
        assert f'id="{operation["operationId"]}"' in page.text


async def test_links_of_the_reference_lead_somewhere(api: Api) -> None:
    async with api.program() as program:
        page = await program.get("/docs")
        listed = await program.get("/problems")
        targets = set(re.findall(r'href="(/api/v1/[^"#]+)', page.text + listed.text))
        answers = {target: (await program.get(f"http://konsento.test{target}")).status_code for target in targets}

    assert set(answers.values()) == {200}
    assert {target.rpartition("/")[2] for target in targets} > DECLARED.keys()


@pytest.mark.parametrize("code", ["OutletBusy", "TokenNotValid", "UnknownSession"])
async def test_an_error_is_explained_in_both_languages(api: Api, code: str) -> None:
    async with api.program() as program:
        page = await program.get(f"/problems/{code}")

    assert DECLARED[code].message.split("{")[0][:20] in page.text
    assert 'lang="ja"' in page.text


def test_paths_are_written_in_one_way() -> None:
    found = openapi(Settings())
    for path, methods in found["paths"].items():
        assert re.fullmatch(r"(/[a-z-]+|/\{[a-z_]+\})+(\.pdf)?", path)
        assert methods.keys() <= set(METHODS)
