"""The timeline of a session has every OCPP message about it, in order, whatever the version, and nobody's name."""

import asyncio
import json
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert, select

from konsento.backoffice import session_history
from konsento.charging import handlers as charging_handlers
from konsento.kit.ids import new_id
from konsento.models import ChargingSession, Direction, MeterEvent, OcppFrame, Role
from konsento.ocpp import Handlers, Journal, Version
from konsento.ocpp.rpc import Connection

if TYPE_CHECKING:
    from tests.cloud.backoffice.conftest import Office

STATION = "sakura-mall"
ANSWERS: dict[str, dict[str, Any]] = {
    "RequestStopTransaction": {"status": "Accepted"},
    "TriggerMessage": {"status": "Accepted"},
    "GetTransactionStatus": {"ongoingIndicator": True, "messagesInQueue": False},
}


class Station:
    """A site's end of the line: real frames through the real connection, its journal before it."""

    def __init__(self, office: Office, version: Version, *, names_transaction: bool) -> None:
        services, clock = office.bench.services, office.bench.clock
        handlers = Handlers(clock)
        charging_handlers.install(services, handlers)
        self.clock = clock
        self.journal = Journal(services.database, clock)
        self.connection = Connection(STATION, version, handlers, self, self.journal)
        self.names_transaction = names_transaction
        self.start: dict[str, Any] = {}
        self._answered: dict[str, asyncio.Event] = {}
        office.bench.site.call = self._call  # type: ignore[method-assign]

    async def _call(self, _station_id: str, request: Any, *, timeout_s: float = 5) -> Any:
        self.clock.advance(timedelta(seconds=1))
        return await self.connection.call(request, timeout_s=timeout_s)

    async def send(self, text: str) -> None:
        """Take what the server sends, and answer its calls."""
        kind, message_id, *rest = json.loads(text)
        if kind != 2:
            self._answered[message_id].set()
            return
        action, payload = rest
        answer = ANSWERS.get(action)
        if action == "RequestStartTransaction":
            self.start = payload
            answer = {"status": "Accepted"} | ({"transactionId": "TX-1"} if self.names_transaction else {})
        self.connection.receive(json.dumps([3, message_id, answer]))

    async def close(self, code: int, reason: str) -> None:
        """Nothing to close."""

    async def says(self, action: str, payload: dict[str, Any]) -> None:
        """Send a message, and wait for the server's answer."""
        self.clock.advance(timedelta(seconds=1))
        message_id = str(new_id())
        self._answered[message_id] = asyncio.Event()
        self.connection.receive(json.dumps([2, message_id, action, payload]))
        async with asyncio.timeout(10):
            await self._answered[message_id].wait()

    async def status(self, evse_id: int, word: str) -> None:
        """Tell the state of an outlet."""
        at = self.clock.now().isoformat()
        await self.says(
            "StatusNotification", {"timestamp": at, "connectorStatus": word, "evseId": evse_id, "connectorId": 1}
        )

    async def event(self, seq_no: int, kind: str, wh: str, **info: Any) -> None:
        """Tell about the transaction."""
        at = self.clock.now().isoformat()
        sample = {"value": float(wh), "measurand": "Energy.Active.Import.Register"}
        payload = {
            "eventType": kind,
            "timestamp": at,
            "triggerReason": "MeterValuePeriodic",
            "seqNo": seq_no,
            "transactionInfo": {"transactionId": "TX-1", "chargingState": "Charging"} | info,
            "meterValue": [{"timestamp": at, "sampledValue": [sample]}],
        }
        if kind == "Started":
            payload["evse"] = {"id": 1, "connectorId": 1}
            payload["idToken"] = {"idToken": self.start["idToken"]["idToken"], "type": "Central"}
        await self.says("TransactionEvent", payload)


async def journal_of(office: Office) -> list[OcppFrame]:
    async with office.bench.services.database.transaction() as session:
        return list(await session.scalars(select(OcppFrame).order_by(OcppFrame.at, OcppFrame.id)))


