"""A management server that sends what nobody should: the link stands, nothing is lost, nothing personal stays."""

import asyncio
import json
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from csms import Csms, start_request
from station.conftest import Linked, linked_to, one_site

PERSONAL = "Hanako Yamada"


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"a":' * 40_000,
        '[3, "a", {"b": NaN}]',
        '[2, "\\ud800", "Heartbeat", {}]',
        '[2, "a", "GetVariables", {"b": "\\udfff"}]',
        '[true, "a", {}]',
        '[2.0, "a", "GetTransactionStatus", {}]',
    ],
    ids=["deep list", "deep object", "NaN", "id of half a letter", "value of half a letter", "true", "2.0"],
)
async def test_what_python_reads_but_nobody_can_use_is_refused_on_a_link_that_stands(linked: Linked, text: str) -> None:
    await linked.online()

    await linked.csms.send(text)
    await linked.csms.until(lambda: len(linked.csms.raw) == 1)

    assert linked.csms.raw[0][0] == 4
    assert (await linked.csms.ask("GetTransactionStatus", {}))[0] == 3
    assert linked.csms.connections == 1


@pytest.mark.parametrize("code", ["SecurityError", "NotSupported", "NotImplemented", "RpcFrameworkError", "Made up"])
async def test_an_event_is_given_up_only_when_the_server_calls_it_malformed(linked: Linked, code: str) -> None:
    linked.station._settings.change(attempts=1, attempt_interval_s=1)
    refusals = [code, code]
    linked.csms.answers["TransactionEvent"] = lambda _: refusals.pop() if refusals else {}
    await linked.online()
    await linked.started()
    await linked.csms.until(lambda: len(linked.csms.events()) == 3)

    assert [event["seqNo"] for event in linked.csms.events()] == [0, 0, 0]


async def test_what_a_server_writes_beside_an_error_or_names_an_action_is_in_no_log(
    linked: Linked, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    quoted = [f"{PERSONAL} has sent TOKEN000000000000001"]
    linked.csms.answers["TransactionEvent"] = lambda _: f"FormatViolation: {quoted.pop()}" if quoted else {}
    await linked.online()
    await linked.started()
    await linked.csms.until(lambda: len(linked.csms.events()) == 2)
    await linked.csms.ask(PERSONAL * 10, {}, valid=False)
    await linked.csms.send(json.dumps([2, PERSONAL[:36], "Heartbeat"]))
    await linked.csms.until(lambda: len(linked.csms.raw) == 2)

    logged = "\n".join(record.getMessage() for record in caplog.records if "konsento" in record.name)
    assert "FormatViolation" in logged
    assert PERSONAL not in logged
    assert "TOKEN0000" not in logged


@pytest.mark.parametrize("energy", [0.4, 0.999])
async def test_a_limit_below_a_watt_hour_is_a_limit(linked: Linked, energy: float) -> None:
    answers: list[dict[str, Any]] = [{"transactionLimit": {"maxEnergy": energy}}]
    linked.csms.answers["TransactionEvent"] = lambda _: answers.pop() if answers else {}
    await linked.online()
    await linked.started(energyLimitWh=1000)
    await linked.csms.until(lambda: len(linked.csms.events()) == 2)

    assert linked.outlet.limits.energy_wh == 1


async def test_a_server_that_takes_no_states_is_not_left(linked: Linked) -> None:
    linked.csms.answers["StatusNotification"] = lambda _: "NotSupported"
    await linked.online()

    answer = await linked.csms.ask("RequestStartTransaction", start_request())
    await linked.csms.until(lambda: len(linked.csms.events()) == 1)

    assert answer[2]["status"] == "Accepted"
    assert linked.csms.connections == 1


async def test_a_problem_of_before_the_link_is_told(csms: Csms, tmp_path: Path) -> None:
    async with one_site(tmp_path / "journal.sqlite3") as (site, outlet):
        outlet.fault = "overcurrent"
        outlet.changed()
        async with linked_to(csms, site, outlet) as linked:
            await linked.online()
            await csms.until(lambda: [action for action, _ in csms.heard].count("NotifyEvent") == 1)


async def test_a_rejected_station_answers_nothing(linked: Linked) -> None:
    answers = iter(["Rejected"])
    linked.csms.answers["BootNotification"] = lambda _: {
        "currentTime": datetime.now(UTC).isoformat(),
        "interval": 2,
        "status": next(answers, "Accepted"),
    }
    linked.connect()
    await linked.csms.until(lambda: len(linked.csms.heard) == 1)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await linked.csms.ask("GetTransactionStatus", {})
    await linked.csms.until(lambda: linked.csms.states() != [])
    assert (await linked.csms.ask("GetTransactionStatus", {}))[0] == 3


def reservation(number: int, token: str) -> dict[str, Any]:
    return {
        "id": number,
        "evseId": 1,
        "expiryDateTime": (datetime.now(UTC) + timedelta(minutes=5)).isoformat(),
        "idToken": {"idToken": token, "type": "ISO14443"},
    }


async def test_two_reservations_at_the_same_moment_end_with_one(linked: Linked) -> None:
    await linked.online()

    answers = await asyncio.gather(
        *(linked.csms.ask("ReserveNow", reservation(number, "04a2B3c4")) for number in range(5))
    )

    assert sorted(answer[2]["status"] for answer in answers) == ["Accepted"] + ["Occupied"] * 4
    start = {**start_request(), "idToken": {"idToken": "04A2B3C4", "type": "ISO14443"}}
    assert (await linked.csms.ask("RequestStartTransaction", start))[2]["status"] == "Accepted"


@pytest.mark.parametrize("evse", [True, 1.0])
async def test_an_outlet_is_named_by_a_whole_number(linked: Linked, evse: object) -> None:
    await linked.online()

    answer = await linked.csms.ask(
        "DataTransfer", {"vendorId": "org.konsento", "messageId": "LinkTrace", "data": {"evseId": evse}}
    )

    assert answer[2]["status"] == "Rejected"
