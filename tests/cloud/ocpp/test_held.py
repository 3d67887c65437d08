"""A station that is held meets what B02 and B03 say, until the operator has accepted it."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from konsento.ocpp import Entry, Version
from konsento.ocpp.messages import (
    BootNotification,
    GetBaseReport,
    GetBaseReportResponse,
    NotifyReport,
    RegistrationStatus,
    ReportBase,
    TransactionEvent,
    TransactionEventResponse,
)
from konsento.ocpp.registration import BOOTS_A_MINUTE

from .conftest import Site

type MakeSite = Callable[..., Awaitable[Site]]

BOOT = {"chargingStation": {"model": "Q1", "vendorName": "Acme", "serialNumber": "4711"}, "reason": "PowerUp"}
EVENT = {
    "eventType": "Started",
    "timestamp": "2026-11-23T09:00:00Z",
    "triggerReason": "Authorized",
    "seqNo": 0,
    "transactionInfo": {"transactionId": "t-1"},
}
REPORT = {"requestId": 1, "generatedAt": "2026-11-23T09:00:00Z", "seqNo": 0}


class Operator:
    """Decides by `status`; remembers who asked."""

    def __init__(self) -> None:
        self.status = RegistrationStatus.PENDING
        self.asked: list[tuple[str, Version, str | None]] = []

    async def __call__(self, station_id: str, version: Version, boot: BootNotification) -> RegistrationStatus:
        self.asked.append((station_id, version, boot.charging_station.serial_number))
        return self.status


@pytest.fixture
def operator() -> Operator:
    return Operator()


@pytest.fixture
async def site(make_site: MakeSite, operator: Operator) -> Site:
    site = await make_site(register=operator, retry_s=45)
    site.entry = Entry.HELD

    @site.handlers.on(TransactionEvent)
    async def keep(_station_id: str, _event: TransactionEvent) -> TransactionEventResponse:
        return TransactionEventResponse()

    return site


async def test_it_is_told_to_wait_and_when_to_ask_again(site: Site, operator: Operator) -> None:
    async with await site.connect() as station:
        answer = await station.call("BootNotification", BOOT)
    assert answer[2] == {"currentTime": "2026-11-23T09:30:00.123000Z", "interval": 45, "status": "Pending"}
    assert operator.asked == [("SITE-1", Version.V21, "4711")]


@pytest.mark.parametrize("boots", [False, True])
async def test_what_it_may_not_send_yet_is_refused_and_not_lost(site: Site, boots: bool) -> None:
    async with await site.connect() as station:
        if boots:
            await station.call("BootNotification", BOOT)
        for action, payload in [("Heartbeat", {}), ("TransactionEvent", EVENT)]:
            frame = await station.call(action, payload)
            assert (frame[0], frame[2]) == (4, "SecurityError")
        assert (await station.call("Nonsense", {}))[2] == "NotImplemented"


async def test_it_may_be_asked_for_its_device_model_while_it_waits(site: Site) -> None:
    pages: list[str] = []

    @site.handlers.on(NotifyReport)
    async def take(station_id: str, _page: NotifyReport) -> None:
        pages.append(station_id)

    async with await site.connect() as station:
        assert (await station.call("NotifyReport", REPORT))[0] == 4
        await station.call("BootNotification", BOOT)
        asking = asyncio.create_task(
            site.router.call("SITE-1", GetBaseReport(request_id=1, report_base=ReportBase.SUMMARY_INVENTORY))
        )
        frame = await station.receive()
        await station.send([3, frame[1], {"status": "Accepted"}])
        assert isinstance(await asking, GetBaseReportResponse)
        assert (await station.call("NotifyReport", REPORT))[0] == 3
    assert pages == ["SITE-1"]


async def test_once_accepted_its_next_boot_opens_everything_on_the_same_socket(site: Site, operator: Operator) -> None:
    async with await site.connect() as station:
        await station.call("BootNotification", BOOT)
        operator.status = RegistrationStatus.ACCEPTED
        assert (await station.call("TransactionEvent", EVENT))[2] == "SecurityError"
        assert (await station.call("BootNotification", BOOT))[2]["status"] == "Accepted"
        assert (await station.call("TransactionEvent", EVENT))[0] == 3
        operator.status = RegistrationStatus.REJECTED
        assert (await station.call("BootNotification", BOOT))[2]["status"] == "Accepted"


async def test_a_rejected_one_is_told_to_stay_away_for_long_and_its_reports_are_not_taken(
    site: Site, operator: Operator
) -> None:
    operator.status = RegistrationStatus.REJECTED
    async with await site.connect() as station:
        answer = await station.call("BootNotification", BOOT)
        assert (answer[2]["status"], answer[2]["interval"]) == ("Rejected", 3600)
        assert (await station.call("NotifyReport", REPORT))[2] == "SecurityError"
        operator.status = RegistrationStatus.PENDING
        assert (await station.call("BootNotification", BOOT))[2]["status"] == "Pending"


async def test_one_that_boots_all_the_time_does_not_reach_the_database_each_time(
    site: Site, operator: Operator
) -> None:
    async with await site.connect() as station:
        answers = [await station.call("BootNotification", BOOT) for _ in range(3 * BOOTS_A_MINUTE)]
    assert {answer[2]["status"] for answer in answers} == {"Pending"}
    assert len(operator.asked) == BOOTS_A_MINUTE


async def test_a_question_to_the_operators_decision_that_fails_is_answered_so_that_it_asks_again(
    make_site: MakeSite,
) -> None:
    async def broken(_station_id: str, _version: Version, _boot: BootNotification) -> RegistrationStatus:
        raise RuntimeError("no database")

    site = await make_site(register=broken)
    site.entry = Entry.HELD
    async with await site.connect() as station:
        assert (await station.call("BootNotification", BOOT))[2] == "InternalError"