def titles(html: str) -> list[str]:
    """Return direction and action of the messages on a page, in order."""
    return re.findall(r'<b><span class="arrow">(.)</span> (\w+)</b>', html)  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("version", "names_transaction"), [(Version.V21, True), (Version.V21, False), (Version.V201, False)]
)
async def test_every_message_of_a_session_is_there_in_order(
    office: Office, version: Version, *, names_transaction: bool
) -> None:
    station = Station(office, version, names_transaction=names_transaction)
    async with office.bench.driver("ann@example.com") as driver, office.member(Role.SUPPORT) as support:
        number = (await office.bench.start(driver, "1", "kWh")).removeprefix("/s/")
        # Before it is known whose transaction it is: an event without the number of the request.
        await station.event(1, "Updated", "1000.5")
        await station.status(1, "Occupied")
        await station.event(0, "Started", "1000", remoteStartId=station.start["remoteStartId"])
        await driver.post(f"/s/{number}/limit", data={"kind": "energy", "amount": "2", "unit": "kWh"})
        await station.event(2, "Updated", "1001")
        await support.post(f"/office/sessions/{number}/check")
        await support.post(f"/office/sessions/{number}/stop", data={"reason": "the driver cannot"})
        await station.event(3, "Ended", "1002", stoppedReason="Remote")
        await station.status(1, "Available")
        await station.journal.flush()
        about_it = await journal_of(office)
        # What is of another outlet, of nobody, or of later.
        await station.status(2, "Occupied")
        await station.says("Heartbeat", {})
        office.bench.clock.advance(timedelta(minutes=10))
        await station.status(1, "Faulted")
        await station.journal.flush()
        page = await support.get(f"/office/sessions/{number}")
        frames = re.findall(r'href="(/office/frames/[0-9]+)"', page.text)
        raw = await support.get(frames[0])

    shown = titles(page.text)
    assert shown == [("→" if f.direction is Direction.IN else "←", f.action) for f in about_it]
    assert len(frames) == len(about_it)
    asked = {action for _, action in shown}
    assert asked >= {
        "RequestStartTransaction", "TransactionEvent", "GetTransactionStatus", "RequestStopTransaction",
        "StatusNotification", "TriggerMessage",
    }  # fmt: skip
    assert "remoteStartId" in raw.text
    assert "the driver cannot" in page.text


async def test_a_timeline_holds_nothing_of_the_driver(office: Office) -> None:
    station = Station(office, Version.V21, names_transaction=True)
    async with office.bench.driver("ann@example.com") as driver, office.member(Role.ADMIN) as browser:
        number = (await office.bench.start(driver, "1", "kWh")).removeprefix("/s/")
        await station.event(0, "Started", "1000", remoteStartId=station.start["remoteStartId"])
        await station.journal.flush()
        page = await browser.get(f"/office/sessions/{number}")
        frames = [await browser.get(at) for at in re.findall(r'href="(/office/frames/[0-9]+)"', page.text)]

    token = station.start["idToken"]["idToken"]
    assert len(frames) == 4
    for answer in (page, *frames):
        assert answer.status_code == 200
        for secret in ("ann@example.com", "Ann Example", token):
            assert secret not in answer.text


async def test_a_long_timeline_has_pages_and_no_entry_is_lost_between_them(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_history, "PAGE", 7)
    async with office.bench.driver() as driver, office.member(Role.VIEWER) as browser:
        number = (await office.bench.start(driver, "1", "kWh")).removeprefix("/s/")
        await office.bench.site.reports("0")
        async with office.bench.services.database.transaction() as session:
            charging = (await session.scalars(select(ChargingSession))).one()
            rows = [_event(charging, seq_no, office.bench.clock.now()) for seq_no in range(1, 31)]
            await session.execute(insert(MeterEvent), rows)
        newest = await browser.get(f"/office/sessions/{number}")
        pages = [await browser.get(f"/office/sessions/{number}", params={"page": str(p)}) for p in range(1, 6)]
        nonsense = await browser.get(f"/office/sessions/{number}", params={"page": "x"})

    found = [re.findall(r"#(\d+) ·", page.text) for page in pages]
    assert [seq_no for page in found for seq_no in page] == [str(seq_no) for seq_no in range(31)]
    assert re.findall(r"#(\d+) ·", newest.text) == found[-1]
    assert nonsense.status_code == 200
    assert ["Agreed" in page.text for page in pages] == [True, False, False, False, False]


def _event(charging: ChargingSession, seq_no: int, at: Any) -> dict[str, Any]:
    when = at + timedelta(seconds=5 * seq_no)
    return {
        "site_id": charging.site_id, "transaction_id": charging.transaction_id, "seq_no": seq_no,
        "session_id": charging.id, "event_type": "Updated", "at": when, "received_at": when, "offline": False,
        "trigger": "MeterValuePeriodic", "register_mwh": 1, "power_w": 2900,
    }  # fmt: skip
