"""Any OCPP request by hand: chosen, explained, checked, sent, shown; and tokens for programs that do the same."""

import json
import re
from html import unescape
from typing import TYPE_CHECKING

import pytest

from konsento.models import Role
from konsento.ocpp import CallRefused, CallTimeout, Version
from konsento.ocpp.actions import to_station

from ..conftest import speaks

if TYPE_CHECKING:
    from tests.cloud.backoffice.conftest import Office

AT = "/office/stations/sakura-mall/ocpp"
SECRET = "a-new-password-of-the-site"


def payload_in(page: str) -> str:
    found = re.search(r"<textarea[^>]*>\n(.*?)</textarea>", page, re.DOTALL)
    assert found is not None
    return unescape(found[1])


async def test_the_requests_are_those_of_the_stations_version(office: Office) -> None:
    async with office.member(Role.OPERATOR) as browser:
        new = (await browser.get(AT)).text
        await speaks(office.bench.services.database, Version.V201)
        old = (await browser.get(AT)).text
        await speaks(office.bench.services.database, None)
        away = (await browser.get(AT)).text

    def offered(page: str) -> list[str]:
        return re.findall(r"<option[^>]*>(\w+)</option>", page)

    assert offered(new) == sorted(to_station(Version.V21))
    assert offered(old) == sorted(to_station(Version.V201))
    assert offered(away) == sorted(to_station(Version.V21))
    assert "not connected" in away


async def test_a_chosen_request_is_explained_and_can_be_sent_as_it_is(office: Office) -> None:
    async with office.member(Role.OPERATOR) as browser:
        for action in sorted(to_station(Version.V21)):
            page = await browser.get(AT, params={"action": action})
            assert page.status_code == 200, action
            office.bench.site.raw_answer = {"status": "Accepted"}
            sent = await browser.post(AT, data={"action": action, "payload": payload_in(page.text)})
            assert sent.status_code == 200, action
            assert "The station answered" in sent.text, action

    assert [action for action, _ in office.bench.site.asked_raw] == sorted(to_station(Version.V21))


async def test_every_field_is_named_with_what_it_may_be(office: Office) -> None:
    async with office.member(Role.OPERATOR) as browser:
        page = office.bench.words(await browser.get(AT, params={"action": "Reset"}))
        japanese = office.bench.words(
            await browser.get(AT, params={"action": "Reset"}, headers={"Accept-Language": "ja"})
        )

    assert "type text Immediate, OnIdle, ImmediateAndResume" in page
    assert "evseId whole number" in page
    assert "type 文字列 Immediate" in japanese


async def test_the_answer_is_shown_and_logged(office: Office) -> None:
    office.bench.site.raw_answer = {"status": "Accepted", "odd": "<b>"}
    async with office.member(Role.OPERATOR) as browser:
        page = await browser.post(AT, data={"action": "ClearCache", "payload": "{}"})
        station = await browser.get("/office/stations/sakura-mall")

    assert json.dumps({"status": "Accepted", "odd": "<b>"}, indent=2) in unescape(page.text)
    assert "<b>&#34;" not in page.text
    assert "&lt;b&gt;" in page.text
    assert "OCPP has no such field here." in page.text
    asked, answered = await office.log("station.")
    assert (asked.action, asked.details) == ("station.ClearCache", {"request": {}})
    assert answered.details["answer"]["status"] == "Accepted"
    assert "station.ClearCache" in station.text


@pytest.mark.parametrize(
    ("action", "typed", "told"),
    [
        ("Reset", "{", "line 1, column 2"),
        ("Reset", '{"type":\n "OnIdle" "evseId": 1}', "line 2, column 11"),
        ("Reset", "", "line 1, column 1"),
        ("Reset", '{"type": NaN}', "This is not JSON"),
        ("DataTransfer", '{"vendorId": "x", "data": ' + "[" * 9_000 + "]" * 9_000 + "}", "nested too deeply"),
        ("Reset", "[]", "This must be an object."),
        ("Reset", '{"type": "Now"}', "/type This must be one of: Immediate, OnIdle, ImmediateAndResume."),
        ("MakeCoffee", "{}", "has no request “MakeCoffee” from a server to a station"),
    ],
)
async def test_what_is_wrong_is_said_with_its_place_and_nothing_is_sent(
    office: Office, action: str, typed: str, told: str
) -> None:
    async with office.member(Role.OPERATOR) as browser:
        page = await browser.post(AT, data={"action": action, "payload": typed})

    assert page.status_code in {404, 422}
    assert told in office.bench.words(page)
    if action == "Reset" and typed:
        assert payload_in(page.text) == typed  # nobody has to type it again
    assert office.bench.site.asked_raw == []
    assert await office.log("station.") == []


