"""Everything that happened in one session, in one order: our own steps, the meter's events, every message, the staff.

The order is that of this server's clock; a meter event also says when it happened by the site's clock.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from konsento.backoffice.words import PAYMENTS, PROVIDERS, TRANSFERS, ended
from konsento.kit.i18n import Language, marked
from konsento.models import (
    POINTS,
    AccountKind,
    AuditEntry,
    ChargingSession,
    Direction,
    LimitChange,
    MeterEvent,
    OcppFrame,
    Payment,
    PaymentState,
    Receipt,
    Transfer,
)
from konsento.pricing import Price
from konsento.rewards.texts import number_of
from konsento.web.price_view import price_text
from konsento.web.session_view import limit_text


class Source(StrEnum):
    """Where an entry comes from; the filter of the page."""

    STEP = "step"
    METER = "meter"
    OCPP = "ocpp"
    MONEY = "money"
    STAFF = "staff"


SOURCES = {
    Source.STEP: marked("Steps"),
    Source.METER: marked("Meter"),
    Source.OCPP: marked("Messages"),
    Source.MONEY: marked("Money"),
    Source.STAFF: marked("Staff"),
}


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One thing that happened."""

    at: datetime
    source: Source
    title: str
    """What, in one word or an action of OCPP."""
    sentence: str
    arrow: str = ""
    """Of a message: which way it went."""
    raw: str = ""
    """JSON, indented; empty where there is none."""
    tone: str = ""
    link: str = ""
    """To what it is about; empty for nowhere."""


@dataclass(frozen=True, kw_only=True)
class History:
    """What the database knows about a session."""

    charging: ChargingSession
    events: list[MeterEvent]
    """Of one page of the timeline, like the frames."""
    frames: list[OcppFrame]
    changes: list[LimitChange]
    payment: Payment | None
    receipt: Receipt | None
    transfers: list[tuple[Transfer, AccountKind, AccountKind]]
    staff: list[tuple[AuditEntry, str | None]]


def timeline(language: Language, history: History, shown: Iterable[Source]) -> list[Entry]:
    """Return the entries of these sources, the oldest first."""
    wanted = set(shown)
    # In the order in which things of the same moment follow from each other.
    makers = {
        Source.STEP: _steps,
        Source.OCPP: _messages,
        Source.METER: _meter,
        Source.MONEY: _money,
        Source.STAFF: _staff,
    }
    entries = [entry for source, make in makers.items() if source in wanted for entry in make(language, history)]
    return sorted(entries, key=lambda entry: entry.at)


def _steps(language: Language, history: History) -> Iterable[Entry]:
    charging, text = history.charging, language.text
    hold = language.money(charging.hold_minor, charging.currency)
    price = price_text(language, Price.from_dict(charging.price))

    def step(at: datetime | None, title: str, sentence: str, tone: str = "") -> list[Entry]:
        return [Entry(at=at, source=Source.STEP, title=title, sentence=sentence, tone=tone)] if at else []

    agreed = text("The driver agreed to {price}; {hold} are held.", price=price, hold=hold)
    yield from step(charging.created_at, text("Agreed"), agreed)
    yield from step(charging.started_at, text("Started"), text("The outlet supplies, by the site's clock."))
    yield from step(charging.stop_requested_at, text("Stop asked"), text("Somebody asked for the session to end."))
    if charging.failure:
        failed = text("The site did not start it: {reason}.", reason=charging.failure)
        yield from step(charging.ended_at, text("Failed"), failed, "bad")
    else:
        why = text(
            "Supply ended: {reason} ({word}).", reason=ended(language, charging), word=charging.end_reason or "–"
        )
        yield from step(charging.ended_at, text("Ended"), why)
    for change in history.changes:
        limit = limit_text(language, change.kind, change.amount, charging.currency)
        asked = text("The driver wants another limit: {limit}.", limit=limit)
        yield from step(change.asked_at, text("Limit"), asked)
        confirmed = text("The outlet has the new limit: {limit}.", limit=limit)
        yield from step(change.confirmed_at, text("Limit"), confirmed)