async def test_it_says_so_in_japanese_too(office: Office) -> None:
    async with office.member(Role.OPERATOR, "ja") as browser:
        page = office.bench.words(await browser.post(AT, data={"action": "Reset", "payload": "{}"}))

    assert "/type 項目がありません。" in page


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (CallRefused("s", "Reset", "NotSupported", "not here"), "error NotSupported: not here"),
        (CallTimeout("s", "Reset", "no answer in time"), "The station may have acted."),
    ],
)
async def test_a_station_that_refuses_or_is_silent_is_told_apart(office: Office, error: Exception, told: str) -> None:
    office.bench.site.raw_answer = error
    async with office.member(Role.OPERATOR) as browser:
        page = await browser.post(AT, data={"action": "Reset", "payload": '{"type": "OnIdle"}'})

    assert page.status_code == 200
    assert told in office.bench.words(page)
    assert (await office.log("station."))[1].details == {"to": "Reset", "answer": str(error)}


@pytest.mark.parametrize(
    ("action", "warning"),
    [
        ("RequestStartTransaction", "the server stops it as a stray"),
        ("SetVariables", "not known to this server"),
        ("ClearCache", ""),
    ],
)
async def test_what_could_do_harm_is_warned_of(office: Office, action: str, warning: str) -> None:
    async with office.member(Role.OPERATOR) as browser:
        page = office.bench.words(await browser.get(AT, params={"action": action}))

    assert warning in page
    assert warning or "stray" not in page


async def test_a_secret_that_is_sent_is_nowhere_afterwards(office: Office) -> None:
    data = {
        "component": {"name": "SecurityCtrlr"},
        "variable": {"name": "BasicAuthPassword"},
        "attributeValue": SECRET,
    }
    async with office.member(Role.ADMIN) as browser:
        sent = {"action": "SetVariables", "payload": json.dumps({"setVariableData": [data]})}
        await browser.post(AT, data=sent)
        pages = [await browser.get(at) for at in ("/office/stations/sakura-mall", "/office/log", "/office/log.csv")]

    assert SECRET in json.dumps(office.bench.site.asked_raw)
    assert all(SECRET not in page.text for page in pages)
    assert SECRET not in json.dumps([entry.details for entry in await office.log()])


async def test_a_token_is_shown_once_and_works_until_it_is_ended(office: Office) -> None:
    async with office.member(Role.ADMIN) as browser, office.bench.browser() as program:
        made = await browser.post("/office/staff/tokens", data={"name": "depot planner", "days": "30"})
        token = re.search(r'class="key"[^>]*>(kos_\w+)<', made.text)
        assert token is not None
        later = await browser.get("/office/staff/tokens")
        headers = {"Authorization": f"Bearer {token[1]}"}
        address = "/api/v1/stations/sakura-mall/ocpp/ClearCache"
        works = await program.post(address, json={}, headers=headers)
        end = re.search(r"/office/staff/tokens/[\w-]+/end", later.text)
        assert end is not None
        await browser.post(end[0])
        ended = await program.post(address, json={}, headers=headers)
        again = await browser.post(end[0])

    assert token[1] not in later.text
    assert "depot planner" in later.text
    assert (works.status_code, ended.status_code, again.status_code) == (200, 401, 404)
    assert token[1] not in json.dumps([entry.details for entry in await office.log()])
    assert [entry.details for entry in await office.log("staff.")] == [{"token": "depot planner"}] * 2


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"name": " ", "days": "30"}, "Give the token a name"),
        ({"name": "x", "days": "0"}, "1 to 365 days"),
        ({"name": "x", "days": "366"}, "1 to 365 days"),
    ],
)
async def test_a_token_has_a_name_and_an_end(office: Office, data: dict[str, str], told: str) -> None:
    async with office.member(Role.ADMIN) as browser:
        answer = await browser.post("/office/staff/tokens", data=data)

    assert answer.status_code == 422
    assert told in answer.text
    assert await office.log("staff.") == []