def _meter(language: Language, history: History) -> Iterable[Entry]:
    text = language.text
    for event in history.events:
        facts = [f"#{event.seq_no}"]
        if event.register_mwh is not None and history.charging.begin_mwh is not None:
            facts.append(language.energy(max(0, event.register_mwh - history.charging.begin_mwh) // 1000))
        if event.power_w is not None:
            facts.append(language.power(event.power_w))
        facts += [word for word in (event.charging_state, event.trigger, event.stopped_reason) if word]
        if event.offline:
            facts.append(text("told later (offline)"))
        late_s = int((event.received_at - event.at).total_seconds())
        if abs(late_s) >= 5:
            facts.append(text("{seconds} s after it happened by the site's clock", seconds=late_s))
        title = text("Meter: {event}", event=event.event_type)
        yield Entry(at=event.received_at, source=Source.METER, title=title, sentence=" · ".join(facts))


def _messages(language: Language, history: History) -> Iterable[Entry]:
    for frame in history.frames:
        yield message_entry(language, frame)


def message_entry(language: Language, frame: OcppFrame) -> Entry:
    """Describe a frame of the journal."""
    inward = frame.direction is Direction.IN
    return Entry(
        at=frame.at,
        source=Source.OCPP,
        title=frame.action or frame.type,
        sentence=_sentence(language, frame),
        arrow="→" if inward else "←",
        raw=_indented(frame.text),
        link=f"/office/frames/{frame.id}",
        tone="bad" if "ERROR" in frame.type or frame.type == "unreadable" else "",
    )


_CALLS = {
    "TransactionEvent": marked("The site tells about the transaction."),
    "RequestStartTransaction": marked("The server asks the site to start."),
    "RequestStopTransaction": marked("The server asks the site to stop."),
    "GetTransactionStatus": marked("The server asks how the transaction stands."),
    "StatusNotification": marked("The site tells the state of an outlet."),
    "Heartbeat": marked("The site says that it is there."),
    "BootNotification": marked("The site has started."),
    "NotifyReport": marked("The site sends a part of its device model."),
    "NotifyEvent": marked("The site tells about a problem."),
}
_ANSWERS = {
    "Accepted": marked("Yes."),
    "Rejected": marked("No."),
    "Scheduled": marked("Yes, later."),
}


def _sentence(language: Language, frame: OcppFrame) -> str:
    if frame.type in {"CALL", "SEND"}:
        known = _CALLS.get(frame.action)
        if known is not None:
            return language.text(known)
        if frame.direction is Direction.IN:
            return language.text("A message of the site.")
        return language.text("A request of the server.")
    if frame.type == "CALLRESULT":
        return language.text(_ANSWERS.get(_status(frame.text), marked("Answered.")))
    if frame.type == "unreadable":
        return language.text("This was no message of OCPP.")
    return language.text("Refused with an error.")


def _status(text: str) -> str:
    try:
        body = json.loads(text)
    except ValueError:
        return ""
    return str(body.get("status", "")) if isinstance(body, dict) else ""


def _indented(text: str) -> str:
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:
        return text


_ACCOUNTS = {
    AccountKind.RECEIVABLE: marked("owed by the driver"),
    AccountKind.ADVANCE: marked("paid before billing"),
    AccountKind.CLEARING: marked("at the payment provider"),
    AccountKind.TEST_CARD: marked("test cards"),
    AccountKind.SUPPLIER: marked("owed to the supplier"),
    AccountKind.SITE_OWNER: marked("owed to the site's owner"),
    AccountKind.FEES: marked("fees of payment providers"),
    AccountKind.DISPUTED: marked("disputed payments"),
    AccountKind.WAIVED: marked("not asked for"),
    AccountKind.DRIVER_BALANCE: marked("driver's balance"),
    AccountKind.FUNDS: marked("money from outside"),
    AccountKind.PROMOTION: marked("given away"),
    AccountKind.EXPIRED: marked("balances that ended"),
    AccountKind.SALES: marked("sales"),
    AccountKind.TAX: marked("tax"),
    AccountKind.POINTS_ISSUED: marked("points given out"),
    AccountKind.DRIVER_POINTS: marked("driver's points"),
}


def account_word(language: Language, kind: AccountKind) -> str:
    """Return what an account is called."""
    return language.text(_ACCOUNTS[kind])


def _amount(language: Language, transfer: Transfer) -> str:
    if transfer.currency == POINTS:
        return number_of(language, transfer.amount_minor)
    return language.money(transfer.amount_minor, transfer.currency)


def _money(language: Language, history: History) -> Iterable[Entry]:
    for transfer, debit, credit in history.transfers:
        yield Entry(
            at=transfer.created_at,
            source=Source.MONEY,
            title=language.text(TRANSFERS.get(transfer.reason, transfer.reason)),
            sentence=f"{_amount(language, transfer)}: "
            f"{account_word(language, debit)} → {account_word(language, credit)}",
        )
    payment = history.payment
    if payment is not None and payment.resolved_at is not None and payment.state is not PaymentState.HELD:
        word = PAYMENTS.get(payment.state)
        yield Entry(
            at=payment.resolved_at,
            source=Source.MONEY,
            title=language.text(PROVIDERS.get(payment.provider, payment.provider)),
            sentence=f"{language.money(payment.captured_minor, payment.currency)}: "
            + (language.text(word) if word is not None else payment.state.value),
        )
    if history.receipt is not None:
        receipt, text = history.receipt, language.text
        energy, amount = language.energy(receipt.billed_wh), language.money(receipt.amount_minor, receipt.currency)
        billed = text("Receipt {number}: {energy}, {amount}.", number=receipt.number, energy=energy, amount=amount)
        yield Entry(at=receipt.issued_at, source=Source.MONEY, title=text("Billed"), sentence=billed)


def _staff(language: Language, history: History) -> Iterable[Entry]:
    for entry, who in history.staff:
        yield Entry(
            at=entry.at,
            source=Source.STAFF,
            title=entry.action,
            sentence=language.text("By {who}.", who=who or "–"),
            raw=json.dumps(entry.details, indent=2, ensure_ascii=False) if entry.details else "",
        )
